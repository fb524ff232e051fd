"""The readers' program: pcscd, its two readers, and a process for each card that lies in one."""

from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
import time
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Final

import pcsc
from virtual_card.card import VirtualCard
from virtual_card.errors import VirtualCardError
from virtual_card.iso7816 import Card, OrderedFaults
from virtual_card.pcsc.desk import PcscDesk
from virtual_card.pcsc.isolation import die_with_parent
from virtual_card.pcsc.kinds import KINDS
from virtual_card.pcsc.layout import (
    FIRST_PORT,
    READER_NAME,
    SLOTS,
    faults_file,
    memory_file,
    pcsc_reader_name,
)
from virtual_card.vpcd import serve

_DRIVERS: Final = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
_SHOWN_WITHIN_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.02
_fork: Final = multiprocessing.get_context("fork")


class ReadersNotUsable(Exception):
    """pcscd or vpcd is missing or does not start."""


def start_pcscd(run_folder: Path) -> subprocess.Popen[bytes]:
    """Start pcscd with vpcd's readers only; returns when both are there. Raises ReadersNotUsable."""
    if not _DRIVERS.exists():
        raise ReadersNotUsable(
            "The reader driver is missing. Install it: apt-get install vsmartcard-vpcd pcscd"
        )
    configuration = run_folder / "reader.conf.d"
    configuration.mkdir(exist_ok=True)
    lines = (
        f'FRIENDLYNAME "{READER_NAME}"',
        f"DEVICENAME /dev/null:0x{FIRST_PORT:04X}",
        f"LIBPATH {_DRIVERS}",
        f"CHANNELID 0x{FIRST_PORT:04X}",
    )
    (configuration / "vpcd").write_text("\n".join(lines) + "\n")
    command = ["pcscd", "--foreground", "--config", str(configuration), *_without_polkit()]
    with (run_folder / "pcscd.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  # a fixed command
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent
        )
    _wait_for_readers(process)
    return process


def _without_polkit() -> list[str]:
    """Newer versions ask polkit who may use a card, which no server has."""
    told = subprocess.run(["pcscd", "--help"], capture_output=True, text=True, check=False)  # noqa: S607
    return ["--disable-polkit"] if "--disable-polkit" in told.stdout + told.stderr else []


def _wait_for_readers(process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SHOWN_WITHIN_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with pcsc.Context() as context:
                if len(context.readers()) == len(SLOTS):
                    return
        except pcsc.errors.PcscError:
            pass
        time.sleep(_PAUSE_SECONDS)
    process.kill()
    raise ReadersNotUsable("pcscd did not start its readers in time; its log lies beside its socket.")


class Readers:
    """Which card's process is at which reader."""

    def __init__(self, desk: PcscDesk) -> None:
        self._desk = desk
        self._running: dict[str, tuple[str, ForkProcess]] = {}
        self._events: dict[str, int] = {}

    def look(self) -> None:
        """Have the readers hold what the desk says; returns when PC/SC shows it."""
        for reader in self._desk.readers():
            serial = reader.card.serial if reader.card else None
            if self._serial_at(reader.position) != serial:
                self._take_out(reader.position)
                if reader.card is not None:
                    self._put_in(reader.position, reader.card)

    def notice_pulled_cards(self) -> None:
        """A card whose process has ended lies in no reader any more."""
        for position, (serial, process) in list(self._running.items()):
            if process.is_alive():
                continue
            self._take_out(position)
            held = self._desk.reader(position).card
            if held is not None and held.serial == serial:
                self._desk.take_note_of_pulling(position)

    def close(self) -> None:
        """End every card's process."""
        for position in list(self._running):
            self._take_out(position, wait=False)

    def _serial_at(self, position: str) -> str | None:
        running = self._running.get(position)
        return running[0] if running and running[1].is_alive() else None

    def _put_in(self, position: str, card: VirtualCard) -> None:
        process = _fork.Process(target=run_card, args=(card, SLOTS[position]), daemon=True)
        process.start()
        self._running[position] = card.serial, process
        self._events[position] = _wait_until_shown(position, present=True)

    def _take_out(self, position: str, *, wait: bool = True) -> None:
        if position not in self._running:
            return
        _, process = self._running.pop(position)
        process.kill()
        process.join()
        if wait:
            # A program whose card is pulled under it makes pcscd show an empty reader before pcscd has looked
            # there itself. One put in by then would never be noticed; a hand is slower.
            _wait_until_shown(position, present=False, after=self._events.get(position))


def run_card(card: VirtualCard, slot: int) -> None:
    """Be the card in that slot, until it is pulled."""
    die_with_parent()
    if os.getppid() == 1:
        return
    faults = OrderedFaults(faults_file(card))
    applet = KINDS[card.profile].applet(memory_file(card), faults)
    with socket.create_connection(("127.0.0.1", FIRST_PORT + slot)) as connection:
        serve(Card(applet, faults), connection)


def _wait_until_shown(position: str, *, present: bool, after: int | None = None) -> int:
    """Return pcscd's count of what came and went there, once it shows that and differs from ``after``."""
    name, deadline = pcsc_reader_name(position), time.monotonic() + _SHOWN_WITHIN_SECONDS
    with pcsc.Context() as context:
        while time.monotonic() < deadline:
            shown = next((reader for reader in context.readers() if reader.name == name), None)
            if shown is not None and shown.has_card == bool(shown.atr) == present and shown.events != after:
                return shown.events
            time.sleep(_PAUSE_SECONDS)
    raise VirtualCardError("The reader does not show what lies in it. Stop and start the readers.")

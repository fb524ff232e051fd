"""A desk with PC/SC readers: pcscd, vpcd and cards in software, private to the test run."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from virtual_card.pcsc import PcscDesk, PcscService

OPENSC = Path("opensc-pkcs11.so")


@pytest.fixture(scope="module")
def pcsc_desk() -> Iterator[PcscDesk]:
    """The desk, its readers empty. This process' PKCS#11 modules use them."""
    service = _readers()
    desk = PcscDesk(service.folder)
    # What a card agent of an earlier file told OpenSC in this process: it locks a card while logged in.
    os.environ.pop("OPENSC_CONF", None)
    with pytest.MonkeyPatch.context() as patched:
        for name, value in service.environment.items():
            patched.setenv(name, value)
        yield desk
    for reader in desk.readers():
        if reader.card is not None:
            desk.remove(reader.position)


@cache
def _readers() -> PcscService:
    """Once in a process: the PC/SC library keeps the first address of pcscd that it reads."""
    folder = Path(tempfile.mkdtemp(prefix="pcsc-desk-"))
    service = PcscService(folder)
    atexit.register(shutil.rmtree, folder)
    atexit.register(service.close)
    return service

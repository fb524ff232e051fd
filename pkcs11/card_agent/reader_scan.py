"""What lies in the readers of this computer: which card each profile drives, and the tokens in them.

All of this runs in a card process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import cryptoki
import pcsc
from card_agent.opensc_settings import use_own_settings
from cryptoki import Module
from cryptoki import errors as cryptoki_errors


@dataclass(frozen=True)
class TokenSeen:
    """A token in a reader, and the card profile by which it is driven."""

    reader: str
    serial: str
    profile: str


@dataclass(frozen=True)
class Scan:
    """What lies in the readers: the tokens, and by profile why its module cannot be used."""

    tokens: tuple[TokenSeen, ...]
    unusable: Mapping[str, str]


def scan(profiles: Sequence[str]) -> Scan:
    """Return the tokens in every reader whose card one of the profiles drives."""
    use_own_settings()
    tokens: list[TokenSeen] = []
    unusable: dict[str, str] = {}
    for name, readers in by_profile(readers_now(), profiles).items():
        try:
            with Module.load(cryptoki.load_card_profiles()[name].module) as module:
                tokens += [seen for seen in _tokens_of(module, name) if seen.reader in readers]
        except cryptoki_errors.CryptokiError as error:
            unusable[name] = str(error)
    return Scan(tuple(tokens), unusable)


def unusable_modules(profiles: Sequence[str]) -> dict[str, str]:
    """Return, by profile, why its module cannot be loaded; nothing for those that can."""
    use_own_settings()
    unusable: dict[str, str] = {}
    for name in profiles:
        try:
            Module.load(cryptoki.load_card_profiles()[name].module).finalize()
        except cryptoki_errors.CryptokiError as error:
            unusable[name] = str(error)
    return unusable


def readers_now() -> list[pcsc.ReaderStatus]:
    """Return the readers with what PC/SC says of them; none when it cannot be asked."""
    with suppress(pcsc.errors.PcscError), pcsc.Context() as context:
        return context.readers()
    return []


def by_profile(readers: Sequence[pcsc.ReaderStatus], profiles: Sequence[str]) -> dict[str, set[str]]:
    """Return, by profile, the names of the readers whose card it drives, by the card's answer to reset."""
    known = cryptoki.load_card_profiles()
    found: dict[str, set[str]] = {}
    for reader in readers:
        name = next((each for each in profiles if reader.atr in known[each].atrs), None)
        if name is not None and reader.atr:
            found.setdefault(name, set()).add(reader.name)
    return found


def _tokens_of(module: Module, profile: str) -> list[TokenSeen]:
    return [
        TokenSeen(slot.description.strip(), slot.token.info.serial, profile)
        for slot in module.slots()
        if slot.token and slot.token.info.serial
    ]

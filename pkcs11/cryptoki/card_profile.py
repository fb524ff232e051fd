"""Card profiles: what is particular to a kind of card, as data (config/card_profiles.toml).

One table a profile. Every key is required, an unknown key is an error, so that a slip is found at start and
not at the desk. What the keys mean, and how a profile is added, stands in docs/card-profiles.md.
"""

from __future__ import annotations

import re
import secrets
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from cryptoki.errors import InvalidCardProfile
from cryptoki.key_spec import KeySpec, KeyTemplate
from cryptoki.profile_table import ProfileTable

DEFAULT_PATH: Final = Path(__file__).parents[2] / "config" / "card_profiles.toml"

_LIBRARIES: Final = Path("/usr/lib")
_found: Final[dict[str, Path]] = {}
_SO_PIN_ALPHABETS: Final[Mapping[str, str]] = {
    "hex": "0123456789abcdef",
    "digits": string.digits,
    "letters-and-digits": string.ascii_letters + string.digits,
}
# The SO PIN opens the card for a new PIN, so it has at least 50 bits: 16 digits.
_WEAKEST_SO_PIN: Final = 16
_Enumeration = TypeVar("_Enumeration", bound=StrEnum)


class PinSetting(StrEnum):
    """How a card that was just initialised gets its holder's PIN."""

    INIT_PIN = "init-pin"
    CHANGE_DEFAULT = "change-default"


class Unblocking(StrEnum):
    """How a locked PIN is set anew."""

    INIT_PIN = "init-pin"
    PUK = "puk"
    NONE = "none"


class SoPinChanging(StrEnum):
    """How a card in use gets another SO PIN."""

    SET_PIN = "set-pin"
    PIV = "piv"
    NONE = "none"


class SoTries(StrEnum):
    """How the card is asked for the tries of its SO PIN that are left."""

    NONE = "none"
    PIV = "piv"
    SMARTCARD_HSM = "smartcard-hsm"


class Writing(StrEnum):
    """Whose login makes keys and writes certificates."""

    USER = "user"
    PIN_AS_SO_PIN = "pin-as-so-pin"


class Attestation(StrEnum):
    """With what the card itself proves where a key was made."""

    NONE = "none"
    PIV = "piv"
    SMARTCARD_HSM = "smartcard-hsm"


@dataclass(frozen=True)
class CardProfile:
    """One kind of card. Lengths in characters.

    Attributes:
        library: the PKCS#11 library: a path, or a name to be found below /usr/lib.
        atrs: answers to reset by which a card in a reader is known; empty for what is in no reader.
        locks_itself: whether the card counts wrong PINs and locks; where it does not, the software around it
            must.
        pin_tries: wrong PINs in a row that lock.
        default_pin: what a card has after C_InitToken, where ``pin_setting`` is CHANGE_DEFAULT.
        default_puk: likewise the PUK, where ``unblocking`` is PUK.
        factory_so_pin: what C_InitToken asks of a card fresh from its maker; empty: it takes any.
        blank_so_pin: what clearing leaves on the card; empty where a card cannot be cleared with its SO PIN.
        blank_objects: what its module lists on a card that holds nothing of anybody's: class and CKA_ID.
        so_pin_escrow: whether the registration authority keeps the SO PIN.
        certificate_label: of those certificate objects that are the holder's.
        template: the key attributes to set and to leave out.
        provenance_required: whether keys without the card's own proof get no certificate.
        back_number: how the number on the card's back is written: N for a digit, A for a letter or digit,
            anything else as it stands.
    """

    name: str
    description: str
    library: str
    atrs: tuple[bytes, ...]
    pin_minimum: int
    pin_maximum: int
    locks_itself: bool
    pin_tries: int
    pin_setting: PinSetting
    default_pin: str
    unblocking: Unblocking
    default_puk: str
    so_pin_alphabet: str
    so_pin_length: int
    factory_so_pin: str
    blank_so_pin: str
    blank_objects: frozenset[str]
    so_pin_escrow: bool
    so_pin_changing: SoPinChanging
    so_tries: SoTries
    writing: Writing
    key_types: tuple[KeySpec, ...]
    certificate_label: re.Pattern[str]
    template: KeyTemplate
    attestation: Attestation
    provenance_required: bool
    back_number: str

    @property
    def module(self) -> Path:
        """The library's path; its mere name when it is not installed."""
        return _located(self.library)

    def random_so_pin(self) -> str:
        """A new SO PIN in the form that the card takes."""
        return "".join(secrets.choice(self.so_pin_alphabet) for _ in range(self.so_pin_length))

    @property
    def in_reader(self) -> bool:
        """Whether such cards lie in a PC/SC reader."""
        return bool(self.atrs)


def load_card_profiles(path: Path = DEFAULT_PATH) -> Mapping[str, CardProfile]:
    """The profiles in the file, by name. Raises InvalidCardProfile, saying which key of which profile.

    A file that has not changed is not read again, for as long as the process lives.
    """
    try:
        return _profiles(path, path.stat().st_mtime_ns)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InvalidCardProfile(f"{path} cannot be read: {error}") from error


@lru_cache(maxsize=4)
def _profiles(path: Path, changed_at: int) -> Mapping[str, CardProfile]:
    tables = tomllib.loads(path.read_text())
    if not tables:
        raise InvalidCardProfile(f"{path} has no profile.")
    return MappingProxyType({name: _profile(name, table) for name, table in tables.items()})


def profile_of_atr(profiles: Mapping[str, CardProfile], atr: bytes) -> CardProfile | None:
    """The profile of a card in a reader; None for an unknown card."""
    return next((profile for profile in profiles.values() if atr in profile.atrs), None)


def _profile(name: str, table: Any) -> CardProfile:
    reader = ProfileTable(name, table)
    profile = CardProfile(
        name=name,
        description=reader.text("description"),
        library=reader.text("module"),
        atrs=reader.octets("atrs"),
        pin_minimum=reader.number("pin_minimum", at_least=4),
        pin_maximum=reader.number("pin_maximum", at_least=4),
        locks_itself=reader.flag("locks_itself"),
        pin_tries=reader.number("pin_tries", at_least=1),
        pin_setting=reader.choice("pin_setting", _by_name(PinSetting)),
        default_pin=reader.optional_text("default_pin"),
        unblocking=reader.choice("unblocking", _by_name(Unblocking)),
        default_puk=reader.optional_text("default_puk"),
        so_pin_alphabet=reader.choice("so_pin_format", _SO_PIN_ALPHABETS),
        so_pin_length=reader.number("so_pin_length", at_least=_WEAKEST_SO_PIN),
        factory_so_pin=reader.optional_text("factory_so_pin"),
        blank_so_pin=reader.optional_text("blank_so_pin"),
        blank_objects=frozenset(reader.texts("blank_objects")),
        so_pin_escrow=reader.flag("so_pin_escrow"),
        so_pin_changing=reader.choice("so_pin_changing", _by_name(SoPinChanging)),
        so_tries=reader.choice("so_tries", _by_name(SoTries)),
        writing=reader.choice("writing", _by_name(Writing)),
        key_types=reader.key_types("key_types"),
        certificate_label=reader.pattern("certificate_label"),
        template=reader.template(),
        attestation=reader.choice("attestation", _by_name(Attestation)),
        provenance_required=reader.flag("provenance_required"),
        back_number=reader.text("back_number"),
    )
    reader.finish()
    _require_sense(profile)
    return profile


def _located(library: str) -> Path:
    """Where the library of that name is installed, on any architecture; the name itself when it is not.

    Looked for again as long as it is not found: it may be installed while the program runs.
    """
    if "/" in library:
        return Path(library)
    if library not in _found:
        # Debian 13 has some of them only in the folder where p11-kit looks.
        patterns = (f"*/{library}", f"*/pkcs11/{library}")
        found = [path for pattern in patterns for path in sorted(_LIBRARIES.glob(pattern))]
        if not found:
            return Path(library)
        _found[library] = found[0]
    return _found[library]


def _require_sense(profile: CardProfile) -> None:
    """What no key can be wrong about alone."""
    wrong = {
        "pin_minimum is greater than pin_maximum": profile.pin_minimum > profile.pin_maximum,
        "default_pin is needed for pin_setting change-default": (
            profile.pin_setting is PinSetting.CHANGE_DEFAULT and not profile.default_pin
        ),
        "default_puk is needed for unblocking puk": (
            profile.unblocking is Unblocking.PUK and not profile.default_puk
        ),
        "provenance_required needs an attestation": (
            profile.provenance_required and profile.attestation is Attestation.NONE
        ),
    }
    for sentence, is_wrong in wrong.items():
        if is_wrong:
            raise InvalidCardProfile(f"{profile.name}: {sentence}.")


def _by_name(choices: type[_Enumeration]) -> Mapping[str, _Enumeration]:
    return {choice.value: choice for choice in choices}

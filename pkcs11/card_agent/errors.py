"""The card agent's one family of errors.

    CardAgentError
    ├── Refusal       a rule or the card says no: a stable code and a sentence that says what to do
    └── Unavailable   something is down (the site, a card, the port): what, and what to do

The pages show the message. A message never holds a PIN, because no error is made from one.
"""

from __future__ import annotations

from typing import ClassVar


class CardAgentError(Exception):
    """Base of everything the card agent raises on purpose."""

    code: ClassVar[str] = "card_agent"

    def facts(self) -> dict[str, int]:
        """Return what rebuilds the error on the other side of a pipe, besides its message."""
        return {}


class Refusal(CardAgentError):
    """A rule or the card says no."""

    code = "refused"


class Unavailable(CardAgentError):
    """Something the agent needs is down."""

    code = "unavailable"


class SettingsUnusable(CardAgentError):
    """The settings file is missing, cannot be read, or a key in it is unknown or wrong."""

    code = "settings_unusable"


class PortTaken(Unavailable):
    """Another program listens on the agent's port."""

    code = "port_taken"


# Requests that do not come from where they should (notes: DNS rebinding, cross-site requests, replay).


class RequestRefused(Refusal):
    """The request did not come the way a person's own browser brings it. ``status`` is the HTTP status."""

    code = "request_refused"

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class OriginNotAllowed(Refusal):
    """The site that sent the browser here is not in the agent's settings."""

    code = "origin_not_allowed"


class PageExpired(Refusal):
    """A form value is unknown, was used already or is too old."""

    code = "page_expired"


# The card.


class PinIncorrect(Refusal):
    """The card refused the PIN. ``tries_left`` is how many tries it still allows."""

    code = "pin_incorrect"

    def __init__(self, message: str, tries_left: int) -> None:
        super().__init__(message)
        self.tries_left = tries_left

    def facts(self) -> dict[str, int]:
        """Return the number of tries left."""
        return {"tries_left": self.tries_left}

    @classmethod
    def with_tries_left(cls, tries_left: int) -> PinIncorrect:
        """Return the refusal with its sentence. ``tries_left`` is at least 1; at 0 the card is locked."""
        tries = "try" if tries_left == 1 else "tries"
        return cls(f"Wrong PIN. You have {tries_left} {tries} left.", tries_left)


class PinLocked(Refusal):
    """The card refuses every PIN until it is unblocked."""

    code = "pin_locked"

    SENTENCE: ClassVar[str] = (
        "This card is locked, because a wrong PIN was entered three times. "
        "Take the card to your registration authority to have it unlocked, or unlock it yourself: "
        "the site's sign-in page leads there."
    )


class PinImpossible(Refusal):
    """The PIN has a length that no PIN of the card has. Nothing was tried."""

    code = "pin_impossible"

    SENTENCE: ClassVar[str] = "This PIN has too few or too many digits for the card. No try was used."


class LastTry(Refusal):
    """One try is left, and it is not used without a second person's consent. Nothing was tried."""

    code = "last_try"

    SENTENCE: ClassVar[str] = (
        "Your card allows one more try of the PIN, and a wrong one locks it. Nothing was tried. "
        "To use the last try, somebody else must agree: choose “Use the last try” on the page of the desk. "
        "If you do not know your PIN, have your registration authority unlock the card."
    )


class SoLastTry(LastTry):
    """One try of the SO PIN is left, and it is not used without a second person's consent."""

    code = "so_last_try"

    SENTENCE: ClassVar[str] = (
        "This card allows one more try of its SO PIN, and a wrong one makes it useless for ever. "
        "Nothing was tried. To use the last try, somebody else must agree: choose “Agree to the last try of "
        "the SO PIN” on the page of the desk, then go on. Or issue another card."
    )


class UnlockLastTry(SoLastTry):
    """The same while a card is unlocked, in words for its holder too, who need not know what an SO PIN is."""

    code = "unlock_last_try"

    SENTENCE: ClassVar[str] = (
        "Only one try of unlocking this card is left, and if it fails the card is useless for ever. "
        "Nothing was tried. To use the last try, somebody else must agree: choose “Agree to the last try of "
        "unlocking” on the page of the desk, then go on. Or have another card issued."
    )


class CardRemoved(Refusal):
    """The card was taken out of the reader while it was needed."""

    code = "card_removed"


class CardMissing(Refusal):
    """A card that is needed is in neither reader."""

    code = "card_missing"


class WrongCard(Refusal):
    """The card in the reader is not the one this is about, or may not be used for it."""

    code = "wrong_card"


class BegunElsewhere(Refusal):
    """The card was begun by a desk that was stopped, and the PIN is not the one that was chosen there."""

    code = "begun_elsewhere"

    SENTENCE: ClassVar[str] = (
        "This card was begun by a desk that was stopped, and has another PIN. "
        "Go on with the PIN that was chosen then; or undo this issuance on the site and begin a new one "
        "with another card."
    )


class KeysNotOnCard(Refusal):
    """The certificates were made for keys that the card does not hold."""

    code = "keys_not_on_card"


class CardFault(Unavailable):
    """The card or its module failed in a way that is not a refusal."""

    code = "card_fault"


class SoPinRefused(CardFault):
    """The card took none of the SO PINs that it may have."""

    code = "so_pin_refused"


class ReadersUnavailable(Unavailable):
    """The readers of this computer cannot be asked."""

    code = "readers_unavailable"

    NO_SERVICE: ClassVar[str] = (
        "The smartcard service of this computer (pcscd) does not answer. "
        "Start it, or have your IT service desk start it, then load this page again."
    )
    NO_LIBRARY: ClassVar[str] = (
        "This computer has no smartcard software (libpcsclite). "
        "Have your IT service desk install pcscd, then start the card agent again."
    )


# The job.


class JobRefused(Refusal):
    """The site refused a call about the job; the message is the site's own. ``site_code`` is its code."""

    code = "job_refused"

    def __init__(self, message: str, site_code: str = "refused") -> None:
        super().__init__(message)
        self.site_code = site_code


class JobUnusable(Refusal):
    """The job cannot be done at this desk (kind, key type, or the holder is the operator)."""

    code = "job_unusable"


class DocumentRefused(Refusal):
    """What a site wants signed is not of a known kind, or would not be shown whole."""

    code = "document_refused"


class SiteUnavailable(Unavailable):
    """The site did not answer, or its TLS certificate is not the expected one."""

    code = "site_unavailable"


class DeskBusy(Refusal):
    """The desk is issuing another card."""

    code = "desk_busy"


class EscrowKeyDiffers(Refusal):
    """The site sent another key for SO PINs than the settings name."""

    code = "escrow_key_differs"


_CROSSING: tuple[type[CardAgentError], ...] = (
    PinLocked,
    PinImpossible,
    LastTry,
    SoLastTry,
    UnlockLastTry,
    CardRemoved,
    CardMissing,
    WrongCard,
    BegunElsewhere,
    KeysNotOnCard,
    SoPinRefused,
    ReadersUnavailable,
    Refusal,
)


ABOUT_THE_PIN: tuple[type[CardAgentError], ...] = (PinIncorrect, PinLocked, PinImpossible)
"""What belongs to the field in which the PIN was typed."""


def crossing_a_pipe(code: str, message: str, facts: dict[str, int]) -> CardAgentError:
    """Return the error that a card process reported as ``code``, ``message`` and ``facts``."""
    if code == PinIncorrect.code:
        return PinIncorrect(message, **facts)
    known = {kind.code: kind for kind in _CROSSING}
    return known.get(code, CardFault)(message)

"""Why a card sign-in is refused: one class each.

The full reason goes to the audit. What the person is told is one constant sentence, so that an attacker
learns nothing from it; only the state of the person's own card, once its signature is proven, is told.
"""

from __future__ import annotations

from app.errors import Refusal

SIGN_IN_DID_NOT_WORK = (
    "Your card could not be used to sign in. Start again; if it happens again, "
    "ask your registration authority for help."
)
_EXPIRED = (
    "This card has expired, so you cannot sign in with it. Take it to your registration authority, who can "
    "renew it with you, or have two colleagues vouch for you with their own cards. The card keeps its PIN."
)


class SignInRefused(Refusal):
    """A card sign-in is refused.

    Attributes:
        reason: everything that is known, for the audit.
        uid: the card's holder, once known.
        card_serial: the card, once known.
    """

    code = "sign_in_refused"
    told = SIGN_IN_DID_NOT_WORK

    def __init__(self, reason: str, *, uid: str = "", card_serial: str = "") -> None:
        super().__init__(self.told)
        self.reason = reason
        self.uid = uid
        self.card_serial = card_serial


class TooManySignIns(SignInRefused):
    """The browser session or network address tries too often."""

    code = "too_many_sign_ins"
    told = "There were too many tries to sign in. Wait five minutes, then start again."


class NoSignInPending(SignInRefused):
    """This browser has not asked for a sign-in, or it was answered already, or it is too old."""

    code = "no_sign_in_pending"
    told = (
        "This browser has no sign-in under way: it may have taken longer than five minutes, or was begun in "
        "another browser. Start again from the sign-in page."
    )


class TokenTooLong(SignInRefused):
    """The token is longer than any real one."""

    code = "token_too_long"


class TokenMalformed(SignInRefused):
    """The token is not what the format says."""

    code = "token_malformed"


class TokenFormatNotSupported(SignInRefused):
    """The token is of another format than web-eid 1."""

    code = "token_format_not_supported"


class TokenAlgorithmNotSupported(SignInRefused):
    """The signature algorithm is not one we accept, or does not fit the key."""

    code = "token_algorithm_not_supported"


class CertificateUnreadable(SignInRefused):
    """The certificate cannot be parsed."""

    code = "certificate_unreadable"


class CertificateNotOurs(SignInRefused):
    """The certificate was not issued by our authentication CA."""

    code = "certificate_not_ours"


class IssuingCertificateNotValid(SignInRefused):
    """The issuing CA's or the root's certificate is not valid at this time."""

    code = "issuing_certificate_not_valid"


class IssuingCertificateRevoked(SignInRefused):
    """The root has revoked the issuing CA's certificate."""

    code = "issuing_certificate_revoked"


class IssuingCertificateStatusUnknown(SignInRefused):
    """It cannot be told whether the root has revoked the issuing CA: its list is missing or not believed."""

    code = "issuing_certificate_status_unknown"


class CertificateNotYetValid(SignInRefused):
    """The certificate's validity begins later."""

    code = "certificate_not_yet_valid"


class CertificateHasExpired(SignInRefused):
    """The certificate's validity has ended."""

    code = "certificate_expired"
    told = _EXPIRED


class CertificateNotForSignIn(SignInRefused):
    """The certificate is for another purpose than client authentication."""

    code = "certificate_not_for_sign_in"


class SignatureWrong(SignInRefused):
    """The signature is not over this site's origin and this browser's nonce."""

    code = "signature_wrong"


class CertificateUnknown(SignInRefused):
    """The certificate is not in our own register."""

    code = "certificate_unknown"


class CertificateRevoked(SignInRefused):
    """The certificate is revoked, though its card is not reported."""

    code = "certificate_revoked"
    told = "This card can no longer be used. Ask your registration authority for a new one."


class CertificateNotActive(SignInRefused):
    """The certificate is issued, but its card was never handed over."""

    code = "certificate_not_active"
    told = "This card is not ready for use yet. Finish its issuing at the registration authority."


class CardReportedLost(SignInRefused):
    """The card was reported lost."""

    code = "card_reported_lost"
    told = (
        "This card was reported lost and cannot be used any more. Hand it to your registration authority "
        "and ask for a new one."
    )


class CardReportedStolen(SignInRefused):
    """The card was reported stolen."""

    code = "card_reported_stolen"
    told = (
        "This card was reported stolen and cannot be used any more. Hand it to your registration authority "
        "and ask for a new one."
    )


class CardIsCancelled(SignInRefused):
    """The card was cancelled or is out of use for good."""

    code = "card_cancelled"
    told = "This card was cancelled. Ask your registration authority for a new one."


class CardIsSuspended(SignInRefused):
    """The card is suspended."""

    code = "card_suspended"
    told = "This card is suspended. Ask your registration authority why, and to make it active again."


class CardHasExpired(SignInRefused):
    """The card's certificates have ended."""

    code = "card_expired"
    told = _EXPIRED


class CardNotYetUsable(SignInRefused):
    """The card was made for somebody who starts on a later day."""

    code = "card_not_yet_usable"
    told = "This card can be used from your first day only. Sign in again on that day."


class CardNotActive(SignInRefused):
    """The card is in a state in which it does not sign in."""

    code = "card_not_active"
    told = "This card is not active. Ask your registration authority what to do with it."


class HolderNotActive(SignInRefused):
    """The card's holder is no longer on the register."""

    code = "holder_not_active"
    told = "Your profile is closed. Ask your registration authority to open it again."

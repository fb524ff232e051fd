"""A second person's consent to the last try of a card's PIN, as the card agent sends it."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.approval import ApprovalNotValid, facts_from_untrusted

LAST_TRY_CONSENT_STATEMENT = "spine-ra/last-try-consent/1"
_FACTS = ("card_serial", "secret", "holder", "second", "origin", "signed_at")
_SECRETS = ("pin", "so-pin")


@dataclass(frozen=True)
class LastTryConsent:
    """Who agrees to the last try of which card.

    Attributes:
        secret: ``pin`` or ``so-pin``: whose last try it is.
        holder: the card holder's 12-digit user id.
        second: that of the person who agrees.
        origin: the site's, so that a consent for one site is none for another.
        signed_at: ISO 8601, UTC.
    """

    card_serial: str
    secret: str
    holder: str
    second: str
    origin: str
    signed_at: str


def consent_from_untrusted(statement: bytes, origin: str) -> LastTryConsent:
    """The consent, when it is exactly canonical, for this site, and of somebody else than the holder.

    Raises:
        ApprovalNotValid
    """
    consent = LastTryConsent(**facts_from_untrusted(statement, LAST_TRY_CONSENT_STATEMENT, _FACTS))
    if consent.secret not in _SECRETS:
        raise ApprovalNotValid("The consent was not accepted: it is neither for the PIN nor for the SO PIN.")
    if consent.origin != origin:
        raise ApprovalNotValid("The consent was not accepted: it is for another site.")
    if consent.second == consent.holder:
        raise ApprovalNotValid("The consent was not accepted: somebody else than the card holder must agree.")
    return consent

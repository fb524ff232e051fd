"""Keeping who agreed that the last try of a card's PIN is used.

The card agent asks for this before it lets anybody use the last try. A consent that the second person's own
card signed is verified; one that was confirmed by word says only who was named, and is kept as that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.domain.approval import ApprovalNotValid, require_signed_recently
from app.domain.certificate_order import SignedApproval
from app.domain.last_try_consent import LastTryConsent, consent_from_untrusted
from app.domain.person import PersonStatus
from app.ra.approving import verified_signer
from app.ra.desk_access import STRANGER
from app.ra.ports import Database, Work


@dataclass(frozen=True)
class Proof:
    """The second person's signature over the statement, and the certificate (DER) of the signing key."""

    signature: bytes
    certificate: bytes


class AgreeingToLastTries:
    """Records consents for the site of that ``origin``."""

    def __init__(self, database: Database, origin: str) -> None:
        self._database = database
        self._origin = origin

    def record(self, statement: bytes, proof: Proof | None, address: str) -> None:
        """Verify the consent and keep it in the audit.

        Raises:
            ApprovalNotValid: it says something else, is too old, or is not signed by whom it names.
        """
        consent = consent_from_untrusted(statement, self._origin)
        with self._database.audited(
            replace(STRANGER, address=address),
            "card.last_try_agreed",
            consent.holder,
            card=consent.card_serial,
            secret=consent.secret,
            second=consent.second,
            signed=proof is not None,
        ) as work:
            require_signed_recently(consent, work.now)
            _require_holders_card(work, consent)
            if proof is None:
                _require_known(work, consent.second)
            else:
                approval = SignedApproval(statement, proof.signature, proof.certificate)
                _require_signed_by(work, consent.second, approval)


def _require_signed_by(work: Work, uid: str, approval: SignedApproval) -> None:
    if verified_signer(work, approval).uid != uid:
        raise ApprovalNotValid("The consent was not accepted: it is signed by somebody else than it names.")


def _require_holders_card(work: Work, consent: LastTryConsent) -> None:
    card = work.cards.get(consent.card_serial)
    if card is None or card.holder_uid != consent.holder:
        raise ApprovalNotValid("The consent was not accepted: this is not the card of that holder.")


def _require_known(work: Work, uid: str) -> None:
    """One sentence for nobody and for somebody who left: it tells nobody who works here."""
    person = work.people.get(uid)
    if person is None or person.status is not PersonStatus.ACTIVE:
        raise ApprovalNotValid("The consent was not accepted: the second person's user id is not in use.")

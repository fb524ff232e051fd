"""The operator's signed approval: verified here, kept with the issuance, and verified again by the CA."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography import x509

from app.domain.approval import (
    ApprovalNotValid,
    ApprovalStatement,
    require_signed_recently,
    statement_from_untrusted,
    verify_approval,
)
from app.domain.card import Card, CardStatus, require_blank
from app.domain.certificate import CardCertificate, CertificateStatus
from app.domain.certificate_order import CertificatePurpose, SignedApproval, serial_number_text
from app.domain.issuance import CardIssuance, require_other_operator
from app.domain.stock import DESK, UndeliveredCards, require_delivered, require_in_stock
from app.domain.stock_take import FindingKind
from app.ra.finding import require_person
from app.ra.ports import Work
from app.ra.requesting import require_active


def verified_statement(
    work: Work, issuance: CardIssuance, approval: SignedApproval, origin: str, card_profile: str
) -> ApprovalStatement:
    """What the operator approved, once every part of it was verified.

    Raises:
        ApprovalNotValid, CannotIssueToOneself, PersonClosed
    """
    statement = statement_from_untrusted(approval.statement)
    holder = require_person(work, issuance.uid)
    require_active(holder)
    require_other_operator(statement.operator_uid, issuance.uid)
    _require_says(statement, issuance, holder.name, origin, card_profile)
    require_signed_recently(statement, work.now)
    _verify_signed_by_operator(work, issuance, approval)
    return statement


def _require_says(
    statement: ApprovalStatement, issuance: CardIssuance, holder_name: str, origin: str, card_profile: str
) -> None:
    said: dict[str, tuple[object, object]] = {
        "the issuance": (statement.issuance_id, issuance.id),
        "the holder": (statement.holder_uid, issuance.uid),
        "the holder's name": (statement.holder_name, holder_name),
        "the operator": (statement.operator_uid, issuance.operator_uid),
        "the site": (statement.origin, origin),
        "the kind of card": (statement.card_profile, card_profile),
        "how long the card works": (statement.temporary_hours, issuance.terms.temporary_hours),
    }
    require_all_as_known(said)


def require_all_as_known(said: Mapping[str, tuple[object, object]]) -> None:
    """Refuse a statement that says something else than is known: by what it is about, (said, known).

    Raises:
        ApprovalNotValid
    """
    wrong = [what for what, (claimed, known) in said.items() if claimed != known]
    if wrong:
        raise ApprovalNotValid(
            f"The approval was not accepted: it differs in {wrong[0]}. Open the job again and approve it."
        )


def _verify_signed_by_operator(work: Work, issuance: CardIssuance, approval: SignedApproval) -> None:
    if verified_signer(work, approval).uid != issuance.operator_uid:
        raise ApprovalNotValid(
            "The approval was not accepted: it must be signed with the card of the operator who began this."
        )


def verified_signer(work: Work, approval: SignedApproval) -> CardCertificate:
    """Our own record of the certificate that signed, once signature, dates and card are verified.

    Raises:
        ApprovalNotValid
    """
    certificate = _signers_certificate(work, approval.certificate)
    public_key = x509.load_der_x509_certificate(certificate.der).public_key()
    verify_approval(public_key, approval.signature, approval.statement)
    return certificate


def _signers_certificate(work: Work, unverified: bytes) -> CardCertificate:
    """Our own record of the certificate; what the desk sent only says which one."""
    known = work.certificates.get(_serial_number_from_untrusted(unverified))
    if known is None or known.der != unverified:
        raise ApprovalNotValid("The approval was not accepted: we did not issue that certificate.")
    if known.purpose is not CertificatePurpose.CONTENT_COMMITMENT:
        raise ApprovalNotValid(
            "The approval was not accepted: it must be signed with the card's signing key."
        )
    if known.status is not CertificateStatus.ACTIVE or not known.not_before <= work.now <= known.not_after:
        raise ApprovalNotValid("The approval was not accepted: the signer's certificate is not valid now.")
    _require_working_card(work, known)
    return known


def _serial_number_from_untrusted(unverified: bytes) -> str:
    try:
        return serial_number_text(x509.load_der_x509_certificate(unverified).serial_number)
    except (ValueError, x509.InvalidVersion):
        raise ApprovalNotValid("The approval was not accepted: its certificate cannot be read.") from None


def _require_working_card(work: Work, certificate: CardCertificate) -> None:
    card = work.cards.get(certificate.card_serial)
    if card is None or not card.works_on(work.now.date()):
        raise ApprovalNotValid("The approval was not accepted: the signer's card does not work any more.")


def bind_card(
    work: Work, serial: str, card_profile: str, issuance: CardIssuance, undelivered: UndeliveredCards
) -> None:
    """Set the blank card aside for the holder; one that no delivery brought is recorded as unexpected.

    Raises:
        CardNotBlank, CardNotDelivered, CardNotInStock
    """
    known = work.cards.get_to_change(serial)
    if known is None:
        require_delivered(serial, undelivered)
        card = _presented(work, serial, card_profile)
    else:
        card = known
        require_blank(card)
        require_in_stock(serial, work.stock.place_of(serial), is_missed=work.stock_findings.is_missed(serial))
    terms = issuance.terms
    work.cards.assign(card, issuance.uid, is_temporary=terms.is_temporary, usable_from=terms.usable_from)


def _presented(work: Work, serial: str, card_profile: str) -> Card:
    """A card that no delivery brought: in the ledger it comes to the desk now, and somebody decides on it."""
    card = Card(serial, card_profile, None, CardStatus.STOCK, work.now)
    work.cards.add(card)
    work.stock_findings.add([(FindingKind.UNEXPECTED, serial)], DESK, work.actor.uid)
    return card

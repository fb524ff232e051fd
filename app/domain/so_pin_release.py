"""Releasing a card's SO PIN from escrow: what is ordered, what is signed for it, and what lies in escrow.

An SO PIN is random, one card's alone, and wrapped to a key in the certificate authority's token. It is
released to one desk, for one job, wrapped to a key that this desk has just made.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

from app.domain.actor import Actor
from app.domain.approval import canonical_statement, facts_from_untrusted
from app.domain.card import Card
from app.domain.card_status import LIVE, CardStatus
from app.domain.certificate_order import SignedApproval
from app.domain.permission import Permission
from app.domain.renewal_statement import SignedAs

SO_PIN_RELEASE_STATEMENT = "spine-ra/so-pin-release/1"


class ReleaseBasis(StrEnum):
    """What a release rests on."""

    OPERATOR = "operator"
    COLLEAGUES = "colleagues"
    CODE = "code"
    OFFLINE = "offline"
    EXPORT = "export"
    HOLDER = "holder"


#: As what somebody signs, where it is not as an operator.
SIGNED_AS = {ReleaseBasis.COLLEAGUES: SignedAs.COLLEAGUE, ReleaseBasis.HOLDER: SignedAs.HOLDER}


@dataclass(frozen=True)
class ReleaseStatement:
    """What one signer says. Each attribute is a fact of the statement, under its own name.

    Attributes:
        job: id of the card job.
        purpose: what the SO PIN is released for: the kind of the job.
        reason: why it is exported; empty for every other purpose.
        holder, holder_name: the card's holder.
        card_serial: the card.
        recipient_key: SHA-256 of the SubjectPublicKeyInfo that the SO PIN is wrapped to, hexadecimal.
        signer: user id of whoever signs.
        signed_as: ``operator``, ``colleague``, or ``holder`` of their own card.
        origin: the site.
        signed_at: UTC, ISO 8601.
    """

    job: str
    purpose: str
    reason: str
    holder: str
    holder_name: str
    card_serial: str
    recipient_key: str
    signer: str
    signed_as: str
    origin: str
    signed_at: str

    def canonical(self) -> bytes:
        """The bytes that are signed."""
        return canonical_statement(SO_PIN_RELEASE_STATEMENT, {name: getattr(self, name) for name in _FACTS})


_FACTS = tuple(field.name for field in fields(ReleaseStatement))


def release_statement_from_untrusted(statement: bytes) -> ReleaseStatement:
    """The statement, when it is exactly canonical and of our type.

    Raises:
        ApprovalNotValid
    """
    return ReleaseStatement(**facts_from_untrusted(statement, SO_PIN_RELEASE_STATEMENT, _FACTS))


@dataclass(frozen=True)
class SoPinReleaseOrder:
    """An order to release a card's SO PIN.

    Attributes:
        job_id: the open job on record.
        basis: what it rests on; the signatures must fit it.
        recipient_key: SubjectPublicKeyInfo, DER, of the desk's key (RSA).
        approvals: statements of type ``spine-ra/so-pin-release/1``; none when the basis is a code.
        reason: why it is exported, as both signed it; empty for every other basis.
    """

    job_id: str
    holder_uid: str
    card_serial: str
    basis: ReleaseBasis
    recipient_key: bytes
    approvals: tuple[SignedApproval, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class SoPinOutcome:
    """Whether a card got another SO PIN after a desk had its present one; if not, why."""

    is_changed: bool
    reason: str = ""


#: The card can be at hand and has an SO PIN in escrow.
EXPORTABLE = LIVE | {CardStatus.EXPIRED, CardStatus.CANCELLED, CardStatus.DAMAGED, CardStatus.FAULTY}


def may_export(actor: Actor, card: Card) -> bool:
    """Whether the actor may begin to export the card's SO PIN: never of their own card."""
    return (
        card.holder_uid not in (None, actor.uid)
        and card.status in EXPORTABLE
        and Permission.EXPORT_SO_PIN in actor.permissions
    )


def escrowed_text(card_serial: str, so_pin: str) -> bytes:
    """What is wrapped to the escrow key: the SO PIN with its card, so that it serves for no other one."""
    return f"{card_serial}:{so_pin}".encode()


def so_pin_of(plaintext: bytes, card_serial: str) -> bytes | None:
    """The SO PIN in what was unwrapped, or None when it is another card's."""
    serial, found, so_pin = plaintext.rpartition(b":")
    return so_pin if found and serial == card_serial.encode() else None

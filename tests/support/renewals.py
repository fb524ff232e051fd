"""Renewals for tests: a card in memory that makes new keys beside the old, and the desk that works on it."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import update

from app.domain.actor import Actor
from app.domain.certificate_order import SignedApproval
from app.domain.renewal_job import Signing
from app.domain.renewal_statement import RenewalStatement
from app.storage.tables.cards import certificate
from tests.support.registration_authority import (
    ORIGIN,
    DeskCard,
    Office,
    RegistrationAuthority,
    csr,
    raw_signature,
)


def let_certificates_end(office: Office, card: DeskCard, at: datetime) -> None:
    """As our own register knows them: the certificate in the card goes on saying what it says."""
    with office.ra.database.change() as work:
        this = certificate.c.card_serial == card.serial
        work.connection.execute(update(certificate).where(this).values(not_after=at))


def soon(days: float = 30) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def fingerprint(key: ec.EllipticCurvePrivateKey) -> str:
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return sha256(spki).hexdigest()


@dataclass
class RenewalDesk:
    """Works on one renewal, one call at a time, as a card agent does. ``new`` is the second set of keys."""

    ra: RegistrationAuthority
    job_id: str
    actor: Actor
    new: DeskCard = field(default_factory=lambda: DeskCard("new"))

    def __post_init__(self) -> None:
        claimed = self.ra.collecting_jobs.claim(self.ra.following_jobs.ticket(self.actor, self.job_id))
        self.job, self.job_token = dict(claimed.job), claimed.job_token
        self.at_desk = self.ra.renewing_at_desk

    def present_keys(self) -> None:
        self.at_desk.present_keys(
            self.job_token,
            self.job_id,
            authentication_csr=csr(self.new.authentication),
            content_commitment_csr=csr(self.new.content_commitment),
            provenance={"authentication": {"local": True}},
        )

    def statement(self, signer_uid: str) -> RenewalStatement:
        holder = self.job["holder"]
        assert isinstance(holder, dict)
        return RenewalStatement(
            renewal=self.job_id,
            holder=holder["uid"],
            holder_name=holder["name"],
            card_serial=str(self.job["card_serial"]),
            replaces=str(self.job["replaces"]),
            authentication_key=fingerprint(self.new.authentication),
            content_commitment_key=fingerprint(self.new.content_commitment),
            signer=signer_uid,
            signed_as=str(self.job["signed_as"]),
            origin=ORIGIN,
            signed_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )

    def approval(self, signer: Actor, card: DeskCard, **changes: str) -> SignedApproval:
        statement = replace(self.statement(signer.uid), **changes).canonical()
        signature = raw_signature(card.content_commitment, statement)
        return SignedApproval(statement, signature, card.certificates["content_commitment"])

    def sign(self, signer: Actor, card: DeskCard, **changes: str) -> None:
        self.at_desk.sign(self.job_token, self.job_id, self.approval(signer, card, **changes))

    def certify(self) -> str:
        """Have the new keys certified and write the certificates; the completion nonce."""

        message = self.at_desk.certify(self.job_token, self.job_id)
        for name in ("authentication", "content_commitment"):
            self.new.certificates[name] = b64decode(str(message[name]))
        return str(message["completion_nonce"])

    def complete(self, nonce: str) -> None:
        self.at_desk.complete(
            self.job_token,
            self.job_id,
            read_back=self.new.read_back(),
            proof=raw_signature(self.new.authentication, nonce.encode()),
        )

    def finish(self) -> None:
        self.at_desk.finish(self.job_token, self.job_id)


def own_renewal(office: Office, holder: Actor, card: DeskCard) -> RenewalDesk:
    return RenewalDesk(office.ra, office.ra.renewing.begin_own(holder, card.serial), holder)


def renewal_by(office: Office, operator: Actor, card: DeskCard, signing: Signing) -> RenewalDesk:
    return RenewalDesk(office.ra, office.ra.renewing.begin(operator, card.serial, signing), operator)

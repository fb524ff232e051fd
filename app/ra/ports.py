"""What the registration authority needs from outside: transactions, the certificate authority, photos."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from app.domain.actor import Actor
from app.domain.audit_event import AuditEvent
from app.domain.certificate_order import CardCertificateOrder, CardCertificates
from app.domain.json_value import JsonValue
from app.domain.photo import MIDDLE, Crop
from app.domain.so_pin_release import SoPinReleaseOrder
from app.ra import repositories
from app.ra.batch_repository import CardBatches
from app.ra.unlock_repositories import Authenticators, OfflineWorkstations


class AuditLog(Protocol):
    """The audit of one transaction."""

    def record(self, event: AuditEvent) -> None:
        """Keep one more event than the one of ``Database.audited``."""

    def details(self, **more: JsonValue) -> None:
        """Add details to the event of ``Database.audited``."""


class Outbox(Protocol):
    """Announcements that are carried out after the transaction."""

    def add(self, topic: str, key: str, payload: Mapping[str, JsonValue] | None = None) -> None:
        """Announce a change."""


class Work(Protocol):
    """One open transaction; ``now`` is the same throughout."""

    @property
    def now(self) -> datetime: ...
    @property
    def actor(self) -> Actor: ...
    @property
    def audit(self) -> AuditLog: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def people(self) -> repositories.People: ...
    @property
    def positions(self) -> repositories.Positions: ...
    @property
    def requests(self) -> repositories.Requests: ...
    @property
    def role_profiles(self) -> repositories.RoleProfiles: ...
    @property
    def cards(self) -> repositories.Cards: ...
    @property
    def stock(self) -> repositories.Stock: ...
    @property
    def stock_findings(self) -> repositories.StockFindings: ...
    @property
    def offline_workstations(self) -> OfflineWorkstations: ...
    @property
    def unlock_codes(self) -> repositories.UnlockCodes: ...
    @property
    def authenticators(self) -> Authenticators: ...
    @property
    def card_jobs(self) -> repositories.CardJobs: ...
    @property
    def issuances(self) -> repositories.Issuances: ...
    @property
    def card_batches(self) -> CardBatches: ...
    @property
    def certificates(self) -> repositories.Certificates: ...
    @property
    def founding(self) -> repositories.Founding: ...
    @property
    def organisations(self) -> repositories.Organisations: ...
    @property
    def rbac(self) -> repositories.Rbac: ...
    @property
    def workstation_reports(self) -> repositories.WorkstationReports: ...
    @property
    def sequences(self) -> repositories.Sequences: ...
    @property
    def sessions(self) -> repositories.Sessions: ...
    @property
    def systems(self) -> repositories.Systems: ...
    @property
    def system_requests(self) -> repositories.SystemRequests: ...
    @property
    def system_certificates(self) -> repositories.SystemCertificates: ...
    @property
    def system_passwords(self) -> repositories.SystemPasswords: ...

    def done_by(self, actor: Actor, subject: str) -> None:
        """Name who does what ``Database.audited`` was told of, and to whom, once that is found."""


class Database(Protocol):
    """``app.storage.database.Database``."""

    def read(self) -> AbstractContextManager[Work]:
        """A read-only snapshot."""

    def change(self) -> AbstractContextManager[Work]:
        """One transaction that commits or rolls back."""

    def audited(
        self, actor: Actor, event: str, subject: str, **details: JsonValue
    ) -> AbstractContextManager[Work]:
        """One transaction with exactly one audit event, allowed or refused."""


class CertificateAuthority(Protocol):
    """The certificate authority's process. Never called inside a transaction: it reads the same database."""

    def issue_card_certificates(self, order: CardCertificateOrder) -> CardCertificates:
        """The two certificates of an issuance; the same keys give the same certificates.

        Raises:
            Refusal: the order was checked again and is not willing to be carried out.
            Unavailable
        """

    def release_so_pin(self, order: SoPinReleaseOrder) -> tuple[bytes, ...]:
        """The card's SO PINs, the likeliest first, each wrapped to the order's key.

        Raises:
            Refusal: the order was checked again and is not willing to be carried out.
            Unavailable
        """

    def escrow_public_key(self) -> bytes:
        """The RSA public key, PEM, to which SO PINs are wrapped. Raises Unavailable."""


class Photos(Protocol):
    """Reads pictures that strangers sent."""

    def card_photo_from_untrusted(self, picture: bytes, crop: Crop = MIDDLE) -> bytes:
        """The part of the picture as a card carries it: JPEG in the card's frame, without any metadata.

        Raises:
            InvalidInput: under ``photo``.
        """

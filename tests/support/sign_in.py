"""A card authority in memory, people with cards in the database, and a browser's part of a sign-in.

``office`` of the registration authority's tests makes people by the use cases; this one puts the few rows
down that sign-in and relying parties look at, so that each card state is one line.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import CertificatePoliciesOID, ExtendedKeyUsageOID, NameOID
from sqlalchemy import insert, update

from app.adapters.fetched_revocation_lists import FetchedRevocationLists, ListPlace
from app.domain.certificate_order import serial_number_text
from app.domain.rbac import Activity, JobRole, NationalRoles
from app.signin.certificate_checks import CardPaths
from app.storage.database import Database
from app.storage.tables.access import founding, organisation_person, position, role_profile
from app.storage.tables.cards import card, card_issuance, certificate
from app.storage.tables.people import person, professional_registration
from app.validation.anchors import TrustAnchors
from app.validation.path import PathValidator
from app.validation.refusals import StatusUnknown
from app.validation.revocation_list import StatusLimits
from app.validation.use import SIGN_IN

ORIGIN = "https://localhost:8443"
LONG_AGO = datetime(2026, 1, 5, 9, tzinfo=UTC)
PRACTICE, OTHER_PRACTICE = "A81001", "A81002"
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
OUR_POLICY = x509.ObjectIdentifier("1.3.6.1.4.1.32473.100.1")
"""That of authentication certificates in ``config/certificate_profiles.toml``."""
CLIENT_AUTH = (ExtendedKeyUsageOID.CLIENT_AUTH,)


def ec_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve or ec.SECP256R1())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class CardAuthority:
    """A root and an authentication CA beneath it."""

    root_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec_key(ec.SECP384R1()))
    ca_key: ec.EllipticCurvePrivateKey = field(default_factory=ec_key)

    def __post_init__(self) -> None:
        self.root = _ca_certificate("Root", self.root_key, "Root", self.root_key)
        self.ca = _ca_certificate("Authentication CA", self.ca_key, "Root", self.root_key)

    @property
    def anchors(self) -> TrustAnchors:
        return TrustAnchors(self.root, (self.ca,))

    @property
    def paths(self) -> CardPaths:
        return self.paths_with(self.root_list())

    def paths_with(self, root_list: bytes | None) -> CardPaths:
        """As the composition root makes them, with this as the root's list; without any for None."""
        place = ListPlace("root.crl", StatusLimits(longest_age=timedelta(days=400)), 5)
        lists = FetchedRevocationLists({self.root.subject: place}, lambda _: _there(root_list))
        return CardPaths(PathValidator(self.anchors, SIGN_IN), lists)

    def root_list(
        self, *revoked: x509.Certificate, days_old: int = 30, days_valid: int = 500, key: Key | None = None
    ) -> bytes:
        """The root's CRL, with these CAs revoked."""
        made_at = datetime.now(UTC) - timedelta(days=days_old)
        until = made_at + timedelta(days=days_valid)
        builder = x509.CertificateRevocationListBuilder(self.root.subject, made_at, until)
        for each in revoked:
            entry = x509.RevokedCertificateBuilder(each.serial_number, made_at)
            reason = x509.CRLReason(x509.ReasonFlags.ca_compromise)
            builder = builder.add_revoked_certificate(entry.add_extension(reason, critical=False).build())
        return builder.sign(key or self.root_key, hashes.SHA384()).public_bytes(Encoding.DER)

    def certify(
        self,
        key: Key,
        *,
        days: tuple[int, int] = (-1, 700),
        usages: tuple[x509.ObjectIdentifier, ...] | None = CLIENT_AUTH,
        digital_signature: bool = True,
        now: datetime | None = None,
    ) -> x509.Certificate:
        """An authentication certificate as our CA issues it, but for what the test changes."""
        moment = now or datetime.now(UTC)
        builder = x509.CertificateBuilder(
            self.ca.subject,
            _name("555253521108_Meera_Patel"),
            key.public_key(),
            x509.random_serial_number(),
            moment + timedelta(days=days[0]),
            moment + timedelta(days=days[1]),
        )
        builder = builder.add_extension(_key_usage(digital_signature), critical=True)
        builder = builder.add_extension(_policy(OUR_POLICY), critical=False)
        if usages is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        return builder.sign(self.ca_key, hashes.SHA256())


def _there(root_list: bytes | None) -> bytes:
    if root_list is None:
        raise StatusUnknown("the list cannot be read")
    return root_list


def _policy(policy: x509.ObjectIdentifier) -> x509.CertificatePolicies:
    return x509.CertificatePolicies([x509.PolicyInformation(policy, None)])


def _key_usage(digital_signature: bool, *, certificates: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature,
        not digital_signature,
        False,
        False,
        False,
        certificates,
        certificates,
        False,
        False,
    )


def _ca_certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        _name(issuer),
        _name(name),
        key.public_key(),
        x509.random_serial_number(),
        now - timedelta(days=30),
        now + timedelta(days=3000),
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_policy(CertificatePoliciesOID.ANY_POLICY), critical=False)
    return builder.add_extension(_key_usage(True, certificates=True), critical=True).sign(
        issuer_key, hashes.SHA384()
    )


@cache
def authority() -> CardAuthority:
    """One for all tests; it never changes."""
    return CardAuthority()


@dataclass
class HeldCard:
    """A card in somebody's hand."""

    serial: str
    key: Key
    certificate: x509.Certificate

    def token(self, nonce: str, *, origin: str = ORIGIN, **changes: object) -> bytes:
        """What the card agent gives the browser: a ``web-eid:1.0`` token."""
        algorithm, signature = signed(self.key, origin, nonce)
        fields: dict[str, object] = {
            "unverifiedCertificate": base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode(),
            "algorithm": algorithm,
            "signature": base64.b64encode(signature).decode(),
            "format": "web-eid:1.0",
            "appVersion": "https://example.org/agent/releases/1.0",
        }
        return json.dumps(fields | changes).encode()

    def fragment(self, nonce: str, **changes: Any) -> str:
        """The token as it stands in the address."""
        return base64.urlsafe_b64encode(self.token(nonce, **changes)).decode().rstrip("=")


def signed(key: Key, origin: str, nonce: str) -> tuple[str, bytes]:
    """The algorithm and the signature over hash(origin) || hash(nonce)."""
    if isinstance(key, rsa.RSAPrivateKey):
        data = hashlib.sha256(origin.encode()).digest() + hashlib.sha256(nonce.encode()).digest()
        return "RS256", key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    digest, hash_algorithm, half, name = hashlib.sha256, hashes.SHA256(), 32, "ES256"
    if isinstance(key.curve, ec.SECP384R1):
        digest, hash_algorithm, half, name = hashlib.sha384, hashes.SHA384(), 48, "ES384"  # type: ignore[assignment]
    data = digest(origin.encode()).digest() + digest(nonce.encode()).digest()
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hash_algorithm)))
    return name, r.to_bytes(half, "big") + s.to_bytes(half, "big")


ROLES = NationalRoles(
    "test",
    date(2020, 1, 1),
    job_roles={
        "R8000": JobRole(
            "R8000",
            "Clinical Practitioner Access Role",
            "current",
            "Clinical",
            "S8000:G8000:R8000",
            '"Clinical":"Clinical Provision":"Clinical Practitioner Access Role"',
        ),
        "R8008": JobRole("R8008", "Admin/Clinical Support Access Role", "current", "Admin"),
    },
    activities={
        "B0420": Activity("B0420", "Independent Prescribing", "", ""),
        "B0278": Activity("B0278", "Perform Prescription Preparation", "", ""),
        "B0825": Activity("B0825", "Amend Patient Demographics", "", ""),
        "B0820": Activity("B0820", "View Patient Demographics", "", ""),
    },
    areas_of_work={},
    satisfies={"B0420": frozenset({"B0278"}), "B0825": frozenset({"B0820"})},
    baseline={"R8000": frozenset({"B0420"})},
)


class StaffRegister:
    """The database with people, cards and roles in it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._numbers = iter(range(1, 1000))
        with database.change() as work:
            work.rbac.add(ROLES, "0" * 64, work.now)
            work.connection.execute(
                insert(founding).values(
                    id=1,
                    digest="0" * 64,
                    organisation_code=PRACTICE,
                    held_on=date(2026, 1, 5),
                    witnesses=["A", "B"],
                    at=LONG_AGO,
                )
            )

    def _insert(self, table: Any, **values: Any) -> None:
        with self.database.change() as work:
            work.connection.execute(insert(table).values(values))

    def set(self, table: Any, which: Any, **values: Any) -> None:
        """Change rows behind the use cases' back."""
        with self.database.change() as work:
            work.connection.execute(update(table).where(which).values(values))

    def person(self, given_name: str = "Meera", family_name: str = "Patel") -> str:
        """A registered person; answers the user id."""
        uid = f"5552535211{next(self._numbers):02d}"
        self._insert(
            person,
            uid=uid,
            title="Dr",
            given_name=given_name,
            middle_names="Jane",
            family_name=family_name,
            card_name=f"{given_name} {family_name}",
            given_name_key=given_name.lower(),
            family_name_key=family_name.lower(),
            date_of_birth=date(1980, 2, 3),
            email=f"{given_name}.{family_name}@example.nhs.uk".lower(),
            mobile="",
            status="active",
            photo=b"",
            registered_at=LONG_AGO,
            registered_by="system:founding",
        )
        return uid

    def professional(self, uid: str, body: str, number: str) -> None:
        self._insert(professional_registration, uid=uid, body=body, number=number)

    def card(self, uid: str, key: Key | None = None, **how: Any) -> HeldCard:
        """An active card of the person with its authentication certificate."""
        held = HeldCard(f"card-{next(self._numbers)}", key or ec_key(), None)  # type: ignore[arg-type]
        held.certificate = authority().certify(held.key, **how)
        issuance = f"issuance-{held.serial}"
        self._insert(
            card,
            serial=held.serial,
            card_profile="softhsm",
            holder_uid=uid,
            status="active",
            registered_at=LONG_AGO,
        )
        self._insert(
            card_issuance,
            id=issuance,
            uid=uid,
            card_serial=held.serial,
            status="active",
            founding_id=1,
            begun_at=LONG_AGO,
            steps=[],
            approval={},
        )
        self._keep_certificate(uid, held, issuance)
        return held

    def _keep_certificate(self, uid: str, held: HeldCard, issuance: str) -> None:
        der = held.certificate.public_bytes(Encoding.DER)
        self._insert(
            certificate,
            serial_number=serial_number_text(held.certificate.serial_number),
            purpose="authentication",
            uid=uid,
            card_serial=held.serial,
            issuance_id=issuance,
            spki_sha256=hashlib.sha256(der).hexdigest(),
            not_before=held.certificate.not_valid_before_utc,
            not_after=held.certificate.not_valid_after_utc,
            der=der,
            status="active",
        )

    def role(self, uid: str, organisation: str = PRACTICE, job_role: str = "R8000", *activities: str) -> str:
        """A role profile that counts since long; answers its id."""
        number = next(self._numbers)
        place, profile = f"5552600{number:05d}", f"5552700{number:05d}"
        self._insert(
            position,
            id=f"5552800{number:05d}",
            organisation_code=organisation,
            name=f"Position {number}",
            notes="",
            approved_by="Board",
            approved_on=date(2026, 1, 5),
            approval_reference="1",
            status="open",
            created_by="system:founding",
            created_at=LONG_AGO,
        )
        self._insert(
            organisation_person, id=place, uid=uid, organisation_code=organisation, opened_on=date(2026, 1, 5)
        )
        self._insert(
            role_profile,
            id=profile,
            organisation_person_id=place,
            uid=uid,
            organisation_code=organisation,
            position_id=f"5552800{number:05d}",
            founding_id=1,
            job_role_code=job_role,
            activity_codes=list(activities),
            workgroups=["555653110100"],
            starts_on=date(2026, 1, 5),
            granted_at=LONG_AGO,
        )
        return profile

    def events(self, name: str) -> list[Any]:
        """The audit's events of one kind, oldest first."""
        with self.database.read() as work:
            return [each.event for each in work.audit.events_after(0) if each.event.event == name]

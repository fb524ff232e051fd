"""Certificates by the certificate authority's process, with everything that belongs to one, against less.

Used by ``bench.issue_card``. Three things are measured in one run:

- the process: orders over its socket, approvals checked, linted, recorded, audited and signed in the token;
- memory: the same checks and lint with a key in memory, and no database;
- bare: only building and signing the same certificate with a key in memory, which is the floor.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from app.adapters.ca_client import CaClient
from app.ca.contents import StatusAddresses, Validity, end_entity, root_ca
from app.ca.csr import UnverifiedCsr, verify
from app.ca.issuance import Issuer
from app.ca.lint import Linter
from app.ca.names import named_subject, person_subject
from app.ca.ports import SigningKey
from app.ca.signing import signature_hash
from app.ca_ceremony import hold_ceremony
from app.ca_files import PROFILES_FILE
from app.domain.certificate_order import CardCertificateOrder, CertificatePurpose, FoundingApproval
from app.domain.certificate_profile import rules_from_toml
from app.settings import Settings
from app.storage.database import Database
from app.storage.tables import metadata
from bench.report import cpu_seconds
from tests.support.certificates import (
    FOUNDER_FAMILY,
    FOUNDER_GIVEN,
    OPERATOR,
    CardKeys,
    Operator,
    RegistrationRecord,
    approved,
    ca_process,
    csr_of,
    ec_key,
    founding_order,
    order_of,
    settings_in,
)


@dataclass(frozen=True)
class CertificateFigures:
    """CPU milliseconds for one certificate in each way, and certificates a second by the process."""

    process_cpu_ms: float
    process_per_second: float
    memory_cpu_ms: float
    bare_cpu_ms: float


def measure_certificates(cards: int) -> CertificateFigures:
    """Order the certificates of ``cards`` cards, two each, and as many in memory."""
    with tempfile.TemporaryDirectory() as folder:
        process_cpu_ms, per_second = _by_the_process(settings_in(Path(folder) / "data"), cards)
    memory_cpu_ms, bare_cpu_ms = _in_memory(2 * cards)
    return CertificateFigures(process_cpu_ms, per_second, memory_cpu_ms, bare_cpu_ms)


def _by_the_process(settings: Settings, cards: int) -> tuple[float, float]:
    hold_ceremony(settings)
    database = Database(settings.database.url)
    metadata.create_all(database.engine)
    record = _record(RegistrationRecord(database), cards)
    with ca_process(settings) as process:
        client = CaClient(settings.ca.socket)
        orders = _orders(client, record, cards)
        cpu, wall = cpu_seconds([process.pid]), time.perf_counter()
        for order in orders:
            client.issue_card_certificates(order)
        wall = time.perf_counter() - wall
        cpu = cpu_seconds([process.pid]) - cpu
    database.close()
    return cpu / (2 * cards) * 1000, 2 * cards / wall


def _record(record: RegistrationRecord, cards: int) -> RegistrationRecord:
    record.add_person(OPERATOR, FOUNDER_GIVEN, FOUNDER_FAMILY)
    record.grant(OPERATOR, "R5080", "B0272")
    record.add_issuance("founding-1", OPERATOR, None)
    for number in range(cards):
        record.add_person(_uid(number), "Amara", "Osei")
        record.add_issuance(f"issuance-{number}", _uid(number), OPERATOR)
    return record


def _uid(number: int) -> str:
    return f"{600_000_000_000 + number}"


def _orders(client: CaClient, record: RegistrationRecord, cards: int) -> list[CardCertificateOrder]:
    keys = CardKeys.new()
    operator = Operator(
        OPERATOR, keys, client.issue_card_certificates(founding_order(keys)).content_commitment
    )
    return [
        approved(
            order_of(
                f"issuance-{number}", _uid(number), "Amara", "Osei", CardKeys.new(), FoundingApproval("")
            ),
            operator,
        )
        for number in range(cards)
    ]


def _in_memory(count: int) -> tuple[float, float]:
    """CPU milliseconds of a certificate with all checks, and of one that is only built and signed."""
    rules = rules_from_toml(PROFILES_FILE.read_text())
    profile = rules.profiles[CertificatePurpose.AUTHENTICATION]
    validity, key = Validity.beginning(datetime.now(UTC), profile.validity), ec_key()
    root = root_ca(
        named_subject((("CN", "Bench"),)),
        key.public_key(),
        Validity.beginning(datetime.now(UTC), timedelta(days=3653)),
    ).sign(key, hashes.SHA256())
    addresses = StatusAddresses("http://127.0.0.1:8080")
    issuer = Issuer(root, key, Linter(), addresses, rules.whole_lint_one_in)
    subject, csr = person_subject(profile, OPERATOR, "Amara", "Osei"), csr_of(ec_key())

    def checked() -> None:
        issuer.issue(issuer.prepare(profile, subject, verify(UnverifiedCsr(csr), profile), validity))

    public_key = x509.load_der_x509_csr(csr).public_key()
    assert isinstance(public_key, type(key.public_key()))

    def bare() -> None:
        end_entity(profile, subject, public_key, root, addresses, validity).sign(key, hashes.SHA256())

    return _cpu_ms(checked, count), _cpu_ms(bare, count)


def certificate_ms(key: SigningKey, count: int, whole_lint_one_in: int | None = None) -> float:
    """CPU milliseconds of a certificate with CSR check, lint and signature by ``key``, and no database."""
    rules = rules_from_toml(PROFILES_FILE.read_text())
    profile = rules.profiles[CertificatePurpose.AUTHENTICATION]
    now = datetime.now(UTC)
    lasting = Validity.beginning(now - timedelta(days=1), timedelta(days=3653))
    root = root_ca(named_subject((("CN", "Bench"),)), key.public_key(), lasting).sign(
        key, signature_hash(key)
    )
    one_in = whole_lint_one_in or rules.whole_lint_one_in
    issuer = Issuer(root, key, Linter(), StatusAddresses("http://127.0.0.1:8080"), one_in)
    subject, validity = (
        person_subject(profile, OPERATOR, "Amara", "Osei"),
        Validity.beginning(now, profile.validity),
    )
    csr = csr_of(ec_key())

    def issue() -> None:
        issuer.issue(issuer.prepare(profile, subject, verify(UnverifiedCsr(csr), profile), validity))

    return _cpu_ms(issue, count)


def _cpu_ms(operation: Callable[[], None], count: int) -> float:
    operation()
    before = time.process_time()
    for _ in range(count):
        operation()
    return (time.process_time() - before) / count * 1000

"""Dependencies that fail: if the audit cannot be written, nothing is signed and nothing is revoked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from sqlalchemy import insert, text

from app.adapters.ca_client import CaClient
from app.adapters.ca_messages import encoded
from app.adapters.ca_outbox import ca_outbox_handlers, renew_crls
from app.ca.authority import Authority
from app.ca.refusals import CertificateUnknown, RequestMalformed, SystemNotApproved
from app.ca_server import certificate_authority_at_rest
from app.commands.ca import ca
from app.domain.certificate_order import SystemCertificateOrder, serial_number_text
from app.errors import Unavailable
from app.settings import Settings
from app.storage.outbox import OutboxRow
from app.storage.tables.organisations import organisation
from app.storage.tables.systems import accredited_system
from tests.support.broken_audit import break_audit, mend_audit
from tests.support.certificates import (
    CardKeys,
    RegistrationRecord,
    authority_in_a_thread,
    ca_process,
    csr_of,
    ec_key,
    founding_order,
    later,
)


@pytest.fixture
def client(ca_settings: Settings, record: RegistrationRecord) -> Iterator[CaClient]:
    with authority_in_a_thread(ca_settings) as client:
        yield client


def serial_of(der: bytes) -> str:
    return serial_number_text(x509.load_der_x509_certificate(der).serial_number)


def test_nothing_is_revoked_without_its_audit_event(client: CaClient, record: RegistrationRecord) -> None:
    issued = client.issue_card_certificates(founding_order(CardKeys.new()))
    number = client.crl("authentication").number
    break_audit(record)
    with pytest.raises(Unavailable):
        client.revoke(serial_of(issued.authentication), "keyCompromise", later())
    assert client.crl("authentication").number == number
    mend_audit(record)
    client.revoke(serial_of(issued.authentication), "keyCompromise", later())
    assert client.crl("authentication").number == number + 1


def row(topic: str, key: str, **payload: str) -> OutboxRow:
    return OutboxRow(1, topic, key, payload, later(), 0)


def test_the_worker_carries_revocations_undone_orders_and_seals(client: CaClient) -> None:
    issued = client.issue_card_certificates(founding_order(CardKeys.new()))
    handlers = ca_outbox_handlers(client)
    since = datetime.fromisoformat("2026-01-02T03:04:05+00:00")
    payload = {"reason": "keyCompromise", "revoked_at": since.isoformat()}
    for _ in range(2):
        handlers["ca.revoke"](row("ca.revoke", serial_of(issued.authentication), **payload))
        handlers["ca.revoke_issuance"](row("ca.revoke_issuance", "founding-1"))
        handlers["ca.seal"](row("ca.seal", ""))
    crl = x509.load_der_x509_crl(client.crl("authentication").der)
    serial_number = x509.load_der_x509_certificate(issued.authentication).serial_number
    entry = crl.get_revoked_certificate_by_serial_number(serial_number)
    assert entry is not None
    assert entry.revocation_date_utc == since
    other = x509.load_der_x509_certificate(issued.content_commitment).serial_number
    commitment = x509.load_der_x509_crl(client.crl("content-commitment").der)
    assert commitment.get_revoked_certificate_by_serial_number(other) is not None
    renew_crls(client)


def test_a_revocation_of_what_was_never_issued_fails_openly(client: CaClient) -> None:
    with pytest.raises(CertificateUnknown):
        ca_outbox_handlers(client)["ca.revoke"](row("ca.revoke", "abc", reason="keyCompromise"))


def add_system(record: RegistrationRecord, asid: str, status: str) -> None:
    with record.database.change() as work:
        work.connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        work.connection.execute(insert(organisation).values(organisation_row("L83002", work.now)))
        work.connection.execute(
            insert(accredited_system).values(
                asid=asid,
                organisation_code="L83002",
                party_key="L83002-1",
                description="",
                product="Prescribing",
                product_version="1",
                manufacturer_code="YGA",
                interactions=[],
                read_rights=["endpoints"],
                status=status,
                requested_by="555253521108",
                requested_at=work.now,
                approved_by="555253521116",
                approved_at=work.now,
            )
        )


def organisation_row(code: str, now: datetime) -> dict[str, object]:
    texts = (
        "kind",
        "kind_code",
        "postcode",
        "telephone",
        "national_grouping",
        "health_geography",
        "sub_type",
    )
    row: dict[str, object] = dict.fromkeys([*texts, "source", "search_text"], "")
    return row | {"code": code, "name": "Honiton", "status": "active", "address": [], "updated_at": now}


@pytest.fixture
def authority(ca_settings: Settings, record: RegistrationRecord) -> Iterator[Authority]:
    with certificate_authority_at_rest(ca_settings) as operations:
        yield operations.authority


def test_an_approved_system_gets_one_certificate(authority: Authority, record: RegistrationRecord) -> None:
    add_system(record, "200000000123", "active")
    order = SystemCertificateOrder("system-1", "200000000123", csr_of(ec_key()))
    der = authority.issue_system_certificate(order)
    assert authority.issue_system_certificate(order) == der
    certificate = x509.load_der_x509_certificate(der)
    assert certificate.subject.rfc4514_string() == "CN=200000000123,O=Spine RA Systems"
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_other_systems_get_none(authority: Authority, record: RegistrationRecord) -> None:
    add_system(record, "200000000123", "closed")
    for asid in ("200000000123", "200000000124", "x"):
        with pytest.raises(SystemNotApproved):
            authority.issue_system_certificate(SystemCertificateOrder("system-1", asid, csr_of(ec_key())))


def test_a_row_in_the_database_alone_gets_no_system_certificate(
    ca_settings: Settings, record: RegistrationRecord
) -> None:
    """A taken-over web process can write the row of an approved system, and speaks to the socket."""
    add_system(record, "200000000123", "active")
    order = {"order_id": "any", "asid": "200000000123", "csr": encoded(csr_of(ec_key()))}
    with (
        authority_in_a_thread(ca_settings) as client,
        pytest.raises(RequestMalformed, match="no operation of this name"),
    ):
        client._call("issue_system_certificate", order=order)


def test_an_operator_certifies_a_system_while_the_process_is_stopped(
    ca_settings: Settings, record: RegistrationRecord, tmp_path: Path
) -> None:
    add_system(record, "200000000123", "active")
    csr = tmp_path / "system.csr"
    csr.write_bytes(x509.load_der_x509_csr(csr_of(ec_key())).public_bytes(Encoding.PEM))
    settings_file = str(ca_settings.data.folder / "config.toml")
    command = ["certify-system", "--settings", settings_file, "200000000123", str(csr)]
    first, second = (CliRunner().invoke(ca, command) for _ in range(2))
    assert first.exit_code == 0, first.output
    assert x509.load_pem_x509_certificate(first.output.encode())
    assert second.output == first.output
    with ca_process(ca_settings):
        refused = CliRunner().invoke(ca, command)
    assert refused.exit_code == 1
    assert "Another certificate authority process runs" in refused.output


def test_an_operator_on_a_machine_without_an_authority_is_told_so(tmp_path: Path) -> None:
    settings_file = tmp_path / "config.toml"
    settings_file.write_text(f'[data]\nfolder = "{tmp_path / "data"}"\n')
    command = ["revoke", "--settings", str(settings_file), "0a1b", "superseded"]
    refused = CliRunner().invoke(ca, command)
    assert (refused.exit_code, type(refused.exception)) == (1, SystemExit)
    assert "There is no certificate authority in" in refused.output
    assert "spine-ra ca ceremony" in refused.output

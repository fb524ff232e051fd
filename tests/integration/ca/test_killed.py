"""The process killed (-9) at every step of an order: the same order again gives exactly one pair."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress

import pytest
from cryptography import x509
from sqlalchemy import select

from app.adapters.ca_client import CaClient
from app.domain.certificate_order import CardCertificateOrder, CardCertificates, serial_number_text
from app.errors import Unavailable
from app.settings import Settings
from app.storage.ca.tables import certificate
from app.storage.database import Database
from app.storage.tables.audit import audit_event
from tests.support.certificates import (
    PYTHONPATH,
    ROOT,
    CardKeys,
    RegistrationRecord,
    ca_process,
    founding_order,
)
from tests.support.killing import wait_until

STEPS = [
    f"{when}:{place}"
    for place in (
        "Ledger.intend:1",
        "Issuer.issue:1",
        "Issuer.issue:2",
        "Ledger.record_signed:1",
        "StoredAudit.happened:1",
        "Ledger.mark_audited:1",
    )
    for when in ("before", "after")
]


def serials(issued: CardCertificates) -> set[str]:
    ders = (issued.authentication, issued.content_commitment)
    return {serial_number_text(x509.load_der_x509_certificate(der).serial_number) for der in ders}


def certificates_on_record(settings: Settings) -> dict[str, bytes | None]:
    database = Database(settings.ca.database_url)
    with database.read() as work:
        rows = work.connection.execute(select(certificate)).all()
    database.close()
    return {row.serial_number: row.der for row in rows}


def audited_serials(record: RegistrationRecord) -> list[str]:
    chosen = select(audit_event.c.details).where(
        audit_event.c.event == "certificate.issued", audit_event.c.outcome == "allowed"
    )
    with record.database.read() as work:
        return sorted(details["serial_number"] for details in work.connection.scalars(chosen))


def order_until_killed(settings: Settings, step: str, order: CardCertificateOrder) -> None:
    with ca_process(settings, "-m", "tests.support.dying_certificate_authority", step) as process:
        with suppress(Unavailable):  # a kill after the certificates are on record may come after the answer
            CaClient(settings.ca.socket).issue_card_certificates(order)
        assert process.wait(20) == -9


@pytest.mark.parametrize("step", STEPS)
def test_killed_and_ordered_again_gives_exactly_one_pair(
    step: str, ca_settings: Settings, record: RegistrationRecord
) -> None:
    order = founding_order(CardKeys.new())
    order_until_killed(ca_settings, step, order)
    with ca_process(ca_settings):
        client = CaClient(ca_settings.ca.socket)
        issued = client.issue_card_certificates(order)
        assert client.issue_card_certificates(order) == issued
        wait_until(lambda: len(audited_serials(record)) > 1, "both are audited")
    kept = certificates_on_record(ca_settings)
    assert set(kept) == serials(issued)
    assert set(kept.values()) == {issued.authentication, issued.content_commitment}
    assert audited_serials(record) == sorted(kept), "one audit event for each certificate"


def test_what_was_intended_is_signed_and_audited_at_the_next_start(
    ca_settings: Settings, record: RegistrationRecord
) -> None:
    """The key may have signed it, so it is issued and told, though nobody orders it again."""
    order_until_killed(ca_settings, "after:Issuer.issue:2", founding_order(CardKeys.new()))
    assert set(certificates_on_record(ca_settings).values()) == {None}
    with ca_process(ca_settings):
        kept = certificates_on_record(ca_settings)
        assert None not in kept.values()
        assert audited_serials(record) == sorted(kept)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("after:Ledger.record_signed:1", 0),
        ("before:StoredAudit.happened:1", 0),
        ("before:Ledger.mark_audited:1", 2),
        ("after:Ledger.mark_audited:1", 2),
    ],
)
def test_what_was_signed_is_audited_once_though_nobody_orders_again(
    step: str, told: int, ca_settings: Settings, record: RegistrationRecord
) -> None:
    order_until_killed(ca_settings, step, founding_order(CardKeys.new()))
    kept = certificates_on_record(ca_settings)
    assert None not in kept.values()
    assert len(audited_serials(record)) == told, "as far as it came"
    for _ in range(2):
        with ca_process(ca_settings):
            assert audited_serials(record) == sorted(kept)


def test_a_second_process_on_the_same_folder_is_refused(
    ca_settings: Settings, record: RegistrationRecord
) -> None:
    config = ca_settings.data.folder / "config.toml"
    command = [sys.executable, "-m", "app.ca_server", "--settings", str(config)]
    with ca_process(ca_settings):
        second = subprocess.run(
            command, cwd=ROOT, env=os.environ | {"PYTHONPATH": PYTHONPATH}, capture_output=True, timeout=60
        )
        CaClient(ca_settings.ca.socket).health()
    assert second.returncode == 1
    assert b"Another certificate authority process" in second.stderr

"""Seals on the audit: only a whole record, that continues from the last seal, is sealed."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import text

from app.adapters.ca_client import CaClient
from app.ca.refusals import AuditChainBroken
from app.domain.actor import Actor
from app.domain.audit_chain import Seal, signed_by
from app.settings import Settings
from tests.support.certificates import RegistrationRecord, authority_in_a_thread


@pytest.fixture
def client(ca_settings: Settings, record: RegistrationRecord) -> Iterator[CaClient]:
    with authority_in_a_thread(ca_settings) as client:
        yield client


def happen(record: RegistrationRecord, count: int = 1) -> None:
    for _ in range(count):
        with record.database.audited(Actor.system("test"), "person.viewed", "555253521108"):
            pass


def tamper(record: RegistrationRecord, statement: str) -> None:
    """As somebody with the database's password could: the triggers are no hindrance to them."""
    with record.database.change() as work:
        for action in ("update", "delete"):
            work.connection.execute(text(f"DROP TRIGGER IF EXISTS audit_event_no_{action}"))
        work.connection.execute(text(statement))


def seals_of(settings: Settings) -> list[Seal]:
    lines = (settings.ca.folder / "audit-seals.jsonl").read_text().splitlines()
    return [
        Seal(
            fields["seq"],
            fields["hash"],
            datetime.fromisoformat(fields["sealed_at"]),
            fields["key_id"],
            b64decode(fields["signature"]),
        )
        for fields in map(json.loads, lines)
    ]


def test_a_seal_is_verified_with_the_published_key_alone(
    client: CaClient, record: RegistrationRecord, ca_settings: Settings
) -> None:
    happen(record, 3)
    assert client.seal_audit_head() == 3
    happen(record)
    assert client.seal_audit_head() == 4
    key = load_pem_public_key((ca_settings.ca.folder / "public" / "audit-seal.pem").read_bytes())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    seals = seals_of(ca_settings)
    assert [each.seq for each in seals] == [3, 4]
    assert all(signed_by(each, key) for each in seals)
    with record.database.read() as work:
        assert work.audit.seals() == seals


def test_nothing_new_gives_no_new_seal(
    client: CaClient, record: RegistrationRecord, ca_settings: Settings
) -> None:
    assert client.seal_audit_head() == 0
    happen(record)
    assert client.seal_audit_head() == client.seal_audit_head() == 1
    assert len(seals_of(ca_settings)) == 1


def test_a_seal_lost_after_it_was_made_is_kept_again(
    client: CaClient, record: RegistrationRecord, ca_settings: Settings
) -> None:
    happen(record)
    client.seal_audit_head()
    (ca_settings.ca.folder / "audit-seals.jsonl").unlink()
    client.seal_audit_head()
    assert len(seals_of(ca_settings)) == 1


def test_a_line_that_a_crash_cut_short_is_written_whole(
    client: CaClient, record: RegistrationRecord, ca_settings: Settings
) -> None:
    happen(record)
    client.seal_audit_head()
    happen(record)
    client.seal_audit_head()
    file = ca_settings.ca.folder / "audit-seals.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-40])
    client.seal_audit_head()
    assert file.read_bytes() == whole


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET subject = 'somebody else' WHERE seq = 4",
        "DELETE FROM audit_event WHERE seq = 4",
        "DELETE FROM audit_event WHERE seq >= 3",
        "DELETE FROM audit_event",
        "UPDATE audit_event SET hash = '" + "0" * 64 + "' WHERE seq = 3",
    ],
)
def test_a_changed_or_cut_record_is_not_sealed(
    statement: str, client: CaClient, record: RegistrationRecord, ca_settings: Settings
) -> None:
    happen(record, 3)
    client.seal_audit_head()
    happen(record, 2)
    tamper(record, statement)
    with pytest.raises(AuditChainBroken):
        client.seal_audit_head()
    assert [each.seq for each in seals_of(ca_settings)] == [3]


def test_a_record_rewritten_from_the_start_is_not_sealed(
    client: CaClient, record: RegistrationRecord, ca_settings: Settings
) -> None:
    """A whole new chain with right hashes does not hold the head that was sealed."""
    happen(record, 3)
    client.seal_audit_head()
    tamper(record, "DELETE FROM audit_event")
    happen(record, 5)
    with pytest.raises(AuditChainBroken):
        client.seal_audit_head()

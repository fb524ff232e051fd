"""The audit is verified with the public key alone, and every kind of tampering is found.

Whoever tampers here may do all that an owner of the database may: drop triggers and compute hashes anew.
"""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import text

from app.cli import main
from app.domain.actor import Actor
from app.domain.audit_chain import Head, Seal, event_hash, instant_text, seal_statement
from app.domain.audit_event import REQUIRED_DETAILS
from app.domain.audit_verification import AuditFindings, key_id_of, story
from app.errors import NotPermitted
from app.storage.audit_verification import read_public_key, read_seals, verify_audit
from app.storage.database import Database

OPERATOR = Actor("656005750104", "Amara Osei", role_profile_id="555254239107")
DONE = "card.painted"
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_KEY = KEY.public_key()
SEALED_AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _event_of_these_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REQUIRED_DETAILS, DONE, frozenset())


def record(database: Database, subject: str, colour: str = "blue") -> None:
    with database.audited(OPERATOR, DONE, subject, colour=colour):
        pass


def sealed(head: Head, key: ec.EllipticCurvePrivateKey = KEY) -> Seal:
    key_id = key_id_of(key.public_key())
    signature = key.sign(seal_statement(head, SEALED_AT, key_id), ec.ECDSA(SHA256()))
    return Seal(head.seq, head.hash, SEALED_AT, key_id, signature)


def seal_now(database: Database) -> Seal:
    with database.change() as work:
        seal = sealed(work.audit.head())
        work.audit.add_seal(seal)
    return seal


def tamper(database: Database, *statements: str) -> None:
    """Do what somebody with all rights on the database can do."""
    with database.engine.begin() as connection:
        for action in ("update", "delete"):
            for table in ("audit_event", "audit_seal"):
                on_table = f" ON {table}" if connection.dialect.name == "postgresql" else ""
                connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_{action}{on_table}"))
        for statement in statements:
            connection.execute(text(statement))


def rewrite_from(database: Database, seq: int) -> None:
    """Compute the hashes anew from event ``seq`` on, as a thorough forger would."""
    with database.read() as work:
        events = list(work.audit.events_after(0))
    previous, statements = events[seq - 2].hash if seq > 1 else "0" * 64, []
    for each in events[seq - 1 :]:
        new = event_hash(previous, each.seq, each.at, each.event)
        statements.append(
            f"UPDATE audit_event SET previous_hash = '{previous}', hash = '{new}' WHERE seq = {each.seq}"
        )
        previous = new
    tamper(database, *statements)


@pytest.fixture
def audited(database: Database) -> Database:
    """Five events with a seal on the fifth, and two more."""
    for number in range(1, 6):
        record(database, str(number))
    seal_now(database)
    record(database, "6")
    record(database, "7")
    return database


def findings_of(database: Database, seals: Path | None = None) -> AuditFindings:
    return verify_audit(database, PUBLIC_KEY, seals)


def test_an_untouched_audit_is_whole(audited: Database) -> None:
    findings = findings_of(audited)
    assert findings.is_whole
    assert (findings.events, findings.good_seals, findings.head.seq) == (7, 1, 7)
    assert story(findings, PUBLIC_KEY)[-1].startswith("Every event is as it was written")
    assert any(line.startswith("2 events came after it") for line in story(findings, PUBLIC_KEY))


def test_an_empty_audit_is_whole(database: Database) -> None:
    assert findings_of(database).is_whole
    assert story(findings_of(database), PUBLIC_KEY)[0] == "The audit has no events yet."


@pytest.mark.parametrize(
    "change",
    [
        "subject = '9'",
        "event = 'card.washed'",
        "outcome = 'refused', reason = 'x'",
        "actor_uid = '656005750105'",
        "actor_role_profile = NULL",
        "actor_address = '192.0.2.1'",
        "request_id = 'other'",
        'details = \'{"colour": "red"}\'',
        "at = '2020-01-01 00:00:00.000000'",
    ],
)
def test_a_changed_field_is_found(audited: Database, change: str) -> None:
    tamper(audited, f"UPDATE audit_event SET {change} WHERE seq = 3")
    assert findings_of(audited).problems == ["Event 3 was changed after it was written."]


def test_a_row_deleted_in_the_middle_is_found(audited: Database) -> None:
    tamper(audited, "DELETE FROM audit_event WHERE seq = 3")
    assert findings_of(audited).problems[0] == "Event 3 is missing: event 4 follows 2."


def test_a_deleted_row_is_found_although_the_rest_is_renumbered_and_rewritten(audited: Database) -> None:
    renumber = [f"UPDATE audit_event SET seq = {seq - 1} WHERE seq = {seq}" for seq in range(4, 8)]
    tamper(audited, "DELETE FROM audit_event WHERE seq = 3", *renumber)
    rewrite_from(audited, 3)
    (problem,) = findings_of(audited).problems
    assert problem.startswith("Event 5 is not the one that was sealed at 2026-11-22 12:00:00")


def test_a_rewritten_chain_is_found_by_its_seal(audited: Database) -> None:
    tamper(audited, "UPDATE audit_event SET subject = '9' WHERE seq = 3")
    rewrite_from(audited, 3)
    (problem,) = findings_of(audited).problems
    assert problem.startswith("Event 5 is not the one that was sealed")


def test_a_tail_cut_after_a_seal_is_found(audited: Database) -> None:
    tamper(audited, "DELETE FROM audit_event WHERE seq >= 5")
    (problem,) = findings_of(audited).problems
    assert problem == (
        "Event 5 was sealed at 2026-11-22 12:00:00, but the audit ends at event 4: its end was cut off."
    )


def test_swapped_rows_are_found(audited: Database) -> None:
    tamper(
        audited,
        "UPDATE audit_event SET seq = 99 WHERE seq = 2",
        "UPDATE audit_event SET seq = 2 WHERE seq = 3",
        "UPDATE audit_event SET seq = 3 WHERE seq = 99",
    )
    assert findings_of(audited).problems[0].startswith("Event 2 does not follow event 1")


def test_an_inserted_row_is_found(audited: Database) -> None:
    columns = "at, event, outcome, reason, actor_uid, actor_address, request_id, subject, details"
    tamper(
        audited,
        f"INSERT INTO audit_event (seq, previous_hash, hash, {columns})"
        f" SELECT 8, 'x', 'y', {columns} FROM audit_event WHERE seq = 2",
    )
    assert findings_of(audited).problems == [
        "Event 8 does not follow event 7: one of them was replaced or moved."
    ]


def test_a_forged_seal_is_found(audited: Database) -> None:
    with audited.change() as work:
        work.audit.add_seal(sealed(work.audit.head(), ec.generate_private_key(ec.SECP256R1())))
    assert findings_of(audited).problems == ["The seal on event 7 was not made with this key: it is forged."]


def test_a_seal_moved_to_another_event_is_forged(audited: Database) -> None:
    tamper(audited, "UPDATE audit_seal SET seq = 4")
    assert findings_of(audited).problems == ["The seal on event 4 was not made with this key: it is forged."]


def seals_file(folder: Path, *seals: Seal) -> Path:
    file = folder / "audit-seals.jsonl"
    lines = [
        json.dumps(
            {
                "seq": seal.seq,
                "hash": seal.hash,
                "sealed_at": instant_text(seal.sealed_at),
                "key_id": seal.key_id,
                "signature": b64encode(seal.signature).decode(),
            }
        )
        for seal in seals
    ]
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


def test_seals_kept_elsewhere_find_a_tail_cut_with_its_seals(audited: Database, tmp_path: Path) -> None:
    file = seals_file(tmp_path, seal_now(audited))
    assert findings_of(audited, file).is_whole
    tamper(audited, "DELETE FROM audit_event WHERE seq >= 5", "DELETE FROM audit_seal")
    assert findings_of(audited).is_whole, "without the other seals nobody can know"
    assert findings_of(audited, file).problems == [
        "Event 7 was sealed at 2026-11-22 12:00:00, but the audit ends at event 4: its end was cut off.",
        "The seal on event 7 was removed from the database.",
    ]


def test_an_unfinished_last_line_of_seals_is_left_out(audited: Database, tmp_path: Path) -> None:
    file = seals_file(tmp_path, seal_now(audited))
    file.write_text(file.read_text() + '{"seq": 8, "ha')
    assert [seal.seq for seal in read_seals(file)] == [7]


def spine_ra(database: Database, folder: Path, *arguments: str) -> Result:
    settings = folder / "settings.toml"
    url = database.engine.url.render_as_string(hide_password=False)
    settings.write_text(f'[database]\nurl = "{url}"')
    return CliRunner().invoke(main, ["--settings", str(settings), *arguments])


@pytest.fixture
def public_key(tmp_path: Path) -> Path:
    file = tmp_path / "audit.pem"
    file.write_bytes(PUBLIC_KEY.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return file


def test_the_command_tells_the_story_and_ends_well(
    audited: Database, tmp_path: Path, public_key: Path
) -> None:
    with pytest.raises(NotPermitted), audited.audited(OPERATOR, DONE, "8"):
        raise NotPermitted("No.")
    result = spine_ra(audited, tmp_path, "audit", "verify", "--public-key", str(public_key))
    assert result.exit_code == 0, result.output
    assert "The audit has 8 events" in result.output
    assert "1 of them records a refusal" in result.output
    assert "card.painted refused" in result.output
    assert "none was changed, removed, added or moved" in result.output


def test_the_command_ends_badly_when_the_audit_is_not_whole(
    audited: Database, tmp_path: Path, public_key: Path
) -> None:
    tamper(audited, "UPDATE audit_event SET subject = '9' WHERE seq = 3")
    result = spine_ra(audited, tmp_path, "audit", "verify", "--public-key", str(public_key))
    assert result.exit_code == 1
    assert "PROBLEM: Event 3 was changed after it was written." in result.output
    assert "The audit is NOT as it was written: 1 problem." in result.output


def test_the_command_says_when_it_cannot_verify(audited: Database, tmp_path: Path, public_key: Path) -> None:
    nowhere = spine_ra(audited, tmp_path, "audit", "verify", "--public-key", str(tmp_path / "none.pem"))
    no_key = spine_ra(audited, tmp_path, "audit", "verify", "--public-key", str(tmp_path / "settings.toml"))
    no_seals = spine_ra(
        audited, tmp_path, "audit", "verify", "--public-key", str(public_key), "--seals", str(public_key)
    )
    assert [nowhere.exit_code, no_key.exit_code, no_seals.exit_code] == [2, 2, 2]
    assert "none.pem is no public key" in nowhere.output
    assert "is no file of seals" in no_seals.output


def test_the_key_may_be_der_too(tmp_path: Path) -> None:
    file = tmp_path / "audit.der"
    file.write_bytes(PUBLIC_KEY.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    assert read_public_key(file) == PUBLIC_KEY

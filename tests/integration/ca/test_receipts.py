"""Receipts: kept for every order, verified offline with public files alone, and no field can be changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.adapters.ca_operations import Operations
from app.adapters.public_files import public_material
from app.ca.refusals import CertificateUnknown
from app.ca_server import open_certificate_authority
from app.cli import main
from app.domain.actor import Actor
from app.domain.json_value import canonical_json
from app.domain.permission import Permission
from app.domain.receipt import base64_text, receipt_document, receipt_from_untrusted
from app.domain.receipt_verification import (
    Finding,
    PublicMaterial,
    problems_of,
    verify_receipt,
)
from app.errors import InvalidInput, NotPermitted
from app.ra.reading_receipts import ReadingReceipts
from app.service.known_people import FOUNDING_FILE
from app.settings import Settings
from app.storage.tables.audit import audit_event
from app.web.presenters.receipts import receipt_shown
from tests.integration.ca.test_status import serial_of
from tests.support.certificates import (
    HOLDER,
    OPERATOR,
    CardKeys,
    Operator,
    RegistrationRecord,
    authority_in_a_thread,
    founding_order,
    holder_order,
)


@pytest.fixture
def running(ca_settings: Settings, record: RegistrationRecord) -> Iterator[Operations]:
    with open_certificate_authority(ca_settings) as operations:
        yield operations


@pytest.fixture
def issued(running: Operations, record: RegistrationRecord) -> tuple[str, str]:
    """The serial numbers of the founder's and of the holder's certificate."""
    keys = CardKeys.new()
    founders = running.authority.issue_card_certificates(founding_order(keys))
    record.finish_issuance("founding-1")
    operator = Operator(OPERATOR, keys, founders.content_commitment)
    holders = running.authority.issue_card_certificates(holder_order(CardKeys.new(), operator))
    return serial_of(founders.authentication), serial_of(holders.content_commitment)


@pytest.fixture
def public(ca_settings: Settings) -> PublicMaterial:
    return public_material(ca_settings.ca.folder / "public")


def findings_of(document: bytes, public: PublicMaterial) -> list[Finding]:
    return verify_receipt(receipt_from_untrusted(document), public)


def test_the_receipt_of_every_order_verifies_offline(
    running: Operations, issued: tuple[str, str], public: PublicMaterial, record: RegistrationRecord
) -> None:
    for serial_number in issued:
        document = running.receipts.of(serial_number)
        assert problems_of(findings_of(document, public)) == []
    reason = json.loads(running.receipts.of(issued[1]))["receipt"]["reason"]
    assert reason["order"]["holder_uid"] == HOLDER
    assert reason["approved_by"] == "operator"
    [signature] = reason["approval"]["signatures"]
    assert json.loads(signature["statement"])["operator"] == OPERATOR
    assert [each["passed_by"] for each in reason["lint"]] != []
    assert reason["on_record"]["registered_by"] == "system:founding"


def test_its_hash_is_in_the_audit(
    running: Operations, issued: tuple[str, str], record: RegistrationRecord
) -> None:
    from hashlib import sha256

    digest = sha256(running.receipts.of(issued[1])).hexdigest()
    running.handle({"operation": "seal_audit_head"})  # what waits to be audited is audited before
    chosen = select(audit_event.c.details).where(audit_event.c.event == "certificate.receipt_kept")
    with record.database.read() as work:
        assert {"sha256": digest} in list(work.connection.scalars(chosen))


def test_a_receipt_that_a_crash_left_out_is_made_at_the_next_start(
    ca_settings: Settings, record: RegistrationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = CardKeys.new()
    with open_certificate_authority(ca_settings) as operations:
        with monkeypatch.context() as patch:
            patch.setattr(operations.receipts, "make", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                operations.authority.issue_card_certificates(founding_order(keys))
        [serial_number] = [
            each.intended.serial_number
            for each in operations.ledger.of_order("founding-1")
            if each.intended.purpose == "authentication"
        ]
        with pytest.raises(CertificateUnknown):
            operations.receipts.of(serial_number)
    with open_certificate_authority(ca_settings) as operations:
        public = public_material(ca_settings.ca.folder / "public")
        assert problems_of(findings_of(operations.receipts.of(serial_number), public)) == []


def leaves(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of every value that is no container."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from leaves(inner, (*place, key))
    else:
        yield place


def changed(document: bytes, place: tuple[str | int, ...], new: object) -> bytes:
    parsed = json.loads(document)
    holder = parsed
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = new
    return canonical_json(parsed)


def test_a_change_of_any_field_is_found(
    running: Operations, issued: tuple[str, str], public: PublicMaterial
) -> None:
    document = running.receipts.of(issued[1])
    places = list(leaves(json.loads(document)))
    assert len(places) > 25

    @settings(max_examples=150, deadline=None)
    @given(place=st.sampled_from(places), data=st.data())
    def every_field(place: tuple[str | int, ...], data: st.DataObject) -> None:
        old = json.loads(document)
        for key in place:
            old = old[key]
        new = data.draw(st.text(max_size=20) | st.just(f"{old}A") | st.just(str(old)[:-1]) | st.none())
        tampered = changed(document, place, new)
        if tampered == document:
            return
        try:
            findings = findings_of(tampered, public)
        except Exception as refusal:
            assert type(refusal).__name__ == "ReceiptUnreadable"  # noqa: PT017
        else:
            assert problems_of(findings) != [], place

    every_field()


def test_parts_that_do_not_belong_together_are_found_even_when_signed_anew(
    running: Operations, issued: tuple[str, str], public: PublicMaterial
) -> None:
    """Whoever holds the key that signs receipts cannot make one for another's request or approval."""
    mine, other = (json.loads(running.receipts.of(each))["receipt"] for each in reversed(issued))
    key = ec.generate_private_key(ec.SECP256R1())
    holders = PublicMaterial(key.public_key(), public.certificates)
    for part, checked in {
        "requests": "Each certificate is for the key",
        "order": "The certificates are for the holder",
        "approval": "The approval is signed",
        "lint": "What was signed is what the linter passed",
    }.items():
        mixed = {**mine, "reason": {**mine["reason"], part: other["reason"][part]}}
        signature = key.sign(canonical_json(mixed), ec.ECDSA(hashes.SHA256()))
        problems = problems_of(findings_of(receipt_document(canonical_json(mixed), signature), holders))
        assert any(each.startswith(checked) for each in problems), (part, problems)


def test_keys_that_the_approved_desk_did_not_sign_are_found_even_when_signed_anew(
    running: Operations, issued: tuple[str, str], public: PublicMaterial
) -> None:
    receipt = json.loads(running.receipts.of(issued[1]))["receipt"]
    key = ec.generate_private_key(ec.SECP256R1())
    receipt["reason"]["approval"]["keys_signature"] = base64_text(bytes(64))
    signature = key.sign(canonical_json(receipt), ec.ECDSA(hashes.SHA256()))
    holders = PublicMaterial(key.public_key(), public.certificates)
    problems = problems_of(findings_of(receipt_document(canonical_json(receipt), signature), holders))
    assert problems[1:] == [
        "The approval is for exactly these keys: The desk that the operator approved did not sign these keys."
    ]


def test_a_founding_that_the_ceremony_did_not_fix_or_name_is_found_even_when_signed_anew(
    running: Operations, issued: tuple[str, str], public: PublicMaterial
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    holders = replace(public, audit_key=key.public_key(), founding_file=FOUNDING_FILE.read_bytes())

    def problems(**changed: object) -> list[str]:
        receipt = json.loads(running.receipts.of(issued[0]))["receipt"]
        receipt["reason"] = {**receipt["reason"], **changed}
        signature = key.sign(canonical_json(receipt), ec.ECDSA(hashes.SHA256()))
        return problems_of(findings_of(receipt_document(canonical_json(receipt), signature), holders))

    order = json.loads(running.receipts.of(issued[0]))["receipt"]["reason"]["order"]
    of_the_key = "The receipt is signed by the audit's key, and is as it was signed: "
    assert [each for each in problems() if not each.startswith(of_the_key)] == []
    assert any(
        "another founding record than" in each
        for each in problems(approval={"founding_digest": "0" * 64, "signatures": []})
    )
    assert any(
        "does not name the holder" in each for each in problems(order={**order, "given_name": "Mallory"})
    )


def test_the_commands_show_and_verify_and_find_a_change(
    ca_settings: Settings, record: RegistrationRecord, tmp_path: Path
) -> None:
    config = ["--settings", str(ca_settings.data.folder / "config.toml")]
    with authority_in_a_thread(ca_settings) as client:
        issued = client.issue_card_certificates(founding_order(CardKeys.new()))
        shown = CliRunner().invoke(main, [*config, "receipt", "show", serial_of(issued.authentication)])
        unknown = CliRunner().invoke(main, [*config, "receipt", "show", "1234"])
    assert shown.exit_code == 0, shown.output
    assert unknown.exit_code == 1
    assert "There is no receipt" in unknown.output
    public = tmp_path / "public"
    shutil.copytree(ca_settings.ca.folder / "public", public)
    file = tmp_path / "receipt.json"
    file.write_text(shown.output)
    verify = ["receipt", "verify", str(file), "--public", str(public)]
    good = CliRunner().invoke(main, verify)
    assert (good.exit_code, good.output.count("right ")) == (0, 5), good.output
    assert "not verified  The order rests on the founding record" in good.output
    assert "with the founding file alone" in good.output
    assert "not verified  The approval is for exactly these keys" in good.output
    assert "not verified  The card proves that it made these keys itself" in good.output
    whole = CliRunner().invoke(main, [*verify, "--founding", str(FOUNDING_FILE)])
    assert (whole.exit_code, whole.output.count("right ")) == (0, 6), whole.output
    other = CliRunner().invoke(main, [*verify, "--founding", str(file)])
    assert (other.exit_code, other.output.count("WRONG")) == (1, 1), other.output
    assert "The founding file that was given is another one." in other.output
    (public / "founding.sha256").write_text("0" * 64)
    fixed = CliRunner().invoke(main, verify)
    assert fixed.exit_code == 1
    assert "another founding record than the one that the key ceremony fixed" in fixed.output
    (public / "founding.sha256").unlink()
    assert "compare the protocol's" in CliRunner().invoke(main, verify).output
    file.write_text(shown.output.replace("Margaret", "Mallory"))
    bad = CliRunner().invoke(main, verify)
    assert bad.exit_code == 1
    assert "WRONG         The receipt is signed by the audit's key" in bad.output
    file.write_text("{}")
    assert "is no certificate receipt" in CliRunner().invoke(main, verify).output
    empty = CliRunner().invoke(main, ["receipt", "verify", str(file), "--public", str(tmp_path)])
    assert "does not hold the public files" in empty.output


def test_an_auditor_reads_it_in_words_and_nobody_else_does(
    running: Operations, issued: tuple[str, str], record: RegistrationRecord, public: PublicMaterial
) -> None:
    reading = ReadingReceipts(record.database, _Source(running), lambda: public)
    auditor = Actor(OPERATOR, "Margaret Whitcombe", permissions=frozenset({Permission.READ_AUDIT}))
    shown = receipt_shown(reading.read(auditor, issued[1].upper()))
    assert shown.is_right
    said = {row.key: row.value for row in shown.order}
    assert said["For"] == f"Amara Osei {HOLDER}"
    assert said["Approved by"] == "An operator, with a smartcard"
    assert shown.approvals.rows[0][0].text == OPERATOR
    assert {row[0].text for row in shown.certificates.rows} == {"Authentication", "Content commitment"}
    assert len(shown.checks.rows) == 8
    with pytest.raises(NotPermitted):
        reading.read(Actor(HOLDER, "Amara Osei"), issued[1])
    with pytest.raises(InvalidInput):
        reading.read(auditor, "no serial number")
    with pytest.raises(CertificateUnknown):
        reading.read(auditor, "1234")


class _Source:
    """The authority without its socket."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def receipt(self, serial_number: str) -> bytes:
        return self._operations.receipts.of(serial_number)

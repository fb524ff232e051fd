"""The two sides of the loopback hop and of the desk job API, written apart, understand each other."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from app.domain.approval import (
    ApprovalNotValid,
    require_signed_recently,
    statement_from_untrusted,
    verify_approval,
)
from app.domain.card_keys import CardKeysStatement, require_signed_by_desk
from app.domain.offline_unlock import challenge_from_untrusted, challenge_of, response
from app.errors import InvalidInput
from app.ra.desk_jobs import _WRAPPED_SO_PIN_BYTES
from app.ra.desk_messages import certificates_message
from app.signin.signature import NonceHashes, require_signed
from app.signin.token import token_from_untrusted
from card_agent.approval import statement
from card_agent.card_operations import raw_signature, spki_of
from card_agent.desk_job import IssuedCertificates, Job, Party, certificates_from_untrusted
from card_agent.desk_key import DeskKey
from card_agent.escrow import escrow_key, wrapped
from card_agent.job_client import ClaimedJob
from card_agent.offline_unlock import OfflineUnlock, ResponseNotValid
from card_agent.pin import Pin
from card_agent.pin_policy import PinPolicy
from card_agent.ports import Purpose
from card_agent.settings import Site
from card_agent.site_connection import SiteConnection
from card_agent.web_eid_token import authentication_token, return_location, signed_bytes
from tests.support.registration_authority import csr

NOW = datetime(2026, 11, 22, 9, 0, 5, 123456, tzinfo=UTC)
SITE = Site("https://localhost:8443", "RA", Path("ca.pem"))
JOB = Job(
    id="i-1",
    state="begun",
    holder=Party("555036632106", "Amara Hölder"),
    operator=Party("555021943108", "Grace Operator"),
    card_profile="softhsm",
    card_serial="",
    pin_policy=PinPolicy(),
    so_pin_escrow_key=b"",
    certificates=None,
)


def test_the_site_reads_and_verifies_the_approval() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    desk_key = DeskKey()
    signed = statement(ClaimedJob(SiteConnection(SITE), JOB, "secret"), "1001", desk_key, NOW)
    read = statement_from_untrusted(signed)
    assert read.desk_key == desk_key.public
    assert (read.issuance_id, read.holder_name, read.card_serial) == ("i-1", "Amara Hölder", "1001")
    require_signed_recently(read, NOW + timedelta(minutes=1))
    verify_approval(key.public_key(), raw_signature(key, signed), signed)


def test_the_site_verifies_what_the_desk_signs_of_the_keys() -> None:
    desk_key = DeskKey()
    keys = {purpose: ec.generate_private_key(ec.SECP256R1()) for purpose in Purpose}
    signature = desk_key.sign_keys("i-1", "1001", {purpose: csr(key) for purpose, key in keys.items()})
    fingerprints = [hashlib.sha256(spki_of(keys[purpose].public_key())).hexdigest() for purpose in Purpose]
    presented = CardKeysStatement("i-1", "1001", *fingerprints)
    require_signed_by_desk(presented, signature, desk_key.public)
    for changed in (
        replace(presented, issuance="i-2"),
        replace(presented, card_serial="1002"),
        replace(presented, content_commitment_key=fingerprints[0]),
    ):
        with pytest.raises(ApprovalNotValid):
            require_signed_by_desk(changed, signature, desk_key.public)


def test_the_site_verifies_the_sign_in_token() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    nonce = "n" * 44
    token = authentication_token(b"c" * 600, raw_signature(key, signed_bytes(SITE.origin, nonce)))
    fragment = return_location(SITE, token).partition("#")[2]
    sent = base64.urlsafe_b64decode(fragment + "=" * (-len(fragment) % 4))
    assert json.loads(sent) == token
    known = NonceHashes.of(nonce)
    assert require_signed(token_from_untrusted(sent), key.public_key(), SITE.origin, [known]) == known


def test_the_agent_reads_the_certificates_the_site_sends() -> None:
    message = certificates_message(b"a", b"c", "n" * 43)
    read = certificates_from_untrusted(json.loads(json.dumps(message)))
    expected = {Purpose.AUTHENTICATION: b"a", Purpose.CONTENT_COMMITMENT: b"c"}
    assert read == IssuedCertificates(expected, "n" * 43)


def test_the_site_takes_a_wrapped_so_pin_of_this_length() -> None:
    public_key = rsa.generate_private_key(65537, 3072).public_key()
    pem = public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert len(wrapped(Pin("0123456789abcdef"), "12345678", escrow_key(SITE, pem))) in _WRAPPED_SO_PIN_BYTES


@pytest.mark.parametrize("so_pin", ["0123456789abcdef", "Zk4" + "x" * 29, "12345678"])
def test_a_computer_without_network_finds_the_so_pin_in_the_response(so_pin: str) -> None:
    key, workstation_id, serial = bytes(range(32)), b"ward7", "10011002"
    asked = OfflineUnlock.begin(workstation_id, serial)
    heard = challenge_from_untrusted(asked.challenge.lower().replace("-", " ").replace("0", "o"))
    assert heard.of_card(serial)
    assert challenge_of(heard.of_card(serial), serial) == heard
    answer = response(key, heard, serial, so_pin.encode())
    assert asked.so_pin(answer, key).reveal() == so_pin
    others = (
        (OfflineUnlock(workstation_id, "10011003", asked.nonce), key),
        (OfflineUnlock.begin(workstation_id, serial), key),
        (asked, bytes(32)),
    )
    for other, its_key in others:
        with pytest.raises(ResponseNotValid, match="another challenge"):
            other.so_pin(answer, its_key)
    for mistyped in slips(answer):
        with pytest.raises(ResponseNotValid, match="mistyped"):
            asked.so_pin(mistyped, key)
    for mistyped in slips(asked.challenge):
        with pytest.raises(InvalidInput):
            challenge_from_untrusted(mistyped)


def slips(text: str) -> list[str]:
    """The text with one character wrong, and with two neighbours exchanged, at each place."""
    symbols = text.replace("-", "")
    wrong = [
        symbols[:at] + other + symbols[at + 1 :]
        for at, symbol in enumerate(symbols)
        for other in "07QZ"
        if other != symbol
    ]
    exchanged = [
        symbols[:at] + symbols[at + 1] + symbols[at] + symbols[at + 2 :] for at in range(len(symbols) - 1)
    ]
    return [*wrong, *(each for each in exchanged if each != symbols)]

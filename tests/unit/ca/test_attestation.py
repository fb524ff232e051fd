"""Proofs of where keys were made: believed when true, a claim when there is none, refused when false."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.ca.attestation import AttestationRoots, ProvenanceCheck, UnusableRoot, roots_from_pem
from app.ca.refusals import AttestationFalse, ProvenanceNotProved
from app.domain.provenance import (
    NO_EVIDENCE,
    KeyEvidence,
    ProofMethod,
    ProvenanceKind,
    evidence_from_untrusted,
    evidence_message,
)
from app.errors import InvalidInput
from tests.support.card_proofs import CLAIMS, ProvedKey, maker_roots, piv_key, smartcard_hsm_key
from virtual_card.maker import Maker

Make = Callable[[Path, Maker], ProvedKey]
BOTH = pytest.mark.parametrize("make", [piv_key, smartcard_hsm_key])


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "maker")


def _now() -> datetime:
    return datetime.now(UTC)


def _check(maker: Maker, *, is_required: bool = False) -> ProvenanceCheck:
    return ProvenanceCheck(maker_roots(maker), is_required=is_required)


@BOTH
def test_a_true_proof_is_believed(tmp_path: Path, maker: Maker, make: Make) -> None:
    key = make(tmp_path, maker)
    for is_required in (False, True):
        check = _check(maker, is_required=is_required)
        found = check.of(key.evidence, key.spki, key.card_serial, _now())
        assert found.kind is ProvenanceKind.PROVED
        assert found.device == key.card_serial
        assert "DEV" in found.maker or "stand-in" in found.maker
    assert key.evidence.method is not None
    assert json.loads(found.as_text())["method"] == key.evidence.method.value


@BOTH
def test_a_proof_of_an_unknown_maker_is_a_claim(tmp_path: Path, maker: Maker, make: Make) -> None:
    key = make(tmp_path, maker)
    stranger = Maker(tmp_path / "stranger")
    found = ProvenanceCheck(AttestationRoots(), is_required=False).of(
        key.evidence, key.spki, key.card_serial, _now()
    )
    assert found.kind is ProvenanceKind.CLAIMED
    assert "maker is not known" in found.reason
    demanding = ProvenanceCheck(AttestationRoots(), is_required=True)
    with pytest.raises(ProvenanceNotProved, match="maker is not known"):
        demanding.of(key.evidence, key.spki, key.card_serial, _now())
    # Another maker of the same name signs with another key.
    with pytest.raises((AttestationFalse, ProvenanceNotProved)):
        _check(stranger, is_required=True).of(key.evidence, key.spki, key.card_serial, _now())


@BOTH
def test_a_proof_of_another_key_is_refused(tmp_path: Path, maker: Maker, make: Make) -> None:
    key = make(tmp_path, maker)
    (tmp_path / "other").mkdir()
    other = make(tmp_path / "other", maker)
    with pytest.raises(AttestationFalse, match="another key"):
        _check(maker).of(key.evidence, other.spki, key.card_serial, _now())


@BOTH
def test_a_proof_of_another_card_is_refused(tmp_path: Path, maker: Maker, make: Make) -> None:
    key = make(tmp_path, maker)
    with pytest.raises(AttestationFalse, match="not of card 99999999"):
        _check(maker).of(key.evidence, key.spki, "99999999", _now())


@BOTH
def test_no_octet_of_what_is_signed_can_be_changed(tmp_path: Path, maker: Maker, make: Make) -> None:
    key = make(tmp_path, maker)
    told = key.evidence.proof[0]
    believed = []
    for position in range(0, len(told), 7):
        changed = told[:position] + bytes((told[position] ^ 1,)) + told[position + 1 :]
        evidence = dataclasses.replace(key.evidence, proof=(changed, *key.evidence.proof[1:]))
        try:
            found = _check(maker).of(evidence, key.spki, key.card_serial, _now())
        except AttestationFalse:
            continue
        believed.append((position, found.kind))
    assert believed == []


@BOTH
def test_a_device_that_no_maker_certified_is_refused(tmp_path: Path, maker: Maker, make: Make) -> None:
    """The proof of one card with the certificates of another."""
    key = make(tmp_path, maker)
    (tmp_path / "other").mkdir()
    other = make(tmp_path / "other", maker)
    mixed = dataclasses.replace(key.evidence, proof=(key.evidence.proof[0], other.evidence.proof[1]))
    with pytest.raises(AttestationFalse):
        _check(maker).of(mixed, key.spki, key.card_serial, _now())


def test_a_key_that_was_attested_attests_nothing(tmp_path: Path, maker: Maker) -> None:
    """A certificate for an ordinary key on the card cannot stand in for the attestation key's."""
    key = piv_key(tmp_path, maker)
    leaf = key.evidence.proof[0]
    for proof in ((leaf, leaf), (leaf,), (leaf, leaf, key.evidence.proof[1])):
        with pytest.raises(AttestationFalse):
            _check(maker).of(
                dataclasses.replace(key.evidence, proof=proof), key.spki, key.card_serial, _now()
            )


def test_a_proof_from_the_future_is_refused(tmp_path: Path, maker: Maker) -> None:
    key = piv_key(tmp_path, maker)
    with pytest.raises(AttestationFalse, match="clocks"):
        _check(maker).of(key.evidence, key.spki, key.card_serial, _now() - timedelta(days=2))


def test_without_a_proof_the_claim_is_recorded_as_one(maker: Maker) -> None:
    check = _check(maker)
    assert check.of(KeyEvidence(CLAIMS), b"", "1", _now()).kind is ProvenanceKind.CLAIMED
    not_local = KeyEvidence({**CLAIMS, "local": False})
    assert check.of(not_local, b"", "1", _now()).kind is ProvenanceKind.UNKNOWN
    assert check.of(NO_EVIDENCE, b"", "1", _now()).kind is ProvenanceKind.UNKNOWN
    with pytest.raises(
        ProvenanceNotProved, match=r"showed no attestation\. Undo the issuance and take another card"
    ):
        _check(maker, is_required=True).of(KeyEvidence(CLAIMS), b"", "1", _now())


@pytest.mark.parametrize("method", list(ProofMethod))
@pytest.mark.parametrize("proof", [(b"",), (b"", b""), (b"0" * 50, b"g" * 8), (b"\x67\x02\x30",) * 2])
def test_nonsense_is_refused(maker: Maker, method: ProofMethod, proof: tuple[bytes, ...]) -> None:
    with pytest.raises(AttestationFalse):
        _check(maker).of(KeyEvidence(CLAIMS, method, proof), b"", "1", _now())


def test_stand_ins_are_told(maker: Maker) -> None:
    assert len(maker_roots(maker).stand_ins) == 2


@pytest.mark.parametrize(
    "text", ["", "no certificate", "-----BEGIN CV CERTIFICATE-----\nAAAA\n-----END CV CERTIFICATE-----"]
)
def test_a_file_without_a_root_is_named(text: str) -> None:
    with pytest.raises(UnusableRoot, match=r"maker\.pem"):
        roots_from_pem([("maker.pem", text)])


def test_evidence_travels(tmp_path: Path, maker: Maker) -> None:
    evidence = piv_key(tmp_path, maker).evidence
    assert evidence_from_untrusted(json.loads(json.dumps(evidence_message(evidence)))) == evidence
    assert evidence_from_untrusted(evidence_message(KeyEvidence(CLAIMS))) == KeyEvidence(CLAIMS)


@pytest.mark.parametrize(
    "message",
    [
        [],
        "local",
        {"local": 1},
        {"x" * 41: True},
        {str(number): True for number in range(13)},
        {"attestation": {}},
        {"attestation": {"method": "oath", "proof": ["AA=="]}},
        {"attestation": {"method": "piv", "proof": []}},
        {"attestation": {"method": "piv", "proof": ["AA=="] * 5}},
        {"attestation": {"method": "piv", "proof": ["not base64"]}},
        {"attestation": {"method": "piv", "proof": [7]}},
        {"attestation": {"method": "piv", "proof": ["QUFB" * 3000]}},
    ],
)
def test_evidence_of_another_form_is_refused(message: object) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        evidence_from_untrusted(message)  # type: ignore[arg-type]

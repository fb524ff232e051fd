"""Where keys were made, as a real authority records it: proved, claimed, or refused without a proof."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from app.adapters import attestation_roots
from app.adapters.public_files import public_material
from app.ca.refusals import AttestationFalse, ProvenanceNotProved
from app.ca_server import open_certificate_authority
from app.cli import main
from app.domain.certificate_order import CardCertificateOrder, CertificatePurpose
from app.domain.json_value import canonical_json
from app.domain.provenance import KeyEvidence, ProvenanceKind
from app.domain.receipt import receipt_document, receipt_from_untrusted
from app.domain.receipt_verification import problems_of, verify_receipt
from app.errors import InvalidInput
from app.settings import Environment, Settings
from app.settings_cards import AttestationSettings, ProofDemanded
from cryptoki import load_card_profiles
from cryptoki.card_profile import DEFAULT_PATH
from tests.integration.ca.test_status import serial_of
from tests.support.card_proofs import CLAIMS, ProvedKey, smartcard_hsm_keys
from tests.support.certificates import CardKeys, RegistrationRecord, authority_in_a_thread, founding_order
from virtual_card.maker import Maker

SERIAL = "card-founding-1"


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "maker")


@pytest.fixture
def settings(ca_settings: Settings, record: RegistrationRecord, maker: Maker) -> Settings:
    """An authority that knows the maker of the cards in software."""
    return replace(ca_settings, attestation=AttestationSettings(maker.x509_root_file.parent))


def _demanding(settings: Settings) -> Settings:
    return replace(settings, attestation=replace(settings.attestation, proof=ProofDemanded.ALWAYS))


def _order(pair: tuple[ProvedKey, ProvedKey], evidence: tuple[KeyEvidence, ...]) -> CardCertificateOrder:
    order = founding_order(CardKeys(pair[0].private_key, pair[1].private_key))
    purposes = (CertificatePurpose.AUTHENTICATION, CertificatePurpose.CONTENT_COMMITMENT)
    return replace(order, evidence=dict(zip(purposes, evidence, strict=False)))


def _recorded(settings: Settings) -> list[dict[str, str]]:
    with open_certificate_authority(settings) as operations:
        return [json.loads(each.intended.provenance) for each in operations.ledger.of_order("founding-1")]


def test_keys_that_the_card_proves_are_recorded_as_proved(
    settings: Settings, maker: Maker, tmp_path: Path
) -> None:
    """Over the socket, as the web process orders."""
    pair = smartcard_hsm_keys(tmp_path, maker, SERIAL)
    with authority_in_a_thread(_demanding(settings)) as client:
        issued = client.issue_card_certificates(_order(pair, (pair[0].evidence, pair[1].evidence)))
    assert [json.loads(provenance.as_text()) for _, _, provenance in issued.each] == _recorded(settings)
    proved = {"kind": "proved", "method": "smartcard-hsm", "device": SERIAL, "maker": "VCDEVSRCA00001"}
    assert _recorded(settings) == [proved, proved]


def test_keys_that_only_the_module_speaks_for_are_recorded_as_claimed(
    settings: Settings, maker: Maker, tmp_path: Path
) -> None:
    pair = smartcard_hsm_keys(tmp_path, maker, SERIAL)
    with authority_in_a_thread(settings) as client:
        first = client.issue_card_certificates(_order(pair, (KeyEvidence(CLAIMS),)))
        # Asked again with another story, the authority tells what it has on record.
        again = client.issue_card_certificates(_order(pair, (pair[0].evidence, KeyEvidence(CLAIMS))))
    assert [each.kind for _, _, each in first.each] == [ProvenanceKind.CLAIMED, ProvenanceKind.UNKNOWN]
    assert again == first
    assert _recorded(settings) == [{"kind": "claimed"}, {"kind": "unknown"}]


def _verified(file: Path, settings: Settings, *options: str) -> tuple[int, str]:
    """How ``spine-ra receipt verify`` ends, and what it says of where the keys were made."""
    public = str(settings.ca.folder / "public")
    told = CliRunner().invoke(main, ["receipt", "verify", str(file), "--public", public, *options])
    _, _, said = told.output.partition("The card proves that it made these keys itself\n")
    return told.exit_code, said.partition("right")[0]


def test_the_receipt_tells_proof_from_claim_and_the_proof_is_verified_again(
    settings: Settings, maker: Maker, tmp_path: Path
) -> None:
    pair, file = smartcard_hsm_keys(tmp_path, maker, SERIAL), tmp_path / "receipt.json"
    with authority_in_a_thread(settings) as client:
        order = _order(pair, (pair[0].evidence, KeyEvidence(CLAIMS)))
        issued = client.issue_card_certificates(order)
        file.write_bytes(client.receipt(serial_of(issued.authentication)))
    claim = "That the card made the key for content-commitment is only claimed by its software."
    code, said = _verified(file, settings)
    assert code == 0
    assert claim in said
    assert "proof for authentication was not verified again" in said
    code, said = _verified(file, settings, "--makers", str(settings.attestation.folder))
    assert (code, said.strip()) == (0, claim)
    (another := tmp_path / "another").mkdir()
    code, said = _verified(file, settings, "--makers", str(another))
    assert "proof for authentication could not be verified" in said
    assert code == 0


def test_a_receipt_whose_proof_is_of_another_key_is_wrong_even_when_signed_anew(
    settings: Settings, maker: Maker, tmp_path: Path
) -> None:
    pair, key = smartcard_hsm_keys(tmp_path, maker, SERIAL), ec.generate_private_key(ec.SECP256R1())
    with authority_in_a_thread(settings) as client:
        issued = client.issue_card_certificates(_order(pair, (pair[0].evidence, pair[1].evidence)))
        facts = json.loads(client.receipt(serial_of(issued.authentication)))["receipt"]
    presented = facts["reason"]["attestation"]
    presented["authentication"], presented["content-commitment"] = reversed(list(presented.values()))
    signed = canonical_json(facts)
    receipt = receipt_from_untrusted(receipt_document(signed, key.sign(signed, ec.ECDSA(hashes.SHA256()))))
    prove = attestation_roots.provenance_check(settings).of
    public = replace(public_material(settings.ca.folder / "public"), audit_key=key.public_key(), prove=prove)
    assert any("proof is of another key" in each for each in problems_of(verify_receipt(receipt, public)))
    presented["authentication"]["method"] = ""
    lacking = replace(receipt, facts=facts)
    assert any("there is no proof" in each for each in problems_of(verify_receipt(lacking, public)))


def test_an_authority_that_demands_proof_refuses_claims(
    settings: Settings, maker: Maker, tmp_path: Path
) -> None:
    """One key proved is not enough: each key is looked at."""
    pair = smartcard_hsm_keys(tmp_path, maker, SERIAL)
    with authority_in_a_thread(_demanding(settings)) as client:
        for evidence in ((), (KeyEvidence(CLAIMS), KeyEvidence(CLAIMS)), (pair[0].evidence,)):
            with pytest.raises(ProvenanceNotProved, match="must prove"):
                client.issue_card_certificates(_order(pair, evidence))
    assert _recorded(settings) == []


def _profiles(monkeypatch: pytest.MonkeyPatch, path: Path, slip: tuple[str, str]) -> None:
    """Have the authority read the shipped card profiles with a change in that of the SmartCard-HSM."""
    before, name, after = DEFAULT_PATH.read_text().partition("[smartcard-hsm]")
    path.write_text(before + name + after.replace(*slip, 1))
    monkeypatch.setattr(attestation_roots, "load_card_profiles", lambda: load_card_profiles(path))


def test_a_card_profile_that_demands_proof_gets_no_certificate_for_claims(
    settings: Settings, maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The profile alone demands it; the settings do not."""
    slip = ("provenance_required = false", "provenance_required = true")
    _profiles(monkeypatch, tmp_path / "profiles.toml", slip)
    pair = smartcard_hsm_keys(tmp_path, maker, SERIAL)
    hsm = replace(settings, agent=replace(settings.agent, card_profile="smartcard-hsm"))
    with authority_in_a_thread(hsm) as client:
        with pytest.raises(ProvenanceNotProved, match="must prove"):
            client.issue_card_certificates(_order(pair, (KeyEvidence(CLAIMS), KeyEvidence(CLAIMS))))
        client.issue_card_certificates(_order(pair, (pair[0].evidence, pair[1].evidence)))
    assert {each["kind"] for each in _recorded(settings)} == {"proved"}


def test_a_slip_in_the_card_profiles_keeps_the_authority_from_starting(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _profiles(monkeypatch, tmp_path / "profiles.toml", ("so_pin_length = 16", "so_pin_length = 8"))
    with (
        pytest.raises(InvalidInput, match=r"smartcard-hsm: so_pin_length is 8, but must be a number from 16"),
        open_certificate_authority(settings),
    ):
        pass


def test_a_proof_of_another_key_is_refused_even_where_none_is_demanded(
    settings: Settings, maker: Maker, tmp_path: Path
) -> None:
    pair = smartcard_hsm_keys(tmp_path, maker, SERIAL)
    with authority_in_a_thread(settings) as client, pytest.raises(AttestationFalse, match="another key"):
        client.issue_card_certificates(_order(pair, (pair[1].evidence, pair[0].evidence)))
    assert _recorded(settings) == []


def test_a_maker_in_software_is_refused_in_production(settings: Settings) -> None:
    production = replace(settings, service=replace(settings.service, environment=Environment.PRODUCTION))
    with (
        pytest.raises(InvalidInput, match=r"maker of cards in software.*Production refuses"),
        open_certificate_authority(production),
    ):
        pass


def test_a_root_that_cannot_be_read_is_named(settings: Settings, tmp_path: Path) -> None:
    shutil.rmtree(settings.attestation.folder)
    settings.attestation.folder.mkdir()
    (settings.attestation.folder / "acme.pem").write_text("not a certificate")
    with (
        pytest.raises(InvalidInput, match=r"\[attestation\] folder: acme\.pem"),
        open_certificate_authority(settings),
    ):
        pass

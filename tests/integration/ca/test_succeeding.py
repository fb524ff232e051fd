"""One issuing CA takes over from another, on real tokens: reviewed, killed anywhere, and what follows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from sqlalchemy import select

from app import ca_server
from app.adapters.ca_audit import StoredAudit
from app.adapters.ca_client import CaClient
from app.adapters.public_files import public_material
from app.bootstrap import validation
from app.bootstrap.validation import cards_distrusted_before, path_validator, revoked_issuers
from app.ca.authority_making import AuthorityMaking
from app.ca.lint import Linter
from app.ca_ceremony import hold_ceremony
from app.ca_root import revoke_authority
from app.ca_server import certificate_authority_at_rest
from app.ca_succession import succeed_authority
from app.commands.ca import ca
from app.domain.certificate_order import CertificatePurpose
from app.domain.receipt import receipt_from_untrusted
from app.domain.receipt_verification import problems_of, verify_receipt
from app.errors import InvalidInput, Unavailable
from app.service import system_authorities
from app.service.layout import Layout
from app.service.preflight import CannotStart
from app.service.system_authorities import write_system_authorities
from app.settings import Settings
from app.storage.ca.ceremony_record import CeremonyStore
from app.storage.database import Database
from app.storage.tables.audit import audit_event
from tests.integration.ca.test_revoking_an_authority import FILE as REVOCATION
from tests.integration.ca.test_revoking_an_authority import Killed, certificate, database
from tests.integration.ca.test_status import ocsp_request, serial_of
from tests.support.certificates import (
    OPERATOR,
    CardKeys,
    Operator,
    RegistrationRecord,
    authority_in_a_thread,
    founding_order,
    holder_order,
    later,
)

FILE = """\
because = "The first one ends in 2036"
witnesses = ["Ines Okafor", "Rui Brandt"]
[issuing_ca]
name = "authentication-2"
subject = [["O", "Spine RA"], ["OU", "CA"], ["CN", "Spine RA Authentication 2"]]
key_type = "EC-P256"
validity_days = 3653
"""
PEOPLE = ("authentication", "content-commitment")
__all__ = ["database"]
BOTH = ("authentication", "authentication-2")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "succession.toml"
    path.write_text(FILE)
    return path


def succeed(settings: Settings, file: Path) -> Path:
    return succeed_authority(settings, file, lambda review, name: True)


def given(settings: Settings, file: Path, typed: str) -> Result:
    arguments = ["succeed", "--settings", str(settings.data.folder / "config.toml"), str(file)]
    return CliRunner().invoke(ca, arguments, input=f"{typed}\n")


def public_names(settings: Settings) -> set[str]:
    return {path.name for path in (settings.ca.folder / "public").iterdir()}


def events(database: Database) -> list[str]:
    chosen = select(audit_event.c.subject).where(audit_event.c.event == "authority.succeeded")
    with database.read() as work:
        return list(work.connection.execute(chosen).scalars())


@pytest.fixture
def profiles_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has the certificate profiles of these lines name the second CA, as an operator writes it."""

    def rename(*lines: str) -> None:
        text = ca_server.PROFILES_FILE.read_text()
        for line in lines:
            old = f'issuing_ca = "{line}"\nformer_issuing_cas = []'
            assert old in text
            text = text.replace(old, f'issuing_ca = "{line}-2"\nformer_issuing_cas = ["{line}"]')
        renamed = tmp_path / "certificate_profiles.toml"
        renamed.write_text(text)
        for module in (ca_server, validation, system_authorities):
            monkeypatch.setattr(module, "PROFILES_FILE", renamed)

    return rename


def succeed_all(settings: Settings, file: Path, *lines: str) -> None:
    for line in lines:
        named = FILE.replace("authentication-2", f"{line}-2").replace("Authentication 2", f"{line} 2")
        file.write_text(named)
        succeed(settings, file)


def test_nothing_is_made_unless_the_name_is_typed(
    ca_settings: Settings, file: Path, database: Database
) -> None:
    before = public_names(ca_settings)
    said = given(ca_settings, file, "yes")
    assert said.exit_code == 1
    assert "Nothing was done" in said.output
    assert "takes over from authentication" in said.output
    assert (public_names(ca_settings), events(database)) == (before, [])


def test_it_is_made_with_witnesses_a_protocol_and_an_audit_event(
    ca_settings: Settings, file: Path, database: Database
) -> None:
    before = public_names(ca_settings)
    said = given(ca_settings, file, "authentication-2")
    assert said.exit_code == 0, said.output
    made = {"authentication-2.cer", "ocsp-authentication-2.cer"}
    assert public_names(ca_settings) == before | made
    new = certificate(ca_settings, "authentication-2")
    new.verify_directly_issued_by(certificate(ca_settings, "root"))
    protocol = (ca_settings.ca.folder / "succession-of-authentication-2-protocol.txt").read_text()
    for fact in ("Ines Okafor  ", "Rui Brandt  ", "Ceremony leader  ", f"{new.serial_number:x}"):
        assert fact in protocol
    assert protocol in said.output
    assert max(len(line) for line in protocol.splitlines()) <= 110
    again = given(ca_settings, file, "")
    assert again.exit_code == 0, again.output
    assert "Type the name" not in again.output
    assert certificate(ca_settings, "authentication-2") == new
    assert events(database) == ["authentication-2"]
    # The root's list is renewed with the ceremony's file as ever.
    hold_ceremony(ca_settings)
    assert public_names(ca_settings) == before | made


@pytest.mark.parametrize(
    "where",
    [
        (CeremonyStore, "record"),
        (Linter, "require_clean_certificate"),
        (AuthorityMaking, "ocsp_signer"),
        ("app.ca_succession.publish_keys",),
        ("app.ca.succeeding.AuthoritySucceeding.protocol",),
    ],
)
def test_killed_at_any_step_the_same_file_goes_on(
    where: tuple[object, str],
    ca_settings: Settings,
    file: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(*where, lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            succeed(ca_settings, file)
    succeed(ca_settings, file)
    assert events(database) == ["authentication-2"]
    with certificate_authority_at_rest(ca_settings) as operations:
        made = [key.name for key in operations.keys]
    assert made[-2:] == ["authentication-2", "ocsp-authentication-2"]
    assert len(set(made)) == len(made)


def test_nobody_begins_it_beside_a_running_authority_or_without_the_root_or_the_audit(
    ca_settings: Settings, file: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = public_names(ca_settings)
    with certificate_authority_at_rest(ca_settings), pytest.raises(Unavailable, match="runs on this folder"):
        succeed(ca_settings, file)
    away = ca_settings.root.folder.with_name("in the safe")
    ca_settings.root.folder.rename(away)
    with pytest.raises(Unavailable, match="Put the root's token back"):
        succeed(ca_settings, file)
    away.rename(ca_settings.root.folder)
    outage = Unavailable("database", "The disk is full.")
    monkeypatch.setattr(StoredAudit, "happened", lambda *_: (_ for _ in ()).throw(outage))
    with pytest.raises(Unavailable):
        succeed(ca_settings, file)
    assert (public_names(ca_settings), events(database)) == (before, [])


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("authentication-2", "authentication-3", "issuing_ca.name"),
        ("authentication-2", "authentication-1", "issuing_ca.name"),
        ("authentication-2", "authentication", "issuing_ca.name"),
        ("authentication-2", "porters-2", "issuing_ca.name"),
        ("authentication-2", "ocsp-systems-2", "issuing_ca.name"),
        ("Spine RA Authentication 2", "Spine RA Authentication", "issuing_ca.subject"),
        ("Spine RA Authentication 2", "Spine RA Root Authority", "issuing_ca.subject"),
        ("3653", "7306", "issuing_ca.validity_days"),
        ("EC-P256", "EC-P521", "issuing_ca.key_type"),
        ("Rui Brandt", "ines okafor", "witnesses"),
        ("because", "beacuse", "because"),
        ("[issuing_ca]", "[issuing_ca", "succession"),
    ],
)
def test_an_impossible_file_is_refused_by_its_key(
    old: str, new: str, key: str, ca_settings: Settings, file: Path
) -> None:
    before = public_names(ca_settings)
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(InvalidInput) as refused:
        succeed(ca_settings, file)
    assert list(refused.value.problems) == [key]
    assert public_names(ca_settings) == before


def test_what_was_made_stays_as_the_first_file_said(ca_settings: Settings, file: Path) -> None:
    succeed(ca_settings, file)
    file.write_text(FILE.replace("Authentication 2", "Authentication Second"))
    with pytest.raises(InvalidInput, match="made before by another file"):
        succeed(ca_settings, file)


def test_profiles_that_name_a_ca_which_nobody_made_stop_the_authority(
    ca_settings: Settings, profiles_name: Callable[..., None]
) -> None:
    profiles_name("authentication")
    refused = pytest.raises(InvalidInput, match="no ceremony made a CA of this name")
    with refused, certificate_authority_at_rest(ca_settings):
        pytest.fail("it opened")


def test_cards_of_both_are_believed_and_those_issued_now_are_of_the_new_one(
    ca_settings: Settings, record: RegistrationRecord, file: Path, profiles_name: Callable[..., None]
) -> None:
    keys = CardKeys.new()
    with authority_in_a_thread(ca_settings) as client:
        old = client.issue_card_certificates(founding_order(keys))
    record.finish_issuance("founding-1")
    succeed_all(ca_settings, file, *PEOPLE)
    profiles_name(*PEOPLE)
    # The approval is signed with a card of the CA before.
    operator = Operator(OPERATOR, keys, old.content_commitment)
    with authority_in_a_thread(ca_settings) as client:
        new = client.issue_card_certificates(holder_order(CardKeys.new(), operator))
        for issued, name in ((old, "authentication"), (new, "authentication-2")):
            require_believed(ca_settings, client, issued.authentication, name)
        client.revoke(serial_of(old.authentication), "keyCompromise", datetime.now(UTC))
        entries = {name: x509.load_der_x509_crl(client.crl(name).der) for name in BOTH}
    assert [len(list(entries[name])) for name in BOTH] == [1, 0]


def require_believed(settings: Settings, client: CaClient, der: bytes, issuer: str) -> None:
    """By its path, by OCSP, and by its receipt."""
    issuing_ca = certificate(settings, issuer)
    path = path_validator(settings, CertificatePurpose.AUTHENTICATION).validate_from_untrusted(der, later())
    assert path.issuer == issuing_ca
    request = ocsp_request(der, issuing_ca.public_bytes(Encoding.DER))
    answer = ocsp.load_der_ocsp_response(client.ocsp(request))
    assert answer.certificate_status is ocsp.OCSPCertStatus.GOOD
    receipt = receipt_from_untrusted(client.receipt(serial_of(der)))
    findings = verify_receipt(receipt, public_material(settings.ca.folder / "public"))
    assert problems_of(findings) == []


def test_slapd_is_given_both_and_a_start_says_which_is_missing(
    ca_settings: Settings, file: Path, tmp_path: Path, profiles_name: Callable[..., None]
) -> None:
    layout = Layout(tmp_path, tmp_path)
    layout.systems.mkdir()
    profiles_name("systems")
    with pytest.raises(CannotStart, match=r"systems-2.*spine-ra ca succeed"):
        write_system_authorities(ca_settings, layout)
    succeed_all(ca_settings, file, "systems")
    write_system_authorities(ca_settings, layout)
    given = x509.load_pem_x509_certificates((layout.systems / "authorities.pem").read_bytes())
    names = ("systems-2", "systems", "root")
    assert given[:-1] == [certificate(ca_settings, name) for name in names]
    assert given[-1].subject.rfc4514_string() == "CN=node,O=Spine RA Directory Nodes"


def test_when_the_one_before_is_revoked_its_cards_and_systems_end_and_no_others(
    ca_settings: Settings, file: Path, tmp_path: Path, profiles_name: Callable[..., None]
) -> None:
    succeed_all(ca_settings, file, "authentication", "systems")
    profiles_name("authentication", "systems")
    assert cards_distrusted_before(ca_settings) is None
    now = datetime.now(UTC).replace(microsecond=0)
    for name in ("authentication", "systems"):
        revocation = tmp_path / "revocation.toml"
        revocation.write_text(REVOCATION.format(at=now).replace('"authentication"', f'"{name}"'))
        revoke_authority(ca_settings, revocation, lambda review, name: True)
    moment = cards_distrusted_before(ca_settings)
    assert moment is not None
    assert now < moment <= datetime.now(UTC) + timedelta(minutes=5)
    subject = certificate(ca_settings, "systems").subject.public_bytes()
    assert revoked_issuers(ca_settings, CertificatePurpose.SYSTEM) == {subject}

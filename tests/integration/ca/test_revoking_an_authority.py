"""The root revokes a CA, on real tokens: reviewed, witnessed, killed anywhere, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from sqlalchemy import select

from app.adapters.ca_audit import StoredAudit
from app.adapters.ca_keys import open_token_keys
from app.bootstrap.validation import card_paths, cards_distrusted_before, root_list_says
from app.ca.contents import StatusAddresses
from app.ca.crl import CrlPlan, build_crl
from app.ca.issuance import Issuer
from app.ca.lint import Linter
from app.ca.refusals import AuthorityRevoked, LintFailed
from app.ca_ceremony import hold_ceremony
from app.ca_root import publish_root_list, revoke_authority
from app.commands.ca import ca
from app.domain.card import CardStatus
from app.domain.certificate import CertificateStatus
from app.domain.certificate_order import CertificatePurpose
from app.domain.person import PersonStatus
from app.errors import InvalidInput, Unavailable
from app.settings import Settings
from app.signin.ending_sessions import EndingSessions
from app.signin.staff import CardHolder
from app.storage.ca.revoked_authorities import RevokedAuthorityStore
from app.storage.database import Database
from app.storage.tables.audit import audit_event
from app.storage.tables.outbox import outbox
from app.storage.tables.sessions import web_session
from tests.support.certificates import (
    FOUNDER_FAMILY,
    FOUNDER_GIVEN,
    HOLDER,
    OPERATOR,
    CardKeys,
    Operator,
    RegistrationRecord,
    authority_in_a_thread,
    founding_order,
    holder_order,
)

FILE = """\
[authority]
name = "authentication"
reason = "cACompromise"
revoked_at = {at:%Y-%m-%dT%H:%M:%S}Z
because = "The HSM was found open"
witnesses = ["Ines Okafor", "Rui Brandt"]
"""


AUTHENTICATION = CertificatePurpose.AUTHENTICATION


class Killed(BaseException):
    """The process ended here."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "revocation.toml"
    path.write_text(FILE.format(at=datetime.now(UTC)))
    return path


@pytest.fixture
def database(ca_settings: Settings) -> Iterator[Database]:
    database = Database(ca_settings.database.url)
    yield database
    database.close()


def revoke(settings: Settings, file: Path) -> Path:
    return revoke_authority(settings, file, lambda review, name: True)


def given(settings: Settings, file: Path, typed: str) -> Result:
    arguments = ["revoke-authority", "--settings", str(settings.data.folder / "config.toml"), str(file)]
    return CliRunner().invoke(ca, arguments, input=f"{typed}\n")


def root_list(settings: Settings) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl((settings.ca.folder / "public" / "root.crl").read_bytes())


def number(settings: Settings) -> int:
    return root_list(settings).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def certificate(settings: Settings, name: str) -> x509.Certificate:
    return x509.load_der_x509_certificate((settings.ca.folder / "public" / f"{name}.cer").read_bytes())


def events(database: Database) -> list[str]:
    with database.read() as work:
        return [
            row.event
            for row in work.connection.execute(audit_event.select())
            if row.event == "authority.revoked"
        ]


def test_nothing_is_done_unless_the_name_is_typed(
    ca_settings: Settings, file: Path, database: Database
) -> None:
    said = given(ca_settings, file, "yes")
    assert said.exit_code == 1
    assert "Nothing was done" in said.output
    assert "It cannot be taken back" in said.output
    assert (number(ca_settings), list(root_list(ca_settings)), events(database)) == (1, [], [])


def test_a_ca_is_revoked_with_witnesses_a_protocol_and_an_audit_event(
    ca_settings: Settings, file: Path, database: Database
) -> None:
    said = given(ca_settings, file, "authentication")
    assert said.exit_code == 0, said.output
    ours = certificate(ca_settings, "authentication")
    (entry,) = root_list(ca_settings)
    assert entry.serial_number == ours.serial_number
    assert (
        entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
        is x509.ReasonFlags.ca_compromise
    )
    assert number(ca_settings) == 2
    protocol = (ca_settings.ca.folder / "revocation-of-authentication-protocol.txt").read_text()
    for fact in ("Ines Okafor  ", "Rui Brandt  ", "Ceremony leader  ", f"{ours.serial_number:x}", "number 2"):
        assert fact in protocol
    assert protocol in said.output
    assert max(len(line) for line in protocol.splitlines()) <= 110
    assert events(database) == ["authority.revoked"]
    again = given(ca_settings, file, "")
    assert again.exit_code == 0, again.output
    assert "Type the name" not in again.output
    assert (number(ca_settings), events(database)) == (2, ["authority.revoked"])


def test_sign_in_health_and_metrics_are_told(ca_settings: Settings, file: Path) -> None:
    now = datetime.now(UTC)
    assert not any(root_list_says(ca_settings, now).revoked.values())
    revoke(ca_settings, file)
    ours, root = certificate(ca_settings, "authentication"), certificate(ca_settings, "root")
    found = card_paths(ca_settings).issuers.revocation(ours, root, now)
    assert found is not None
    assert found.reason == "cACompromise"
    said = root_list_says(ca_settings, now).revoked
    assert [name for name, how in said.items() if how] == ["authentication"]


def signed_in_with_cards(database: Database, count: int) -> list[str]:
    """That many sessions that a card began, and one that nobody signed in to; the ids of the former."""
    RegistrationRecord(database).add_person(HOLDER, "Amara", "Osei")
    holder = CardHolder(
        b"", CertificateStatus.ACTIVE, "1", CardStatus.ACTIVE, HOLDER, "", PersonStatus.ACTIVE
    )
    with database.change() as work:
        tomorrow = work.now + timedelta(days=1)
        work.sessions.add("nobodys", "nobodys", {}, tomorrow)
        return [work.sessions.sign_in("", f"key{number}", holder, tomorrow) for number in range(count)]


def test_sessions_of_its_cards_end_and_relying_parties_are_told(
    ca_settings: Settings, file: Path, database: Database
) -> None:
    sessions = signed_in_with_cards(database, 201)
    ending = EndingSessions(database, partial(cards_distrusted_before, ca_settings))
    assert ending.sweep() == 0
    revoke(ca_settings, file)
    assert ending.sweep() == len(sessions)
    assert ending.sweep() == 0
    with database.read() as work:
        ended = select(web_session.c.id).where(web_session.c.ended_reason == "authority_revoked")
        assert set(work.connection.execute(ended).scalars()) == set(sessions)
        told = select(outbox.c.key).where(outbox.c.topic == "openid.logout")
        assert set(work.connection.execute(told).scalars()) == set(sessions)


def test_while_the_roots_list_cannot_be_read_no_session_ends(
    ca_settings: Settings, database: Database
) -> None:
    signed_in_with_cards(database, 1)
    (ca_settings.ca.folder / "public" / "root.crl").unlink()
    ending = EndingSessions(database, partial(cards_distrusted_before, ca_settings))
    assert ending.sweep() == 0


def test_the_authority_issues_nothing_under_it_and_believes_no_card_of_it(
    ca_settings: Settings, file: Path, database: Database
) -> None:
    record = RegistrationRecord(database)
    record.add_person(OPERATOR, FOUNDER_GIVEN, FOUNDER_FAMILY)
    record.add_person(HOLDER, "Amara", "Osei")
    record.grant(OPERATOR, "R5080", "B0272")
    record.add_issuance("founding-1", OPERATOR, None)
    record.add_issuance("issuance-1", HOLDER, OPERATOR)
    keys = CardKeys.new()
    with authority_in_a_thread(ca_settings) as client:
        founder = client.issue_card_certificates(founding_order(keys))
    operator = Operator(OPERATOR, keys, founder.content_commitment)
    file.write_text(file.read_text().replace('"authentication"', '"content-commitment"'))
    revoke(ca_settings, file)
    with authority_in_a_thread(ca_settings) as client, pytest.raises(AuthorityRevoked) as refused:
        client.issue_card_certificates(holder_order(CardKeys.new(), operator))
    assert "content-commitment" in str(refused.value)


@pytest.mark.parametrize(
    ("place", "by"),
    [
        ("audited", "the same file"),
        *product(["recorded", "listed", "published"], ["the same file", "the next ceremony"]),
    ],
)
def test_killed_at_any_step_it_goes_on(
    place: str,
    by: str,
    ca_settings: Settings,
    file: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    where = {
        "audited": (RevokedAuthorityStore, "record"),
        "recorded": (Linter, "require_clean_crl"),
        "listed": ("app.ca_root.publish_root_list",),
        "published": ("app.ca.authority_revoking.AuthorityRevoking.protocol",),
    }[place]
    with monkeypatch.context() as patch:
        patch.setattr(*where, lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            revoke(ca_settings, file)
    if by == "the next ceremony":
        hold_ceremony(ca_settings)
    else:
        revoke(ca_settings, file)
    assert [each.serial_number for each in root_list(ca_settings)] == [
        certificate(ca_settings, "authentication").serial_number
    ]
    assert (number(ca_settings), events(database)) == (2, ["authority.revoked"])


def test_two_are_revoked_one_after_the_other_and_the_next_list_keeps_both(
    ca_settings: Settings, file: Path
) -> None:
    revoke(ca_settings, file)
    file.write_text(file.read_text().replace('"authentication"', '"systems"'))
    revoke(ca_settings, file)
    hold_ceremony(ca_settings, clock=lambda: datetime.now(UTC) + timedelta(days=200))
    names = ("authentication", "systems")
    both = {certificate(ca_settings, name).serial_number for name in names}
    assert ({each.serial_number for each in root_list(ca_settings)}, number(ca_settings)) == (both, 4)


def test_with_the_roots_token_away_nothing_is_recorded(
    ca_settings: Settings, file: Path, database: Database
) -> None:
    ca_settings.root.folder.rename(ca_settings.root.folder.with_name("in the safe"))
    with pytest.raises(Unavailable, match="Put the root's token back"):
        revoke(ca_settings, file)
    assert (number(ca_settings), events(database)) == (1, [])


def test_without_the_audit_nothing_is_revoked(
    ca_settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise Unavailable("database", "The disk is full.")

    monkeypatch.setattr(StoredAudit, "happened", full)
    with pytest.raises(Unavailable):
        revoke(ca_settings, file)
    assert number(ca_settings) == 1


def test_a_list_that_the_linter_refuses_is_not_signed(
    ca_settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise LintFailed("no good")

    monkeypatch.setattr(Linter, "require_clean_crl", refuse)
    with pytest.raises(LintFailed):
        revoke(ca_settings, file)
    assert number(ca_settings) == 1


def test_a_number_is_above_that_of_a_list_made_elsewhere(ca_settings: Settings, file: Path) -> None:
    addresses, now = StatusAddresses(ca_settings.status.origin), datetime.now(UTC)
    with open_token_keys(ca_settings.root) as keys:
        issuer = Issuer(certificate(ca_settings, "root"), keys.key("root"), Linter(), addresses)
        publish_root_list(
            ca_settings, build_crl(CrlPlan("root", 41, now, timedelta(days=9)), issuer, [], Linter())
        )
    revoke(ca_settings, file)
    assert number(ca_settings) == 42


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('"authentication"', '"root"', "authority.name"),
        ('"authentication"', '"ocsp-systems"', "authority.name"),
        ('"cACompromise"', '"keyCompromise"', "authority.reason"),
        ("revoked_at = 20", "revoked_at = 19", "authority.revoked_at"),
        ("revoked_at = 20", "revoked_at = 21", "authority.revoked_at"),
        ("Z\n", "\n", "authority.revoked_at"),
        ("Rui Brandt", "ines okafor", "authority.witnesses"),
        (', "Rui Brandt"', "", "authority.witnesses"),
        ('"The HSM was found open"', '""', "authority.because"),
        ("because", "beacuse", "authority.because"),
        ("[authority]", "[authority", "revocation"),
    ],
)
def test_an_impossible_file_is_refused_by_its_key(
    old: str, new: str, key: str, ca_settings: Settings, file: Path
) -> None:
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(InvalidInput) as refused:
        revoke(ca_settings, file)
    assert list(refused.value.problems) == [key]
    assert number(ca_settings) == 1


def test_a_ca_that_was_revoked_keeps_its_first_reason(ca_settings: Settings, file: Path) -> None:
    revoke(ca_settings, file)
    file.write_text(file.read_text().replace("cACompromise", "superseded"))
    with pytest.raises(InvalidInput, match="was revoked before"):
        revoke(ca_settings, file)
    assert number(ca_settings) == 2

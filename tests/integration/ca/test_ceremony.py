"""The key ceremony on a real token: interrupted anywhere, held twice, held with another file."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509

from app.adapters.ca_keys import open_token_keys
from app.bootstrap.validation import card_paths
from app.ca.contents import StatusAddresses
from app.ca.crl import CrlPlan, build_crl
from app.ca.issuance import Issuer
from app.ca.lint import Linter
from app.ca.refusals import CeremonyChanged, CeremonyNotHeld
from app.ca.status_values import Revocation
from app.ca_ceremony import hold_ceremony
from app.ca_files import CEREMONY_FILE
from app.ca_server import open_certificate_authority
from app.cli import main
from app.commands.ca import ca
from app.domain.revocation import RevocationReason
from app.errors import InvalidInput, Unavailable
from app.settings import Settings
from app.storage.ca.ceremony_record import CeremonyStore
from app.storage.ca.tables import metadata
from app.storage.database import Database
from app.validation.refusals import StatusUnknown
from tests.support.certificates import settings_in


class Interrupted(Exception):
    """Somebody pulled the plug."""


def interrupt_after(lines: int) -> Callable[[str], None]:
    told: list[str] = []

    def progress(line: str) -> None:
        told.append(line)
        if len(told) == lines:
            raise Interrupted

    return progress


def certificates_in(settings: Settings) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (settings.ca.folder / "public").iterdir()}


def test_an_interrupted_ceremony_goes_on_where_it_stopped(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "data")
    for lines in (1, 2, 4, 6, 9):
        with pytest.raises(Interrupted):
            hold_ceremony(settings, progress=interrupt_after(lines))
        with pytest.raises(CeremonyNotHeld), open_certificate_authority(settings):
            pytest.fail("it opened")
    hold_ceremony(settings)
    made = certificates_in(settings)
    assert {"root.crl", "founding.sha256"} <= made.keys()
    assert len(made) == 11
    hold_ceremony(settings)
    assert certificates_in(settings) == made


def test_a_key_made_but_not_recorded_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_in(tmp_path / "data")
    with monkeypatch.context() as patch:
        patch.setattr(CeremonyStore, "record", lambda *_: (_ for _ in ()).throw(Interrupted))
        with pytest.raises(Interrupted):
            hold_ceremony(settings)
    with open_token_keys(settings.root) as keys:
        left = keys.public_key("root")
    hold_ceremony(settings)
    assert x509.load_der_x509_certificate(certificates_in(settings)["root.cer"]).public_key() == left


def copied_files(folder: Path) -> Path:
    """The ceremony file and its founding file, to be changed."""
    shutil.copy(CEREMONY_FILE, folder / "ceremony.toml")
    shutil.copy(CEREMONY_FILE.with_name("founding.example.toml"), folder / "founding.example.toml")
    return folder / "ceremony.toml"


def test_a_ceremony_with_another_file_is_refused(ca_settings: Settings, tmp_path: Path) -> None:
    file = copied_files(tmp_path)
    file.write_text(file.read_text() + "\n# one more line\n")
    with pytest.raises(CeremonyChanged):
        hold_ceremony(ca_settings, file)


def test_a_changed_founding_file_is_refused(tmp_path: Path) -> None:
    file = copied_files(tmp_path)
    founding = file.with_name("founding.example.toml")
    founding.write_text(founding.read_text().replace("Margaret", "Mallory"))
    with pytest.raises(InvalidInput, match=r"SHA-256 .* pins"):
        hold_ceremony(settings_in(tmp_path / "data"), file)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('name = "authentication"', 'name = "root"', "issuing_ca"),
        ('name = "authentication"', 'name = "../escape"', "issuing_ca[0].name"),
        ("validity_days = 3653", "validity_days = 9999", "issuing_ca"),
        ("validity_days = 3653", "validity_days = 0", "issuing_ca[0].validity_days"),
        ('key_type = "RSA-3072"', 'key_type = "EC-P256"', "so_pin_escrow.key_type"),
        ('key_type = "EC-P384"', 'key_type = "RSA-1024"', "root.key_type"),
        ("crl_validity_days = 365", "crl_validty_days = 365", "root.crl_validity_days"),
        ("[audit_seal]", "[audit_seal]\nextra = 1", "audit_seal.extra"),
    ],
)
def test_an_impossible_ceremony_file_is_refused_by_its_key(
    old: str, new: str, key: str, tmp_path: Path
) -> None:
    file = copied_files(tmp_path)
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(InvalidInput) as refused:
        hold_ceremony(settings_in(tmp_path / "data"), file)
    assert list(refused.value.problems) == [key]
    assert not (tmp_path / "data" / "ca").exists(), "nothing was made"


def test_secrets_are_for_their_owner_alone(ca_settings: Settings) -> None:
    for folder in (ca_settings.ca.folder, ca_settings.root.folder):
        for name in ("pin", "so-pin"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
            assert len((folder / name).read_text().strip()) == 16
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_roots_key_is_in_no_token_that_the_authority_opens(ca_settings: Settings) -> None:
    with open_token_keys(ca_settings.ca) as keys:
        assert not keys.has("root")
        assert keys.has("authentication")
    with open_token_keys(ca_settings.root) as keys:
        assert keys.has("root")
        assert not keys.has("authentication")


def test_with_the_root_away_everything_goes_on_but_what_the_root_signs(ca_settings: Settings) -> None:
    root = ca_settings.root.folder
    away = root.rename(root.with_name("in the safe"))
    before = certificates_in(ca_settings)
    with open_certificate_authority(ca_settings):
        pass
    hold_ceremony(ca_settings)
    assert not root.exists(), "no second root is made"
    in_nine_months = datetime.now(UTC) + timedelta(days=270)
    with pytest.raises(Unavailable, match="Put the root's token back"):
        hold_ceremony(ca_settings, clock=lambda: in_nine_months)
    assert certificates_in(ca_settings) == before
    away.rename(root)
    hold_ceremony(ca_settings, clock=lambda: in_nine_months)
    made, former = (
        x509.load_der_x509_crl(files["root.crl"]) for files in (certificates_in(ca_settings), before)
    )
    assert [
        each.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for each in (former, made)
    ] == [1, 2]


def test_the_protocol_tells_every_fingerprint_and_no_secret(ca_settings: Settings) -> None:
    text = (ca_settings.ca.folder / "ceremony-protocol.txt").read_text()
    for folder, pin in product((ca_settings.ca.folder, ca_settings.root.folder), ("pin", "so-pin")):
        assert (folder / pin).read_text().strip() not in text
    from hashlib import sha256

    for name, content in certificates_in(ca_settings).items():
        if name.endswith(".cer"):
            assert sha256(content).hexdigest().upper() in text.replace(" ", "").replace("\n", "")
    assert max(len(line) for line in text.splitlines()) <= 110


def test_migrations_make_the_tables_that_the_code_knows(ca_settings: Settings) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    database = Database(ca_settings.ca.database_url)
    with database.read() as work:
        context = MigrationContext.configure(
            work.connection, opts={"version_table": "ca_alembic_version", "compare_type": True}
        )
        differences = compare_metadata(context, metadata)
    database.close()
    assert differences == []


def test_the_commands_hold_the_ceremony_and_print_its_protocol_again(tmp_path: Path) -> None:
    settings_in(tmp_path / "data")
    settings = ["--settings", str(tmp_path / "data" / "config.toml")]
    none_yet = CliRunner().invoke(ca, ["protocol", *settings])
    assert none_yet.exit_code == 1
    assert "spine-ra ca ceremony" in none_yet.output
    held = CliRunner().invoke(ca, ["ceremony", *settings])
    assert held.exit_code == 0, held.output
    assert "root: EC-P384 key made, certified" in held.output
    again = CliRunner().invoke(ca, ["protocol", *settings])
    assert again.output.strip() in held.output
    # The file that is given before the command, as for every other: never the default installation instead.
    before = CliRunner().invoke(main, [*settings, "ca", "protocol"])
    assert before.output == again.output


def test_a_list_with_which_the_root_revoked_a_ca_is_not_replaced(ca_settings: Settings) -> None:
    """It was made where the root's key is, and put here: another ceremony must not take it back."""
    public = ca_settings.ca.folder / "public"
    root, ours = (
        x509.load_der_x509_certificate((public / f"{name}.cer").read_bytes())
        for name in ("root", "authentication")
    )
    now = datetime.now(UTC).replace(microsecond=0)
    given_up = Revocation(f"{ours.serial_number:x}", RevocationReason.CA_COMPROMISE, now)
    with open_token_keys(ca_settings.root) as keys:
        issuer = Issuer(root, keys.key("root"), Linter(), StatusAddresses(ca_settings.status.origin))
        made = build_crl(CrlPlan("root", 99, now, timedelta(days=9)), issuer, [given_up], Linter())
    (public / "root.crl").write_bytes(made.der)
    hold_ceremony(ca_settings)
    found = card_paths(ca_settings).issuers.revocation(ours, root, datetime.now(UTC))
    assert found is not None
    assert found.reason == "cACompromise"
    (public / "root.crl").write_bytes(b"half a list")
    with pytest.raises(StatusUnknown):
        card_paths(ca_settings).issuers.revocation(ours, root, datetime.now(UTC))
    hold_ceremony(ca_settings)
    assert card_paths(ca_settings).issuers.revocation(ours, root, datetime.now(UTC)) is None

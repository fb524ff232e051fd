"""``spine-ra certificates check`` where the installation's own CA certificates are at fault: sentences."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from tests.support.defective_certificates import path_of


def checked(folder: Path, case: str, *, with_root: bool = True) -> Result:
    """The command in an installation with the case's root and issuing CA."""
    public = folder / "ca" / "public"
    public.mkdir(parents=True)
    root, issuer, holder = path_of(case)
    if with_root:
        (public / "root.cer").write_bytes(root)
    (public / "authentication.cer").write_bytes(issuer)
    (folder / "holder.cer").write_bytes(holder)
    (folder / "settings.toml").write_text(f'[data]\nfolder = "{folder}"\n')
    options = ["--settings", str(folder / "settings.toml"), "certificates", "check", "--for", "sign-in"]
    return CliRunner().invoke(main, [*options, str(folder / "holder.cer")])


@pytest.mark.parametrize("case", ["issuer-is-no-ca", "issuer-without-basic-constraints"])
def test_a_ca_that_is_none_is_told(tmp_path: Path, case: str) -> None:
    told = checked(tmp_path, case)
    assert told.exit_code == 1
    assert told.output.startswith("Error: The CA certificates of this installation cannot be used: ")
    assert "is no CA" in told.output


def test_a_missing_ca_certificate_is_told(tmp_path: Path) -> None:
    told = checked(tmp_path, "sound", with_root=False)
    assert told.exit_code == 1
    assert told.output.startswith("Error: ")
    assert "root.cer cannot be read. The key ceremony makes it: spine-ra ca ceremony" in told.output


def test_so_is_one_that_only_revocation_needs(tmp_path: Path) -> None:
    told = checked(tmp_path, "sound")
    assert told.exit_code == 1
    assert "Its path is valid for sign-in" in told.output
    assert "cannot be read. The key ceremony makes it" in told.output


def test_a_certificate_that_is_not_to_be_believed_is_told_with_its_code(tmp_path: Path) -> None:
    told = checked(tmp_path, "expired")
    assert told.exit_code == 1
    assert "Not to be believed (expired)" in told.output

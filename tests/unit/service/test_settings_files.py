"""The settings that a first start writes: once, whatever the folder is called."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from app.service.data_files import make_folders, write_settings
from app.service.layout import Layout
from app.service.preflight import CannotStart
from app.service.relying_party import write_relying_party
from app.settings import load


def new_folder(folder: Path, database_url: str | None = None) -> Layout:
    folder.mkdir()
    layout = Layout(folder, Path("/opt/spine-ra"), 1000)
    make_folders(layout)
    write_settings(layout, database_url)
    write_relying_party(layout)
    return layout


@pytest.mark.parametrize("name", ["var", "with spaces", 'quo"ted', "back\\slash", "älter"])
def test_settings_name_the_folder_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    layout = new_folder(tmp_path / name)
    settings = load(layout.settings_file)
    assert settings.data.folder == tmp_path / name
    assert settings.database.url == f"sqlite:///{tmp_path / name}/spine.db"
    assert settings.service.origin == "https://localhost:9443"
    agent = tomllib.loads(layout.agent_settings.read_text())
    assert agent["desk"]["folder"] == str(tmp_path / name / "desk")
    clients = tomllib.loads((tmp_path / name / "web" / "openid_clients.toml").read_text())
    assert clients["client"][0]["redirect_uris"] == ["https://127.0.0.1:9444/signed-in"]


def test_with_readers_service_and_agent_are_told_the_same_kind_of_card(tmp_path: Path) -> None:
    layout = Layout(tmp_path, Path("/opt/spine-ra"), card_profile="smartcard-hsm")
    make_folders(layout)
    write_settings(layout, None)
    assert load(layout.settings_file).agent.card_profile == "smartcard-hsm"
    assert tomllib.loads(layout.agent_settings.read_text())["cards"]["profiles"] == ["smartcard-hsm"]


def test_what_the_operator_changed_is_kept(tmp_path: Path) -> None:
    layout = new_folder(tmp_path / "var")
    files = [layout.settings_file, layout.agent_settings, *(tmp_path / "var").glob("*/*.toml")]
    for file in files:
        file.write_text(file.read_text() + "\n# ours\n")
    write_settings(layout, None)
    write_relying_party(layout)
    assert all(file.read_text().endswith("# ours\n") for file in files)


def test_the_database_that_was_asked_for_is_kept(tmp_path: Path) -> None:
    url = "postgresql+psycopg://ra@/spine?host=/run/postgresql"
    layout = new_folder(tmp_path / "var", url)
    write_settings(layout, None)
    write_settings(layout, url)
    assert load(layout.settings_file).database.url == url


def test_another_database_at_a_later_start_is_refused(tmp_path: Path) -> None:
    layout = new_folder(tmp_path / "var")
    with pytest.raises(CannotStart, match=r"uses the database sqlite.*Start it as it is"):
        write_settings(layout, "postgresql+psycopg://ra@/spine")


def test_secrets_are_the_owners_alone(tmp_path: Path) -> None:
    layout = new_folder(tmp_path / "var")
    secrets = [layout.folder / "secrets" / "web.key", layout.relying_party / "private.pem"]
    assert {path.stat().st_mode & 0o777 for path in secrets} == {0o600}

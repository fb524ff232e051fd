"""Settings: defaults, the file over them, and what stops the start."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from app import settings_rules
from app.settings import Environment, InvalidSettings, Settings, load

DEFAULTS = Path(__file__).parents[3] / "config" / "default.toml"
REAL = """
[service]
environment = "production"
origin = "https://ra.example.nhs.uk"
[status]
origin = "http://status.example.nhs.uk"
[ca]
module = "/opt/hsm/libpkcs11.so"
softhsm_conf = ""
[openid]
module = "/opt/hsm/libpkcs11.so"
softhsm_conf = ""
[agent]
card_profile = "smartcard-hsm"
[messages]
by = "smtp"
smtp_host = "relay.example.nhs.uk"
"""


def settings_of(folder: Path, text: str) -> Settings:
    file = folder / "settings.toml"
    file.write_text(text)
    return load(file, base=folder)


def problems_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(InvalidSettings) as caught:
        settings_of(folder, text)
    return [problem.removeprefix(f"{folder / 'settings.toml'}: ") for problem in caught.value.problems]


def test_the_documented_defaults_are_the_defaults(tmp_path: Path) -> None:
    assert load(DEFAULTS, base=tmp_path) == load(None, base=tmp_path)


def test_every_setting_is_documented() -> None:
    documented = tomllib.loads(DEFAULTS.read_text())
    defaults = Settings()
    for title, table in documented.items():
        assert set(table) == set(vars(getattr(defaults, title)))
    assert set(documented) == set(vars(defaults))


def test_everything_lies_in_the_data_folder(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, '[data]\nfolder = "elsewhere"')
    data = tmp_path / "elsewhere"
    assert settings.data.folder == data
    assert settings.database.url == f"sqlite:///{data}/spine.db"
    assert settings.ca.socket == data / "run" / "ca.sock"
    assert settings.web.secret_key_file == data / "secrets" / "web.key"


def test_the_issuer_is_the_origin_unless_set(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "").openid.issuer == "https://localhost:8443"
    assert (
        settings_of(tmp_path, '[openid]\nissuer = "https://id.example"').openid.issuer == "https://id.example"
    )


def test_an_absolute_path_stays(tmp_path: Path) -> None:
    assert settings_of(tmp_path, '[web]\ntls_key = "/etc/ra.key"').web.tls_key == Path("/etc/ra.key")


def test_an_empty_optional_path_is_none(tmp_path: Path) -> None:
    assert settings_of(tmp_path, '[ca]\nsofthsm_conf = ""').ca.softhsm_conf is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[service]\ncolour = "blue"',
            "[service] colour: no such setting. There are: environment, footer_text,",
        ),
        ("[servce]", "[servce]: no such section. There are: service, data,"),
        ('service = "x"', "[service] must be a section."),
        ("[session]\nidle_minutes = 0", "[session] idle_minutes: must be a whole number from 1, not 0."),
        (
            "[session]\nidle_minutes = true",
            "[session] idle_minutes: must be a whole number from 1, not True.",
        ),
        ('[session]\nidle_minutes = "9"', "[session] idle_minutes: must be a whole number from 1, not '9'."),
        ("[session]\nidle_minutes = 900", "[session] idle_minutes: must not be longer than absolute_hours."),
        ("[service]\nname = 7", "[service] name: must be text in quotation marks, not 7."),
        ('[ca]\npin_file = ""', "[ca] pin_file: must be a path, not ''."),
        (
            '[service]\nenvironment = "test"',
            '[service] environment: must be "development" or "production", not \'test\'.',
        ),
        (
            '[service]\norigin = "http://ra.example"',
            "[service] origin: must be https://<host>[:<port>] without a path, not 'http://ra.example'.",
        ),
        (
            '[service]\norigin = "https://ra.example/"',
            "[service] origin: must be https://<host>[:<port>] without a path, not 'https://ra.example/'.",
        ),
        ('[agent]\norigin = "http://192.0.2.1:24727"', "[agent] origin: must be on 127.0.0.1:"),
        (
            '[database]\nurl = "mysql://root:secret@db/ra"',
            "[database] url: must begin with sqlite:/// or postgresql+psycopg://, not 'mysql'.",
        ),
        (
            '[database]\nurl = "postgresql+psycopg://ra:secret@db/ra"',
            "[database] url: must not contain a password. Put it into ~/.pgpass.",
        ),
        ("[web]\nport = 70000", "[web] port: must be at most 65535, not 70000."),
    ],
)
def test_a_bad_value_stops_the_start_and_is_named(tmp_path: Path, text: str, problem: str) -> None:
    (found, *_) = problems_of(tmp_path, text)
    assert found.startswith(problem)


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    assert len(problems_of(tmp_path, '[service]\nname = 7\ncolour = "x"\n[nowhere]')) == 3


def test_a_file_that_is_missing_or_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"gone\.toml: cannot be read: No such file"):
        load(tmp_path / "gone.toml")
    assert problems_of(tmp_path, "[service")[0].startswith("is not TOML:")


def test_a_kind_of_card_that_there_is_not_is_named(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, '[agent]\ncard_profile = "punchcard"')
    assert problems[0].startswith("[agent] card_profile: must be one of softhsm, smartcard-hsm")


def test_card_profiles_that_cannot_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = tmp_path / "card_profiles.toml"
    profiles.write_text("[softhsm\n")
    monkeypatch.setattr(settings_rules, "_CARD_PROFILES", profiles)
    (problem,) = problems_of(tmp_path, "")
    assert problem.startswith(f"[agent] card_profile: {profiles} cannot be read: ")


def test_production_refuses_development_stand_ins(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, '[service]\nenvironment = "production"')
    assert [problem.split(":")[0] for problem in problems] == [
        "[ca] module",
        "[openid] module",
        "[agent] card_profile",
        "[messages] by",
        "[service] origin",
        "[status] origin",
    ]
    assert all(problem.endswith("Production refuses it.") for problem in problems)


def test_production_starts_without_stand_ins(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, REAL)
    assert settings.service.environment is Environment.PRODUCTION
    assert settings.stand_ins == []


def test_development_names_its_stand_ins(tmp_path: Path) -> None:
    assert len(settings_of(tmp_path, "").stand_ins) == 6

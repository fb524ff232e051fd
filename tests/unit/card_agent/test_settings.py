"""The agent's settings are checked at start, by name; only exact origins are let in."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from card_agent.allow_list import AllowList
from card_agent.errors import OriginNotAllowed, RequestRefused, SettingsUnusable
from card_agent.settings import Site, is_origin, load

EXAMPLE = Path(__file__).parents[3] / "config" / "agent.example.toml"
GOOD = """
[listen]
port = 24727
[desk]
folder = "desk"
[[site]]
origin = "https://ra.example:8443"
name = "RA"
ca_file = "ca.pem"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A good file, with the CA file it names."""
    (tmp_path / "ca.pem").write_text("")
    path = tmp_path / "agent.toml"
    path.write_text(GOOD)
    return path


def test_paths_are_relative_to_the_file(config: Path) -> None:
    settings = load(config)
    assert settings.port == 24727
    assert settings.desk_folder == config.parent / "desk"
    assert settings.sites == (Site("https://ra.example:8443", "RA", config.parent / "ca.pem"),)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("port = 24727", "prot = 24727", "listen.prot"),
        ("port = 24727", "port = '24727'", "listen.port"),
        ("port = 24727", "port = true", "listen.port"),
        ("port = 24727", "port = 70000", "listen.port"),
        ('folder = "desk"', "", "desk.folder"),
        ("[desk]", "[desks]", "desks"),
        ("[desk]", "[cards]\nprofiles = ['punchcard']\n[desk]", "cards.profiles"),
        ("[desk]", "[cards]\nprofiles = []\n[desk]", "cards.profiles"),
        ("[desk]", "[cards]\nprofiles = ['softhsm', 'smartcard-hsm']\n[desk]", "not both"),
        ("[desk]", "[cards]\nprofile = 'softhsm'\n[desk]", "cards.profile"),
        ('[desk]\nfolder = "desk"', "[cards]\nprofiles = ['softhsm']", "desk"),
        ('name = "RA"', 'name = ""', "site.name"),
        ('name = "RA"', 'name = "RA"\ncolour = 1', "site.colour"),
        ('ca_file = "ca.pem"', 'ca_file = "none.pem"', "site.ca_file"),
        ('name = "RA"', 'name = "RA"\nso_pin_escrow_key_file = "none.pem"', "site.so_pin_escrow_key_file"),
        ('name = "RA"', 'name = "RA"\nso_pin_escrow_key_file = "ca.pem"', "cannot be read"),
        ('name = "RA"', 'name = "RA"\nmay_ask = []', "site.may_ask"),
        ('name = "RA"', 'name = "RA"\nmay_ask = ["anything"]', "site.may_ask"),
        ("https://ra.example:8443", "https://ra.example:8443/", "site.origin"),
        ("[[site]]", "[[sites]]", "sites"),
        ("[listen]", "[listen", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused_by_the_name_of_the_key(config: Path, old: str, new: str, key: str) -> None:
    config.write_text(GOOD.replace(old, new))
    with pytest.raises(SettingsUnusable, match=key.replace(".", r"\.")):
        load(config)


def test_real_cards_need_no_folder(config: Path) -> None:
    config.write_text(GOOD.replace('[desk]\nfolder = "desk"', "[cards]\nprofiles = ['smartcard-hsm']"))
    settings = load(config)
    assert settings.desk_folder is None
    assert settings.uses_readers
    assert settings.card_profiles == ("smartcard-hsm",)


def test_without_a_site_nothing_can_be_done(config: Path) -> None:
    config.write_text(GOOD.partition("[[site]]")[0])
    with pytest.raises(SettingsUnusable, match="at least one"):
        load(config)


def test_the_example_names_every_setting(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "var" / "tls").mkdir(parents=True)
    (tmp_path / "var" / "tls" / "ca.pem").write_text("")
    escrow_key = rsa.generate_private_key(65537, 2048).public_key()
    public = tmp_path / "var" / "ca" / "public"
    public.mkdir(parents=True)
    (public / "so-pin-escrow.pem").write_bytes(
        escrow_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    copy = tmp_path / "config" / "agent.toml"
    copy.write_text(EXAMPLE.read_text())
    settings = load(copy)
    assert settings.port == 24727
    assert settings.sites[0].origin == "https://localhost:8443"
    assert settings.sites[0].so_pin_escrow_key == escrow_key


@pytest.mark.parametrize(
    "origin", ["https://ra.example", "https://ra.example:8443", "https://127.0.0.1:8443"]
)
def test_an_origin_is_scheme_host_and_port(origin: str) -> None:
    assert is_origin(origin)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ra.example",
        "http://ra.example",
        "https://",
        "https://ra.example/",
        "https://ra.example:443",
        "https://ra.example:0",
        "https://ra.example:99999",
        "https://RA.example",
        "https://user@ra.example",
        "https://ra.example?x",
        "https://ra.example#x",
        " https://ra.example",
        "https://ra.example\n",
    ],
)
def test_anything_else_is_no_origin(text: str) -> None:
    assert not is_origin(text)


def allow_list() -> AllowList:
    """One site."""
    return AllowList([Site("https://ra.example:8443", "RA", Path("ca.pem"))])


def test_a_listed_site_may_ask_to_sign_in() -> None:
    request = allow_list().sign_in_request("https://ra.example:8443", "n" * 44)
    assert (request.site.name, request.nonce) == ("RA", "n" * 44)


@pytest.mark.parametrize(
    "origin", ["https://ra.example", "https://ra.example:8443/", "https://RA.example:8443", ""]
)
def test_an_unlisted_origin_is_refused(origin: str) -> None:
    with pytest.raises(OriginNotAllowed, match="Do not enter your PIN"):
        allow_list().sign_in_request(origin, "n" * 44)


@pytest.mark.parametrize("nonce", ["", "n" * 43, "n" * 129, "n" * 44 + " ", "n" * 44 + "\n", "ñ" * 44])
def test_a_nonce_out_of_bounds_is_refused(nonce: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        allow_list().sign_in_request("https://ra.example:8443", nonce)
    assert refused.value.status == 400

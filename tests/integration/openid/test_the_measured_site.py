"""What ``bench.sign_in`` measures is still the service, with its own profiles and settings."""

from __future__ import annotations

from http.client import HTTPSConnection
from pathlib import Path
from ssl import create_default_context

from bench.sign_in import Browser
from bench.sign_in_site import running_site


def test_a_measured_sign_in_is_a_sign_in(tmp_path: Path) -> None:
    with running_site(tmp_path, people=1) as site:
        trust = create_default_context(cafile=str(site.ca_file))
        connection = HTTPSConnection("localhost", site.port, timeout=60, context=trust)
        # It checks each answer, and the relying party's tokens.
        Browser(site, connection).sign_in(site.cards[0])
        connection.close()

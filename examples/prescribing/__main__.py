"""``python -m examples.prescribing --settings file``: serves the prescribing screen over TLS."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from granian import Granian
from granian.constants import Interfaces

from examples.prescribing.application import SETTINGS_VARIABLE
from examples.prescribing.settings import load


def main() -> None:
    """Serve until told to stop. One process, since visits are kept in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=Path, required=True, help="the settings file (TOML)")
    file = parser.parse_args().settings.resolve()
    settings = load(file)
    os.environ[SETTINGS_VARIABLE] = str(file)
    Granian(
        "examples.prescribing.application:application",
        factory=True,
        interface=Interfaces.WSGI,
        address=settings.listen,
        port=settings.port,
        ssl_cert=settings.tls_certificate,
        ssl_key=settings.tls_key,
        workers=1,
        blocking_threads=4,
        websockets=False,
    ).serve()


if __name__ == "__main__":
    main()

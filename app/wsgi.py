"""What a WSGI server loads: ``app.wsgi:web``, ``app.wsgi:status`` and ``app.wsgi:look_ups``, all factories.

The settings file is named by the environment variable SPINE_RA_SETTINGS, because a WSGI server takes no
arguments for the application.
"""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask

from app import bootstrap, look_up_bootstrap
from app.settings import Settings, load


def web() -> Flask:
    """Pages, sign-in, OpenID and the desk API."""
    return bootstrap.web_application(_settings())


def status() -> Flask:
    """CRL, OCSP and CA certificates, for everybody."""
    return bootstrap.status_application(_settings())


def look_ups() -> Flask:
    """FHIR look-ups of systems and endpoints."""
    return look_up_bootstrap.look_up_application(_settings())


def _settings() -> Settings:
    file = os.environ.get("SPINE_RA_SETTINGS")
    return load(Path(file) if file else None)

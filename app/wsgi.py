"""What a WSGI server loads: ``app.wsgi:web``, ``app.wsgi:status`` and ``app.wsgi:look_ups``, all factories.

The settings file is named by the environment variable SPINE_RA_SETTINGS, because a WSGI server takes no
arguments for the application.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from app.loaded import keep_what_is_loaded
from app.settings import Settings, load

if TYPE_CHECKING:
    from flask import Flask

# Each factory imports its own application alone: status and look-ups start without the pages' parts.


def web() -> Flask:
    """Pages, sign-in, OpenID and the desk API."""
    from app.bootstrap.web import web_application

    return _ready(web_application(_settings()))


def status() -> Flask:
    """CRL, OCSP and CA certificates, for everybody."""
    from app.bootstrap.status import status_application

    return _ready(status_application(_settings()))


def look_ups() -> Flask:
    """FHIR look-ups of systems and endpoints."""
    from app.bootstrap.look_ups import look_up_application

    return _ready(look_up_application(_settings()))


def _ready(application: Flask) -> Flask:
    keep_what_is_loaded()
    return application


def _settings() -> Settings:
    file = os.environ.get("SPINE_RA_SETTINGS")
    return load(Path(file) if file else None)

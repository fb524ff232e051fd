"""The composition root of the FHIR look-ups, a program of its own."""

from __future__ import annotations

import tomllib

from flask import Flask

from app.adapters.directory_look_ups import DirectoryLookUps
from app.bootstrap.api_keys import look_up_keys
from app.bootstrap.directory_tls import look_ups_tls
from app.ca_files import CONFIG
from app.fhir.intermediaries import Intermediaries
from app.fhir.looking_up import LookingUp
from app.fhir.pacing import Pace
from app.settings import Settings, WithoutKey
from app.web.look_up_pages import LookUpService, create_look_up_app
from directory.connection import open_session
from directory.services_look_up import ServicesLookUp

INTERMEDIARIES_FILE = CONFIG / "intermediaries.toml"


def look_up_application(settings: Settings) -> Flask:
    """FHIR look-ups, which ask the directory alone."""
    own, url = settings.look_ups, settings.directory.ldaps_url
    tls = look_ups_tls(settings)
    services = ServicesLookUp(lambda: open_session(url, tls))
    passed_on = tomllib.loads(INTERMEDIARIES_FILE.read_text())
    intermediaries = Intermediaries.of(own.intermediary_organisation, passed_on)
    return create_look_up_app(
        LookUpService(
            LookingUp(DirectoryLookUps(services), intermediaries),
            look_up_keys(settings),
            Pace(own.limit_per_minute),
            own.origin,
            endpoints_need_key=own.without_key is WithoutKey.NOTHING,
        )
    )

"""The kinds of identifier that may stand in a web address. Anything else is no page at all (404)."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import BaseConverter


class UserIdConverter(BaseConverter):
    """A person's 12-digit user id."""

    regex = r"\d{12}"


class RecordIdConverter(BaseConverter):
    """An identifier that this product gave: letters, digits and hyphens."""

    regex = r"[0-9A-Za-z-]{1,36}"


class CardSerialConverter(BaseConverter):
    """A card's serial number as its token reports it."""

    regex = r"[0-9A-Za-z-]{1,40}"


class OrganisationCodeConverter(BaseConverter):
    """An organisation's ODS code."""

    regex = r"[0-9A-Za-z]{1,12}"


def install(app: Flask) -> None:
    """Make the kinds known under the names that the routes use."""
    app.url_map.converters.update(
        uid=UserIdConverter,
        record=RecordIdConverter,
        serial=CardSerialConverter,
        organisation=OrganisationCodeConverter,
    )

"""The FHIR look-ups: ``GET /Device``, ``GET /Endpoint``, ``/metadata`` and ``/openapi.json``.

A program of its own, which asks the directory alone: it goes on when the pages, the database or the
certificate authority are down. ``docs/fhir-look-ups.md`` says what is asked and answered.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from flask import Blueprint, Flask, Response, current_app, make_response, request

from app.fhir import capability, resources
from app.fhir.looking_up import LookingUp
from app.fhir.pacing import WINDOW_SECONDS, Pace
from app.fhir.queries import DeviceQuery, EndpointQuery
from app.fhir.resources import Resource
from app.web.look_up_errors import failure_of
from app.web.look_up_requests import (
    CORRELATION_HEADER,
    FHIR_JSON,
    KeyHolders,
    caller,
    correlation_id,
    read_correlation_id,
    require_acceptable,
)

_EXTENSION = "spine_ra_look_ups"
pages = Blueprint("look_ups", __name__)


@dataclass(frozen=True)
class LookUpService:
    """What the look-ups are made of.

    Attributes:
        origin: the address under which callers reach the service, without a slash at the end.
        endpoints_need_key: whether an endpoint may be looked up by those only who have a key.
    """

    looking_up: LookingUp
    keys: KeyHolders
    pace: Pace
    origin: str
    endpoints_need_key: bool = False


def create_look_up_app(service: LookUpService) -> Flask:
    """The look-ups over what they are made of."""
    app = Flask(__name__, static_folder=None)
    # FHIR knows no other methods here, and 405 is what its clients expect.
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.strict_slashes = True
    app.extensions[_EXTENSION] = service
    app.register_blueprint(pages)
    app.before_request(read_correlation_id)
    app.register_error_handler(Exception, _failed)
    app.after_request(_finish)
    return app


@pages.get("/Device")
def device() -> Response:
    """The accredited systems of an organisation that take part in an interaction."""
    _count(needs_key=True)
    require_acceptable()
    query = DeviceQuery.from_untrusted(request.args.to_dict(flat=False))
    return _found(resources.device(each) for each in _service().looking_up.devices(query))


@pages.get("/Endpoint")
def endpoint() -> Response:
    """Where an interaction is reached."""
    _count(needs_key=_service().endpoints_need_key)
    require_acceptable()
    query = EndpointQuery.from_untrusted(request.args.to_dict(flat=False))
    found = _service().looking_up.endpoints(query)
    return _found(resource for each in found for resource in resources.endpoints(each))


@pages.get("/metadata")
def metadata() -> Response:
    """What this service can do, as FHIR says it."""
    require_acceptable()
    return _answer(capability.statement(_service().origin, _service().endpoints_need_key), 200)


@pages.get("/openapi.json")
def openapi() -> Response:
    """What this service can do, as OpenAPI says it."""
    document = capability.openapi(_service().origin, _service().endpoints_need_key)
    response = _answer(document, 200)
    response.headers["Content-Type"] = "application/json"
    return response


@pages.get("/health")
def health() -> Response:
    """Whether the service runs; it does not ask the directory."""
    return make_response("ready\n", 200, {"Content-Type": "text/plain; charset=utf-8"})


def _service() -> LookUpService:
    service: LookUpService = current_app.extensions[_EXTENSION]
    return service


def _count(needs_key: bool) -> None:
    _service().pace.count(caller(_service().keys, needs_key))


def _found(found: Iterable[Resource]) -> Response:
    asked = f"{_service().origin}{request.full_path.rstrip('?')}"
    return _answer(resources.searchset(list(found), _service().origin, asked), 200)


def _answer(resource: Resource, status: int) -> Response:
    body = json.dumps(resource, ensure_ascii=False)
    return make_response(body, status, {"Content-Type": f"{FHIR_JSON}; charset=utf-8"})


def _failed(error: Exception) -> Response:
    failure = failure_of(error)
    outcome = resources.operation_outcome(failure.code, failure.diagnostics)
    response = _answer(outcome, failure.status)
    if failure.status == 405:
        response.headers["Allow"] = "GET, HEAD"
    if failure.status == 429:
        response.headers["Retry-After"] = str(WINDOW_SECONDS)
    return response


def _finish(response: Response) -> Response:
    response.headers[CORRELATION_HEADER] = correlation_id()
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    return response

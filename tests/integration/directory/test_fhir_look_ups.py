"""FHIR look-ups over a real directory, as real clients ask."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from fhir.resources.R4B import get_fhir_model_class
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from werkzeug.test import TestResponse

from app.adapters.api_key_file import ApiKeyFile
from app.adapters.directory_look_ups import DirectoryLookUps
from app.fhir import identifiers
from app.fhir.intermediaries import Intermediaries
from app.fhir.looking_up import LookingUp
from app.fhir.pacing import Pace
from app.web.look_up_pages import LookUpService, create_look_up_app
from directory.connection import ClientTls, open_session
from directory.services_look_up import ServicesLookUp

ORIGIN = "https://look-ups.example:8445"
SLOT = "urn:nhs:names:services:gpconnect:fhir:rest:search:slot-1"
CARE_RECORD = "urn:nhs:names:services:gpconnect:fhir:operation:gpc.getcarerecord"
PDS = "urn:nhs:names:services:pds:PRPA_IN000203UK03"
INJECTED = "T99999)(objectClass=*"


def organisation(code: str) -> str:
    return f"{identifiers.ORGANISATION}|{code}"


def interaction(name: str) -> str:
    return f"{identifiers.INTERACTION}|{name}"


def party_key(key: str) -> str:
    return f"{identifiers.PARTY_KEY}|{key}"


class Caller:
    """A program that looks up. Everything that it gets is checked to be FHIR."""

    def __init__(self, client: FlaskClient, key: str | None) -> None:
        self._client = client
        self.key = key
        self.headers: dict[str, str] = {}

    def ask(self, path: str, status: int = 200, method: str = "GET", **parameters: object) -> dict:
        """The resource that is answered."""
        answer = self.answer(path, method, **parameters)
        assert answer.status_code == status, answer.get_data(as_text=True)
        assert answer.content_type == "application/fhir+json; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        resource = json.loads(answer.get_data())
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        if status >= 400:
            assert resource["resourceType"] == "OperationOutcome"
            assert resource["issue"][0]["diagnostics"]
        return resource

    def answer(self, path: str, method: str = "GET", **parameters: object) -> TestResponse:
        key = {"apikey": self.key} if self.key else {}
        named = {
            name.replace("manufacturing_o", "manufacturing-o"): each for name, each in parameters.items()
        }
        return self._client.open(path, method=method, query_string=named, headers=key | self.headers)


Making = Callable[..., Caller]


@pytest.fixture
def making(served, tmp_path: Path) -> Iterator[Making]:
    """Makes the service, and a caller of it."""
    made: list[ServicesLookUp] = []

    def make(
        tls: ClientTls | None = None,
        url: str = served.slapd.ldaps_url,
        limit: int = 1000,
        needs_key: bool = False,
    ) -> Caller:
        services = ServicesLookUp(lambda: open_session(url, tls or served.system, timeout=2))
        made.append(services)
        keys = ApiKeyFile(tmp_path / "keys" / "keys.toml")
        looking_up = LookingUp(DirectoryLookUps(services), Intermediaries("", frozenset(), {}))
        service = LookUpService(looking_up, keys, Pace(limit), ORIGIN, needs_key)
        holder = f"System {len(made)}"
        return Caller(create_look_up_app(service).test_client(), keys.add(holder))

    yield make
    for services in made:
        services.close()


@pytest.fixture
def caller(making: Making) -> Caller:
    return making()


def test_an_accredited_system_is_a_device(caller: Caller) -> None:
    bundle = caller.ask("/Device", organization=organisation("T99999"), identifier=interaction(SLOT))
    (entry,) = bundle["entry"]
    device = entry["resource"]
    assert (bundle["type"], bundle["total"], entry["search"]) == ("searchset", 1, {"mode": "match"})
    assert entry["fullUrl"] == f"{ORIGIN}/Device/{device['id']}"
    assert UUID(device["id"])
    assert {each["system"]: each["value"] for each in device["identifier"]} == {
        identifiers.ASID: "999999999999",
        identifiers.PARTY_KEY: "T99999-9999999",
    }
    assert device["owner"]["identifier"] == {"system": identifiers.ORGANISATION, "value": "T99999"}
    assert [(each["url"], each["valueReference"]["identifier"]["value"]) for each in device["extension"]] == [
        (identifiers.MANUFACTURER_EXTENSION, "YGM01"),
        (identifiers.INTERACTION_EXTENSION, SLOT),
    ]


def test_a_message_handling_system_is_an_endpoint(caller: Caller) -> None:
    bundle = caller.ask("/Endpoint", organization=organisation("T99999"), identifier=interaction(CARE_RECORD))
    endpoint = bundle["entry"][0]["resource"]
    assert endpoint["address"] == "https://pcs.thirdparty.nhs.uk/T99999/STU3/1"
    assert endpoint["managingOrganization"]["identifier"]["value"] == "T99999"
    assert {each["system"]: each["value"] for each in endpoint["identifier"]} == {
        identifiers.FQDN: "pcs.thirdparty.nhs.uk",
        identifiers.PARTY_KEY: "T99999-9999999",
        identifiers.CPA_ID: "472b35d4641b76454b13",
        identifiers.MHS_ID: "472b35d4641b76454b13",
    }
    reliability = endpoint["extension"][0]
    assert reliability["url"] == identifiers.RELIABILITY_EXTENSION
    assert reliability["extension"] == [{"url": "nhsMHSRetries", "valueInteger": 2}]


@pytest.mark.parametrize(
    "asked",
    [
        {"organization": organisation("yea"), "identifier": interaction(PDS)},
        {"organization": organisation(" YEA"), "identifier": party_key("yea-0000806")},
        {"identifier": [interaction(PDS), party_key("YEA-0000806")]},
        {"organization": organisation("YEA"), "identifier": [party_key("YEA-0000806"), interaction(PDS)]},
    ],
)
def test_every_supported_combination_finds_the_endpoint(caller: Caller, asked: dict) -> None:
    bundle = caller.ask("/Endpoint", **asked)
    assert [entry["resource"]["address"] for entry in bundle["entry"]] == ["https://pds.example/sync"]


def test_what_does_not_match_is_an_empty_bundle(caller: Caller) -> None:
    asked = {"organization": organisation("T99999"), "identifier": interaction(SLOT)}
    nothing = caller.ask("/Device", **asked, manufacturing_organization=organisation("OTHER"))
    assert (nothing["total"], nothing["entry"]) == (0, [])
    assert caller.ask("/Device", **asked, manufacturing_organization=organisation("ygm01"))["total"] == 1


@pytest.mark.parametrize("value", [INJECTED, "*", "T99999\0", "a\\2a", "(", "é" * 60])
def test_nothing_in_a_value_changes_the_question(caller: Caller, value: str) -> None:
    for asked in (
        {"organization": organisation(value), "identifier": interaction(SLOT)},
        {"organization": organisation("T99999"), "identifier": interaction(value)},
        {"organization": organisation("T99999"), "identifier": [interaction(SLOT), party_key(value)]},
    ):
        assert caller.ask("/Device", **asked)["total"] == 0


def test_a_question_that_cannot_be_answered_says_what_to_send(caller: Caller) -> None:
    outcome = caller.ask("/Device", 400, organization="T99999", identifier=interaction(SLOT))
    wanted = f"organization={organisation('value')}"
    said = f"Missing or invalid 'organization' query parameter. Should be '{wanted}'."
    assert outcome["issue"] == [{"severity": "error", "code": "invalid", "diagnostics": said}]
    caller.ask("/Endpoint", 400, organization=organisation("T99999"))


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/Device", "POST", 405),
        ("/Endpoint", "OPTIONS", 405),
        ("/Device", "DELETE", 405),
        ("/Device/1", "GET", 404),
        ("/devices", "GET", 404),
        ("/", "GET", 404),
        ("/Patient", "POST", 404),
    ],
)
def test_other_methods_and_paths_are_refused_in_fhirs_words(
    caller: Caller, path: str, method: str, status: int
) -> None:
    caller.ask(path, status, method)


@pytest.mark.parametrize(
    ("accept", "wanted", "status"),
    [
        (None, None, 200),
        ("*/*", None, 200),
        ("application/json", None, 200),
        ("application/fhir+json; fhirVersion=4.0", None, 200),
        ("text/html, application/fhir+json;q=0.5", None, 200),
        ("application/fhir+xml", None, 406),
        ("text/html", None, 406),
        ("text/html", "json", 200),
        ("application/fhir+json", "xml", 406),
        (None, "application/fhir+json", 200),
        (None, "application/fhir json", 200),
    ],
)
def test_the_format_is_negotiated(
    caller: Caller, accept: str | None, wanted: str | None, status: int
) -> None:
    caller.headers = {"Accept": accept} if accept else {}
    asked = {"organization": organisation("T99999"), "identifier": interaction(SLOT)}
    caller.ask("/Device", status, **asked | ({"_format": wanted} if wanted else {}))


def test_the_correlation_id_comes_back_with_every_answer(caller: Caller) -> None:
    caller.headers = {"X-Correlation-ID": "6d3d3674-7ce5-11ec-90d6-0242ac120003"}
    for path in ("/Device", "/nowhere", "/metadata"):
        assert caller.answer(path).headers["X-Correlation-Id"] == "6d3d3674-7ce5-11ec-90d6-0242ac120003"
    caller.headers = {}
    first, second = (caller.answer("/metadata").headers["X-Correlation-Id"] for _ in range(2))
    assert UUID(first) != UUID(second)


def test_a_correlation_id_that_would_spoil_a_log_is_refused_and_not_sent_back(caller: Caller) -> None:
    caller.headers = {"X-Correlation-Id": "x y<script>"}
    caller.ask("/metadata", 400)
    assert UUID(caller.answer("/metadata").headers["X-Correlation-Id"])


def test_a_key_is_needed_for_devices_and_not_for_endpoints(caller: Caller) -> None:
    asked = {"organization": organisation("T99999"), "identifier": interaction(CARE_RECORD)}
    caller.key = None
    caller.ask("/Device", 401, **asked)
    assert caller.ask("/Endpoint", **asked)["total"] == 1
    caller.key = "guessed"
    caller.ask("/Device", 401, **asked)
    caller.ask("/Endpoint", 401, **asked)


def test_the_operator_may_want_a_key_for_everything(making: Making) -> None:
    caller = making(needs_key=True)
    asked = {"organization": organisation("T99999"), "identifier": interaction(CARE_RECORD)}
    assert caller.ask("/Endpoint", **asked)["total"] == 1
    caller.key = None
    caller.ask("/Endpoint", 401, **asked)


def test_a_key_that_is_taken_back_is_refused_at_once(caller: Caller, tmp_path: Path) -> None:
    asked = {"organization": organisation("T99999"), "identifier": interaction(SLOT)}
    caller.ask("/Device", **asked)
    keys = ApiKeyFile(tmp_path / "keys" / "keys.toml")
    assert caller.key not in (tmp_path / "keys" / "keys.toml").read_text()
    keys.remove("System 1")
    caller.ask("/Device", 401, **asked)


def test_who_asks_too_often_waits(making: Making) -> None:
    caller = making(limit=2)
    asked = {"organization": organisation("T99999"), "identifier": interaction(SLOT)}
    for status in (200, 200, 429):
        caller.ask("/Device", status, **asked)
    assert caller.answer("/Device", **asked).headers["Retry-After"] == "60"


def test_a_directory_that_does_not_answer_is_a_timeout(making: Making) -> None:
    asked = {"organization": organisation("T99999"), "identifier": interaction(SLOT)}
    making(url="ldaps://127.0.0.1:1").ask("/Device", 504, **asked)


def test_a_service_that_may_not_read_the_directory_never_says_that_there_is_nothing(
    making: Making, served
) -> None:
    withdrawn = served.directory.system("299999999999")
    asked = {"organization": organisation("T99999"), "identifier": interaction(SLOT)}
    making(withdrawn).ask("/Device", 502, **asked)
    making(withdrawn).ask("/Endpoint", 502, **asked)


def test_certificate_files_that_are_gone_are_no_answer(making: Making, served) -> None:
    gone = ClientTls(served.system.authority, Path("/nowhere.pem"), Path("/nowhere.key"))
    asked = {"organization": organisation("T99999"), "identifier": interaction(SLOT)}
    making(gone).ask("/Device", 504, **asked)


def test_it_says_what_it_can_do(caller: Caller) -> None:
    statement = caller.ask("/metadata")
    offered = {each["type"]: each["interaction"] for each in statement["rest"][0]["resource"]}
    assert offered == {key: [{"code": "search-type"}] for key in ("Device", "Endpoint")}
    assert statement["implementation"]["url"] == ORIGIN


@pytest.mark.parametrize("needs_key", [False, True])
def test_the_openapi_document_is_one_and_describes_what_is_answered(making: Making, needs_key: bool) -> None:
    caller = making(needs_key=needs_key)
    document = json.loads(caller.answer("/openapi.json").get_data())
    validate(document)
    assert document["servers"] == [{"url": ORIGIN}]
    is_optional = {} in document["paths"]["/Endpoint"]["get"]["security"]
    assert is_optional is not needs_key
    device = {"organization": organisation("T99999"), "identifier": interaction(SLOT)}
    endpoint = {"organization": organisation("T99999"), "identifier": interaction(CARE_RECORD)}
    for path, asked, status in (
        ("/Device", device, 200),
        ("/Endpoint", endpoint, 200),
        ("/Device", {}, 400),
        ("/metadata", {}, 200),
    ):
        answers = document["paths"][path]["get"]["responses"]
        schema = _schema_of(document, answers[str(status)])
        Draft202012Validator(schema | {"components": document["components"]}).validate(
            caller.ask(path, status, **asked)
        )


def _schema_of(document: dict, response: dict) -> dict:
    name = response.get("$ref", "").rpartition("/")[2]
    described = document["components"]["responses"][name] if name else response
    return described["content"]["application/fhir+json"]["schema"]

"""Each route, for each role: who gets the page, who is told no. A new route must be entered here."""

from __future__ import annotations

import pytest
from flask import Flask

from app.web.access import is_machine_endpoint, is_public
from app.web.card_face_views import PRINT
from app.web.card_views import CARD, MOVE, OWN_MOVE
from app.web.withdrawal_views import WITHDRAW
from tests.support.web import ORIGIN, ROLES, Browser, Site
from tests.support.web_addresses import addresses_of

EXPORT = f"{CARD}/export-so-pin"
NOBODY = frozenset[str]()
EVERYBODY = frozenset({"manager", "sponsor", *ROLES})
RA_STAFF = frozenset({"manager", "agent", "advanced agent"})
FINDERS = EVERYBODY - {"clinician"}
MANAGERS = frozenset({"manager", "advanced agent"})
SYSTEM_VIEWERS = RA_STAFF | {"sponsor"}
SYSTEM_ASKERS = MANAGERS | {"sponsor"}

#: Pages to read: the route, and who may. {uid}, {request}, {issuance}, {card}, {position} are real ones.
READABLE: dict[str, frozenset[str]] = {
    "/": EVERYBODY,
    "/my": EVERYBODY,
    "/my/photo": EVERYBODY,
    "/organisations": EVERYBODY,
    "/signatures/verify": EVERYBODY,
    "/organisations/<organisation:code>": EVERYBODY,
    "/organisations/<organisation:code>/positions/new": MANAGERS,
    "/positions/<record:position_id>": RA_STAFF | {"sponsor"},
    "/people": FINDERS,
    "/people/<uid:uid>": FINDERS,
    "/people/<uid:uid>/photo": FINDERS,
    "/people/register": RA_STAFF | {"ID checker"},
    "/people/<uid:uid>/issue-card/otherwise": RA_STAFF,
    "/people/<uid:uid>/name": RA_STAFF | {"ID checker"},
    "/people/<uid:uid>/request-position": frozenset({"sponsor"}),
    "/people/<uid:uid>/request-position/<organisation:code>": frozenset({"sponsor"}),
    "/requests": RA_STAFF | {"sponsor"},
    WITHDRAW: RA_STAFF,
    "/batches": RA_STAFF,
    "/batches/choose": RA_STAFF,
    "/batches/<record:batch_id>": RA_STAFF,
    "/batches/<record:batch_id>/progress.json": RA_STAFF,
    "/batches/<record:batch_id>/report.csv": RA_STAFF,
    "/issuances": RA_STAFF,
    "/issuances/<record:issuance_id>": RA_STAFF,
    "/issuances/<record:issuance_id>/steps.json": RA_STAFF,
    CARD: RA_STAFF,
    f"{CARD}/state.json": RA_STAFF,
    MOVE: RA_STAFF,
    EXPORT: frozenset({"manager"}),
    "/workstation-reports": RA_STAFF,
    "/workstation-reports/<reference>": RA_STAFF,
    "/audit": frozenset({"manager"}),
    "/audit/receipt": frozenset({"manager"}),
    "/operations": frozenset({"manager"}),
    "/renewals": frozenset({"manager"}),
    "/organisation-loads": frozenset({"manager"}),
    "/organisation-loads/<record:load_id>": frozenset({"manager"}),
    "/organisation-loads/<record:load_id>/progress.json": frozenset({"manager"}),
    "/closing-organisations": frozenset({"manager"}),
    "/closing-organisations/<record:closing_id>": frozenset({"manager"}),
    PRINT: RA_STAFF,
    "/card-stock": RA_STAFF,
    "/card-stock/cards/<serial:serial>": RA_STAFF,
    "/card-stock/places/new": RA_STAFF,
    "/card-stock/places/<record:place_id>": RA_STAFF,
    "/card-stock/move": RA_STAFF,
    "/card-stock/deliveries": RA_STAFF,
    "/card-stock/deliveries/template.csv": RA_STAFF,
    "/card-stock/deliveries/<record:delivery_id>": RA_STAFF,
    "/card-stock/stock-takes": RA_STAFF,
    "/card-stock/stock-takes/<record:take_id>": RA_STAFF,
    "/card-stock/findings/<record:finding_id>": RA_STAFF,
    "/systems": SYSTEM_VIEWERS,
    "/systems/<uid:asid>": SYSTEM_VIEWERS,
    "/systems/register": SYSTEM_ASKERS,
    "/systems/<uid:asid>/change": SYSTEM_ASKERS,
    "/systems/<uid:asid>/<any(suspend,resume,withdraw):step>": SYSTEM_ASKERS,
    "/systems/<uid:asid>/certificate": SYSTEM_ASKERS,
    "/systems/requests": SYSTEM_VIEWERS,
    "/systems/lists/new": SYSTEM_ASKERS,
    "/systems/lists/template.csv": SYSTEM_ASKERS,
}
#: Things to do: the route, and who is not refused for lack of permission.
DOABLE: dict[str, frozenset[str]] = {
    "/signatures/verify": EVERYBODY,
    "/people/register": RA_STAFF | {"ID checker"},
    "/people/<uid:uid>/name": RA_STAFF | {"ID checker"},
    "/organisations/<organisation:code>/positions/new": MANAGERS,
    "/people/<uid:uid>/request-position/<organisation:code>": frozenset({"sponsor"}),
    "/batches": RA_STAFF,
    "/batches/list": RA_STAFF,
    "/batches/check": RA_STAFF,
    "/batches/<record:batch_id>/close": RA_STAFF,
    "/people/<uid:uid>/issue-card": RA_STAFF,
    "/people/<uid:uid>/cards/<serial:serial>/repair": RA_STAFF,
    "/people/<uid:uid>/cards/<serial:serial>/renew": RA_STAFF | {"sponsor"},
    "/people/<uid:uid>/cards/<serial:serial>/renew-with-colleagues": RA_STAFF | {"sponsor"},
    "/people/<uid:uid>/issue-card/otherwise": RA_STAFF,
    "/issuances/<record:issuance_id>/undo": RA_STAFF,
    MOVE: RA_STAFF,
    WITHDRAW: RA_STAFF,
    EXPORT: frozenset({"manager"}),
    "/requests/<record:request_id>/take": RA_STAFF,
    "/requests/<record:request_id>/decision": RA_STAFF,
    "/organisation-loads": frozenset({"manager"}),
    "/organisation-loads/<record:load_id>/apply": frozenset({"manager"}),
    "/organisation-loads/<record:load_id>/preview": frozenset({"manager"}),
    "/organisation-loads/<record:load_id>/discard": frozenset({"manager"}),
    "/closing-organisations/<record:closing_id>/decision": frozenset({"manager"}),
    PRINT: RA_STAFF,
    "/card-stock/places/new": RA_STAFF,
    "/card-stock/places/<record:place_id>/warning": RA_STAFF,
    "/card-stock/move": RA_STAFF,
    "/card-stock/deliveries": RA_STAFF,
    "/card-stock/deliveries/<record:delivery_id>/apply": RA_STAFF,
    "/card-stock/deliveries/<record:delivery_id>/discard": RA_STAFF,
    "/card-stock/stock-takes": RA_STAFF,
    "/card-stock/findings/<record:finding_id>": MANAGERS,
    "/systems/register": SYSTEM_ASKERS,
    "/systems/<uid:asid>/change": SYSTEM_ASKERS,
    "/systems/<uid:asid>/<any(suspend,resume,withdraw):step>": SYSTEM_ASKERS,
    "/systems/lists/new": SYSTEM_ASKERS,
    "/systems/<uid:asid>/certificate": SYSTEM_ASKERS,
}
#: Routes whose answer depends on who asks about what; they have tests of their own.
ELSEWHERE = {
    "/my/authenticator",
    "/my/authenticator/confirm",
    "/my/authenticator/qr.svg",
    "/my/authenticator/remove",
    "/my/vouch",
    "/people/<uid:uid>/cards/<serial:serial>/unlock",
    "/people/<uid:uid>/cards/<serial:serial>/unlock-by-telephone",
    "/offline-workstations",
    "/offline-workstations/<string(length=10):workstation_id>/retire",
    "/batches/<record:batch_id>/desk",
    f"{CARD}/clear",
    OWN_MOVE,
    "/card-stock/find",
    "/card-stock/stock-takes/<record:take_id>/count",
    "/card-stock/stock-takes/<record:take_id>/uncount",
    "/card-stock/stock-takes/<record:take_id>/close",
    "/card-stock/stock-takes/<record:take_id>/abandon",
    "/card-jobs/<record:job_id>",
    "/card-jobs/<record:job_id>/steps.json",
    "/card-jobs/<record:job_id>/desk",
    "/card-jobs/<record:job_id>/undo",
    "/sign-in/renew",
    "/my/cards/<serial:serial>/renew",
    "/my/cards/<serial:serial>/change-so-pin",
    "/requests/<record:request_id>",
    "/issuances/<record:issuance_id>/desk",
    "/systems/requests/<record:request_id>",
    "/systems/requests/<record:request_id>/host-names",
    "/systems/requests/<record:request_id>/decision",
    "/systems/requests/<record:request_id>/cancel",
    "/systems/certificates/<serial:serial_number>",
    "/systems/certificates/<serial:serial_number>/pem",
    "/systems/certificates/<serial:serial_number>/revoke",
    "/systems/lists/<record:batch>",
    "/systems/lists/<record:batch>/host-names",
    "/systems/lists/<record:batch>/approve",
}
#: Rooms of others, with their own tests.
#: What card agents call: each step of the desk API, in whichever room it is.
STEPS_OF_JOBS = frozenset(
    {f"renewals.{step}" for step in ("keys", "signature", "certificates", "completion", "end")}
    | {"offline_unlock.invitation", "offline_unlock.register"}
    | {
        "repairs.completion",
        "clearing.cleared",
        "batch_desk_api.claim",
        "batch_desk_api.next_card",
        "batch_desk_api.pass_over",
    }
)
OTHER_ROOMS = ("sign_in", "openid", "desk_api", "batch_desk_api", "desk_reports_api")


def test_every_route_is_in_the_table(site: Site) -> None:
    known = {*READABLE, *DOABLE, *ELSEWHERE}
    ours = {rule.rule for rule in _guarded(site.app)}
    assert ours == known


def _guarded(app: Flask) -> list:  # type: ignore[type-arg]  # werkzeug rules
    return [
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
        and rule.endpoint.partition(".")[0] not in OTHER_ROOMS
        and not is_public(app.view_functions[rule.endpoint])
    ]


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_pages_open_for_the_roles_of_the_table_and_no_other(site: Site, role: str) -> None:
    browser, address = site.as_role(role), addresses_of(site)
    shown = {route for route in READABLE if _status(browser, "GET", address(route)) == 200}
    refused = {route for route in READABLE if _status(browser, "GET", address(route)) == 403}
    assert shown == {route for route, roles in READABLE.items() if role in roles}
    assert refused == READABLE.keys() - shown


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_actions_are_refused_for_every_role_that_is_not_in_the_table(site: Site, role: str) -> None:
    browser, address = site.as_role(role), addresses_of(site)
    refused = {route for route in DOABLE if _status(browser, "POST", address(route)) == 403}
    assert refused == {route for route, roles in DOABLE.items() if role not in roles}


def test_nobody_gets_anything_without_signing_in(site: Site) -> None:
    browser, address = site.browser(), addresses_of(site)
    for route in READABLE:
        answer = browser.client.get(address(route), base_url=ORIGIN)
        assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/sign-in"), route
    for route in DOABLE:
        assert _status(browser, "POST", address(route)) == 401, route


def test_only_programs_go_without_a_csrf_value(site: Site) -> None:
    views = site.app.view_functions
    machine = {name for name, view in views.items() if is_machine_endpoint(view)}
    assert {name for name in machine if name.startswith("desk_api.")} == {
        f"desk_api.{name}"
        for name in (
            "claim", "job", "personalisation", "certificate_requests", "completion", "failure"
        )
    }  # fmt: skip
    assert machine >= STEPS_OF_JOBS
    assert {name.partition(".")[0] for name in machine - STEPS_OF_JOBS} <= {
        "desk_api",
        "desk_reports_api",
        "openid",
        "signature_api",
        "so_pin_desk_api",
    }


def _status(browser: Browser, method: str, address: str) -> int:
    fields = {}
    if method == "POST":
        fields = {"csrf_value": _csrf(browser), "decision": "reject", "reason": "left"}
    return browser.client.open(address, method=method, data=fields, base_url=ORIGIN).status_code


def _csrf(browser: Browser) -> str:
    page = browser.get("/") if browser.client.get("/", base_url=ORIGIN).status_code == 200 else None
    return page.form_to("/sign-out").fields["csrf_value"] if page else ""

"""The first working day: the founders get their cards, and staff the desk through the service's own pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from app.bootstrap.database import open_database
from app.clock import utc_now
from app.domain.request import RequestStatus
from app.ra.issuing import FOUNDING, Issuing
from app.service import known_people
from app.service.desk import CardDesk
from app.service.known_people import STAFF_FILE, find_person, has_active_card
from app.service.layout import Layout
from app.service.staff import Staff
from app.service.telling import Advance, Terminal
from app.service.visitor import Visitor
from app.settings import Settings
from app.storage.database import Database
from card_agent.driver import Driver


def staff_the_desk(settings: Settings, layout: Layout, terminal: Terminal) -> None:
    """Issue the founders' cards, and let them take in the RA agent. Goes on where it was interrupted.

    Raises:
        NotDone, card_agent.driver.DriverRefused: a page refused; the message is what it says.
        Unavailable
    """
    with closing(open_database(settings)) as database, Driver(layout.agent_origin) as driver:
        desk = CardDesk(driver, Staff(layout.people_file))
        _issue_founders_cards(layout, database, desk, terminal)
        with terminal.step("The founders take in the RA agent") as advance:
            uid = _Office(layout, database, desk, advance).take_in_the_agent()
        agent = desk.holder(uid)
        if agent is not None:
            # Who tries the service begins as the RA agent.
            driver.place("left", agent.card_serial)


def _issue_founders_cards(layout: Layout, database: Database, desk: CardDesk, terminal: Terminal) -> None:
    issuing = Issuing(database)
    for what, uid in zip(("RA manager", "sponsor"), known_people.founders(database), strict=True):
        issuance_id = known_people.open_issuance(database, uid)
        if issuance_id is None:
            continue
        name = known_people.name_of(database, uid)
        with terminal.step(f"Issuing {name}'s smartcard") as advance:
            query = {"op": layout.web_origin, "ticket": issuing.ticket(FOUNDING, issuance_id)}
            desk.issue(what, name, uid, f"{layout.agent_origin}/job?{urlencode(query)}", "", advance)


class _Office:
    """The RA manager and the sponsor at work, each with a browser and a card. Nothing is done twice."""

    def __init__(self, layout: Layout, database: Database, desk: CardDesk, advance: Advance) -> None:
        self._layout = layout
        self._database = database
        self._desk = desk
        self._advance = advance
        plan = known_people.staff_plan()
        self._positions: list[dict[str, Any]] = plan["position"]
        self._agent: dict[str, Any] = plan["agent"]
        self._manager, self._sponsor = known_people.founders(database)

    def take_in_the_agent(self) -> str:
        """Positions, registration, request, grant, card. Returns the agent's user id."""
        with self._signed_in(self._manager) as manager:
            self._create_positions(manager)
            uid = self._known_agent() or self._register(manager)
        if known_people.request_for(self._database, uid, self._position) is None:
            with self._signed_in(self._sponsor) as sponsor:
                self._request(sponsor, uid)
        if not has_active_card(self._database, uid):
            with self._signed_in(self._manager) as manager:
                self._grant(manager, uid)
                self._issue_card(manager, uid)
        return uid

    @contextmanager
    def _signed_in(self, uid: str) -> Iterator[Visitor]:
        holder = Staff(self._layout.people_file).of(uid)
        assert holder is not None, "the founders' cards are issued first"
        with Visitor(self._layout, self._desk.driver) as visitor:
            visitor.sign_in(holder.card_serial, holder.pin)
            yield visitor
            visitor.send("/", {}, action="/sign-out")

    def _create_positions(self, manager: Visitor) -> None:
        for position in self._positions:
            known = known_people.positions_at(self._database, position["organisation"])
            if position["answers"]["name"] not in known:
                self._say(f"position {position['answers']['name']}")
                _create_position(manager, position)

    @property
    def _position(self) -> str:
        positions = known_people.positions_at(self._database, self._agent["organisation"])
        return positions[self._agent["position"]]

    def _known_agent(self) -> str | None:
        answers = self._agent["answers"]
        year, month, day = (int(answers[f"date_of_birth-{part}"]) for part in ("year", "month", "day"))
        born = date(year, month, day)
        return find_person(self._database, answers["given_name"], answers["family_name"], born)

    def _register(self, manager: Visitor) -> str:
        self._say("registering")
        photo = (STAFF_FILE.parent / self._agent["photo"]).read_bytes()
        path = "/people/register"
        check = manager.send(path, {**self._agent["answers"], "step": "check"}, photo=photo)
        registered = manager.send_form(check, path, {"step": "register"})
        return registered.url.path.rpartition("/")[2]

    def _request(self, sponsor: Visitor, uid: str) -> None:
        self._say("the sponsor asks for the position")
        path = f"/people/{uid}/request-position/{self._agent['organisation']}"
        answers = {"position_id": self._position, "reason": self._agent["reason"]}
        sponsor.send(path, {**answers, **_day("starts_on", utc_now())})

    def _grant(self, manager: Visitor, uid: str) -> None:
        asked = known_people.request_for(self._database, uid, self._position)
        if asked is not None and asked.status is RequestStatus.OPEN:
            self._say("the RA manager grants it")
            path = f"/requests/{asked.id}"
            manager.send(path, {}, action=f"{path}/take")
            manager.send(path, {"decision": "grant", "reason": ""}, action=f"{path}/decision")

    def _issue_card(self, manager: Visitor, uid: str) -> None:
        begun = known_people.open_issuance(self._database, uid)
        path, action = ("issuances", f"{begun}/desk") if begun else ("people", f"{uid}/issue-card")
        ticket = manager.send(f"/{path}/{begun or uid}", {}, action=f"/{path}/{action}")
        operator = Staff(self._layout.people_file).of(self._manager)
        assert operator is not None, "the manager has signed in"
        self._desk.driver.place("left", operator.card_serial)
        name = known_people.name_of(self._database, uid)
        self._desk.issue("RA agent", name, uid, manager.hop(ticket), operator.pin, self._advance)

    def _say(self, what: str) -> None:
        self._advance(what, 0, 0)


def _create_position(manager: Visitor, position: Mapping[str, Any]) -> None:
    path = f"/organisations/{position['organisation']}/positions/new"
    manager.send(path, {**position["answers"], "step": "create", **_day("approved_on", utc_now())})


def _day(field: str, moment: datetime) -> dict[str, str]:
    parts = {"day": moment.day, "month": moment.month, "year": moment.year}
    return {f"{field}-{part}": str(value) for part, value in parts.items()}

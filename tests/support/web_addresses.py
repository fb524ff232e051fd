"""Real addresses for the routes of the site: each place of a rule filled with something that is there."""

from __future__ import annotations

from collections.abc import Callable

from app.domain.stock import DESK
from app.web.card_views import CARD, MOVE
from tests.support.registration_authority import PRACTICE, another, today
from tests.support.systems import registered_system
from tests.support.web import Site


def addresses_of(site: Site) -> Callable[[str], str]:
    """Fills a route's places with real things that the actors have nothing to do with."""
    office = site.office
    uid = office.person(another(90)).uid
    card = office.card_for(uid)
    waiting = office.person(another(91)).uid
    held = office.person(another(93), site.clinician_position).uid
    issuance = office.ra.issuing.begin(office.manager, waiting)
    asked = office.ra.requesting.request_position(
        office.sponsor, waiting, site.clinician_position, today(), None, "Needed"
    )
    filled = {
        MOVE[len(CARD) + 1 :]: "suspend",
        "<uid:uid>": uid,
        "<uid:asid>": registered_system(site),
        "<any(suspend,resume,withdraw):step>": "withdraw",
        "<uid:role_profile_id>": office.ra.actor(held).role_profile_id or "",
        "<serial:serial>": card.serial,
        "<organisation:code>": PRACTICE,
        "<record:position_id>": site.clinician_position,
        "<record:issuance_id>": issuance,
        "<record:batch_id>": office.ra.batching.begin(
            office.manager, "Induction", [office.person(another(92)).uid], None
        ),
        "<record:request_id>": asked,
        "<record:load_id>": site.previewed_load(),
        "<record:place_id>": DESK,
        "<record:delivery_id>": site.previewed_delivery(),
        "<record:take_id>": site.services.stock.counting.begin(office.manager, DESK),
        "<record:finding_id>": site.services.stock.stocking.state(office.manager).findings[0].id,
        "<record:closing_id>": site.closing(),
        "<reference>": site.services.workstations.receive([], [], "1", "192.0.2.1"),
    }

    def address(route: str) -> str:
        for place, value in filled.items():
            route = route.replace(place, value)
        return route

    return address

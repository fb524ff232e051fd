"""Renewing a card: one's own in one step, somebody else's with them; and what the desk asks for meanwhile."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, redirect
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.renewal_job import Signing
from app.errors import Refusal
from app.web import context
from app.web.access import machine_endpoint
from app.web.desk_messages import (
    LARGEST_BINARY,
    desk_message,
    done,
    job_token,
    read_back_of,
    signed_statement,
)
from app.web.desk_page import desk_page
from app.web.pages import Crumb, render_page
from app.web.people_views import person_page
from app.web.presenters.card_offer import CardOffer

blueprint = Blueprint("renewals", __name__)


def own_card_offer(uid: str) -> CardOffer | None:
    """What is offered to somebody whose card expires soon, or was unlocked from afar."""
    services = context.services()
    return CardOffer.of(services.renewals.beginning.due(uid), services.unlocks.changing.due(uid))


@blueprint.get("/sign-in/renew")
def offer() -> Response | WerkzeugResponse:
    """Offers, after signing in, what should be done with the card soon."""
    found = own_card_offer(context.actor().uid)
    if found is None:
        return redirect("/sign-in/continue", 303)
    return render_page("sign_in/renew.html", found.heading, offer=found)


@blueprint.post("/my/cards/<serial:serial>/renew")
def renew_own(serial: str) -> Response:
    """Begin, and go on to the card agent at once: it asks for the PIN and does the rest."""
    actor, services = context.actor(), context.services()
    job_id = services.renewals.beginning.begin_own(actor, serial)
    return desk_page(services.following_jobs.ticket(actor, job_id), Crumb("My access", "/my"))


@blueprint.post("/my/cards/<serial:serial>/change-so-pin")
def change_own(serial: str) -> Response:
    """Begin, and go on to the card agent at once: it gives the card another SO PIN."""
    actor, services = context.actor(), context.services()
    job_id = services.unlocks.changing.begin_own(actor, serial)
    return desk_page(services.following_jobs.ticket(actor, job_id), Crumb("My access", "/my"))


@blueprint.post("/people/<uid:uid>/cards/<serial:serial>/renew")
def renew(uid: str, serial: str) -> WerkzeugResponse:
    """Begin to renew somebody's card with them; one's own card signs for it."""
    return _begun(uid, serial, Signing.OPERATOR)


@blueprint.post("/people/<uid:uid>/cards/<serial:serial>/renew-with-colleagues")
def renew_with_colleagues(uid: str, serial: str) -> WerkzeugResponse:
    """Begin to renew somebody's card; two colleagues of theirs sign for it with their cards."""
    return _begun(uid, serial, Signing.COLLEAGUES)


def _begun(uid: str, serial: str, signing: Signing) -> WerkzeugResponse:
    try:
        job_id = context.services().renewals.beginning.begin(context.actor(), serial, signing)
    except Refusal as refusal:
        return person_page(uid, refusal)
    return redirect(f"/card-jobs/{job_id}", 303)


@blueprint.put("/desk/jobs/<record:job_id>/renewal-keys")
@machine_endpoint
def keys(job_id: str) -> Response:
    """The CSRs of the new keys that lie on the card beside the old ones."""
    message = desk_message("authentication", "content_commitment", "provenance")
    context.services().renewals.at_desk.present_keys(
        job_token(),
        job_id,
        authentication_csr=message.base64_bytes("authentication", LARGEST_BINARY),
        content_commitment_csr=message.base64_bytes("content_commitment", LARGEST_BINARY),
        provenance=message.any_object("provenance"),
    )
    return done()


@blueprint.put("/desk/jobs/<record:job_id>/renewal-signature")
@machine_endpoint
def signature(job_id: str) -> Response:
    """A signature that exactly these keys shall be certified."""
    context.services().renewals.at_desk.sign(job_token(), job_id, signed_statement())
    return done()


@blueprint.put("/desk/jobs/<record:job_id>/renewal-certificates")
@machine_endpoint
def certificates(job_id: str) -> Response:
    """The new certificates; asked again, the same ones."""
    desk_message()
    return jsonify(context.services().renewals.at_desk.certify(job_token(), job_id))


@blueprint.put("/desk/jobs/<record:job_id>/renewal-completion")
@machine_endpoint
def completion(job_id: str) -> Response:
    """What was read back from the card, and the first use of its new key."""
    message = desk_message("read_back", "proof")
    context.services().renewals.at_desk.complete(
        job_token(), job_id, read_back=read_back_of(message), proof=message.base64_bytes("proof", 512)
    )
    return done()


@blueprint.put("/desk/jobs/<record:job_id>/renewal-end")
@machine_endpoint
def end(job_id: str) -> Response:
    """The old keys and certificates are gone from the card."""
    desk_message()
    context.services().renewals.at_desk.finish(job_token(), job_id)
    return done()

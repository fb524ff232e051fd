"""A card's life: what it is now, what was done with it, and the moves that are open to whoever looks.

Every page here follows from the table of moves (``app/domain/card_move.py``): a move that is not legal for
this card and this person has no link and no page.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.card_move import MOVES, Place
from app.errors import NotFound, Refusal
from app.ra.moving_cards import CardLife, MoveAsked
from app.web import context
from app.web.access import keeps_answers
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page, tell_on_next_page
from app.web.presenters.card_life import CardPage, MovePage, state_message

blueprint = Blueprint("cards", __name__)

_VERBS = ",".join(f'"{move.verb}"' for move in MOVES if move.place is Place.PAGE)
_OWN_VERBS = ",".join(f'"{move.verb}"' for move in MOVES if move.place is Place.PAGE and move.holder_may)
CARD = "/people/<uid:uid>/cards/<serial:serial>"
MOVE = f"{CARD}/<any({_VERBS}):verb>"
OWN_MOVE = f"/my/cards/<serial:serial>/<any({_OWN_VERBS}):verb>"


@blueprint.get(CARD)
def card(uid: str, serial: str) -> Response:
    """The card, its certificates, and what people did with it."""
    life = card_life(uid, serial)
    page = CardPage.of(life, f"/people/{uid}", context.actor())
    crumbs = person_crumbs(uid, life.holder.name if life.holder else "Person")
    return render_page("cards/card.html", page.heading, crumbs=crumbs, page=page)


@blueprint.get(f"{CARD}/state.json")
def state(uid: str, serial: str) -> Response:
    """The same for programs: the state, and the moves that are open to whoever asks."""
    return jsonify(state_message(card_life(uid, serial)))


@blueprint.get(MOVE)
def move_form(uid: str, serial: str, verb: str) -> Response:
    """Asks for what the move needs, and says what it does."""
    card_life(uid, serial)
    return move_page(serial, verb, SubmittedForm(), f"/people/{uid}", person_crumbs(uid))


@blueprint.post(MOVE)
@keeps_answers
def move(uid: str, serial: str, verb: str) -> WerkzeugResponse:
    """Give the move."""
    form = SubmittedForm(request.form)
    try:
        told = _give(serial, verb, form)
    except Refusal as refusal:
        form.add_problems(refusal)
        return move_page(serial, verb, form, f"/people/{uid}", person_crumbs(uid))
    tell_on_next_page(told)
    return redirect(f"/people/{uid}", 303)


@blueprint.get(OWN_MOVE)
def own_move_form(serial: str, verb: str) -> Response:
    """Asks what happened to one's own card."""
    _require_own(serial)
    return move_page(serial, verb, SubmittedForm(), "/my", (Crumb("My access", "/my"),))


@blueprint.post(OWN_MOVE)
def own_move(serial: str, verb: str) -> WerkzeugResponse:
    """One's own card stops working at once, and this session with it."""
    form = SubmittedForm(request.form)
    try:
        _require_own(serial)
        _give(serial, verb, form)
    except Refusal as refusal:
        form.add_problems(refusal)
        return move_page(serial, verb, form, "/my", (Crumb("My access", "/my"),))
    return redirect("/sign-in", 303)


def _give(serial: str, verb: str, form: SubmittedForm) -> str:
    asked = MoveAsked(
        reason=form.text("reason", longest=40),
        witness_uid="".join(form.text("witness", longest=40).split()),
        note=form.text("note", longest=500),
    )
    form.require_no_problems()
    moves = context.services().card_moves
    moves.give(context.actor(), serial, verb, asked)
    return MovePage.told(serial, verb)


def move_page(serial: str, verb: str, form: SubmittedForm, back: str, crumbs: tuple[Crumb, ...]) -> Response:
    """The form of a move that is open to whoever looks; refuses any other."""
    life, move_open = context.services().card_moves.offered(context.actor(), serial, verb)
    page = MovePage.of(life, move_open, back)
    return render_page(
        "cards/move.html",
        page.heading,
        status=form.status,
        crumbs=crumbs,
        form=form,
        problems=form.problems,
        page=page,
    )


def card_life(uid: str, serial: str) -> CardLife:
    """The card, when it is this person's and whoever looks may know of it."""
    life = context.services().card_moves.life(context.actor(), serial)
    if life.holder is None or life.holder.uid != uid:
        raise NotFound(f"This person has no card {serial}.")
    return life


def _require_own(serial: str) -> None:
    """On one's own pages there are one's own cards only, whatever the role."""
    card_life(context.actor().uid, serial)


def person_crumbs(uid: str, name: str = "Person") -> tuple[Crumb, ...]:
    """The way back to the person."""
    return (Crumb("People", "/people"), Crumb(name, f"/people/{uid}"))

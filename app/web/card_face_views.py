"""The face of a card: look at front and back, and print it as a PDF of the card's size."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.card_face import REPRINT_REASONS, Sides
from app.errors import NotFound, Refusal
from app.ra.printing_cards import CardPreview, PrintAsked
from app.web import context
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page
from app.web.presenters.card_face import CardFacePage

blueprint = Blueprint("card_faces", __name__)

PRINT = "/people/<uid:uid>/cards/<serial:serial>/print"


@blueprint.get(PRINT)
def preview(uid: str, serial: str) -> Response:
    """Front and back as they would be printed."""
    return _page(uid, serial, SubmittedForm({"sides": Sides.BOTH.value}))


@blueprint.post(PRINT)
def print_card(uid: str, serial: str) -> WerkzeugResponse:
    """The PDF for the card printer; printing again takes a reason."""
    form = SubmittedForm(request.form)
    sides = form.choice("sides", list(Sides), "Choose which sides are printed.")
    reason = form.value("reason") if form.value("reason") in REPRINT_REASONS else ""
    note = form.text("note", longest=500)
    try:
        form.require_no_problems()
        _preview(uid, serial)
        asked = PrintAsked(Sides(sides), reason, note)
        pdf = context.services().printing.print(context.actor(), serial, asked)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _page(uid, serial, form)
    headers = {
        "Content-Type": "application/pdf",
        "Content-Disposition": f'attachment; filename="card-{serial}.pdf"',
    }
    return make_response(pdf, 200, headers)


def _preview(uid: str, serial: str) -> CardPreview:
    found = context.services().printing.preview(context.actor(), serial)
    if found.face.uid != uid:
        raise NotFound(f"This person has no card {serial}.")
    return found


def _page(uid: str, serial: str, form: SubmittedForm) -> Response:
    shown = _preview(uid, serial)
    return render_page(
        "cards/face.html",
        f"Print card {serial}",
        status=form.status,
        crumbs=(Crumb("People", "/people"), Crumb(shown.face.name, f"/people/{uid}")),
        form=form,
        problems=form.problems,
        page=CardFacePage.of(shown),
    )

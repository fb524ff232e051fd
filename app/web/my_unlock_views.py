"""My page: an authenticator app for the day when one's card is locked, and vouching for a colleague."""

from __future__ import annotations

from io import BytesIO

import segno
from flask import Blueprint, Response, make_response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.errors import NotFound, Refusal
from app.web import context
from app.web.desk_page import desk_page
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page, tell_on_next_page
from app.web.presenters.wording import moment

blueprint = Blueprint("my_unlock", __name__, url_prefix="/my")

_MINE = Crumb("My access", "/my")
_APP = "/my/authenticator"


@blueprint.get("/authenticator")
def authenticator() -> Response:
    """Whether there is an app, and how to set one up."""
    return _app_page(SubmittedForm())


@blueprint.post("/authenticator")
def begin() -> WerkzeugResponse:
    """Make a new secret to set the app up with."""
    context.services().unlocks.authenticators.begin(context.actor())
    return redirect(_APP, 303)


@blueprint.post("/authenticator/confirm")
def confirm() -> WerkzeugResponse:
    """The app's first code shows that it has the secret."""
    form = SubmittedForm(request.form)
    code = form.text("code", missing="Enter the six digits that the app shows.", longest=20)
    try:
        form.require_no_problems()
        context.services().unlocks.authenticators.confirm(context.actor(), code)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _app_page(form)
    tell_on_next_page("The authenticator app is set up. Its codes unlock your card when it is locked.")
    return redirect("/my", 303)


@blueprint.post("/authenticator/remove")
def remove() -> WerkzeugResponse:
    """Forget the app."""
    context.services().unlocks.authenticators.remove(context.actor())
    tell_on_next_page("The authenticator app is removed. Its codes do not work any more.")
    return redirect("/my", 303)


@blueprint.get("/authenticator/qr.svg")
def qr_code() -> Response:
    """The secret as a QR code, while the app is being set up."""
    record = context.services().unlocks.authenticators.own(context.actor())
    if record is None or not record.uri:
        raise NotFound("No authenticator app is being set up.")
    picture = BytesIO()
    segno.make(record.uri, micro=False).save(picture, kind="svg", scale=5, border=4)
    return make_response(picture.getvalue(), 200, {"Content-Type": "image/svg+xml"})


@blueprint.get("/vouch")
def vouch_form() -> Response:
    """Asks for whom one vouches."""
    return _vouch_page(SubmittedForm())


@blueprint.post("/vouch")
def vouch() -> WerkzeugResponse:
    """Begin to vouch: on to the desk, where both colleagues sign."""
    form = SubmittedForm(request.form)
    uid = form.text("uid", missing="Enter your colleague's user id (UUID).", longest=30).replace(" ", "")
    try:
        form.require_no_problems()
        ticket = context.services().unlocks.by_colleagues.begin(context.actor(), uid)
    except Refusal as refusal:
        if not form.problems:
            form.refuse("uid", str(refusal))
        return _vouch_page(form)
    return desk_page(ticket, _MINE, Crumb("Vouch for a colleague", "/my/vouch"))


def _app_page(form: SubmittedForm) -> Response:
    record = context.services().unlocks.authenticators.own(context.actor())
    return render_page(
        "my/authenticator.html",
        "My authenticator app",
        status=form.status,
        crumbs=(_MINE,),
        form=form,
        problems=form.problems,
        since=moment(record.confirmed_at) if record and record.confirmed_at else "",
        secret=_in_groups(record.secret) if record else "",
    )


def _in_groups(secret: str) -> str:
    return " ".join(secret[index : index + 4] for index in range(0, len(secret), 4))


def _vouch_page(form: SubmittedForm) -> Response:
    return render_page(
        "my/vouch.html",
        "Vouch for a colleague",
        status=form.status,
        crumbs=(_MINE,),
        form=form,
        problems=form.problems,
    )

"""My card is locked: the way from the sign-in page, for somebody who cannot sign in.

What is answered never tells whether a user id exists or what is known about it.
"""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, session
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.one_time_code import Channel
from app.errors import Refusal
from app.web import context
from app.web.access import public
from app.web.desk_page import desk_page
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page

blueprint = Blueprint("self_unlock", __name__, url_prefix="/unlock")

_BEGIN = Crumb("My card is locked", "/unlock")
_SIGN_IN = Crumb("Sign in", "/sign-in")
_REQUEST, _UID = "unlock_request", "unlock_uid"
_APP = "app"
WAYS = {
    Channel.EMAIL.value: "Send a code by e-mail",
    Channel.TEXT.value: "Send a code by text message",
    _APP: "Use the code of my authenticator app",
}


@blueprint.get("")
@public
def begin_form() -> Response:
    """Asks for the user id and the way."""
    return _begin_page(SubmittedForm())


@blueprint.post("")
@public
def begin() -> WerkzeugResponse:
    """Has a code sent, when there is somebody to send it to; the next page is the same for everybody."""
    form = SubmittedForm(request.form)
    uid = form.text("uid", missing="Enter your user id (UUID).", longest=30).replace(" ", "")
    way = form.choice("way", WAYS, "Choose how you get a code.")
    try:
        form.require_no_problems()
        session[_UID] = uid if way == _APP else ""
        if way != _APP:
            address = context.client_address()
            session[_REQUEST] = context.services().unlocks.by_code.ask(uid, Channel(way), address)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _begin_page(form)
    return redirect("/unlock/code", 303)


@blueprint.get("/code")
@public
def code_form() -> Response:
    """Asks for the code."""
    return _code_page(SubmittedForm())


@blueprint.post("/code")
@public
def use_code() -> WerkzeugResponse:
    """Exchanges the code for the way to this computer's card agent."""
    form = SubmittedForm(request.form)
    code = form.text("code", missing="Enter the code.", longest=20)
    try:
        form.require_no_problems()
        ticket = _ticket(code)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _code_page(form)
    session.pop(_REQUEST, None)
    return desk_page(ticket, _SIGN_IN, _BEGIN)


def _ticket(code: str) -> str:
    by_code, address = context.services().unlocks.by_code, context.client_address()
    if session.get(_UID):
        return by_code.unlock_by_authenticator(str(session[_UID]), code, address)
    return by_code.unlock(str(session.get(_REQUEST, "")), code, address)


def _begin_page(form: SubmittedForm) -> Response:
    return render_page(
        "unlock/begin.html",
        "My card is locked",
        status=form.status,
        crumbs=(_SIGN_IN,),
        form=form,
        problems=form.problems,
        ways=[{"value": value, "text": text} for value, text in WAYS.items()],
        agent_origin=context.settings().agent.origin,
    )


def _code_page(form: SubmittedForm) -> Response:
    return render_page(
        "unlock/code.html",
        "Enter the code",
        status=form.status,
        crumbs=(_SIGN_IN, _BEGIN),
        form=form,
        problems=form.problems,
        is_app=bool(session.get(_UID)),
    )

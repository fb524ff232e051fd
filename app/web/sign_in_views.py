"""Signing in with a card, the terms, the role, signing out.

The way of one sign-in: ``/sign-in`` (challenge) -> card agent on loopback -> ``/sign-in/card#token`` -> POST
of the token -> ``/sign-in/continue`` -> terms and role when they are still to be settled -> where the person
wanted to go. No form here ever redirects to another origin: browsers apply ``form-action`` to redirects too,
so the last hop to a relying party is a page of its own (``openid_views``).
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, request, session
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.actor import Actor
from app.signin.refusals import SignInRefused
from app.signin.smartcard import Attempt
from app.signin.staff import StaffRole
from app.signin.steps import LONGEST_ROLE_LIST, RoleNotOffered, TermsChanged, roles_matching
from app.signin.token import bytes_of_fragment
from app.web import context
from app.web.access import public
from app.web.context import SignInNeeded
from app.web.csrf import csrf_value
from app.web.forms.submitted import SubmittedForm
from app.web.pages import render_page
from app.web.renewal_views import own_card_offer
from app.web.return_address import RETURN_TO, WANTED_BY, local_address
from app.web.session_store import (
    SessionUser,
    begin_signed_in_session,
    browser_session,
    session_key,
    signed_in_user,
)

blueprint = Blueprint("sign_in", __name__)

#: What a browser session keeps through a sign-in, which empties the rest.
KEPT = (RETURN_TO, "authorizations")
_RENEWAL_OFFERED = "renewal_offered"
_MOST_MATCHES = 20


@blueprint.get("/sign-in")
@public
def sign_in() -> Response | WerkzeugResponse:
    """Offers the way through the card agent, with a challenge for this browser."""
    if "next" in request.args:
        session[RETURN_TO] = local_address(request.args["next"])
        session.pop(WANTED_BY, None)
    if signed_in_user() is not None and "again" not in request.args:
        return redirect("/sign-in/continue", 303)
    # The challenge is bound to the session's key, so the session must be one that is kept: it begins with the
    # CSRF value that the answer will need.
    csrf_value()
    nonce = context.services().sign_in.challenge(session_key())
    return render_page("sign_in/sign_in.html", "Sign in with your card", page=_sign_in_page(nonce))


@dataclass(frozen=True)
class SignInPage:
    """What the sign-in page shows. ``wanted_by`` is the relying party that sends the person; empty for us."""

    agent_address: str
    agent_origin: str
    wanted_by: str


def _sign_in_page(nonce: str) -> SignInPage:
    settings = context.settings()
    query = urlencode({"op": settings.service.origin, "nonce": nonce})
    wanted_by = session.get(WANTED_BY, "")
    return SignInPage(f"{settings.agent.origin}/card?{query}", settings.agent.origin, wanted_by)


@blueprint.get("/sign-in/card")
@public
def card_answer() -> Response:
    """Where the card agent sends the browser: a script takes the token from the address and posts it."""
    return render_page("sign_in/card.html", "Checking your card")


@blueprint.post("/sign-in/card")
@public
def check_card() -> Response | WerkzeugResponse:
    """Checks the token and begins the session."""
    attempt = Attempt(
        session_key(),
        bytes_of_fragment(request.form.get("token", "")),
        context.client_address(),
        context.request_id(),
    )
    try:
        signed_in = context.services().sign_in.validate(attempt)
    except SignInRefused as refusal:
        return render_page("sign_in/refused.html", "You are not signed in", status=403, message=str(refusal))
    kept = {name: session[name] for name in KEPT if name in session}
    begin_signed_in_session(signed_in.session_key)
    session.update(kept)
    return redirect("/sign-in/continue", 303)


@blueprint.get("/sign-in/continue")
def go_on() -> Response | WerkzeugResponse:
    """To the next step of signing in, and after the last to where the person wanted to go."""
    person = _user().person
    if person.terms_accepted_at is None:
        return redirect("/sign-in/terms", 303)
    if person.role_chosen_at is None:
        return redirect("/sign-in/role", 303)
    if not session.get(_RENEWAL_OFFERED):
        # Once at each sign-in, and nothing waits for it.
        session[_RENEWAL_OFFERED] = True
        if own_card_offer(person.uid) is not None:
            return redirect("/sign-in/renew", 303)
    return leave_for(session.pop(RETURN_TO, "/"))


def leave_for(address: str) -> Response | WerkzeugResponse:
    """To an address of ours. One that will redirect to a relying party gets a page in between."""
    if not address.startswith("/openid/"):
        return redirect(address, 303)
    return render_page("sign_in/leave.html", "You are signed in", address=address)


def _user() -> SessionUser:
    user = signed_in_user()
    if user is None:
        raise SignInNeeded("Sign in with your card to go on.")
    return user


@blueprint.get("/sign-in/terms")
def terms() -> Response:
    """The terms of use."""
    return _terms_page(SubmittedForm(), 200)


def _terms_page(form: SubmittedForm, status: int) -> Response:
    version = context.services().sign_in.steps.terms_version
    return render_page(
        "sign_in/terms.html",
        "Terms of use",
        status=status,
        form=form,
        version=version,
        problems=form.problems,
    )


@blueprint.post("/sign-in/terms")
def accept_terms() -> Response | WerkzeugResponse:
    """Keeps that the person accepts them."""
    form = SubmittedForm(request.form)
    if not form.is_ticked("accepted"):
        form.refuse("accepted", "Tick the box if you accept the terms. Without it you cannot go on.")
        return _terms_page(form, 422)
    user = _user()
    try:
        context.services().sign_in.steps.accept_terms(user.actor, user.id, form.value("version"))
    except TermsChanged as refusal:
        form.refuse("accepted", str(refusal))
        return _terms_page(form, 409)
    return redirect("/sign-in/continue", 303)


@blueprint.get("/sign-in/role")
def role() -> Response:
    """The roles to choose from: a list, or a search when there are many."""
    return _role_page(SubmittedForm(request.args), 200)


def _role_page(form: SubmittedForm, status: int) -> Response:
    user = _user()
    roles = context.services().sign_in.steps.roles(user.person.uid)
    page = RolePage.of(roles, form.value("q"), user.actor.role_profile_id)
    heading = "Choose your role" if roles else "You have no role yet"
    return render_page(
        "sign_in/role.html", heading, status=status, form=form, page=page, problems=form.problems
    )


@dataclass(frozen=True)
class RolePage:
    """What the role page shows. ``choices`` are those of the radios."""

    choices: tuple[dict[str, str | bool], ...]
    has_search: bool
    notice: str

    @classmethod
    def of(cls, roles: tuple[StaffRole, ...], text: str, current: str | None) -> RolePage:
        """All of a few roles; of many the one used last, or those that match the search."""
        if len(roles) <= LONGEST_ROLE_LIST:
            return cls(_choices(roles, current), has_search=False, notice="")
        found = roles_matching(roles, text) if text.strip() else roles[:1]
        notice = "" if found else "None of your roles matches. Try part of the organisation's name or code."
        return cls(_choices(found[:_MOST_MATCHES], current), has_search=True, notice=notice)


def _choices(roles: tuple[StaffRole, ...], current: str | None) -> tuple[dict[str, str | bool], ...]:
    return tuple(
        {
            "value": role.role_profile_id,
            "text": f"{role.organisation.name} ({role.organisation.code})",
            "hint": role.in_words,
            "checked": role.role_profile_id == current,
        }
        for role in roles
    )


@blueprint.post("/sign-in/role")
def choose_role() -> Response | WerkzeugResponse:
    """Works in the chosen role from now on; no PIN is asked again."""
    user, form = _user(), SubmittedForm(request.form)
    try:
        context.services().sign_in.steps.choose_role(user.actor, user.id, form.value("role"))
    except RoleNotOffered as refusal:
        form.refuse("role", str(refusal) if form.value("role") else "Choose a role.")
        return _role_page(form, 422)
    return redirect("/sign-in/continue", 303)


@blueprint.post("/sign-out")
@public
def sign_out() -> WerkzeugResponse:
    """Ends the session here and at the relying parties that know it."""
    end_browser_session()
    return redirect("/signed-out", 303)


def end_browser_session() -> None:
    """End this browser's session, whether or not its person was asked for the PIN lately."""
    own, user = browser_session(), signed_in_user()
    if own.record is not None:
        actor = user.actor if user else Actor.system("sign-in")
        context.services().sessions.end(actor, own.record.id, "signed_out")
    own.discard()


@blueprint.get("/signed-out")
@public
def signed_out() -> Response:
    """Says that it is done."""
    return render_page("sign_in/signed_out.html", "You are signed out")

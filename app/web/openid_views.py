"""The OpenID provider's endpoints, thin: read the request, call ``services().openid``, write the answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, make_response, redirect, request, session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as WerkzeugResponse

from app.oidc import discovery
from app.oidc.authorizing import Browser, FinishSignInFirst, Present, SendBack
from app.oidc.caller import Caller
from app.oidc.parameters import SentParameters
from app.oidc.refusals import InvalidToken, NotAddressable, ProtocolError
from app.signin.opaque_value import new_id
from app.web import context
from app.web.access import machine_endpoint, public
from app.web.pages import render_page
from app.web.return_address import RETURN_TO, WANTED_BY
from app.web.session_store import browser_session, signed_in_user
from app.web.sign_in_views import end_browser_session

blueprint = Blueprint("openid", __name__)

#: Under this name the browser session keeps requests that wait for a sign-in.
_WAITING = "authorizations"
_MOST_WAITING = 5
_SIGNED_OUT_TO = "signed_out_to"
_NO_LONGER_WAITING = (
    "This sign-in is no longer under way. Go back to the service that you came from and start again."
)
_PUBLIC_CACHE = "public, max-age=300"


@blueprint.get("/.well-known/openid-configuration")
@machine_endpoint
def configuration() -> Response:
    """The discovery document."""
    return _as_json(context.services().openid.metadata(), _PUBLIC_CACHE)


@blueprint.get(discovery.JWKS_PATH)
@machine_endpoint
def jwks() -> Response:
    """The public keys."""
    return _as_json(context.services().openid.jwks(), _PUBLIC_CACHE)


def _as_json(content: dict[str, Any], caching: str = "no-store") -> Response:
    response = make_response(jsonify(content))
    response.headers["Cache-Control"] = caching
    return response


def _sent(parameters: MultiDict[str, str]) -> dict[str, list[str]]:
    return {name: parameters.getlist(name) for name in parameters}


@blueprint.get(discovery.AUTHORIZATION_PATH)
@public
def authorize() -> Response | WerkzeugResponse:
    """A relying party sends the browser here."""
    return _answer(_sent(request.args), context.now(), new_id())


@blueprint.post(discovery.AUTHORIZATION_PATH)
@machine_endpoint
def authorize_posted() -> WerkzeugResponse:
    """The same by POST: sent on as GET, since our cookie does not come with another site's POST."""
    return redirect(f"{discovery.AUTHORIZATION_PATH}?{urlencode(_sent(request.form), doseq=True)}", 303)


@blueprint.post(discovery.END_SESSION_PATH)
@machine_endpoint
def sign_out_posted() -> WerkzeugResponse:
    """A sign-out request by POST, sent on as GET for the same reason."""
    return redirect(f"{discovery.END_SESSION_PATH}?{urlencode(_sent(request.form), doseq=True)}", 303)


@blueprint.get(f"{discovery.AUTHORIZATION_PATH}/<waiting_id>")
@public
def authorize_again(waiting_id: str) -> Response | WerkzeugResponse:
    """A request that waited for a sign-in is answered again."""
    waiting = session.get(_WAITING, {}).get(waiting_id)
    if waiting is None:
        return _refused_page(_NO_LONGER_WAITING)
    return _answer(waiting["sent"], datetime.fromisoformat(waiting["asked_at"]), waiting_id)


def _answer(sent: SentParameters, asked_at: datetime, waiting_id: str) -> Response | WerkzeugResponse:
    answer = context.services().openid.authorizing.answer(sent, _browser(asked_at))
    if isinstance(answer, SendBack):
        _forget(waiting_id)
        return redirect(answer.location, 303)
    _keep(waiting_id, sent, asked_at)
    session[RETURN_TO] = f"{discovery.AUTHORIZATION_PATH}/{waiting_id}"
    if isinstance(answer, FinishSignInFirst):
        return redirect("/sign-in/continue", 303)
    session[WANTED_BY] = answer.relying_party_name
    return redirect("/sign-in?again=yes", 303)


def _browser(asked_at: datetime) -> Browser:
    user = signed_in_user()
    present = Present(user.id, user.person, user.actor) if user else None
    return Browser(present, asked_at, context.now())


def _keep(waiting_id: str, sent: SentParameters, asked_at: datetime) -> None:
    waiting = dict(session.get(_WAITING, {}))
    waiting[waiting_id] = {"sent": dict(sent), "asked_at": asked_at.isoformat()}
    session[_WAITING] = dict(list(waiting.items())[-_MOST_WAITING:])


def _forget(waiting_id: str) -> None:
    if waiting_id in session.get(_WAITING, {}):
        session[_WAITING] = {key: value for key, value in session[_WAITING].items() if key != waiting_id}


@blueprint.errorhandler(NotAddressable)
def not_addressable(refusal: NotAddressable) -> Response:
    """Nobody to send an error to, so a page says what is wrong."""
    return _refused_page(str(refusal))


def _refused_page(message: str) -> Response:
    return render_page("openid/refused.html", "The request cannot be used", status=400, message=message)


@blueprint.post(discovery.TOKEN_PATH)
@machine_endpoint
def token() -> Response:
    """A code or refresh token for tokens."""
    return _as_json(context.services().openid.exchanging.answer(_sent(request.form), _caller()))


def _caller() -> Caller:
    return Caller(context.client_address(), context.request_id())


@blueprint.route(discovery.USERINFO_PATH, methods=["GET", "POST"])
@machine_endpoint
def userinfo() -> Response:
    """The claims about the person, for an access token."""
    return _as_json(context.services().openid.token_use.userinfo(_access_token()))


def _access_token() -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return value.strip()
    if not request.form.get("access_token"):
        raise InvalidToken("An access token is needed.")
    return request.form["access_token"]


@blueprint.post(discovery.INTROSPECTION_PATH)
@machine_endpoint
def introspect() -> Response:
    """Whether a token is good."""
    return _as_json(context.services().openid.token_use.introspection(_sent(request.form), _caller()))


@blueprint.post(discovery.REVOCATION_PATH)
@machine_endpoint
def revoke() -> Response:
    """Revokes a token."""
    context.services().openid.token_use.revoke(_sent(request.form), _caller())
    return _as_json({})


@blueprint.errorhandler(ProtocolError)
def protocol_error(refusal: ProtocolError) -> Response:
    """An error as relying parties expect it (RFC 6749 section 5.2, RFC 6750 section 3)."""
    response = _as_json({"error": refusal.code, "error_description": str(refusal)})
    response.status_code = refusal.status
    if isinstance(refusal, InvalidToken):
        response.headers["WWW-Authenticate"] = f'Bearer error="{refusal.code}"'
    return response


@blueprint.get(discovery.END_SESSION_PATH)
@public
def sign_out_request() -> Response | WerkzeugResponse:
    """A relying party asks to sign its person out; without its proof, the person is asked."""
    record = browser_session().record
    wish = context.services().openid.logout_requests.read(_sent(request.args), record.id if record else None)
    if record is not None and not wish.may_end_at_once:
        session[_SIGNED_OUT_TO] = wish.return_to
        heading = "Do you want to sign out?"
        return render_page("openid/sign_out.html", heading, wanted_by=wish.relying_party_name)
    end_browser_session()
    return redirect(wish.return_to or "/signed-out", 303)


@blueprint.post(f"{discovery.END_SESSION_PATH}/confirmed")
@public
def sign_out_confirmed() -> Response | WerkzeugResponse:
    """The person says yes."""
    return_to = session.get(_SIGNED_OUT_TO, "")
    end_browser_session()
    if not return_to:
        return redirect("/signed-out", 303)
    return render_page("sign_in/leave.html", "You are signed out", address=return_to)

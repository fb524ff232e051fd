"""The Flask application: one screen, signing in and out, and the address that the provider calls."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from authlib.integrations.base_client import OAuthError
from flask import Blueprint, Flask, Response, current_app, redirect, render_template, request, session
from requests import RequestException

from examples.prescribing.provider import LogoutTokenNotAccepted, Provider, SignInNotAccepted
from examples.prescribing.settings import Settings, load
from examples.prescribing.signing_views import blueprint as signing
from examples.prescribing.signings import Signings
from examples.prescribing.visits import Visits
from examples.prescribing.workplace import (
    VISIT,
    all_visits,
    clock_now,
    current_visit,
    is_own_form,
    message,
    screen_page,
)

log = logging.getLogger(__name__)
blueprint = Blueprint("prescribing", __name__)

SETTINGS_VARIABLE = "PRESCRIBING_SETTINGS"
_NOT_REACHED = "The sign-in service cannot be reached just now. Try again in a minute."


def application() -> Flask:
    """For the server: reads the settings file that the environment names."""
    return create_app(load(Path(os.environ[SETTINGS_VARIABLE])))


def create_app(settings: Settings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Flask:
    """The application."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=_session_key(settings.session_key_file),
        SESSION_COOKIE_NAME="__Host-prescribing",
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=64 * 1024,
    )
    app.extensions["prescribing"] = (Visits(clock), Provider(app, settings), clock)
    app.extensions["prescribing_signings"] = Signings(clock)
    app.extensions["prescribing_settings"] = settings
    app.register_blueprint(blueprint)
    app.register_blueprint(signing)
    _add_headers(app, settings)
    return app


def _session_key(file: Path) -> bytes:
    if not file.exists():
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(secrets.token_bytes(32))
    return file.read_bytes()


def _add_headers(app: Flask, settings: Settings) -> None:
    # Forms whose answers redirect: signing out to the provider, signing a prescription to the card agent.
    forms = f"form-action 'self' {settings.issuer} {settings.agent_origin}"
    policy = f"default-src 'none'; style-src 'self'; {forms}; frame-ancestors 'none'; base-uri 'none'"

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _provider() -> Provider:
    provider: Provider = current_app.extensions["prescribing"][1]
    return provider


@blueprint.get("/")
def screen() -> str:
    """The prescribing screen, or the way to sign in."""
    visit = current_visit()
    return render_template("welcome.html") if visit is None else screen_page(visit)


@blueprint.get("/sign-in")
def sign_in() -> Any:
    """To the provider. ``again`` asks for card and PIN even when signed in there, to choose another role."""
    try:
        return _provider().send_to_sign_in(**({"prompt": "login"} if "again" in request.args else {}))
    except RequestException:
        log.exception("discovery failed")
        return message(_NOT_REACHED, 503)


@blueprint.get("/signed-in")
def signed_in() -> Any:
    """Back from the provider."""
    try:
        visit = _provider().visit(request.args.get("iss"), clock_now())
    except OAuthError as error:
        log.warning("sign-in refused by the provider: %s", error.error)
        return message("You were not signed in. Start again from the first page.", 400)
    except SignInNotAccepted as error:
        return message(str(error), 400)
    except RequestException:
        log.exception("the provider did not answer")
        return message(_NOT_REACHED, 503)
    all_visits().end(session.get(VISIT, ""))
    session.clear()
    session[VISIT] = all_visits().begin(visit)
    return redirect("/", 303)


@blueprint.post("/sign-out")
def sign_out() -> Any:
    """Signs out here and at the provider."""
    if not is_own_form():
        return message("This form is too old. Go back and try again.", 400)
    visit = all_visits().end(session.pop(VISIT, ""))
    return _provider().sign_out(visit) if visit else redirect("/", 303)


@blueprint.post("/back-channel-logout")
def back_channel_logout() -> Any:
    """The provider says that a session has ended."""
    try:
        session_id = _provider().ended_session(request.form.get("logout_token", ""))
    except LogoutTokenNotAccepted as error:
        return {"error": "invalid_request", "error_description": str(error)}, 400
    log.info("%d visits ended by the provider", all_visits().end_session(session_id))
    return "", 200

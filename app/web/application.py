"""Makes the Flask application from the settings and the services. Nothing is read from the environment."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from flask import Flask, redirect, request
from jinja2 import ChainableUndefined, ChoiceLoader, FileSystemLoader, PackageLoader
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.permission import Permission
from app.services import Services
from app.settings import Settings
from app.web import (
    access,
    addresses,
    characters,
    context,
    csrf,
    error_pages,
    layout,
    rooms,
    security,
    session_store,
)

_FOLDER = Path(__file__).parent
_MEBIBYTE = 1024 * 1024
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class SpineFlask(Flask):
    """Flask with the template options that the design system's macros need.

    They read parameters that are not there, hence ChainableUndefined; and Flask escapes by file name only,
    which would leave out the macros' ``.jinja`` files, hence autoescape for all.
    """

    jinja_options = {  # noqa: RUF012  # Flask's own class attribute
        "undefined": ChainableUndefined,
        "autoescape": True,
        "trim_blocks": True,
        "lstrip_blocks": True,
    }


def create_app(settings: Settings, services: Services) -> Flask:
    """The whole web application.

    Args:
        settings: checked at start.
        services: what pages may use; tests pass the same object with stand-ins at the ports.
    """
    app = SpineFlask(__name__, static_folder=str(_FOLDER / "static"), static_url_path="/static")
    app.jinja_loader = ChoiceLoader(
        [FileSystemLoader(_FOLDER / "templates"), PackageLoader("nhsuk_frontend_jinja")]
    )
    _configure(app, settings)
    app.extensions[context.EXTENSION] = context.WebContext(settings, services)
    addresses.install(app)
    error_pages.install(app)
    security.install(app, settings)
    session_store.install(app)
    _guard_every_request(app)
    layout.install(app)
    rooms.install(app)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=settings.web.secret_key_file.read_bytes(),
        SESSION_COOKIE_NAME="__Host-spine-ra",
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_FORM_MEMORY_SIZE=_MEBIBYTE,
        MAX_FORM_PARTS=200,
        TRUSTED_HOSTS=None,
        TEMPLATES_AUTO_RELOAD=False,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )


def _guard_every_request(app: Flask) -> None:
    """Closed unless marked otherwise (``access.py``): size, signed in, CSRF value, no NUL, in this order."""

    @app.before_request
    def guard() -> WerkzeugResponse | None:
        view = app.view_functions.get(request.endpoint or "")
        request.max_content_length = _largest_body(access.largest_body_bytes(view, _permissions))
        if view is None or request.endpoint == "static":
            return None
        if not access.is_public(view) and not context.is_signed_in():
            return _send_to_sign_in()
        if request.method not in _READING and not access.is_machine_endpoint(view):
            csrf.require_csrf_value()
        characters.require_no_nul()
        return None


def _permissions() -> frozenset[Permission]:
    return context.actor().permissions if context.is_signed_in() else frozenset()


def _largest_body(of_view: int) -> int:
    """Uploads go to a file on their way in; every other body is read into memory at once."""
    return of_view if request.mimetype == "multipart/form-data" else min(of_view, _MEBIBYTE)


def _send_to_sign_in() -> WerkzeugResponse:
    """To the sign-in page, and back afterwards when the person only wanted to read something."""
    if request.method not in _READING:
        raise context.SignInNeeded(
            "You were signed out, because this service was not used for a while or your session was ended. "
            "Nothing was sent or changed. Sign in, then do it again."
        )
    if request.path == "/":
        return redirect("/sign-in", 303)
    return redirect(f"/sign-in?{urlencode({'next': request.full_path.rstrip('?')})}", 303)

"""Flask's session, kept in the database: the cookie holds an opaque key and nothing else.

Also makes flask-login know who is signed in. An ended session is refused by the very next request.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, Response, current_app, redirect, request, session
from flask.sessions import SessionInterface, SessionMixin
from flask_login import LoginManager, UserMixin, current_user, login_user
from werkzeug.datastructures import CallbackDict
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.actor import Actor
from app.signin.opaque_value import new_value
from app.signin.session import LiveSession, SignedInPerson
from app.web import context
from app.web.access import is_public

# A key is 44 characters; anything longer in the cookie is not ours and is not looked up.
_LONGEST_KEY = 64
_UNFINISHED_GO_TO = "/sign-in/continue"


class DatabaseSession(CallbackDict[str, Any], SessionMixin):
    """One request's view of the session.

    Attributes:
        key: what the cookie holds; made when it is first asked for, which programs never do.
        record: the session in the database; None for a browser that comes for the first time.
    """

    def __init__(self, record: LiveSession | None = None, key: str = "") -> None:
        super().__init__(record.data if record else {}, on_update=_mark_as_modified)
        self._key = key
        self.record = record
        self.modified = False
        self.accessed = True
        self.is_new_key = record is None
        self.is_discarded = False

    @property
    def key(self) -> str:
        """What the cookie holds."""
        self._key = self._key or new_value()
        return self._key

    def continue_under(self, key: str, record: LiveSession) -> None:
        """After signing in: another key, another record, empty contents."""
        self._key = key
        self.record = record
        self.is_new_key = True
        self.clear()

    def discard(self) -> None:
        """After signing out: the cookie goes, and nothing is kept."""
        self.record = None
        self.clear()
        self.is_discarded = True


def _mark_as_modified(changed: Any) -> None:
    changed.modified = True


class DatabaseSessionInterface(SessionInterface):
    """Opens the session at the start of a request and keeps it at the end."""

    session_class = DatabaseSession

    def open_session(self, app: Flask, request: Request) -> DatabaseSession:
        """The browser's session, or a new one that is kept only when something is put into it."""
        key = request.cookies.get(self.get_cookie_name(app), "")
        if not 0 < len(key) <= _LONGEST_KEY or request.path.startswith(f"{app.static_url_path}/"):
            return DatabaseSession()
        record = app.extensions[context.EXTENSION].services.sessions.open(key)
        # A key that opens nothing is never taken over: whoever planted it would know it.
        return DatabaseSession(record, key) if record else DatabaseSession()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Keep what was put in, and tell the browser a new key."""
        assert isinstance(session, DatabaseSession)
        if session.is_discarded:
            self._forget_cookie(app, response)
        elif session.modified:
            self._keep(app, session, response)

    def _keep(self, app: Flask, session: DatabaseSession, response: Response) -> None:
        sessions = app.extensions[context.EXTENSION].services.sessions
        if session.record is None:
            sessions.start(session.key, dict(session))
        else:
            sessions.save(session.key, dict(session))
        if session.is_new_key:
            response.set_cookie(
                self.get_cookie_name(app), session.key, secure=True, httponly=True, samesite="Lax", path="/"
            )

    def _forget_cookie(self, app: Flask, response: Response) -> None:
        response.delete_cookie(
            self.get_cookie_name(app), secure=True, httponly=True, samesite="Lax", path="/"
        )


class SessionUser(UserMixin):  # type: ignore[misc]  # flask-login ships no types
    """Whom flask-login calls the current user: a person in a session.

    Attributes:
        person: as the database says at this request.
    """

    def __init__(self, session_id: str, person: SignedInPerson) -> None:
        self.id = session_id
        self.person = person
        self._actor: Actor | None = None

    @property
    def actor(self) -> Actor:
        """The person in the chosen role, for use cases."""
        if self._actor is None:
            self._actor = context.services().sessions.actor(
                self.person, context.client_address(), context.request_id()
            )
        return self._actor


def browser_session() -> DatabaseSession:
    """This request's session."""
    own = session._get_current_object()  # type: ignore[attr-defined]  # a werkzeug proxy
    assert isinstance(own, DatabaseSession)
    return own


def session_key() -> str:
    """The key that this browser's session has, and will have: a challenge is bound to it."""
    return browser_session().key


def signed_in_user() -> SessionUser | None:
    """The signed-in person, even while terms or role are still to be settled."""
    user = current_user._get_current_object()
    return user if isinstance(user, SessionUser) else None


def begin_signed_in_session(key: str) -> SessionUser:
    """Continue this browser's session under the key that signing in gave; flask-login knows the person."""
    record = context.services().sessions.open(key)
    assert record is not None
    assert record.person is not None
    browser_session().continue_under(key, record)
    user = SessionUser(record.id, record.person)
    login_user(user)
    return user


def _load_user(session_id: str) -> SessionUser | None:
    record = browser_session().record
    if record is None or record.person is None or record.id != session_id:
        return None
    return SessionUser(record.id, record.person)


def _finish_signing_in() -> WerkzeugResponse | None:
    """Whoever has not accepted the terms or chosen a role goes there first; public pages stay open."""
    view = current_app.view_functions.get(request.endpoint or "")
    user = None if view is None or request.endpoint == "static" or is_public(view) else signed_in_user()
    if user is None or user.person.is_finished or request.blueprint in {"sign_in", "openid"}:
        return None
    return redirect(_UNFINISHED_GO_TO, 303)


def install(app: Flask) -> None:
    """Keep sessions in the database and let flask-login read them."""
    app.session_interface = DatabaseSessionInterface()
    manager = LoginManager()
    # Its own checks compare address and browser; the key in the database makes them needless, and a laptop
    # that changes networks on a ward round would be signed out.
    manager.session_protection = None
    manager.user_loader(_load_user)
    manager.init_app(app, add_context_processor=False)
    app.before_request(_finish_signing_in)

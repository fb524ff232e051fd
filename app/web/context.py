"""What a view needs from the request: the services, the settings, who is asking."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from flask import current_app, g, request
from flask_login import current_user

from app.clock import utc_now
from app.domain.actor import Actor
from app.domain.permission import Permission
from app.errors import Refusal
from app.services import Services
from app.settings import Settings

EXTENSION = "spine_ra"


class SignInNeeded(Refusal):
    """Nobody is signed in, or the session has ended."""

    code: ClassVar[str] = "sign_in_needed"


@dataclass(frozen=True)
class WebContext:
    """What the application was made with, kept on the Flask object."""

    settings: Settings
    services: Services


def _context() -> WebContext:
    context: WebContext = current_app.extensions[EXTENSION]
    return context


def services() -> Services:
    """What a page may use."""
    return _context().services


def settings() -> Settings:
    """The settings that the application was started with."""
    return _context().settings


def request_id() -> str:
    """One id per request: in the audit, in the log, and on error pages as the reference number."""
    if "request_id" not in g:
        g.request_id = secrets.token_hex(8)
    return str(g.request_id)


def now() -> datetime:
    """The time at which this request began; aware, UTC."""
    if "now" not in g:
        g.now = utc_now()
    moment: datetime = g.now
    return moment


def is_signed_in() -> bool:
    """Whether a person is signed in and the session has not ended."""
    return bool(current_user.is_authenticated)


def actor() -> Actor:
    """The signed-in person in the chosen role.

    Raises:
        SignInNeeded: nobody is signed in.
    """
    if not is_signed_in():
        raise SignInNeeded("Sign in with your card to go on.")
    actor_of_session: Actor = current_user.actor
    return actor_of_session


def has_another_role() -> bool:
    """Whether a person is signed in who can choose another role than the present one."""
    if not is_signed_in():
        return False
    asking = actor()
    roles = services().sign_in.steps.roles(asking.uid)
    return any(role.role_profile_id != asking.role_profile_id for role in roles)


def client_address() -> str:
    """The network address that the request came from, for the audit."""
    return request.remote_addr or ""


def require(permission: Permission) -> Actor:
    """The actor, for a page that only shows a form; the use case behind the form checks again, and audits.

    Raises:
        NotPermitted: the role does not carry the permission.
    """
    asking = actor()
    asking.require(permission)
    return asking

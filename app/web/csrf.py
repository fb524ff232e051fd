"""Cross-site request forgery: every form carries a value that only this browser session knows.

The value lives in the signed session cookie, is compared in constant time, and is renewed when the session is
cleared at sign-in. The cookie is SameSite=Lax as well; each alone would do, both together forgive a mistake.
"""

from __future__ import annotations

import hmac
import secrets
from typing import ClassVar

from flask import request, session

from app.errors import Refusal

FIELD = "csrf_value"
_SESSION_KEY = "csrf"


class FormExpired(Refusal):
    """The form does not carry this session's CSRF value."""

    code: ClassVar[str] = "form_expired"


def csrf_value() -> str:
    """This browser session's value for the hidden field of every form; made when first asked for."""
    if _SESSION_KEY not in session:
        session[_SESSION_KEY] = secrets.token_urlsafe(32)
    return str(session[_SESSION_KEY])


def require_csrf_value() -> None:
    """Refuse a form that does not carry the session's value.

    Raises:
        FormExpired: the value is missing, of another session, or the session has ended.
    """
    expected = str(session.get(_SESSION_KEY, ""))
    sent = request.form.get(FIELD, "")
    if not expected or not hmac.compare_digest(expected.encode(), sent.encode()):
        raise FormExpired(
            "This form is too old or did not come from this service. "
            "Go back, load the page again and send it once more."
        )

"""What every page here needs: who is signed in, whether a form is our own, and the two plainest pages."""

from __future__ import annotations

import secrets
from datetime import datetime

from flask import current_app, render_template, request, session

from examples.prescribing.signings import Signings
from examples.prescribing.visits import Visit, Visits

PRESCRIBE = "B0420"
VISIT = "visit"
_CSRF = "csrf"


def all_visits() -> Visits:
    """The visits of this process."""
    visits: Visits = current_app.extensions["prescribing"][0]
    return visits


def all_signings() -> Signings:
    """The prescriptions of this process."""
    signings: Signings = current_app.extensions["prescribing_signings"]
    return signings


def clock_now() -> datetime:
    """The time, UTC."""
    now: datetime = current_app.extensions["prescribing"][2]()
    return now


def current_visit() -> Visit | None:
    """Who is signed in with this browser."""
    return all_visits().find(session.get(VISIT, ""))


def may_prescribe(visit: Visit) -> bool:
    """Whether the chosen role has the activity "Independent Prescribing", however it came by it."""
    return visit.role is not None and PRESCRIBE in visit.role.activities


def csrf_value() -> str:
    """The value that this browser's forms carry."""
    value: str = session.setdefault(_CSRF, secrets.token_urlsafe(32))
    return value


def is_own_form() -> bool:
    """Whether the form that was sent carries it."""
    expected = session.get(_CSRF, "")
    return bool(expected) and secrets.compare_digest(expected, request.form.get("csrf", ""))


def screen_page(visit: Visit, *, refusal: str = "") -> str:
    """The prescribing screen."""
    return render_template(
        "screen.html",
        visit=visit,
        may_prescribe=may_prescribe(visit),
        csrf=csrf_value(),
        refusal=refusal,
        signed=all_signings().signed_at(visit.role.organisation_code) if visit.role else [],
    )


def message(text: str, status: int) -> tuple[str, int]:
    """A page of one sentence."""
    return render_template("message.html", text=text), status

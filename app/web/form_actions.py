"""Forms that act on one thing: what is refused is told on that thing's page, with what was typed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from flask import Response, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.errors import Refusal
from app.web.forms.submitted import SubmittedForm

Action = Callable[[str, SubmittedForm], WerkzeugResponse]
PageOf = Callable[[str, SubmittedForm], Response]


def refused_on(page: PageOf) -> Callable[[Action], Callable[..., WerkzeugResponse]]:
    """Have a view get the id of its address and the form, and show a refusal on this page of the same id."""

    def acting(action: Action) -> Callable[..., WerkzeugResponse]:
        @wraps(action)
        def view(**places: str) -> WerkzeugResponse:
            (thing,) = places.values()
            form = SubmittedForm(request.form)
            try:
                return action(thing, form)
            except Refusal as refusal:
                form.add_problems(refusal)
                return page(thing, form)

        return view

    return acting

"""Answers that were sent after the session had ended: handed back in a page, so that nothing typed is lost.

Only when the browser itself says that the form was a page of ours (``Sec-Fetch-Site``, which no page can
forge): otherwise another site could send answers here and have a person send them on.
"""

from __future__ import annotations

from flask import Response, current_app, request

from app.web import access, context
from app.web.csrf import FIELD
from app.web.pages import render_page


def can_be_kept() -> bool:
    """Whether this request carries answers of a page of ours that are to be handed back."""
    view = current_app.view_functions.get(request.endpoint or "")
    is_ours = request.headers.get("Sec-Fetch-Site") == "same-origin"
    return request.method == "POST" and is_ours and access.is_answer_keeper(view)


def kept_answers_page(status: int) -> Response:
    """The page that carries the answers in hidden fields and sends them again at the press of a button."""
    is_signed_in = context.is_signed_in()
    return render_page(
        "answers_kept.html",
        "Your answers are kept" if is_signed_in else "You have been signed out. Your answers are kept",
        status=status,
        is_signed_in=is_signed_in,
        answers=[(name, value) for name, value in request.form.items(multi=True) if name != FIELD],
        action=request.path,
        lost_files=[name for name, file in request.files.items() if file.filename],
    )

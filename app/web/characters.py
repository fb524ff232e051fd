"""No value that is sent to a page holds a NUL, before any view sees it.

No keyboard makes one. PostgreSQL keeps none in a text, and programs in C take it for the end of the text.
"""

from __future__ import annotations

from itertools import chain

from flask import request
from werkzeug.datastructures import MultiDict

from app.errors import InvalidInput

_NUL = "\0"


def require_no_nul() -> None:
    """Refuse an address or a form with a NUL in a name or value. The form is read by this.

    Raises:
        InvalidInput
    """
    # A program's JSON is taken apart by its view, text by text.
    form = MultiDict() if request.mimetype == "application/json" else request.form
    sent = chain((request.path,), _texts(request.args), _texts(form))
    if any(_NUL in text for text in sent):
        raise InvalidInput(
            {"": "What was sent holds a character that no text has. Type it anew instead of pasting it."}
        )


def _texts(sent: MultiDict[str, str]) -> chain[str]:
    return chain.from_iterable(sent.items(multi=True))

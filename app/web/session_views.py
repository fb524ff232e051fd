"""How the session stands, for the script that warns before it ends and keeps forms usable after it."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from app.web import context
from app.web.access import public
from app.web.csrf import csrf_value

blueprint = Blueprint("session_state", __name__)


@blueprint.get("/session.json")
@public
def session_state() -> Response:
    """Who is signed in, with this session's CSRF value. Asking keeps the session alive, as any page does."""
    if not context.is_signed_in():
        return jsonify(signed_in=False)
    actor = context.actor()
    return jsonify(signed_in=True, uid=actor.uid, name=actor.name, csrf_value=csrf_value())

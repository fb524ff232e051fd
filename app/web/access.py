"""What a view may be reached by: marks on view functions, read before every request.

A page is closed unless its view says otherwise: it needs a signed-in person, a CSRF value on every POST, and
a small body. The marks below are the only ways to say otherwise, so a search for them lists every exception.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from app.domain.permission import Permission

View = TypeVar("View", bound=Callable[..., Any])

#: The largest body that an ordinary page takes, in bytes.
ORDINARY_BODY_BYTES = 64 * 1024


def public(view: View) -> View:
    """Mark a view that needs nobody to be signed in."""
    view.is_public = True  # type: ignore[attr-defined]  # a mark on a function object
    return view


def machine_endpoint(view: View) -> View:
    """Mark a view for programs that bring their own proof (a bearer token): no session, no CSRF value."""
    view.is_public = True  # type: ignore[attr-defined]  # a mark on a function object
    view.is_machine_endpoint = True  # type: ignore[attr-defined]  # a mark on a function object
    return view


def takes_upload(largest_body_bytes: int, needs: Permission | None = None) -> Callable[[View], View]:
    """Mark a view that takes a body larger than ``ORDINARY_BODY_BYTES``.

    Args:
        needs: only of those with this permission, so that nobody else fills the disk.
    """

    def mark(view: View) -> View:
        view.upload_permission = needs  # type: ignore[attr-defined]  # a mark on a function object
        view.largest_body_bytes = largest_body_bytes  # type: ignore[attr-defined]  # a mark on a function object
        return view

    return mark


def keeps_answers(view: View) -> View:
    """Mark a view whose form is long: when the session ends meanwhile, the answers are handed back."""
    view.keeps_answers = True  # type: ignore[attr-defined]  # a mark on a function object
    return view


def is_answer_keeper(view: Callable[..., Any] | None) -> bool:
    """Whether the answers sent to this view are handed back when the session has ended."""
    return getattr(view, "keeps_answers", False)


def is_public(view: Callable[..., Any] | None) -> bool:
    """Whether nobody needs to be signed in for this view."""
    return getattr(view, "is_public", False)


def is_machine_endpoint(view: Callable[..., Any] | None) -> bool:
    """Whether this view is for programs, which have no session and so no CSRF value."""
    return getattr(view, "is_machine_endpoint", False)


def largest_body_bytes(
    view: Callable[..., Any] | None, permissions: Callable[[], Collection[Permission]]
) -> int:
    """The largest body that this view takes of somebody with these permissions, in bytes."""
    needed = getattr(view, "upload_permission", None)
    if needed is not None and needed not in permissions():
        return ORDINARY_BODY_BYTES
    return getattr(view, "largest_body_bytes", ORDINARY_BODY_BYTES)

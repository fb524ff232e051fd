"""The one family of errors: a rule said no, or a dependency is down.

    SpineError
    ├── Refusal       a rule says no: a sentence for the user and a stable code
    └── Unavailable   a dependency is down: what, and what was kept

One table in ``app/web`` turns them into pages and statuses. Anything else is a fault of ours and shows a
reference number only.
"""

from __future__ import annotations

from typing import ClassVar


class SpineError(Exception):
    """Base of everything this product raises on purpose."""


class Refusal(SpineError):
    """A rule says no. The message is a sentence for the user that says what to do; ``code`` never changes."""

    code: ClassVar[str] = "refused"


class NotPermitted(Refusal):
    """The actor's role profile does not carry the permission."""

    code = "not_permitted"


class NotFound(Refusal):
    """There is no such thing, or the actor may not know of it."""

    code = "not_found"


class InvalidInput(Refusal):
    """A form, file or call has values that cannot be used. ``problems`` maps a field name to a sentence."""

    code = "invalid_input"

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = problems


class Unavailable(SpineError):
    """A dependency is down. The message says which, what was kept, and what to do."""

    def __init__(self, dependency: str, message: str) -> None:
        super().__init__(message)
        self.dependency = dependency

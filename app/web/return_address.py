"""Where to go after signing in: an address of ours, never another site's (no open redirector)."""

from __future__ import annotations

from urllib.parse import urlsplit

#: Under this name the browser session keeps it.
RETURN_TO = "return_to"
#: And under this one the name of the relying party that asks for the sign-in.
WANTED_BY = "wanted_by"
_LONGEST = 2000


def local_address(asked: str) -> str:
    """The path and query when it is an address of ours; else the start page."""
    is_path = asked.startswith("/") and not asked.startswith(("//", "/\\")) and len(asked) <= _LONGEST
    if not is_path or any(ord(character) < 33 or character == "\\" for character in asked):
        return "/"
    parts = urlsplit(asked)
    if parts.scheme or parts.netloc or parts.path.startswith("/sign-in"):
        return "/"
    return asked

"""That one issuing CA takes over from another: the one reviewed file that says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from app.ca.ceremony_plan import AuthorityPlan, authority_plan
from app.ca.reviewed_file import because_from, witnesses_from
from app.domain.toml_table import TomlTable

_NAME = re.compile(r"(?P<first>[a-z][a-z0-9]*(-[a-z]+)*)-(?P<number>[1-9][0-9]{0,2})")


@dataclass(frozen=True)
class Succession:
    """An issuing CA to be made beside those that there are.

    Attributes:
        plan: the CA.
        first: the name of the first CA of its line, which the ceremony made. The second is ``<first>-2``.
        number: its own place in the line, from 2.
        because: for the protocol and the audit, in people's words.
        witnesses: who reviewed the file and are present.
        digest: SHA-256 of the file, hexadecimal.
    """

    plan: AuthorityPlan
    first: str
    number: int
    because: str
    witnesses: tuple[str, ...]
    digest: str

    @property
    def succeeds(self) -> str:
        """The name of the CA before it."""
        return self.first if self.number == 2 else f"{self.first}-{self.number - 1}"


def succession_from_toml(content: bytes) -> Succession:
    """Read the reviewed file (``config/succession.example.toml``).

    Raises:
        InvalidInput: naming the key that is unknown, missing or impossible.
    """
    top = TomlTable.parse("succession", content.decode("utf-8", errors="replace"))
    table = top.take_table("issuing_ca")
    because, witnesses = because_from(top), witnesses_from(top)
    top.require_empty()
    plan = authority_plan(table)
    parts = _NAME.fullmatch(plan.name)
    if parts is None or int(parts["number"]) < 2:
        raise table.problem("name", "must be the first CA's name and a number from 2: authentication-2")
    digest = sha256(content).hexdigest()
    return Succession(plan, parts["first"], int(parts["number"]), because, witnesses, digest)

"""How audit events are shown: what happened in words, never the raw details of others."""

from __future__ import annotations

import re
from collections.abc import Mapping

from app.domain.audit_event import Outcome, RecordedEvent
from app.ra.auditing import EventsRead
from app.web.presenters.wording import Cell, TableOf, Tag, grouped, moment_cell, process_name, sentence

_OUTCOMES = {Outcome.ALLOWED: Tag("Allowed", "green"), Outcome.REFUSED: Tag("Refused", "red")}
_AS_SPELLED = {
    "Signin": "Sign-in",
    "so pin": "SO PIN",
    "Crl": "CRL",
    "Rbac": "National roles",
    "Openid": "OpenID",
}
_MISSPELLED = re.compile("|".join(rf"\b{word}\b" for word in _AS_SPELLED))


def audit_table(read: EventsRead) -> TableOf:
    """Events, newest first."""
    return TableOf(
        "Newest events",
        ("Number", "When", "What", "Who", "About", "Outcome"),
        tuple(_row(event, read.names) for event in read.events),
        when_empty="Nothing is recorded about this.",
    )


def _row(recorded: RecordedEvent, names: Mapping[str, str]) -> tuple[Cell, ...]:
    event = recorded.event
    return (
        Cell(str(recorded.seq)),
        moment_cell(recorded.at),
        Cell(_in_words(event.event)),
        _named(event.actor_uid, names),
        _named(event.subject, names),
        Cell(event.reason and sentence(event.reason), tag=_OUTCOMES[event.outcome]),
    )


def _named(subject: str, names: Mapping[str, str]) -> Cell:
    if subject not in names:
        return Cell(process_name(subject) if subject.startswith("system:") else subject)
    return Cell(f"{names[subject]} ({grouped(subject)})", href=f"/people/{subject}")


def _in_words(event: str) -> str:
    """``access_request.granted`` as ``Access request granted``."""
    return _MISSPELLED.sub(lambda found: _AS_SPELLED[found[0]], sentence(event.replace(".", " ")))

"""A card job as the desk gets it: what every kind has, and the rest for the kind to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from card_agent.desk_job import Party, as_party, as_pin_policy, as_table, as_text, unreadable
from card_agent.errors import JobUnusable
from card_agent.pin_policy import PinPolicy

FINISHED = ("done", "undone")


@dataclass(frozen=True)
class CardJob:
    """One job as the site knows it. ``operator`` is None when it is the holder's own.

    ``message`` is the whole JSON object, from which a kind takes its own fields.
    """

    id: str
    kind: str
    state: str
    holder: Party
    operator: Party | None
    card_serial: str
    card_profile: str
    pin_policy: PinPolicy
    message: Mapping[str, object]


def card_job_from_untrusted(message: object) -> CardJob:
    """Return the job in the site's JSON. Raises SiteUnavailable (cannot be read) or JobUnusable."""
    try:
        job = _job(as_table(message))
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable() from error
    if job.operator and job.operator.uid == job.holder.uid:
        raise JobUnusable("Nobody can do this with their own card. Another operator must do it.")
    return job


def _job(table: Mapping[str, object]) -> CardJob:
    return CardJob(
        id=as_text(table["id"]),
        kind=as_text(table["kind"]),
        state=as_text(table["state"]),
        holder=as_party(table["holder"]),
        operator=as_party(table["operator"]) if table.get("operator") else None,
        card_serial=as_text(table["card_serial"]),
        card_profile=as_text(table["card_profile"]),
        pin_policy=as_pin_policy(table["pin_policy"]),
        message=table,
    )

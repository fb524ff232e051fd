"""What the certificate authority tells of the status of certificates, as it travels over its socket."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from app.adapters.ca_messages import Fields, Message, encoded
from app.ca.status_values import (
    AnswersAhead,
    AnswersWanted,
    ChangedStatus,
    PreparedAnswer,
    PublishedCrl,
    StatusChanges,
    StatusFeed,
)

MOST_KINDS_OF_ANSWERS = 50
"""Pairs of CA and hash for which answers are asked for by one call."""


def crl_message(crl: PublishedCrl) -> Message:
    """A CRL as it travels."""
    return {
        "der": encoded(crl.der),
        "number": crl.number,
        "base_number": crl.base_number,
        "this_update": crl.this_update.isoformat(),
        "next_update": crl.next_update.isoformat(),
    }


def crl_of(issuing_ca: str, message: Message) -> PublishedCrl:
    """The CRL in a message."""
    return PublishedCrl(
        issuing_ca=issuing_ca,
        number=message["number"],
        this_update=datetime.fromisoformat(message["this_update"]),
        next_update=datetime.fromisoformat(message["next_update"]),
        der=b64decode(message["der"]),
        base_number=message["base_number"],
    )


def changes_message(changes: StatusChanges, crl_numbers: Mapping[str, tuple[int, int]]) -> Message:
    """Changes of status as they travel."""
    changed = [[each.serial_number, each.issuing_ca] for each in changes.changed]
    return {"position": changes.position, "changed": changed, "crl_numbers": dict(crl_numbers)}


def feed_of(message: Message) -> StatusFeed:
    """The changes in a message."""
    return StatusFeed(
        position=message["position"],
        changed=[
            ChangedStatus(serial_number, issuing_ca) for serial_number, issuing_ca in message["changed"]
        ],
        crl_numbers={name: (numbers[0], numbers[1]) for name, numbers in message["crl_numbers"].items()},
    )


def answers_wanted_message(wanted: Sequence[AnswersWanted]) -> Message:
    """Answers that are to be made ahead as they travel."""
    return {"wanted": [{**asdict(each), "serial_numbers": list(each.serial_numbers)} for each in wanted]}


def answers_wanted_from_untrusted(fields: Fields) -> list[AnswersWanted]:
    """The answers that a message asks for. Raises RequestMalformed."""
    return [
        AnswersWanted(each.text("issuing_ca"), each.text("algorithm"), each.texts("serial_numbers"))
        for each in fields.parts("wanted", MOST_KINDS_OF_ANSWERS)
    ]


def answers_message(ahead: AnswersAhead) -> Message:
    """Answers made ahead as they travel; those of one call have their times in common."""
    answers = [
        [each.serial_number, each.not_after.isoformat(), encoded(each.signed)] for each in ahead.answers
    ]
    begins, ends = (
        (ahead.answers[0].this_update.isoformat(), ahead.answers[0].next_update.isoformat())
        if answers
        else ("", "")
    )
    return {
        "certificate": encoded(ahead.certificate),
        "this_update": begins,
        "next_update": ends,
        "answers": answers,
    }


def answers_of(wanted: AnswersWanted, message: Message) -> AnswersAhead:
    """The answers in a message, which were asked for so."""
    answers = [
        PreparedAnswer(
            issuing_ca=wanted.issuing_ca,
            algorithm=wanted.algorithm,
            serial_number=serial_number,
            this_update=datetime.fromisoformat(message["this_update"]),
            next_update=datetime.fromisoformat(message["next_update"]),
            not_after=datetime.fromisoformat(not_after),
            signed=b64decode(signed),
        )
        for serial_number, not_after, signed in message["answers"]
    ]
    return AnswersAhead(b64decode(message["certificate"]), answers)

"""Issuing many cards, one after another: the batch at its page, and what its desk asks for.

Each card is an issuance of its own, begun when the desk comes to it, approved by the operator's card, undone
or gone on with like any other. A desk or server that is killed anywhere leaves the batch as its issuances
are; the next desk gets the one that is not finished first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from app.domain.actor import Actor
from app.domain.batch_list import MOST_CARDS, LeftOut
from app.domain.card_batch import BatchClosed, BatchItem, CardBatch, NobodyToPassOver
from app.domain.desk_record import (
    JobStep,
    claimed,
    hash_of,
    new_secret,
    require_held,
    require_ticket,
    with_step,
    with_ticket,
)
from app.domain.issuance import CardIssuance, IssuanceStatus
from app.domain.issuance_terms import require_possible
from app.domain.json_value import JsonValue
from app.domain.permission import Permission
from app.errors import InvalidInput, NotFound, NotPermitted, Refusal
from app.ra.batch_records import BatchRecord, batch_lines, batch_record, batch_told
from app.ra.choosing_people import ChoosingPeople, why_no_card
from app.ra.desk_access import STRANGER, operator_of
from app.ra.desk_jobs import DeskJobs
from app.ra.ids import new_record_id
from app.ra.issuing import begin_issuance, undo_issuance
from app.ra.ports import Database, Work

MOST_SHOWN = 100
NOT_AT_DESK = "The holder was not at the desk."


class Batching:
    """Begins batches, shows them, and gives desks one card after another."""

    def __init__(self, database: Database, desk_jobs: DeskJobs) -> None:
        self._database = database
        self._desk_jobs = desk_jobs
        self.choosing = ChoosingPeople(database)

    def begin(
        self,
        actor: Actor,
        title: str,
        uids: Sequence[str],
        usable_from: date | None,
        left_out: Sequence[LeftOut] = (),
        *,
        holders_present: bool = False,
    ) -> str:
        """Begin a batch for these people and return its id; no card is touched yet.

        Args:
            left_out: the lines of the list for which no card is made, to be kept for the report.
            holders_present: each holder chooses their PIN at the desk.

        Raises:
            NotPermitted
            InvalidInput: under ``people``, one sentence for each who can have no card.
        """
        batch_id = new_record_id()
        with self._database.audited(
            actor, "card_batch.begun", batch_id, people=len(uids), left_out=len(left_out)
        ) as work:
            actor.require(Permission.ISSUE_CARD)
            begun = _begun(batch_id, actor, title, usable_from, work)
            batch = replace(begun, left_out=tuple(left_out), holders_present=holders_present)
            require_possible(batch.terms, work.now.date())
            _require_all_can(work, actor, uids)
            work.card_batches.add(batch, uids)
        return batch_id

    def batches(self, actor: Actor) -> list[BatchRecord]:
        """The newest batches, without their people.

        Raises:
            NotPermitted
        """
        actor.require(Permission.ISSUE_CARD)
        with self._database.read() as work:
            return [batch_record(work, batch) for batch in work.card_batches.all(MOST_SHOWN)]

    def batch(self, actor: Actor, batch_id: str) -> BatchRecord:
        """One batch with everybody in it.

        Raises:
            NotPermitted, NotFound
        """
        actor.require(Permission.ISSUE_CARD)
        with self._database.read() as work:
            batch = _require(work.card_batches.get(batch_id))
            return replace(batch_record(work, batch), lines=batch_lines(work, batch))

    def how_far(self, actor: Actor, batch_id: str) -> BatchRecord:
        """One batch without its people, which is asked for every second.

        Raises:
            NotPermitted, NotFound
        """
        actor.require(Permission.ISSUE_CARD)
        with self._database.read() as work:
            return batch_record(work, _require(work.card_batches.get(batch_id)))

    def ticket(self, actor: Actor, batch_id: str) -> str:
        """A new one-time ticket, valid for 5 minutes, for the desk of whoever began the batch.

        Raises:
            NotPermitted, NotFound, BatchClosed
        """
        ticket = new_secret()
        with self._database.audited(actor, "card_batch.ticket_given", batch_id) as work:
            actor.require(Permission.ISSUE_CARD)
            batch = _require_open(work.card_batches.get_to_change(batch_id))
            if batch.operator_uid != actor.uid:
                raise NotPermitted("Another operator began this batch and must go on with it.")
            work.card_batches.save(with_ticket(batch, ticket, work.now))
        return ticket

    def close(self, actor: Actor, batch_id: str) -> None:
        """Give up the people who are still waiting; what is begun stays an issuance to go on with or undo.

        Raises:
            NotPermitted, NotFound, BatchClosed
        """
        with self._database.audited(actor, "card_batch.closed", batch_id) as work:
            actor.require(Permission.ISSUE_CARD)
            batch = _require_open(work.card_batches.get_to_change(batch_id))
            work.card_batches.save(replace(batch, finished_at=work.now, job_token_hash=None))

    def claim(self, ticket: str) -> Mapping[str, JsonValue]:
        """Exchange the one-time ticket for the batch and its token.

        Raises:
            TicketNotValid, BatchClosed
        """
        job_token = new_secret()
        with self._database.read() as work:
            found = work.card_batches.of_ticket(hash_of(ticket))
        actor, subject = (_operator(found), found.id) if found else (STRANGER, "(unknown)")
        with self._database.audited(actor, "card_batch.claimed", subject) as work:
            held = work.card_batches.get_to_change(subject)
            batch = _require_open(require_ticket(held, hash_of(ticket), work.now))
            work.card_batches.save(claimed(batch, hash_of(job_token), work.now))
            return {"batch": batch_told(work, batch), "job_token": job_token}

    def next(self, job_token: str, batch_id: str) -> Mapping[str, object]:
        """The next card's job with its own token, and how far the batch is; no job when it is finished.

        Who can have no card by now is passed over, with the reason kept.

        Raises:
            JobTokenNotValid, BatchClosed, Unavailable
        """
        while (item := self._next_item(job_token, batch_id)) is not None:
            ticket = self._ticket_for(job_token, item)
            if ticket is not None:
                job = self._desk_jobs.claim(ticket)
                return {**self._progress(batch_id), "job": job.job, "job_token": job.job_token}
        return self._progress(batch_id)

    def _next_item(self, job_token: str, batch_id: str) -> BatchItem | None:
        """The next person, and the batch's token alive for a while longer; the batch ends with its last."""
        with self._database.change() as work:
            held = require_held(work.card_batches.get_to_change(batch_id), job_token, work.now)
            batch = _require_open(held)
            item = work.card_batches.next_item(batch_id)
            alive = replace(with_step(batch, "", work.now), steps=batch.steps)
            ended = alive if item else replace(alive, finished_at=work.now)
            work.card_batches.save(ended)
            return item

    def _ticket_for(self, job_token: str, item: BatchItem) -> str | None:
        """A ticket for the person's issuance, begun now if it was not; None when they can have no card."""
        try:
            return self._ticketed(job_token, self._without_what_nobody_can_finish(item))
        except Refusal as refusal:
            with self._database.change() as work:
                work.card_batches.save_item(replace(item, refused=str(refusal)))
            return None

    def _ticketed(self, job_token: str, item: BatchItem) -> str:
        ticket = new_secret()
        with self._database.read() as work:
            batch = _require(work.card_batches.get(item.batch_id))
        event = "card_issuance.begun" if item.issuance_id is None else "card_issuance.ticket_given"
        issuance_id = item.issuance_id or new_record_id()
        with self._database.audited(
            _operator(batch), event, item.uid, issuance=issuance_id, batch=batch.id
        ) as work:
            held = require_held(work.card_batches.get_to_change(batch.id), job_token, work.now)
            if item.issuance_id is None:
                begin_issuance(work, _operator(held), issuance_id, item.uid, held.terms)
                work.card_batches.save_item(replace(item, issuance_id=issuance_id))
            issuance = work.issuances.get_to_change(issuance_id)
            assert issuance is not None
            work.issuances.save(with_ticket(issuance, ticket, work.now))
        return ticket

    def _without_what_nobody_can_finish(self, item: BatchItem) -> BatchItem:
        """A certified card whose desk stopped has a PIN that nobody knows: undo, and take another."""
        with self._database.read() as work:
            issuance = work.issuances.get(item.issuance_id) if item.issuance_id else None
        if (
            issuance is None
            or issuance.status is not IssuanceStatus.CERTIFIED
            or not issuance.terms.is_locked
        ):
            return item
        anew = replace(item, issuance_id=None)
        self._undo(issuance, anew, "its desk stopped, and nobody knows the card's PIN")
        return anew

    def pass_over(self, job_token: str, batch_id: str) -> None:
        """The holder whose turn it is, is not at the desk: no card is made for them in this batch.

        Raises:
            JobTokenNotValid, BatchClosed, NobodyToPassOver
        """
        with self._database.change() as work:
            _require_open(require_held(work.card_batches.get_to_change(batch_id), job_token, work.now))
            item = work.card_batches.next_item(batch_id)
            issuance = work.issuances.get(item.issuance_id) if item and item.issuance_id else None
        if item is None or issuance is None or issuance.status is not IssuanceStatus.BEGUN:
            raise NobodyToPassOver("A card is begun for this person. Go on with it, or undo it on the site.")
        self._undo(issuance, replace(item, refused=NOT_AT_DESK), NOT_AT_DESK)

    def _undo(self, issuance: CardIssuance, becomes: BatchItem, reason: str) -> None:
        actor = operator_of(issuance)
        with self._database.audited(
            actor, "card_issuance.undone", issuance.uid, issuance=issuance.id
        ) as work:
            locked = work.issuances.get_to_change(issuance.id)
            assert locked is not None
            undo_issuance(work, locked, reason)
            work.card_batches.save_item(becomes)

    def _progress(self, batch_id: str) -> dict[str, JsonValue]:
        with self._database.read() as work:
            total, ended = work.card_batches.counts(batch_id)
        return {"total": total, "ended": ended}


def _operator(batch: CardBatch) -> Actor:
    assert batch.operator_uid is not None
    return Actor(batch.operator_uid, "the operator's desk", role_profile_id=batch.operator_role_profile)


def _require(batch: CardBatch | None) -> CardBatch:
    if batch is None:
        raise NotFound("There is no such batch.")
    return batch


def _require_open(batch: CardBatch | None) -> CardBatch:
    found = _require(batch)
    if found.finished_at is not None:
        raise BatchClosed("This batch is finished. Begin another one for more cards.")
    return found


def _begun(batch_id: str, actor: Actor, title: str, usable_from: date | None, work: Work) -> CardBatch:
    return CardBatch(
        id=batch_id,
        uid=actor.uid,
        operator_uid=actor.uid,
        operator_role_profile=actor.role_profile_id,
        begun_at=work.now,
        steps=(JobStep("begun", work.now, "done"),),
        title=title,
        usable_from=usable_from,
    )


def _require_all_can(work: Work, actor: Actor, uids: Sequence[str]) -> None:
    reasons = [(number, uid, why_no_card(work, actor, uid)) for number, uid in enumerate(uids, 1)]
    problems = [f"Person {number}, {uid}: {reason}" for number, uid, reason in reasons if reason]
    if not 0 < len(uids) <= MOST_CARDS:
        problems = [f"A batch is for 1 to {MOST_CARDS} people."]
    if problems:
        raise InvalidInput({"people": " ".join(problems[:10])})

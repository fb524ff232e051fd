"""Many cards one after another: each an issuance of its own; a desk that stops is followed by another."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest

from app.domain.card import CardStatus
from app.domain.card_batch import BatchClosed, NobodyToPassOver
from app.domain.desk_record import JobTokenNotValid, TicketNotValid
from app.domain.issuance import IssuanceStatus
from app.domain.json_value import JsonValue
from app.errors import InvalidInput, NotFound, NotPermitted
from tests.support.registration_authority import PRACTICE, Desk, DeskCard, Office, another, today


class BatchAtDesk:
    """A desk that works through a batch, as the card agent does."""

    def __init__(self, office: Office, batch_id: str) -> None:
        self.office, self.batch_id = office, batch_id
        claimed = office.ra.batching.claim(office.ra.batching.ticket(office.manager, batch_id))
        self.token = str(claimed["job_token"])

    def next_job(self) -> dict[str, object] | None:
        told = self.office.ra.batching.next(self.token, self.batch_id)
        return dict(told) if "job" in told else None

    def desk(self, told: dict[str, object]) -> Desk:
        job = cast("dict[str, JsonValue]", told["job"])
        return Desk.holding(self.office.ra.desk_jobs, job, str(told["job_token"]))

    def make(self) -> DeskCard | None:
        told = self.next_job()
        if told is None:
            return None
        desk, card = self.desk(told), self.office.blank()
        desk.approve(card, self.office.manager_card)
        desk.finish(card)
        return card


@pytest.fixture
def people(office: Office) -> list[str]:
    return [office.person(another(number)).uid for number in range(1, 4)]


@pytest.fixture
def batch_id(office: Office, people: list[str]) -> str:
    return office.ra.batching.begin(office.manager, "Induction", people, None)


def test_every_card_is_made_locked_in_order_and_reported(
    office: Office, people: list[str], batch_id: str
) -> None:
    desk = BatchAtDesk(office, batch_id)
    cards = [desk.make() for _ in people]
    assert desk.make() is None
    record = office.ra.batching.batch(office.manager, batch_id)
    assert [(line.person.uid, line.card_serial) for line in record.lines] == [
        (uid, card.serial) for uid, card in zip(people, cards, strict=True) if card
    ]
    assert {line.status for line in record.lines} == {IssuanceStatus.ACTIVE}
    assert (record.ended, record.total) == (3, 3)
    assert record.batch.finished_at is not None
    with office.ra.database.read() as work:
        states = {card.status for uid in people for card in work.cards.of(uid)}
    assert states == {CardStatus.LOCKED}


def test_another_desk_goes_on_with_the_card_that_was_begun(
    office: Office, people: list[str], batch_id: str
) -> None:
    first = BatchAtDesk(office, batch_id)
    told = first.next_job()
    assert told is not None
    card = office.blank()
    desk = first.desk(told)
    desk.approve(card, office.manager_card)
    second = BatchAtDesk(office, batch_id)
    with pytest.raises(JobTokenNotValid):
        first.next_job()
    again = second.next_job()
    assert again is not None
    job = cast("dict[str, object]", again["job"])
    assert (job["id"], job["state"], job["card_serial"]) == (desk.id, "personalising", card.serial)
    going_on = second.desk(again)
    going_on.approve(card, office.manager_card)
    going_on.finish(card)
    assert office.ra.batching.batch(office.manager, batch_id).ended == 1


def test_a_certified_card_whose_desk_stopped_is_undone_and_another_is_made(
    office: Office, people: list[str], batch_id: str
) -> None:
    first = BatchAtDesk(office, batch_id)
    told = first.next_job()
    assert told is not None
    lost, desk = office.blank(), first.desk(told)
    desk.approve(lost, office.manager_card)
    desk.certify(lost)
    second = BatchAtDesk(office, batch_id)
    made = second.make()
    assert made is not None
    with office.ra.database.read() as work:
        states = {card.serial: card.status for card in work.cards.of(people[0])}
    assert states == {lost.serial: CardStatus.CANCELLED, made.serial: CardStatus.LOCKED}


def test_who_can_have_no_card_any_more_is_passed_over_with_the_reason(
    office: Office, people: list[str], batch_id: str
) -> None:
    office.card_for(people[0])
    desk = BatchAtDesk(office, batch_id)
    assert [bool(desk.make()) for _ in range(3)] == [True, True, False]
    [first, *_] = office.ra.batching.batch(office.manager, batch_id).lines
    assert "already has the working card" in first.reason
    assert first.card_serial is None


def test_a_closed_batch_gives_no_card(office: Office, batch_id: str) -> None:
    desk = BatchAtDesk(office, batch_id)
    office.ra.batching.close(office.manager, batch_id)
    with pytest.raises((BatchClosed, JobTokenNotValid)):
        desk.next_job()
    with pytest.raises(BatchClosed):
        office.ra.batching.ticket(office.manager, batch_id)


def test_a_batch_is_its_operators_and_its_ticket_works_once(office: Office, batch_id: str) -> None:
    agent = office.person(another(9), office.position("RA agent", "R5090", "B0274"))
    with pytest.raises(NotPermitted):
        office.ra.batching.ticket(agent, batch_id)
    with pytest.raises(NotPermitted):
        office.ra.batching.begin(office.sponsor, "Mine", [agent.uid], None)
    ticket = office.ra.batching.ticket(office.manager, batch_id)
    office.ra.batching.claim(ticket)
    with pytest.raises(TicketNotValid):
        office.ra.batching.claim(ticket)


def test_nobody_is_in_a_batch_of_their_own_or_twice_or_unknown(office: Office, people: list[str]) -> None:
    for uids in ([office.manager.uid], ["710000999105"], [office.sponsor.uid]):
        with pytest.raises(InvalidInput) as refused:
            office.ra.batching.begin(office.manager, "Induction", [*people, *uids], None)
        assert f"Person 4, {uids[0]}" in refused.value.problems["people"]


def test_the_first_day_is_a_later_one(office: Office, people: list[str]) -> None:
    with pytest.raises(InvalidInput):
        office.ra.batching.begin(office.manager, "Induction", people, today())


def test_everybody_who_can_have_no_card_is_named_with_the_reason_before_the_batch_begins(
    office: Office, people: list[str]
) -> None:
    holder, waiting = office.person(another(7)).uid, office.person(another(8)).uid
    office.card_for(holder)
    office.ra.issuing.begin(office.manager, waiting)
    office.ra.batching.begin(office.manager, "Before", [people[2]], None)
    lines = ["uid;name", people[0], holder, office.manager.uid, waiting, people[2], "710000999101", people[0]]
    checked = office.ra.batching.choosing.check(office.manager, "\n".join(lines), None)
    assert [(each.line, each.person.uid) for each in checked.people] == [(2, people[0])]
    assert [each.line for each in checked.left_out] == [3, 4, 5, 6, 7, 8]
    reasons = " ".join(each.reason for each in checked.left_out)
    for expected in (
        "already has the working card",
        "cannot issue a card to yourself",
        "is being issued to this person",
        "waits in the batch “Before”",
        "does not fit the others: it is mistyped",
        "stands in line 2 already",
    ):
        assert expected in reasons
    assert checked.left_out[0].name


def test_what_was_left_out_stays_with_the_batch(office: Office, people: list[str]) -> None:
    checked = office.ra.batching.choosing.check(office.manager, f"{people[0]}\nnobody", None)
    batch_id = office.ra.batching.begin(
        office.manager, "Induction", checked.uids, None, left_out=checked.left_out
    )
    record = office.ra.batching.batch(office.manager, batch_id)
    assert record.batch.left_out == checked.left_out
    assert [line.person.uid for line in record.lines] == [people[0]]


def test_those_of_an_organisation_who_have_no_card_are_found(office: Office) -> None:
    position = office.position("Receptionist", "R8008", at=PRACTICE)
    with_card, without = office.person(another(21), position).uid, office.person(another(22), position).uid
    office.person(another(23), office.position("Somewhere else", "R8008"))
    office.card_for(with_card)
    found = office.ra.batching.choosing.at_organisation(office.manager, PRACTICE)
    assert (found.uids, found.left_out) == ((without,), ())
    with pytest.raises(NotPermitted):
        office.ra.batching.choosing.at_organisation(office.sponsor, PRACTICE)
    with pytest.raises(NotFound):
        office.ra.batching.choosing.at_organisation(office.manager, "NOWHERE")


def test_a_closed_batch_says_who_got_no_card(office: Office, people: list[str], batch_id: str) -> None:
    BatchAtDesk(office, batch_id).make()
    office.ra.batching.close(office.manager, batch_id)
    made, *others = office.ra.batching.batch(office.manager, batch_id).lines
    assert (made.reason, made.ended_at is not None) == ("", True)
    assert {line.reason for line in others} == {"The batch was closed before this person's turn."}


@pytest.fixture
def at_desk(office: Office, people: list[str]) -> str:
    return office.ra.batching.begin(office.manager, "At the desk", people, None, holders_present=True)


def test_holders_at_the_desk_choose_their_pins_and_whoever_is_not_there_is_passed_over(
    office: Office, people: list[str], at_desk: str
) -> None:
    desk = BatchAtDesk(office, at_desk)
    told = desk.next_job()
    assert told is not None
    job = cast("dict[str, object]", told["job"])
    assert job["is_locked"] is False
    office.ra.batching.pass_over(desk.token, at_desk)
    assert [bool(desk.make()) for _ in range(3)] == [True, True, False]
    absent, *others = office.ra.batching.batch(office.manager, at_desk).lines
    assert (absent.status, absent.reason) == (IssuanceStatus.UNDONE, "The holder was not at the desk.")
    assert {(line.status, line.is_locked) for line in others} == {(IssuanceStatus.ACTIVE, False)}
    with office.ra.database.read() as work:
        assert [work.cards.live_of(uid) is not None for uid in people] == [False, True, True]
        states = {card.status for uid in people for card in work.cards.of(uid)}
    assert states == {CardStatus.ACTIVE}


def test_nobody_whose_card_is_begun_is_passed_over(office: Office, at_desk: str) -> None:
    desk = BatchAtDesk(office, at_desk)
    told = desk.next_job()
    assert told is not None
    desk.desk(told).approve(office.blank(), office.manager_card)
    with pytest.raises(NobodyToPassOver):
        office.ra.batching.pass_over(desk.token, at_desk)
    with pytest.raises(JobTokenNotValid):
        office.ra.batching.pass_over("another desk", at_desk)


def test_a_certified_card_whose_holder_knows_its_pin_is_gone_on_with(office: Office, at_desk: str) -> None:
    told = BatchAtDesk(office, at_desk).next_job()
    assert told is not None
    desk = BatchAtDesk(office, at_desk).desk(told)
    card = office.blank()
    desk.approve(card, office.manager_card)
    desk.certify(card)
    again = BatchAtDesk(office, at_desk).next_job()
    assert again is not None
    job = cast("dict[str, object]", again["job"])
    assert (job["id"], job["state"], job["card_serial"]) == (desk.id, "certified", card.serial)


def test_a_card_for_a_later_day_is_issued_locked(office: Office, people: list[str]) -> None:
    later = today() + timedelta(days=3)
    with pytest.raises(InvalidInput):
        office.ra.batching.begin(office.manager, "Later", people, later, holders_present=True)

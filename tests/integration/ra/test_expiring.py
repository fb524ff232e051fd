"""Cards grow old by themselves, and by the date whatever the register says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from app.domain.card import CardStatus
from app.domain.renewal import RenewalRules
from app.ra.expiring import Expiring
from app.ra.moving_cards import MoveAsked
from app.storage.tables.audit import audit_event
from app.storage.tables.cards import card, certificate
from tests.support.registration_authority import DeskCard, Office

NOW = datetime.now(UTC)


def ends(office: Office, held: DeskCard, at: datetime) -> None:
    """Let the card's certificates end then, as our register knows them."""
    with office.ra.database.change() as work:
        this = certificate.c.card_serial == held.serial
        work.connection.execute(update(certificate).where(this).values(not_after=at))


def status_of(office: Office, held: DeskCard) -> CardStatus:
    with office.ra.database.read() as work:
        known = work.cards.get(held.serial)
    assert known is not None
    return known.status


def sweep(office: Office) -> int:
    return Expiring(office.ra.database, RenewalRules()).sweep()


def test_nothing_moves_before_its_time(office: Office) -> None:
    ends(office, office.manager_card, NOW + timedelta(days=91))
    assert sweep(office) == 0
    assert status_of(office, office.manager_card) is CardStatus.ACTIVE


def test_cards_become_expiring_and_then_expired_once_each_with_an_event(office: Office) -> None:
    ends(office, office.manager_card, NOW + timedelta(days=89))
    ends(office, office.sponsor_card, NOW - timedelta(minutes=1))
    assert sweep(office) == 2
    assert sweep(office) == 0
    assert status_of(office, office.manager_card) is CardStatus.EXPIRING
    assert status_of(office, office.sponsor_card) is CardStatus.EXPIRED
    chosen = select(audit_event).where(audit_event.c.event.in_(["card.expiring", "card.expired"]))
    with office.ra.database.read() as work:
        events = {(row.event, row.subject, row.actor_uid) for row in work.connection.execute(chosen)}
    assert events == {
        ("card.expiring", office.manager_card.serial, "system:worker"),
        ("card.expired", office.sponsor_card.serial, "system:worker"),
    }


@pytest.mark.parametrize("before", ["locked", "suspended"])
def test_a_card_that_cannot_be_used_expires_but_is_not_made_usable(office: Office, before: str) -> None:
    with office.ra.database.change() as work:
        this = card.c.serial == office.manager_card.serial
        work.connection.execute(update(card).where(this).values(status=before))
    ends(office, office.manager_card, NOW + timedelta(days=30))
    assert sweep(office) == 0
    ends(office, office.manager_card, NOW - timedelta(minutes=1))
    assert sweep(office) == 1
    assert status_of(office, office.manager_card) is CardStatus.EXPIRED


def test_a_card_that_ended_stays_as_it_ended(office: Office) -> None:
    office.ra.card_moves.give(office.manager, office.sponsor_card.serial, "report-lost", MoveAsked())
    ends(office, office.sponsor_card, NOW - timedelta(days=1))
    assert sweep(office) == 0
    assert status_of(office, office.sponsor_card) is CardStatus.LOST


def test_more_cards_than_are_moved_at_once_are_all_moved(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ra.expiring._AT_ONCE", 1)
    ends(office, office.manager_card, NOW + timedelta(days=1))
    ends(office, office.sponsor_card, NOW + timedelta(days=1))
    assert sweep(office) == 2

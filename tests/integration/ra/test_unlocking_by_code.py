"""The holder alone, and two colleagues: codes, authenticator apps, vouching. On every kind of database."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from sqlalchemy import select, update

from app.adapters.unlock_secrets import FileUnlockSecrets
from app.domain.actor import Actor
from app.domain.approval import ApprovalNotValid
from app.domain.card import CardStatus
from app.domain.card_job import AlreadySigned, CannotWorkOnOwnCard, JobStepOutOfOrder
from app.domain.one_time_code import (
    AuthenticatorNotSetUp,
    Channel,
    CodeNotAccepted,
    accepted_step,
    new_authenticator_secret,
)
from app.errors import NotPermitted
from app.ra.limiting import TooManyTries
from app.ra.sending_codes import SendingCodes
from app.ra.unlocking_by_code import SEND_CODE
from app.storage.tables.outbox import outbox
from app.storage.tables.people import person as person_table
from app.storage.tables.unlocking import authenticator, unlock_code
from tests.support.registration_authority import DeskCard, Office, another, registration
from tests.support.unlocking import UnlockDesk

WARD, ELSEWHERE = "192.0.2.7", "192.0.2.8"


@pytest.fixture
def holder(office: Office) -> Actor:
    return office.person(registration())


@pytest.fixture
def card(office: Office, holder: Actor) -> DeskCard:
    return office.card_for(holder.uid)


def letters(office: Office) -> list[dict[str, str]]:
    """What was handed over to be sent, unsealed."""
    chosen = select(outbox.c.payload).where(outbox.c.topic == SEND_CODE).order_by(outbox.c.id)
    with office.ra.database.read() as work:
        sealed = [payload["sealed"] for payload in work.connection.scalars(chosen)]
    return [json.loads(FileUnlockSecrets(bytes(32)).unseal(b64decode(each))) for each in sealed]


def begin(office: Office, holder: Actor, channel: Channel = Channel.EMAIL) -> str:
    return office.ra.unlocks.by_code.ask(holder.uid, channel, WARD)


def use(office: Office, request: str, code: str) -> str:
    return office.ra.unlocks.by_code.unlock(request, code, WARD)


@pytest.mark.parametrize("status", [CardStatus.ACTIVE, CardStatus.LOCKED, CardStatus.EXPIRED])
def test_a_code_unlocks_ones_own_card(
    office: Office, holder: Actor, card: DeskCard, status: CardStatus
) -> None:
    _set_status(office, card, status)
    request = begin(office, holder)
    desk = UnlockDesk(office.ra, use(office, request, letters(office)[-1]["code"]))
    assert (desk.job["basis"], desk.job["operator"], desk.job["state"]) == ("code", None, "approved")
    assert desk.release() == [b"wrapped SO PIN"]
    desk.complete(card)
    assert office.ra.ca.releases[-1].approvals == ()


def _set_status(office: Office, card: DeskCard, status: CardStatus) -> None:
    with office.ra.database.change() as work:
        found = work.cards.get(card.serial)
        assert found
        if found.status is not status:
            work.cards.move(found, status)


def test_a_code_goes_to_the_address_on_record(office: Office, holder: Actor, card: DeskCard) -> None:
    begin(office, holder)
    begin(office, holder, Channel.TEXT)
    email, text = letters(office)
    assert "@" in email["to"]
    assert text["to"].lstrip("+").isdigit()


def test_no_code_stands_in_the_database(office: Office, holder: Actor, card: DeskCard) -> None:
    request = begin(office, holder)
    code = letters(office)[-1]["code"]
    with office.ra.database.read() as work:
        kept = str(work.connection.execute(select(unlock_code)).all())
        sealed = str(work.connection.execute(select(outbox.c.payload)).all())
    assert code not in kept + sealed
    assert request not in kept


def test_a_code_is_good_once(office: Office, holder: Actor, card: DeskCard) -> None:
    request = begin(office, holder)
    code = letters(office)[-1]["code"]
    use(office, request, code)
    with pytest.raises(CodeNotAccepted):
        use(office, request, code)


def test_three_tries_and_no_more(office: Office, holder: Actor, card: DeskCard) -> None:
    request = begin(office, holder)
    code = letters(office)[-1]["code"]
    for _ in range(3):
        with pytest.raises(CodeNotAccepted):
            use(office, request, "00000000" if code != "00000000" else "11111111")
    with pytest.raises(CodeNotAccepted):
        use(office, request, code)


def test_a_code_is_of_the_browser_that_asked(office: Office, holder: Actor, card: DeskCard) -> None:
    begin(office, holder)
    with pytest.raises(CodeNotAccepted):
        use(office, "another browser", letters(office)[-1]["code"])


@pytest.mark.parametrize(("minutes", "works"), [(14, True), (15, False)])
def test_a_code_works_for_fifteen_minutes(
    office: Office, holder: Actor, card: DeskCard, minutes: int, works: bool
) -> None:
    request = begin(office, holder)
    with office.ra.database.change() as work:
        ends = work.connection.scalars(select(unlock_code.c.expires_at)).one()
        earlier = update(unlock_code).values(expires_at=ends - timedelta(minutes=minutes))
        work.connection.execute(earlier)
    code = letters(office)[-1]["code"]
    if works:
        assert use(office, request, code)
    else:
        with pytest.raises(CodeNotAccepted):
            use(office, request, code)


def test_a_newer_code_takes_the_place_of_the_older(office: Office, holder: Actor, card: DeskCard) -> None:
    older = begin(office, holder)
    newer = begin(office, holder)
    first, second = (letter["code"] for letter in letters(office))
    with pytest.raises(CodeNotAccepted):
        use(office, older, first)
    use(office, newer, second)


def test_strangers_get_the_same_answer_and_nothing_is_sent(office: Office, holder: Actor) -> None:
    """Nobody known, somebody without a card, somebody without an e-mail address, somebody closed."""
    with office.ra.database.change() as work:
        of_manager = person_table.c.uid == office.manager.uid
        work.connection.execute(update(person_table).where(of_manager).values(email=""))
        of_sponsor = person_table.c.uid == office.sponsor.uid
        work.connection.execute(update(person_table).where(of_sponsor).values(status="closed"))
    for uid in ("123456789012", "x" * 30, holder.uid, office.manager.uid, office.sponsor.uid):
        request = office.ra.unlocks.by_code.ask(uid, Channel.EMAIL, WARD)
        assert len(request) == 43
        with pytest.raises(CodeNotAccepted):
            use(office, request, "12345678")
    assert letters(office) == []


def test_a_person_gets_few_codes_and_nobody_is_told(office: Office, holder: Actor, card: DeskCard) -> None:
    for _ in range(5):
        begin(office, holder)
    assert len(letters(office)) == 3


def test_an_address_asks_only_so_often(office: Office, holder: Actor, card: DeskCard) -> None:
    for _ in range(30):
        office.ra.unlocks.by_code.ask("123456789012", Channel.EMAIL, WARD)
    with pytest.raises(TooManyTries):
        office.ra.unlocks.by_code.ask("123456789012", Channel.EMAIL, WARD)
    office.ra.unlocks.by_code.ask("123456789012", Channel.EMAIL, ELSEWHERE)


def test_a_code_that_has_run_out_is_not_sent() -> None:
    sent: list[str] = []

    class Sender:
        def send(self, channel: Channel, to: str, subject: str, text: str) -> None:
            sent.append(text)

    secrets, now = FileUnlockSecrets(bytes(32)), datetime.now(UTC)
    for expires_at in (now + timedelta(minutes=1), now - timedelta(minutes=1)):
        letter = {"channel": "email", "to": "a@b.c", "code": "12345678", "expires_at": expires_at.isoformat()}
        sealed = secrets.seal(json.dumps(letter).encode())
        payload = {"sealed": b64encode(sealed).decode()}
        SendingCodes(secrets, Sender(), lambda: now).carry(payload)
    assert len(sent) == 1
    assert "1234 5678 is your code" in sent[0]


# Authenticator apps


def enrolled(office: Office, holder: Actor) -> pyotp.TOTP:
    apps = office.ra.unlocks.authenticators
    apps.begin(holder)
    record = apps.own(holder)
    assert record
    app = pyotp.TOTP(record.secret)
    apps.confirm(holder, app.at(datetime.now(UTC) - timedelta(seconds=30)))
    return app


def by_app(office: Office, holder: Actor, code: str) -> str:
    return office.ra.unlocks.by_code.unlock_by_authenticator(holder.uid, code, WARD)


def test_an_authenticator_app_unlocks_and_no_code_is_accepted_twice(
    office: Office, holder: Actor, card: DeskCard
) -> None:
    app = enrolled(office, holder)
    code = app.now()
    UnlockDesk(office.ra, by_app(office, holder, code)).release()
    with pytest.raises(CodeNotAccepted):
        by_app(office, holder, code)


def test_the_secret_is_encrypted_and_shown_only_while_it_is_set_up(office: Office, holder: Actor) -> None:
    apps = office.ra.unlocks.authenticators
    apps.begin(holder)
    record = apps.own(holder)
    assert record
    assert record.uri.startswith("otpauth://totp/")
    with office.ra.database.read() as work:
        kept = work.connection.execute(select(authenticator.c.sealed_secret)).scalar_one()
    assert record.secret.encode() not in kept
    with pytest.raises(AuthenticatorNotSetUp):
        apps.confirm(holder, "000000")
    apps.confirm(holder, pyotp.TOTP(record.secret).now())
    shown = apps.own(holder)
    assert shown
    assert (shown.secret, shown.uri) == ("", "")


def test_an_app_that_is_not_confirmed_or_was_removed_does_not_work(
    office: Office, holder: Actor, card: DeskCard
) -> None:
    apps = office.ra.unlocks.authenticators
    apps.begin(holder)
    record = apps.own(holder)
    assert record
    with pytest.raises(CodeNotAccepted):
        by_app(office, holder, pyotp.TOTP(record.secret).now())
    app = enrolled(office, holder)
    apps.remove(holder)
    with pytest.raises(CodeNotAccepted):
        by_app(office, holder, app.now())


def test_codes_of_an_app_are_tried_only_so_often(office: Office, holder: Actor, card: DeskCard) -> None:
    for _ in range(5):
        with pytest.raises(CodeNotAccepted):
            by_app(office, holder, "000000")
    with pytest.raises(TooManyTries):
        by_app(office, holder, "000000")


def test_time_steps_beside_the_present_one_are_accepted_and_no_others() -> None:
    secret, now = new_authenticator_secret(), datetime(2026, 11, 22, 9, 0, 10, tzinfo=UTC)
    present = int(now.timestamp()) // 30
    for away, accepted in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        code = pyotp.TOTP(secret).generate_otp(present + away)
        assert accepted_step(secret, code, now) == (present + away if accepted else None)


# Colleagues


def vouching(office: Office, uid: str) -> UnlockDesk:
    return UnlockDesk(office.ra, office.ra.unlocks.by_colleagues.begin(office.manager, uid))


@pytest.fixture
def third(office: Office) -> tuple[Actor, DeskCard]:
    """Somebody else who works where the founders do."""
    position = office.position("Clerk", "R8010")
    colleague = office.person(another(1), position)
    return colleague, office.card_for(colleague.uid)


@pytest.mark.parametrize("status", [CardStatus.ACTIVE, CardStatus.LOCKED, CardStatus.EXPIRED])
def test_two_colleagues_vouch(office: Office, third: tuple[Actor, DeskCard], status: CardStatus) -> None:
    colleague, card = third
    _set_status(office, card, status)
    desk = vouching(office, colleague.uid)
    desk.sign(office.manager.uid, office.manager_card)
    with pytest.raises(JobStepOutOfOrder):
        desk.release()
    with pytest.raises(AlreadySigned):
        desk.sign(office.manager.uid, office.manager_card)
    desk.sign(office.sponsor.uid, office.sponsor_card)
    assert desk.release()
    desk.complete(card)
    assert len(office.ra.ca.releases[-1].approvals) == 2


def test_neither_may_be_the_holder_nor_a_stranger(
    office: Office, third: tuple[Actor, DeskCard], holder: Actor, card: DeskCard
) -> None:
    colleague, colleagues_card = third
    with pytest.raises(CannotWorkOnOwnCard):
        office.ra.unlocks.by_colleagues.begin(colleague, colleague.uid)
    with pytest.raises(NotPermitted):
        office.ra.unlocks.by_colleagues.begin(holder, colleague.uid)
    with pytest.raises(NotPermitted):
        office.ra.unlocks.by_colleagues.begin(office.manager, "123456789012")
    desk = vouching(office, colleague.uid)
    with pytest.raises(CannotWorkOnOwnCard):
        desk.sign(colleague.uid, colleagues_card)
    with pytest.raises(NotPermitted):
        desk.sign(holder.uid, card)
    with pytest.raises(ApprovalNotValid):
        desk.sign(office.manager.uid, office.manager_card, signed_as="operator")

"""Deliveries, moves, stock-takes and findings, with the people who may and may not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.bootstrap.stock import card_kinds
from app.domain.actor import Actor
from app.domain.card import CardStatus
from app.domain.permission import Permission
from app.domain.stock import (
    HOLDERS,
    LOST,
    MISSING,
    SUPPLIER,
    CardNotDelivered,
    CardNotInStock,
    PlaceKind,
    UndeliveredCards,
)
from app.domain.stock_delivery import DeliveryDecided, DeliveryStatus
from app.domain.stock_take import (
    Decision,
    FindingKind,
    FindingSettled,
    SettledByWhoRaisedIt,
    StockTakeAlreadyOpen,
    StockTakeNotOpen,
)
from app.errors import InvalidInput, NotPermitted, Refusal
from app.ra.counting_cards import CountingCards
from app.ra.delivering_cards import DeliveringCards, SerialList
from app.ra.desk_jobs import DeskJobs, DeskPolicy
from app.ra.moving_cards import MoveAsked
from app.ra.stocking_cards import StockingCards, serials_from_untrusted
from tests.support.registration_authority import ORIGIN, RA, DeskCard, Office, another

LIST = b"""\xef\xbb\xbfSerial,Card profile,Back number
90000001,softhsm,1111 2222 0001
90000002,softhsm,
90000003,softhsm,1111 2222 0003
90000001,softhsm,1111 2222 0009
90000004,softhsm,1111-2222-0003
90000005,plastic,
not a serial!,softhsm,
90000006,softhsm,12
90000007,softhsm,,extra
"90000008,softhsm,
"""


class Store:
    """The stock of an office: Margaret the manager, and Ravi who may confirm, too."""

    def __init__(self, office: Office) -> None:
        database = office.ra.database
        self.office, self.database = office, database
        self.stocking = StockingCards(database)
        self.delivering = DeliveringCards(database, card_kinds())
        self.counting = CountingCards(database, "softhsm")
        self.manager = office.manager
        position = office.position("Second manager", "R5080", "B0272", "B0274")
        self.second = office.person(another(81), position)
        self.room = self.stocking.add_place(self.manager, "Store room", PlaceKind.STORE, RA, 5)
        self.drawer = self.stocking.add_place(self.manager, "Drawer 2", PlaceKind.DESK, RA.lower(), 0)

    def deliver(self, content: bytes = LIST, *, name: str = "box 7.csv") -> str:
        return self.delivering.hand_in(self.manager, SerialList(name, content, "Idemia", self.room))

    def delivered(self, *serials: str) -> None:
        rows = "".join(f"{serial},softhsm\n" for serial in serials)
        self.delivering.apply(self.manager, self.deliver(f"serial,card_profile\n{rows}".encode()))

    def place_of(self, serial: str) -> str:
        return self.stocking.card(self.manager, serial).card.place.id

    def counted(self, place: str, *serials: str) -> list[tuple[str, FindingKind, str]]:
        """Count there; the findings as (serial, kind, id)."""
        take = self.counting.begin(self.manager, place)
        if serials:
            self.counting.count(self.manager, take, serials)
        self.counting.close(self.manager, take)
        found = self.counting.take(self.manager, take).findings
        return [(each.serial, each.kind, each.id) for each in found]

    def issue(self, serial: str, undelivered: UndeliveredCards = UndeliveredCards.REFUSED) -> None:
        """The first steps of an issuance with that card, as far as the card is bound."""
        ra = self.office.ra
        policy = DeskPolicy(ORIGIN, undelivered_cards=undelivered)
        ra.desk_jobs = DeskJobs(ra.database, ra.certificate_authority, policy)
        uid = self.office.person(another(int(serial) % 1000)).uid
        desk, card = self.office.begun(uid), DeskCard(serial)
        desk.approve(card, self.office.manager_card)
        desk.finish(card)


@pytest.fixture
def store(office: Office) -> Store:
    return Store(office)


def test_a_list_is_previewed_with_its_bad_lines_explained_and_the_rest_is_loaded(store: Store) -> None:
    delivery_id = store.deliver()
    preview = store.delivering.delivery(store.manager, delivery_id)
    assert [card.serial for card in preview.cards] == ["90000001", "90000002", "90000003"]
    assert preview.cards[0].back_number == "111122220001"
    assert [(each.line, each.reason[:38]) for each in preview.refused] == [
        (5, "Card 90000001 is in this list already."),
        (6, "A card with the back number 1111222200"),
        (7, "There is no card profile 'plastic'. Th"),
        (8, "The serial number must be 1 to 40 lett"),
        (9, "The back number must have the form NNN"),
        (10, "It has 4 columns; there must be 3."),
        (11, "It is no row of a CSV file: unexpected"),
    ]
    with store.database.read() as work:
        assert work.cards.get("90000001") is None
    applied = store.delivering.apply(store.manager, delivery_id)
    assert (applied.status, len(applied.cards), len(applied.refused)) == (DeliveryStatus.APPLIED, 3, 7)
    history = store.stocking.card(store.manager, "90000001")
    assert history.card.back_number == "111122220001"
    assert history.card.card.status is CardStatus.STOCK
    (first,) = history.movements
    assert (first.from_place, first.to_place, first.by_uid) == (SUPPLIER, store.room, store.manager.uid)
    assert store.stocking.problems_of_the_books() == []


def test_lists_are_counted_where_there_are_many(store: Store) -> None:
    delivery_id = store.deliver()
    whole = store.delivering.delivery(store.manager, delivery_id)
    [summary] = store.delivering.deliveries(store.manager)
    assert (summary.id, summary.file_name, summary.status) == (delivery_id, "box 7.csv", whole.status)
    assert (summary.cards, summary.refused) == (len(whole.cards), len(whole.refused))


def test_a_card_is_delivered_once(store: Store) -> None:
    first, second = store.deliver(), store.deliver()
    store.delivering.apply(store.manager, first)
    again = store.delivering.apply(store.manager, second)
    assert again.cards == ()
    assert "Card 90000001 is in stock or in use already." in {each.reason for each in again.refused}
    with pytest.raises(DeliveryDecided):
        store.delivering.apply(store.manager, first)
    third = store.deliver()
    assert store.delivering.delivery(store.manager, third).cards == ()
    store.delivering.discard(store.manager, third)
    with pytest.raises(DeliveryDecided):
        store.delivering.apply(store.manager, third)


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"content": b"number,kind\n1,softhsm\n"}, "file", "no column serial"),
        ({"content": b""}, "file", "no column serial"),
        ({"content": bytes(5 * 1024 * 1024 + 1)}, "file", "larger than 5 MB"),
        ({"supplier": "  "}, "supplier", "who delivered"),
        ({"place_id": HOLDERS}, "place", "store or a desk"),
        ({"place_id": "nowhere"}, "place", "store or a desk"),
    ],
    ids=str,
)
def test_a_list_that_cannot_be_used_is_refused_with_what_to_do(
    store: Store, changes: dict[str, object], field: str, sentence: str
) -> None:
    handed_in = replace(SerialList("x.csv", LIST, "Idemia", store.room), **changes)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput) as refused:
        store.delivering.hand_in(store.manager, handed_in)
    assert sentence in refused.value.problems[field]


def test_only_those_who_keep_the_stock_may(store: Store) -> None:
    sponsor = store.office.sponsor
    for attempt in (
        lambda: store.stocking.state(sponsor),
        lambda: store.stocking.move(sponsor, ["90000001"], store.drawer, "x"),
        lambda: store.delivering.hand_in(sponsor, SerialList("x", LIST, "Idemia", store.room)),
        lambda: store.counting.begin(sponsor, store.room),
        lambda: store.stocking.add_place(sponsor, "Mine", PlaceKind.DESK, RA, 0),
    ):
        with pytest.raises(NotPermitted):
            attempt()
    assert ("stock_delivery.handed_in", "refused", "not_permitted") in store.office.ra.audited()


def test_cards_move_all_or_none_with_a_note_and_by_whom(store: Store) -> None:
    store.delivered("90000001", "90000002")
    with pytest.raises(InvalidInput, match="Say why"):
        store.stocking.move(store.manager, ["90000001"], store.drawer, " ")
    with pytest.raises(InvalidInput, match=r"does not know card 7\."):
        store.stocking.move(store.manager, ["90000001", "7"], store.drawer, "To the desk")
    with pytest.raises(InvalidInput, match="No card is moved by hand to: in the hands"):
        store.stocking.move(store.manager, ["90000001"], HOLDERS, "Here you are")
    assert store.place_of("90000001") == store.room
    store.stocking.move(store.manager, ["90000001", "90000002"], store.drawer, "To the desk")
    last = store.stocking.place(store.manager, store.drawer).movements[0]
    assert (last.note, last.by_uid, last.from_place) == ("To the desk", store.manager.uid, store.room)
    with pytest.raises(InvalidInput, match="is there already"):
        store.stocking.move(store.manager, ["90000001"], store.drawer, "Again")
    store.stocking.move(store.manager, ["90000001"], SUPPLIER, "Faulty batch")
    with pytest.raises(CardNotInStock, match="the supplier"):
        store.issue("90000001")


def test_the_setting_says_whether_a_card_that_nobody_delivered_is_issued(store: Store) -> None:
    with pytest.raises(CardNotDelivered, match="in no delivery"):
        store.issue("90000011")
    with store.database.read() as work:
        assert work.cards.get("90000011") is None
    store.issue("90000012", UndeliveredCards.RECORDED)
    assert store.place_of("90000012") == HOLDERS
    state = store.stocking.state(store.manager)
    (unexpected,) = [each for each in state.findings if each.serial == "90000012"]
    assert unexpected.kind is FindingKind.UNEXPECTED
    store.counting.settle(store.second, unexpected.id, Decision.LEAVE, "From the old box, seen by both of us")
    with pytest.raises(FindingSettled):
        store.counting.settle(store.second, unexpected.id, Decision.LEAVE, "Again")


def test_a_delivered_card_is_issued_where_only_delivered_ones_may_be(store: Store) -> None:
    store.delivered("90000021")
    store.stocking.move(store.manager, ["90000021"], store.drawer, "To the desk")
    store.issue("90000021")
    assert [each.to_place for each in store.stocking.card(store.manager, "90000021").movements] == [
        store.room,
        store.drawer,
        HOLDERS,
    ]
    with pytest.raises(InvalidInput, match="cannot be moved"):
        store.stocking.move(store.manager, ["90000021"], store.drawer, "Handed in")
    store.office.ra.card_moves.give(store.manager, "90000021", "cancel", MoveAsked("left"))
    store.stocking.move(store.manager, ["90000021"], store.drawer, "Handed in by its holder")
    assert store.place_of("90000021") == store.drawer
    assert store.stocking.problems_of_the_books() == []


def test_a_stock_take_finds_what_is_missing_surplus_and_in_the_wrong_place(store: Store) -> None:
    store.delivered("90000001", "90000002", "90000003")
    store.stocking.move(store.manager, ["90000003"], store.drawer, "To the desk")
    found = store.counted(store.room, "90000001", "90000003", "80000000")
    assert [(serial, kind) for serial, kind, _ in found] == [
        ("80000000", FindingKind.SURPLUS),
        ("90000002", FindingKind.MISSING),
        ("90000003", FindingKind.WRONG_PLACE),
    ]
    assert store.stocking.state(store.manager).missing == 1
    # Counted again, the same is not raised twice.
    assert store.counted(store.room, "90000001", "90000003", "80000000") == []


def test_a_second_person_settles_each_finding(store: Store) -> None:
    store.delivered("90000001", "90000002", "90000003")
    store.stocking.move(store.manager, ["90000003"], store.drawer, "To the desk")
    ids = {serial: each for serial, _, each in store.counted(store.room, "90000001", "90000003", "80000000")}
    with pytest.raises(SettledByWhoRaisedIt):
        store.counting.settle(store.manager, ids["90000002"], Decision.WRITE_OFF, "Gone")
    agent = replace(store.second, permissions=frozenset({Permission.KEEP_STOCK}))
    with pytest.raises(NotPermitted):
        store.counting.settle(agent, ids["90000002"], Decision.WRITE_OFF, "Gone")
    with pytest.raises(Refusal, match="cannot be decided"):
        store.counting.settle(store.second, ids["90000002"], Decision.TAKE_IN, "Gone")
    with pytest.raises(InvalidInput):
        store.counting.settle(store.second, ids["90000002"], Decision.WRITE_OFF, " ")
    for serial, decision in (
        ("90000002", Decision.WRITE_OFF),
        ("90000003", Decision.MOVE_HERE),
        ("80000000", Decision.TAKE_IN),
    ):
        store.counting.settle(store.second, ids[serial], decision, "Looked everywhere")
    assert [store.place_of(serial) for serial in ids] == [store.room, MISSING, store.room]
    assert store.stocking.state(store.manager).missing == 0
    assert store.stocking.problems_of_the_books() == []


def test_the_database_refuses_that_one_person_raises_and_settles(store: Store) -> None:
    store.delivered("90000001")
    ((_, _, finding_id),) = store.counted(store.room)
    statement = "UPDATE stock_finding SET status = 'settled', decision = 'found', settled_by = raised_by"
    with pytest.raises(IntegrityError), store.database.change() as work:
        work.connection.execute(text(statement))
    assert store.counting.finding(store.second, finding_id).finding.is_open


def test_a_missed_card_is_not_issued_until_it_is_settled_and_comes_back_by_a_count(store: Store) -> None:
    store.delivered("90000031", "90000032")
    ((serial, _, finding_id),) = store.counted(store.room, "90000032")
    with pytest.raises(CardNotInStock, match="was missing at a stock-take"):
        store.issue(serial)
    store.counting.settle(store.second, finding_id, Decision.WRITE_OFF, "Looked everywhere")
    with pytest.raises(InvalidInput, match="cannot be moved"):
        store.stocking.move(store.manager, [serial], store.drawer, "It was behind the cupboard")
    ((_, kind, again),) = store.counted(store.room, "90000031", "90000032")
    assert kind is FindingKind.WRONG_PLACE
    store.counting.settle(store.second, again, Decision.MOVE_HERE, "It was behind the cupboard")
    assert store.place_of(serial) == store.room


def test_only_who_counts_goes_on_counting_and_a_closed_count_is_closed(store: Store) -> None:
    store.delivered("90000001")
    take = store.counting.begin(store.manager, store.room)
    with pytest.raises(StockTakeAlreadyOpen):
        store.counting.begin(store.second, store.room)
    with pytest.raises(NotPermitted, match="Somebody else"):
        store.counting.count(store.second, take, ["90000001"])
    assert store.counting.count(store.manager, take, ["90000001", "9"]) == 2
    assert store.counting.count(store.manager, take, ["90000001"]) == 0
    store.counting.uncount(store.manager, take, "9")
    assert store.counting.close(store.manager, take) == 0
    with pytest.raises(StockTakeNotOpen):
        store.counting.count(store.manager, take, ["90000001"])
    abandoned = store.counting.begin(store.manager, store.room)
    store.counting.abandon(store.second, abandoned)
    assert store.stocking.state(store.manager).missing == 0


def test_a_place_is_low_when_blank_cards_run_out(store: Store) -> None:
    assert [each.place.name for each in store.stocking.state(store.manager).low] == ["Store room"]
    store.delivered(*(f"9000004{number}" for number in range(6)))
    assert store.stocking.state(store.manager).low == []
    store.stocking.warn_at(store.manager, store.room, 6)
    assert [each.place.id for each in store.stocking.state(store.manager).low] == [store.room]
    with pytest.raises(InvalidInput):
        store.stocking.warn_at(store.manager, LOST, 6)


@pytest.mark.parametrize(
    ("name", "kind", "code", "fields"),
    [
        ("", PlaceKind.DESK, RA, {"name"}),
        ("store ROOM", PlaceKind.DESK, RA, {"name"}),
        ("Drawer 9", PlaceKind.MISSING, RA, {"kind"}),
        ("Drawer 9", PlaceKind.DESK, "NOWHERE", {"organisation"}),
    ],
)
def test_a_place_needs_a_name_of_its_own_and_an_organisation(
    store: Store, name: str, kind: PlaceKind, code: str, fields: set[str]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        store.stocking.add_place(store.manager, name, kind, code, 0)
    assert set(refused.value.problems) == fields


def test_serial_numbers_are_read_as_people_type_and_scanners_send_them() -> None:
    assert serials_from_untrusted(" 1\r\n2, 3;4\t1 ") == ["1", "2", "3", "4"]
    for typed, sentence in (("  ", "at least one"), ("1 <b>", "no serial number"), ("7 " * 9, "")):
        if sentence:
            with pytest.raises(InvalidInput, match=sentence):
                serials_from_untrusted(typed)
    with pytest.raises(InvalidInput, match="at most 5,000"):
        serials_from_untrusted(" ".join(map(str, range(5001))))


def test_who_looks_at_a_finding_is_offered_only_what_they_may_decide(store: Store) -> None:
    store.delivered("90000001")
    ((_, _, finding_id),) = store.counted(store.room)
    nobody = Actor("1" * 12, "x", permissions=frozenset({Permission.KEEP_STOCK}))
    for actor, offered in ((store.manager, 0), (nobody, 0), (store.second, 2)):
        assert len(store.counting.finding(actor, finding_id).decisions) == offered

"""Loads of organisations on both databases: preview, approval, application, interruption, stale previews."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.bootstrap.loads import carrying_loads, loading_organisations
from app.domain.actor import Actor
from app.domain.organisation import Organisation, OrganisationStatus
from app.domain.organisation_change import Change
from app.domain.organisation_load import LoadIsStale, LoadKind, LoadNotReady, LoadStatus, OrganisationLoad
from app.domain.permission import Permission
from app.errors import InvalidInput, NotPermitted
from app.ra.applying_loads import ApplyingLoads
from app.ra.loading_organisations import HandedIn, LoadingOrganisations
from app.storage.database import Database
from app.storage.tables.organisation_loads import organisation_load_change, organisation_load_part
from app.storage.tables.organisations import organisation
from app.storage.tables.outbox import outbox
from bench import ods_xml
from tests.integration.importing.test_real_data import events

LOADER = Actor("555254239107", "Margaret", "1", "15N", frozenset({Permission.LOAD_ORGANISATIONS}))


def record(code: str, **changes: Any) -> dict[str, Any]:
    return {
        "OrgId": {"extension": code},
        "Name": f"SURGERY {code}",
        "Status": "Active",
        "orgRecordClass": "RC1",
        "Date": [{"Type": "Operational", "Start": "2001-04-01"}],
        "Roles": {"Role": [{"id": "RO177", "primaryRole": True}, {"id": "RO76"}]},
        **changes,
    }


def closed(code: str, on: str = "2026-03-31") -> dict[str, Any]:
    return record(code, Status="Inactive", Date=[{"Type": "Operational", "Start": "2001-04-01", "End": on}])


def under(code: str, parent: str, kind: str = "RE4") -> dict[str, Any]:
    dates = [{"Type": "Operational", "Start": "2001-04-01"}]
    return {
        "Rel": [{"id": kind, "Status": "Active", "Date": dates, "Target": {"OrgId": {"extension": parent}}}]
    }


class Loader:
    """Hands in, previews and applies."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.loading: LoadingOrganisations = loading_organisations(database)
        self.carrying = carrying_loads(database)

    def hand_in(self, content: bytes, kind: LoadKind = LoadKind.DELTA, name: str = "x", **more: Any) -> str:
        handed_in = HandedIn(name, kind, more.pop("report", ""), io.BytesIO(content), 10_000_000, **more)
        return self.loading.hand_in(LOADER, handed_in)

    def preview(
        self, content: bytes, kind: LoadKind = LoadKind.DELTA, name: str = "x", **more: Any
    ) -> OrganisationLoad:
        load_id = self.hand_in(content, kind, name, **more)
        self.carrying.carry_next()
        return self.loading.load(LOADER, load_id)

    def previewed(self, *records: dict[str, Any], kind: LoadKind = LoadKind.DELTA) -> OrganisationLoad:
        return self.preview(json.dumps(list(records)).encode(), kind)

    def apply(self, load: OrganisationLoad) -> OrganisationLoad:
        self.loading.apply(LOADER, load.id)
        self.carrying.carry_next()
        return self.loading.load(LOADER, load.id)

    def loaded(self, *records: dict[str, Any], kind: LoadKind = LoadKind.DELTA) -> OrganisationLoad:
        return self.apply(self.previewed(*records, kind=kind))

    def codes(self, load: OrganisationLoad, change: Change) -> list[str]:
        return [each.code for each in self.loading.changes(LOADER, load.id, change, "", 1000)]

    def organisation(self, code: str) -> Organisation:
        with self.database.read() as work:
            found = work.organisations.get(code)
        assert found is not None
        return found

    def announced(self) -> list[str]:
        with self.database.read() as work:
            return list(work.connection.scalars(select(outbox.c.key).order_by(outbox.c.id)))

    def count(self, table: Any) -> int:
        with self.database.read() as work:
            return work.connection.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def loader(database: Database) -> Loader:
    return Loader(database)


def test_nothing_changes_until_a_person_has_seen_what_would(loader: Loader) -> None:
    load = loader.previewed(record("A81001"), record("A81002"))
    assert (load.status, load.report.changes) == (LoadStatus.PREVIEWED, {Change.NEW: 2})
    assert loader.count(organisation) == 0
    assert loader.announced() == []
    load = loader.apply(load)
    assert (load.status, load.applied_by, load.done, load.total) == (LoadStatus.APPLIED, LOADER.uid, 2, 2)
    assert loader.organisation("A81001").kind == "GP practice"
    assert loader.announced() == ["A81001", "A81002"]
    assert [each for each, _ in events(loader.database)] == [
        f"organisation_load.{what}"
        for what in ("handed_in", "previewed", "approved", "part_applied", "finished")
    ]
    assert loader.count(organisation_load_part) == 0


def test_a_preview_tells_new_changed_closed_reopened_and_missing(loader: Loader) -> None:
    loader.loaded(*(record(f"A8100{n}") for n in (1, 2, 3, 4)), closed("A81005"), closed("A81006"))
    load = loader.previewed(
        record("A81001"), record("A81002", Name="NEW NAME"), closed("A81003"), record("A81005"),
        record("A81007"), kind=LoadKind.FULL,
    )  # fmt: skip
    found = {change: loader.codes(load, change) for change in Change}
    assert found == {
        Change.NEW: ["A81007"], Change.CHANGED: ["A81002"], Change.CLOSED: ["A81003"], Change.REOPENED:
        ["A81005"], Change.MISSING: ["A81004"],
    }  # fmt: skip
    assert load.report.unchanged == 1
    (changed,) = loader.loading.changes(LOADER, load.id, Change.CHANGED, "", 10)
    assert [(each.name, each.before, each.after) for each in changed.fields()] == [
        ("name", "SURGERY A81002", "NEW NAME")
    ]
    loader.apply(load)
    assert loader.organisation("A81003").status is OrganisationStatus.CLOSED
    assert loader.organisation("A81005").is_open
    assert loader.organisation("A81004").is_open


def test_a_file_of_changes_has_nothing_missing(loader: Loader) -> None:
    loader.loaded(record("A81001"), record("A81002"))
    assert loader.previewed(record("A81001")).report.changes == {}


def test_a_csv_report_keeps_what_only_the_full_file_knows(loader: Loader) -> None:
    loader.loaded(record("A81001", Rels=under("A81001", "00K"), GeoLoc={"Location": {"UPRN": "123"}}))
    row = b'"A81001","OTHER NAME"' + b',""' * 8 + b',"20010401","","A","B","00K"' + b',""' * 10 + b',"4",""'
    load = loader.preview(row, LoadKind.FULL, "epraccur.csv")
    loader.apply(load)
    found = loader.organisation("A81001")
    assert (found.name, found.sub_type, found.uprn, found.role_codes) == (
        "OTHER NAME",
        "B",
        "123",
        ("RO177", "RO76"),
    )
    loader.loaded(record("A81001"))
    assert (loader.organisation("A81001").name, loader.organisation("A81001").sub_type) == (
        "SURGERY A81001",
        "B",
    )


def test_the_successor_is_known_from_either_side(loader: Loader) -> None:
    def succession(kind: str, other: str) -> dict[str, Any]:
        dates = [{"Type": "Legal", "Start": "2020-04-01"}]
        return {"Succ": [{"Type": kind, "Date": dates, "Target": {"OrgId": {"extension": other}}}]}

    loader.loaded(closed("A81001"), closed("A81002", "2020-03-31"), record("A81003"))
    load = loader.previewed(
        record("A81003", Succs=succession("Predecessor", "A81001")),
        closed("A81002", "2020-03-31") | {"Succs": succession("Successor", "A81003")},
    )
    assert loader.codes(load, Change.CHANGED) == ["A81001", "A81002"]
    loader.apply(load)
    assert loader.organisation("A81001").successor_code == "A81003"
    assert loader.organisation("A81002").successor_code == "A81003"
    assert loader.previewed(record("A81003", Succs=succession("Predecessor", "A81001"))).report.changes == {}


def test_a_relationship_that_ended_gives_no_power_any_more(loader: Loader) -> None:
    today = date(2026, 11, 22)
    loader.loaded(record("A81001", Rels=under("A81001", "00K")), record("00K"), record("00L"))
    with loader.database.read() as work:
        assert work.organisations.is_under("A81001", "00K", today)
    loader.loaded(record("A81001", Rels=under("A81001", "00L")))
    with loader.database.read() as work:
        assert not work.organisations.is_under("A81001", "00K", today)
        assert work.organisations.is_under("A81001", "00L", today)


def test_twice_in_the_file_counts_once_and_parents_may_come_later_never_or_in_circles(loader: Loader) -> None:
    load = loader.previewed(
        record("A81001", Rels=under("A81001", "Q01")),
        record("A81001", Name="AGAIN"),
        record("A81002", Rels=under("A81002", "NOWHERE")),
        record("Q01", Rels=under("Q01", "Q02")),
        record("Q02", Rels=under("Q02", "Q01")),
    )
    assert load.report.changes == {Change.NEW: 4}
    assert [row[3] for row in load.report.refused_rows] == ["The code A81001 stands further up already."]
    notes = {sentence: codes for sentence, _, codes in load.report.notes}
    assert notes["Its parent is neither in the file nor known"] == ("A81002 under NOWHERE",)
    assert notes["It is under itself, by way of others"] == ("Q01", "Q02")
    loader.apply(load)
    with loader.database.read() as work:
        assert not work.organisations.is_under("A81001", "15N", date(2026, 11, 22))
    assert loader.organisation("A81001").name == "SURGERY A81001"


def test_a_stale_preview_is_not_applied_and_can_be_made_again(loader: Loader) -> None:
    loader.loaded(record("A81001"))
    load = loader.previewed(record("A81001", Name="FIRST"))
    other = loader.previewed(record("A81001", Name="SECOND"))
    loader.apply(other)
    assert loader.loading.is_stale(LOADER, load.id)
    with pytest.raises(LoadIsStale, match="Make the preview again"):
        loader.loading.apply(LOADER, load.id)
    assert loader.organisation("A81001").name == "SECOND"
    loader.loading.preview_again(LOADER, load.id)
    loader.carrying.carry_next()
    (change,) = loader.loading.changes(LOADER, load.id, Change.CHANGED, "", 10)
    assert change.before is not None
    assert change.before.name == "SECOND"
    loader.apply(loader.loading.load(LOADER, load.id))
    assert loader.organisation("A81001").name == "FIRST"


def test_what_changed_while_a_load_was_applied_is_left_and_told(loader: Loader) -> None:
    loader.loaded(record("A81001"), record("A81002"))
    load = loader.previewed(record("A81001", Name="X"), record("A81002", Name="X"))
    loader.loading.apply(LOADER, load.id)
    with loader.database.change() as work:
        work.connection.execute(
            update(organisation).where(organisation.c.code == "A81002").values(name="SOMEBODY ELSE'S")
        )
    loader.carrying.carry_next()
    assert loader.loading.load(LOADER, load.id).report.stale == ("A81002",)
    assert (loader.organisation("A81001").name, loader.organisation("A81002").name) == (
        "X",
        "SOMEBODY ELSE'S",
    )


def stopping_after(calls: int) -> Callable[[], bool]:
    counted = iter(range(calls))
    return lambda: next(counted, None) is None


def test_a_load_that_was_stopped_goes_on_where_it_was(loader: Loader) -> None:
    load = loader.preview(ods_xml.as_bytes(700), LoadKind.FULL)
    loader.loading.apply(LOADER, load.id)
    loader.carrying.carry_next(is_stopped=stopping_after(2))
    half = loader.loading.load(LOADER, load.id)
    assert (half.status, half.done) == (LoadStatus.APPLYING, 400)
    assert loader.count(organisation) == 400
    carrying_loads(loader.database).carry_next()
    assert loader.loading.load(LOADER, load.id).status is LoadStatus.APPLIED
    assert loader.count(organisation) == 700
    assert sorted(loader.announced()) == sorted(set(loader.announced()))


def test_a_preview_that_was_killed_begins_anew(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    load_id = loader.hand_in(ods_xml.as_bytes(1200), LoadKind.FULL)
    with pytest.raises(Killed):
        loader.carrying.carry_next(progress=die)
    assert loader.loading.load(LOADER, load_id).status is LoadStatus.READING
    assert loader.count(organisation_load_change) == 500
    loader.carrying.carry_next()
    load = loader.loading.load(LOADER, load_id)
    assert (load.status, load.report.to_apply) == (LoadStatus.PREVIEWED, 1200)


def test_loads_are_carried_by_one_program_at_a_time(loader: Loader) -> None:
    loader.hand_in(ods_xml.as_bytes(1))
    with loader.database.exclusively("organisation-loads"):
        assert loader.carrying.carry_next() is None
    assert loader.carrying.carry_next() is not None


def test_a_load_never_runs_far_ahead_of_the_directory(database: Database) -> None:
    loader, waits = Loader(database), []
    load = loader.preview(ods_xml.as_bytes(1000), LoadKind.FULL)
    loader.loading.apply(LOADER, load.id)
    ApplyingLoads(database, wait=waits.append).run(load.id)
    assert sum(waits) == pytest.approx(3 * 5.0)


def test_a_load_that_announces_nothing_leaves_the_outbox_alone(loader: Loader) -> None:
    loader.apply(loader.preview(ods_xml.as_bytes(5), LoadKind.FULL, announces=False))
    assert loader.announced() == []
    assert loader.count(organisation) == 5


@pytest.mark.parametrize(
    ("content", "kind", "told"),
    [
        (b"[]", LoadKind.DELTA, "Not one organisation"),
        (b'{"OrgId": {"extension": "x"}}', LoadKind.DELTA, "'x' is not 3 to 12 capital letters"),
        (ods_xml.as_bytes(3)[:900], LoadKind.FULL, "breaks off"),
        (
            ods_xml.as_bytes(3).replace(b'"Full"', b'"APISync"'),
            LoadKind.FULL,
            "Hand it in as a file of changes",
        ),
    ],
)
def test_a_file_that_cannot_be_used_fails_with_a_sentence(
    loader: Loader, content: bytes, kind: LoadKind, told: str
) -> None:
    load = loader.preview(content, kind)
    assert load.status is LoadStatus.FAILED
    assert told in load.message
    assert loader.count(organisation_load_part) == loader.count(organisation_load_change) == 0
    with pytest.raises(LoadNotReady):
        loader.loading.apply(LOADER, load.id)
    assert events(loader.database)[-2:] == [
        ("organisation_load.failed", "allowed"), ("organisation_load.approved", "refused")
    ]  # fmt: skip


def test_a_file_that_obviously_is_none_is_refused_at_once(loader: Loader) -> None:
    for content in (b"", b"<html></html>", b"no report"):
        with pytest.raises(InvalidInput):
            loader.hand_in(content)
    with pytest.raises(InvalidInput, match="larger than 9 MB"):
        loader.hand_in(b"{" + b" " * 11_000_000)
    assert loader.carrying.carry_next() is None


def test_nobody_loads_without_the_permission(loader: Loader) -> None:
    load, nobody = loader.previewed(record("A81001")), Actor("555000000017", "N", "2", "15N")
    for refused in (
        lambda: loader.loading.hand_in(nobody, HandedIn("x", LoadKind.FULL, "", io.BytesIO(b"{}"), 10)),
        lambda: loader.loading.apply(nobody, load.id),
        lambda: loader.loading.discard(nobody, load.id),
        lambda: loader.loading.preview_again(nobody, load.id),
        lambda: loader.loading.loads(nobody),
        lambda: loader.loading.load(nobody, load.id),
        lambda: loader.loading.changes(nobody, load.id, Change.NEW, "", 1),
        lambda: loader.loading.is_stale(nobody, load.id),
    ):
        with pytest.raises(NotPermitted):
            refused()
    assert [each for each in events(loader.database) if each[1] == "refused"] == [
        (f"organisation_load.{what}", "refused")
        for what in ("handed_in", "approved", "discarded", "preview_asked")
    ]


def test_a_discarded_load_leaves_nothing_but_its_record(loader: Loader) -> None:
    load = loader.previewed(record("A81001"))
    loader.loading.discard(LOADER, load.id)
    assert loader.loading.load(LOADER, load.id).status is LoadStatus.DISCARDED
    assert loader.count(organisation_load_change) == loader.count(organisation_load_part) == 0
    with pytest.raises(LoadNotReady):
        loader.loading.apply(LOADER, load.id)

"""The change log: contiguous, complete and crash safe, so that a follower's copy equals the directory."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from directory.changelog import Keeping, open_changelog
from directory.changes import Change, ChangeType, change_of
from directory.errors import DirectoryError, DirectoryRefused, SlapdFailed
from directory.group_commit import NUMBERS_AT_MOST, GroupCommit
from directory.publishing import Publisher
from directory.rebuilding import rebuild

LOG = "cn=Changelog,o=nhs"
PERSON = "uid=555000000017,ou=People,o=nhs"


class Clock:
    """A clock that is set by hand."""

    now = datetime(2026, 6, 15, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def publisher(fresh, clock):
    with closing(Publisher(fresh.slapd.ldapi_url, fresh.slapd.publishing_lock, clock)) as publisher:
        yield publisher


class Follower:
    """Keeps a copy of the tree by what the log says alone, as strictly as an LDAP server would."""

    def __init__(self):
        self.copy = {}
        self.number = 0
        self.read_anew = 0

    def follow(self, served):
        with served.session() as session:
            base = session.search(LOG, scope="BASE")[0].attributes
            first, last = (int(base[name][0]) for name in ("firstchangenumber", "lastchangenumber"))
            if self.number + 1 < first:
                self.read_anew += 1
                self.copy = {r.dn.casefold(): dict(r.attributes) for r in session.search("o=nhs")}
                self.number = last
            while self.number < last:
                (logged,) = session.search(f"changenumber={self.number + 1},{LOG}", scope="BASE")
                self._apply(logged.attributes)
                self.number += 1
        return self

    def _apply(self, logged):
        change = change_of(logged["targetDN"][0], logged["changeType"][0], logged.get("changes", ("",))[0])
        dn = change.dn.casefold()
        if change.type is ChangeType.DELETE:
            del self.copy[dn]
        elif change.type is ChangeType.ADD:
            assert dn not in self.copy, "added twice"
            self.copy[dn] = dict(change.attributes)
        else:
            self.copy[dn] |= change.attributes
            self.copy[dn] = {name: values for name, values in self.copy[dn].items() if values}

    def equals(self, served):
        with served.session() as session:
            there = {r.dn.casefold(): _sets(r.attributes) for r in session.search("o=nhs")}
        return there == {dn: _sets(attributes) for dn, attributes in self.copy.items()}


def _sets(attributes):
    return {name: set(values) for name, values in attributes.items()}


def numbers(served):
    with served.session() as session:
        base = session.search(LOG, scope="BASE")[0].attributes
        logged = session.search(LOG, "(objectClass=changeLogEntry)")
    held = sorted(int(record.attributes["changenumber"][0]) for record in logged)
    return int(base["firstchangenumber"][0]), int(base["lastchangenumber"][0]), held


def test_a_follower_has_what_the_directory_has(fresh, publisher, samples, make_person):
    follower = Follower()
    publisher.publish(*samples())
    assert follower.follow(fresh).equals(fresh)
    publisher.publish(make_person(sn="Ødegård\nJr", title=" x ", professional_numbers={}))
    publisher.remove_system("200000000149")
    assert follower.follow(fresh).equals(fresh)
    publisher.remove_person("555000000017")
    assert follower.follow(fresh).equals(fresh)
    first, last, held = numbers(fresh)
    assert held == list(range(first, last + 1))
    assert (first, follower.number, follower.read_anew) == (1, last, 0)


def test_an_entry_of_the_log_is_as_old_clients_read_it(fresh, publisher, make_person):
    publisher.publish(make_person())
    publisher.publish(make_person(title="Professor", professional_numbers={}))
    _, last, _ = numbers(fresh)
    with fresh.session() as session:
        (found,) = session.search(LOG, f"(changenumber={last})")
        assert session.search(LOG, "(changenumber=0)") == []
    assert found.dn == f"changenumber={last},{LOG}"
    assert found.attributes["changes"] == (
        "replace: nhsGMC\n-\nreplace: personalTitle\npersonalTitle: Professor\n-\n",
    )
    assert found.attributes["targetDN"] == (PERSON,)
    assert found.attributes["changeTime"] == ("20260615000000Z",)
    assert set(found.attributes["objectClass"]) == {"top", "changeLogEntry", "nhsExternalChangelogEntry"}


def test_a_search_of_the_whole_tree_does_not_enter_the_log(fresh, publisher, make_person):
    publisher.publish(make_person())
    with fresh.session() as session:
        assert not [r for r in session.search("o=nhs") if "changelog" in r.dn.casefold()]


def test_nobody_but_the_publisher_reads_the_log(fresh, publisher, samples):
    publisher.publish(*samples())
    for tls in (fresh.system, fresh.directory.anonymous()):
        assert fresh.search(LOG, "(objectClass=*)", tls=tls).entries == {}


def test_what_changes_nothing_is_not_logged(fresh, publisher, samples):
    publisher.publish(*samples())
    before = numbers(fresh)
    publisher.publish(*samples())
    assert numbers(fresh) == before


def test_a_refused_change_leaves_no_gap_and_does_not_hold_up_others(fresh, publisher, make_person):
    refused = make_person(professional_numbers={"nhsNoSuchNumber": "1"})
    outcomes = publisher.publish_each([refused, make_person()])
    assert isinstance(outcomes[0], DirectoryRefused)
    assert outcomes[1] == 3
    first, last, held = numbers(fresh)
    assert held == list(range(first, last + 1))
    assert Follower().follow(fresh).equals(fresh)


def test_of_many_entries_only_the_refused_ones_are_left_out(fresh, publisher, make_person):
    bad = {"professional_numbers": {"nhsNoSuchNumber": "1"}}
    people = [
        make_person(uid=f"5550000001{n:02}", org_persons=(), **(bad if n in (0, 7, 8, 19) else {}))
        for n in range(20)
    ]
    refused = [n for n, each in enumerate(publisher.publish_each(people)) if each != 1]
    assert refused == [0, 7, 8, 19]
    first, last, held = numbers(fresh)
    assert held == list(range(first, last + 1))
    assert Follower().follow(fresh).equals(fresh)


@pytest.mark.parametrize("applied", [False, True])
def test_what_was_logged_when_the_publisher_died_is_applied_and_shown_once(
    fresh, publisher, make_person, applied
):
    publisher.publish(make_person())
    with fresh.session() as session:
        log = open_changelog(session, Clock())
        title = Change(PERSON, ChangeType.MODIFY, {"personalTitle": ("Sir",)})
        log.write(title)
        if not applied:
            session.replace(PERSON, {"personalTitle": ("Dr",)})
    before = numbers(fresh)
    assert publisher.publish(make_person(title="Sir")) == 0
    assert numbers(fresh) == (1, before[1] + 1, before[2])
    assert Follower().follow(fresh).equals(fresh)


@pytest.mark.parametrize("ahead", [False, True])
def test_what_was_logged_and_could_never_be_applied_is_taken_back(fresh, publisher, make_person, ahead):
    publisher.publish(make_person())
    before = numbers(fresh)
    with fresh.session() as session:
        log = open_changelog(session, Clock())
        log._log(before[1] + 1, Change(PERSON, ChangeType.MODIFY, {"nhsNoSuchNumber": ("1",)}))
        if ahead:
            log._log(before[1] + 2, Change(PERSON, ChangeType.MODIFY, {"personalTitle": ("Sir",)}))
    publisher.publish(make_person())
    assert numbers(fresh) == before


def test_a_server_killed_again_and_again_leaves_the_log_whole(fresh, publisher, make_person):
    follower, ended, kills = Follower(), threading.Event(), 5

    def publish():
        turn = 0
        while not ended.is_set():
            try:
                publisher.publish(make_person(title=f"Title {turn}"))
                turn += 1
            except DirectoryError:
                ended.wait(0.01)

    publishing = threading.Thread(target=publish)
    publishing.start()
    try:
        for _ in range(kills):
            _grown(fresh)
            os.kill(fresh.slapd.pid, signal.SIGKILL)
            fresh.slapd.wait()
            fresh.slapd.start()
    finally:
        ended.set()
        publishing.join()
    publisher.publish(make_person(title="Last"))
    first, last, held = numbers(fresh)
    assert held == list(range(first, last + 1))
    assert follower.follow(fresh).equals(fresh)
    assert follower.read_anew == 0


def _grown(served, by=20, patience=60):
    """Wait until the log is longer."""
    waiting = threading.Event()
    with served.session() as session:

        def last():
            found = session.search(LOG, scope="BASE")
            return int(found[0].attributes["lastchangenumber"][0]) if found else 0

        begun = last()
        for _ in range(patience * 100):
            if last() >= begun + by:
                return
            waiting.wait(0.01)
    raise AssertionError("nothing was published")


def test_after_a_rebuild_even_a_follower_at_the_end_reads_anew(fresh, publisher, samples, make_person):
    publisher.publish(*samples())
    follower = Follower().follow(fresh)
    rebuild(fresh.slapd, [make_person(title="Professor")])
    assert follower.follow(fresh).equals(fresh)
    assert follower.read_anew == 1
    publisher.publish(make_person(title="Dame"))
    assert follower.follow(fresh).equals(fresh)
    assert follower.read_anew == 1


def test_a_rebuild_while_slapd_is_down_is_told_at_the_next_change(fresh, publisher, samples, make_person):
    publisher.publish(*samples())
    follower = Follower().follow(fresh)
    fresh.slapd.stop()
    rebuild(fresh.slapd, [make_person(title="Professor")])
    fresh.slapd.start()
    publisher.publish(make_person(title="Dame"))
    assert follower.follow(fresh).equals(fresh)
    assert follower.read_anew == 1


def test_after_a_power_cut_while_changes_were_written_no_number_is_given_out_twice(
    fresh, publisher, samples, make_person, monkeypatch
):
    publisher.publish(*samples())
    follower = Follower().follow(fresh)
    disk = GroupCommit(fresh.slapd.folder)
    disk.go_on(follower.number)
    disk.begin()
    disk.close()
    fresh.slapd.stop()
    boot = fresh.slapd.folder / "boot"
    boot.write_text("another-boot")
    monkeypatch.setattr("directory.group_commit._BOOT", boot)
    with pytest.raises(SlapdFailed, match="spine-ra directory rebuild"):
        fresh.slapd.start()
    # What the power cut made of the databases must not matter.
    for database in ("changelog", "current"):
        (fresh.slapd.folder / database / "data.mdb").write_bytes(b"torn")
    rebuild(fresh.slapd, samples())
    fresh.slapd.start()
    publisher.publish(make_person(title="Dame"))
    assert follower.follow(fresh).equals(fresh)
    assert follower.read_anew == 1
    first, last, held = numbers(fresh)
    assert first > NUMBERS_AT_MOST
    assert held == list(range(first - 1, last + 1))  # with the one that was spent on telling


def test_the_log_is_trimmed_by_number_and_by_age(fresh, publisher, clock, make_person):
    for day in range(30):
        clock.now += timedelta(days=1)
        publisher.publish(make_person(title=f"Title {day}"))
    _, last, _ = numbers(fresh)
    publisher.trim_changelog(Keeping(age=timedelta(days=20)))
    assert numbers(fresh) == (last - 20, last, list(range(last - 20, last + 1)))
    publisher.trim_changelog(Keeping(changes=5))
    assert numbers(fresh) == (last - 4, last, list(range(last - 4, last + 1)))
    rebuild(fresh.slapd, [make_person()])
    publisher.trim_changelog(Keeping())
    assert numbers(fresh) == (last + 2, last + 1, [])
    publisher.publish(make_person(title="Dame"))
    assert numbers(fresh) == (last + 2, last + 2, [last + 2])


def test_trimming_goes_on_where_it_was_killed(fresh, publisher, make_person, monkeypatch):
    monkeypatch.setattr("directory.changelog.REMOVED_AT_ONCE", 3)
    for turn in range(20):
        publisher.publish(make_person(title=f"Title {turn}"))
    _, last, _ = numbers(fresh)
    with fresh.session() as session:
        assert open_changelog(session, Clock()).trim(Keeping(changes=5)), "there is more to remove"
    assert numbers(fresh)[0] == last - 4
    assert numbers(fresh)[2] == list(range(4, last + 1))
    publisher.trim_changelog(Keeping(changes=5))
    assert numbers(fresh) == (last - 4, last, list(range(last - 4, last + 1)))

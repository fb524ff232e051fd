"""A rebuild while systems ask: no question fails, no answer is wrong, no connection is closed."""

from __future__ import annotations

import contextlib
import threading
from contextlib import closing

import pytest

from directory import switching
from directory.bulk_loading import loading_into
from directory.client import DirectoryClient
from directory.comparing import compare
from directory.entries import tree
from directory.ldif import ldif
from directory.names import SUFFIX
from directory.publishing import FOLLOWERS_FILE
from directory.rebuilding import rebuild

PERSON = "uid=555000000017,ou=People,o=nhs"
REBUILDS = 4


class Asking:
    """Asks in a loop on one connection until it is told to end."""

    def __init__(self, ask):
        self._ask = ask
        self.asked = 0
        self.faults = []
        self._ended = threading.Event()
        self._moved = threading.Condition()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._ended.is_set():
            try:
                assert self._ask()
            except Exception as fault:
                self.faults.append(fault)
            with self._moved:
                self.asked += 1
                self._moved.notify_all()

    def wait_for_more(self, by=5):
        with self._moved:
            until = self.asked + by
            assert self._moved.wait_for(lambda: self.asked >= until, timeout=60)

    def __enter__(self):
        self._thread.start()
        self.wait_for_more()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()


def checks(served, stack):
    """Ways in which systems ask, each on a connection of its own that nobody opens again."""
    system = stack.enter_context(served.session(served.system))
    anonymous = stack.enter_context(served.session(served.directory.anonymous()))
    publisher = stack.enter_context(served.session())

    def person_is_whole():
        found = {record.dn: record.attributes for record in system.search(PERSON)}
        return (
            len(found) == 3
            and found[PERSON]["sn"] == ("Osei",)
            and found[PERSON]["nhsPersonStatus"] == ("1",)
        )

    return [
        lambda: system.compare(PERSON, "spineAccess", "A81001:B0420") == 6,
        person_is_whole,
        lambda: len(system.search("ou=organisations,o=nhs", "(nhsIDCode=T1431)")) == 1,
        lambda: len(anonymous.search("ou=services,o=nhs", "(nhsMHSPartyKey=T99999-9999999)")) == 1,
        lambda: len(publisher.search("cn=Changelog,o=nhs", scope="BASE")) == 1,
    ]


def test_no_question_fails_while_the_directory_is_rebuilt(fresh, samples):
    fresh.publisher.publish(*samples())
    process = fresh.slapd.pid
    with contextlib.ExitStack() as stack:
        asking = [stack.enter_context(Asking(check)) for check in checks(fresh, stack)]
        for turn in range(REBUILDS):
            rebuild(fresh.slapd, samples()[:: (-1) ** turn])
            for each in asking:
                each.wait_for_more()
    assert [fault for each in asking for fault in each.faults] == []
    assert fresh.slapd.pid == process
    assert fresh.slapd.is_running()


def test_what_is_served_after_a_rebuild_is_written_to_and_served_after_a_restart(fresh, samples, make_person):
    fresh.publisher.publish(*samples())
    for _ in range(2):
        rebuild(fresh.slapd, samples())
    changed = [entry for entry in samples() if entry.dn != PERSON] + [make_person(title="Professor")]
    fresh.publisher.publish(*changed)
    assert differences(fresh, changed) == []
    assert one_database(fresh).name == fresh.slapd.current_database().name
    fresh.slapd.stop()
    fresh.slapd.start()
    assert differences(fresh, changed) == []
    assert fresh.publisher.publish(*changed) == 0


def test_a_withdrawn_right_stays_withdrawn_while_the_directory_is_rebuilt(fresh, samples, make_person):
    fresh.publisher.publish(*samples())
    closed = [entry for entry in samples() if entry.dn != PERSON] + [make_person(active=False)]
    fresh.publisher.publish(*closed)
    with (
        closing(DirectoryClient(fresh.slapd.ldaps_url, fresh.system)) as client,
        Asking(lambda: not client.may("555000000017", "B0420", "A81001")) as asking,
    ):
        rebuild(fresh.slapd, closed)
        asking.wait_for_more()
    assert asking.faults == []


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_switch_that_was_killed_is_cleared_up_by_the_next(fresh, samples, make_person, steps):
    fresh.publisher.publish(*samples())
    with fresh.session() as session:
        half_switched(fresh.slapd, session, steps)
    changed = [entry for entry in samples() if entry.dn != PERSON] + [make_person(title="Professor")]
    rebuild(fresh.slapd, changed)
    assert differences(fresh, changed) == []
    assert one_database(fresh) == fresh.slapd.current_database()
    assert list(fresh.slapd.folder.glob("database-*")) == [fresh.slapd.current_database()]


@pytest.mark.parametrize("steps", [2, 3])
def test_what_is_written_after_a_killed_switch_outlives_a_restart(fresh, samples, make_person, steps):
    fresh.publisher.publish(*samples())
    with fresh.session() as session:
        half_switched(fresh.slapd, session, steps)
    changed = [entry for entry in samples() if entry.dn != PERSON] + [make_person(title="Professor")]
    fresh.publisher.publish(*changed)
    fresh.slapd.stop()
    fresh.slapd.start()
    assert differences(fresh, changed) == []


def half_switched(slapd, session, steps):
    """As ``switching.serve`` leaves it when it is killed after so many changes of the configuration."""
    folder = slapd.new_database()
    with loading_into(slapd, SUFFIX, folder) as stream:
        for record in tree():
            stream.write(ldif(record).encode())
    slapd.publishing_lock.with_name(FOLLOWERS_FILE).touch()
    before = switching.settle(session, SUFFIX)
    session.add(switching._beside(before, folder))
    new = next(each for each in switching._databases(session, SUFFIX) if switching.folder_of(each) == folder)
    if steps > 1:
        session.replace(new.dn, {"olcHidden": ("FALSE",)})
    if steps > 2:
        session.replace(before.dn, {"olcHidden": ("TRUE",)})


def one_database(served):
    with served.session() as session:
        (only,) = switching._databases(session, SUFFIX)
        return switching.folder_of(only)


def differences(served, entries):
    with served.session() as session:
        return list(compare(entries, session))

"""Following the change log by number."""

from __future__ import annotations

from contextlib import closing

import pytest

from directory.changelog_following import ChangesMissed, changes_after, where_it_ends
from directory.rebuilding import rebuild

PERSON = "uid=555000000017,ou=People,o=nhs"


@pytest.fixture
def published(fresh, samples):
    fresh.publisher.publish(*samples())
    return fresh


def test_every_change_after_a_number_is_told_once_in_order(published, make_person):
    with closing(published.session()) as session:
        number = where_it_ends(session)
        assert list(changes_after(session, number)) == []
        published.publisher.publish(make_person(sn="Boateng"))
        published.publisher.remove_organisation("T1431")
        told = list(changes_after(session, number))
        assert [each.number for each in told] == list(range(number + 1, number + 1 + len(told)))
        assert told[0].change.dn == PERSON
        assert "T1431" in told[-1].change.dn
        assert list(changes_after(session, told[-1].number)) == []


def test_whoever_missed_changes_is_told_to_read_anew(published, samples):
    with closing(published.session()) as session:
        number = where_it_ends(session)
    rebuild(published.slapd, samples())
    with closing(published.session()) as session:
        with pytest.raises(ChangesMissed, match="Read the tree anew") as missed:
            list(changes_after(session, number))
        assert list(changes_after(session, missed.value.last)) == []

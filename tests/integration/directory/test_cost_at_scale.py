"""What a question costs slapd must not grow with the number of people.

A mistake here shows only at size: an index on what many people hold, or an object class in a filter, is
harmless at ten thousand people and a hundred times too slow at a million, because index slots of more than
65,536 entries are walked entry by entry. So 200,000 people are loaded, 30,000 of them in one organisation.
The bounds are ratios within the run, to slapd's cheapest operation, and coarse: the machine's speed cannot
break them.

The check can fail: with ``spineResolvedActivity eq`` among the indexes (directory/configuration.py), the
search that other clients use does. The client's own questions are written so that they do not even then.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest

from bench.report import cpu_seconds
from directory import names
from directory.client import DirectoryClient, requests
from directory.client.responses import COMPARE_TRUE
from directory.rebuilding import rebuild
from tests.support import national_people as national
from tests.support.slapd import TestDirectory, running_slapd

PEOPLE = 200_000
ROUNDS, IN_A_ROUND = 6, 400
NOW = datetime(2026, 6, 15, 9, tzinfo=UTC)
MOST_TIMES_THE_CHEAPEST = {"check": 5, "dated": 10, "roles": 12, "endpoint": 12, "search": 10}


@pytest.fixture(scope="module")
def national_directory(tmp_path_factory) -> Iterator[TestDirectory]:
    with running_slapd(tmp_path_factory.mktemp("n")) as directory:
        assert rebuild(directory.slapd, national.entries(PEOPLE)) > 3 * PEOPLE
        yield directory


def cheapest():
    """A Compare on the suffix."""
    answer = yield requests.compare("measure", "o=nhs", "o", "nhs")
    assert answer.result_code == COMPARE_TRUE


def search(uid: str, activity: str, organisation: str):
    """The role check as other clients write it: one search with all that describes the role."""
    wanted = requests.all_of(
        requests.equal("nhsIDCode", organisation), requests.equal("spineResolvedActivity", activity)
    )
    request = requests.search("check", names.person_dn(uid), requests.Scope.SUBTREE, wanted, ("1.1",))

    def dialogue():
        answer = yield request
        return bool(answer.entries)

    return dialogue


def ask(client: DirectoryClient, kind: str, number: int) -> None:
    """One question of the kind about one person; the answer is checked."""
    uid, organisation = national.uid(number), national.organisation(number)
    activity, held = ("B0420", True) if number % 2 else ("B9999", False)
    if kind == "cheapest":
        client.ask(cheapest)
    elif kind == "check":
        assert client.may(uid, activity, organisation) is held
    elif kind == "dated":
        assert client.may_at(uid, activity, organisation, NOW) is held
    elif kind == "search":
        assert client.ask(search(uid, activity, organisation)) is held
    elif kind == "roles":
        assert len(client.roles(uid)) == 1
    else:
        assert client.endpoint(organisation, national.INTERACTION).address == national.endpoint(organisation)


@pytest.mark.timeout(900)
def test_a_question_among_two_hundred_thousand_people_costs_what_it_costs_among_few(national_directory):
    slapd = national_directory.slapd
    spent = dict.fromkeys(("cheapest", *MOST_TIMES_THE_CHEAPEST), 0.0)
    asked = itertools.count()
    with closing(
        DirectoryClient(slapd.ldaps_url, national_directory.system(national.ASID), timeout=60)
    ) as client:
        ask(client, "cheapest", 0)
        for _, kind in itertools.product(range(ROUNDS), spent):
            before = cpu_seconds([slapd.pid])
            for _ in range(IN_A_ROUND):
                ask(client, kind, next(asked) * 7919 % PEOPLE)
            spent[kind] += cpu_seconds([slapd.pid]) - before
    times = {kind: round(spent[kind] / spent["cheapest"], 2) for kind in MOST_TIMES_THE_CHEAPEST}
    print("times slapd's cheapest operation:", times)
    assert all(times[kind] < most for kind, most in MOST_TIMES_THE_CHEAPEST.items()), times

"""A server that misbehaves gets no answer believed, holds nobody up, and disturbs no other question."""

from __future__ import annotations

import asyncio
import os
import threading
import time

import pytest

from directory.client import AsyncDirectoryClient, ClientTls, ber, requests
from directory.client.responses import LARGEST_ANSWER
from directory.errors import DirectoryUnavailable, MalformedAnswer
from tests.support.directory_clients import FORMS, directory_client
from tests.support.hostile_server import hostile_server, result
from tests.support.slapd import ThrowAwayAuthority

QUESTION = ("555000000017", "B0420", "A81001")
ACTIVITIES = [f"B{number:04}" for number in range(40)]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return ThrowAwayAuthority(tmp_path_factory.mktemp("authority"), "Throw-away authority")


@pytest.fixture
def tls(authority):
    return ClientTls(authority.file)


def entry(size: int) -> bytes:
    value = ber.element(ber.SET, ber.octets("x" * size))
    listed = ber.element(ber.SEQUENCE, ber.element(ber.SEQUENCE, ber.octets("cn") + value))
    return ber.element(requests.SEARCH_RESULT_ENTRY, ber.octets("o=nhs") + listed)


BAD_MANNERS = {
    "says nothing": lambda tls, number, seen: None,
    "sends noise": lambda tls, number, seen: tls.sendall(os.urandom(4096)),
    "answers another request": lambda tls, number, seen: tls.sendall(result(number + 7)),
    "answers with the kind of another request": lambda tls, number, seen: tls.sendall(
        result(number, 0x61, 0)
    ),
    "sends an entry for a Compare": lambda tls, number, seen: tls.sendall(
        requests.ldap_message(number, entry(5)) + result(number)
    ),
    "claims a message of four gigabytes": lambda tls, number, seen: tls.sendall(b"\x30\x84\xff\xff\xff\xff"),
    "ends in the middle of a message": lambda tls, number, seen: (
        tls.sendall(result(number)[:-3]),
        tls.close(),
    ),
    "ends at once": lambda tls, number, seen: tls.close(),
    "says that it goes": lambda tls, number, seen: tls.sendall(result(0, 0x78, 52, "going down")),
    "is busy": lambda tls, number, seen: tls.sendall(result(number, code=51)),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("manners", BAD_MANNERS)
def test_bad_manners_are_an_error_in_time_and_never_an_answer(tmp_path, authority, tls, form, manners):
    with (
        hostile_server(tmp_path, authority, BAD_MANNERS[manners]) as url,
        directory_client(form, url, tls, timeout=0.5) as client,
        pytest.raises(DirectoryUnavailable),
    ):
        client.may(*QUESTION)


@pytest.mark.parametrize("form", FORMS)
def test_an_answer_that_drips_does_not_hold_up_past_the_deadline(tmp_path, authority, tls, form):
    stop = threading.Event()

    def drip(connection, number, seen):
        for byte in requests.ldap_message(number, entry(2000)):
            connection.sendall(bytes((byte,)))
            if stop.wait(0.02):
                return

    with (
        hostile_server(tmp_path, authority, drip) as url,
        directory_client(form, url, tls, timeout=1.0) as client,
    ):
        began = time.monotonic()
        with pytest.raises(DirectoryUnavailable):
            client.roles("555000000017")
        stop.set()
        assert time.monotonic() - began < 20  # the whole of it would take 40 seconds


@pytest.mark.parametrize("form", FORMS)
def test_entries_without_end_are_cut_off(tmp_path, authority, tls, form):
    sent: list[int] = []

    def flood(connection, number, seen):
        message = requests.ldap_message(number, entry(1 << 20))
        for each in range(100):
            sent.append(each * len(message))
            connection.sendall(message)

    with (
        hostile_server(tmp_path, authority, flood) as url,
        directory_client(form, url, tls, timeout=30.0) as client,
        pytest.raises(MalformedAnswer, match="bytes to answer one search"),
    ):
        client.roles("555000000017")
    assert LARGEST_ANSWER <= max(sent) < 3 * LARGEST_ANSWER


def test_answers_in_any_order_reach_those_who_asked(tmp_path, authority, tls):
    """Forty at once; the server answers backwards, every second with yes."""
    ids: list[int] = []

    def backwards(connection, number, seen):
        ids.append(number)
        if seen == 0:
            connection.sendall(result(number))
        elif len(ids) == 1 + len(ACTIVITIES):
            for each in reversed(ids[1:]):
                connection.sendall(result(each, code=6 if each % 2 == 0 else 5))

    async def ask() -> list[bool]:
        async with AsyncDirectoryClient(url, tls, timeout=30.0) as client:
            assert await client.may(*QUESTION)
            asked = (client.may("555000000017", activity, "A81001") for activity in ACTIVITIES)
            return await asyncio.gather(*asked)

    with hostile_server(tmp_path, authority, backwards) as url:
        assert asyncio.run(ask()) == [number % 2 == 0 for number in ids[1 : 1 + len(ACTIVITIES)]]


def test_a_late_answer_is_dropped_and_not_taken_for_another(tmp_path, authority, tls):
    """The overdue question's yes comes with the next one's no."""
    overdue: list[int] = []

    def late(connection, number, seen):
        if seen == 1:
            overdue.append(number)
        elif seen == 30:
            connection.sendall(result(overdue[0], code=6) + result(number, code=5))
        else:
            connection.sendall(result(number, code=5))

    async def ask() -> list[bool]:
        async with AsyncDirectoryClient(url, tls, timeout=2.0) as client:
            answers = [await client.may(*QUESTION)]
            first = asyncio.create_task(client.may(*QUESTION))
            for _ in range(40):  # two seconds: one try has half of the deadline
                await asyncio.sleep(0.05)
                answers.append(await client.may(*QUESTION))
            return [*answers, await first]

    with hostile_server(tmp_path, authority, late) as url:
        assert not any(asyncio.run(ask()))
    assert overdue

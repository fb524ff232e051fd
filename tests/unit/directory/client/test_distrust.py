"""Whatever bytes a server sends: messages, or a clear error; never a hang, never memory without end."""

from __future__ import annotations

import contextlib
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.client import ber, requests, responses
from directory.client.responses import LARGEST_ANSWER, LARGEST_MESSAGE, Expected, Incoming, read_message
from directory.client.speaking import LARGEST_MESSAGE_ID, following_id, must_be_ours
from directory.errors import DirectoryUnavailable, MalformedAnswer


def compare_answer(message_id: int, code: int = 6) -> bytes:
    result = ber.integer(code, ber.ENUMERATED) + ber.octets("") + ber.octets("")
    return requests.ldap_message(message_id, ber.element(requests.COMPARE_RESPONSE, result))


def entry(values: tuple[str, ...] = ("v",)) -> bytes:
    attribute = ber.octets("cn") + ber.element(ber.SET, b"".join(map(ber.octets, values)))
    listed = ber.element(ber.SEQUENCE, ber.element(ber.SEQUENCE, attribute))
    return ber.element(requests.SEARCH_RESULT_ENTRY, ber.octets("o=nhs") + listed)


WHOLE = st.sampled_from([compare_answer(1), compare_answer(2**31 - 1, 5), requests.ldap_message(9, entry())])


@given(st.binary(max_size=300))
def test_noise_is_messages_or_a_clear_error(noise):
    for cut in (noise, b"\x30" + noise, b"\x30\x84" + noise):
        with contextlib.suppress(MalformedAnswer):
            assert all(0 <= message.id < 2**31 for message in Incoming().messages(cut))


@given(WHOLE, st.data())
def test_a_message_with_one_byte_changed_is_a_message_or_a_clear_error(whole, data):
    changed = bytearray(whole)
    place = data.draw(st.integers(0, len(whole) - 1))
    changed[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MalformedAnswer):
        assert all(0 <= message.id < 2**31 for message in Incoming().messages(bytes(changed)))


@given(WHOLE, st.data())
def test_a_message_cut_off_inside_is_an_error_and_never_half_a_message(whole, data):
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    assert list(Incoming().messages(cut)) == []
    with pytest.raises(MalformedAnswer):
        read_message(cut)


@given(st.lists(WHOLE, min_size=1, max_size=8), st.data())
def test_however_bytes_arrive_the_messages_are_the_same(messages, data):
    stream = b"".join(messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    incoming = Incoming()
    arrived = [
        message
        for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for message in incoming.messages(stream[begin:end])
    ]
    assert arrived == [read_message(one) for one in messages]


@pytest.mark.parametrize(
    "claim", [b"\x30\x84\xff\xff\xff\xff", b"\x30\x84" + (LARGEST_MESSAGE + 1).to_bytes(4, "big")]
)
def test_a_message_that_claims_to_be_huge_is_refused_before_it_is_waited_for(claim):
    with pytest.raises(MalformedAnswer, match="message of"):
        list(Incoming().messages(claim))


@pytest.mark.parametrize("length", [b"\x80", b"\x85\x00\x00\x00\x00\x01", b"\xff"])
def test_lengths_that_ldap_does_not_know_are_refused(length):
    with pytest.raises(MalformedAnswer, match="length"):
        list(Incoming().messages(b"\x30" + length + bytes(8)))


def test_deep_nesting_costs_nothing():
    nested = b""
    for _ in range(5000):
        nested = ber.element(ber.SEQUENCE, nested)
    message = requests.ldap_message(1, ber.element(requests.COMPARE_RESPONSE, nested))
    with pytest.raises(MalformedAnswer):
        read_message(message)


def test_an_inner_length_that_claims_more_than_there_is_takes_no_memory():
    inner = bytes((requests.SEARCH_RESULT_ENTRY, 0x84, 0x7F, 0xFF, 0xFF, 0xFF))
    message = requests.ldap_message(1, inner)
    tracemalloc.start()
    with pytest.raises(MalformedAnswer):
        read_message(message)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_entries_without_end_are_refused():
    expected = Expected(requests.SEARCH_RESULT_DONE)
    large = read_message(requests.ldap_message(1, entry(("x" * (1 << 20),))))
    for _ in range(LARGEST_ANSWER // large.size):
        assert expected.take(large) is False
    with pytest.raises(MalformedAnswer, match="one search"):
        expected.take(large)


@pytest.mark.parametrize("message_id", [0, 2, 4, 2**31 - 1])
def test_an_answer_with_another_id_is_never_ours(message_id):
    with pytest.raises(MalformedAnswer, match=f"request {message_id}"):
        must_be_ours(read_message(compare_answer(message_id)), 3)


@pytest.mark.parametrize("tag", [requests.BIND_RESPONSE, requests.SEARCH_RESULT_DONE, 0x6B, 0x78])
def test_an_answer_of_another_kind_is_never_ours(tag):
    result = ber.integer(6, ber.ENUMERATED) + ber.octets("") + ber.octets("")
    message = read_message(requests.ldap_message(1, ber.element(tag, result)))
    with pytest.raises(MalformedAnswer, match="another request"):
        Expected(requests.COMPARE_RESPONSE).take(message)
    with pytest.raises(MalformedAnswer, match="another request"):
        Expected(requests.COMPARE_RESPONSE).take(read_message(requests.ldap_message(1, entry())))


@pytest.mark.parametrize("number", [b"", b"\x80", b"\xff\xff", bytes(5), b"\x80\x00\x00\x00"])
def test_ids_below_zero_or_above_the_largest_are_refused(number):
    message = ber.element(ber.SEQUENCE, ber.element(ber.INTEGER, number) + entry())
    with pytest.raises(MalformedAnswer, match="number"):
        read_message(message)


def test_a_notice_of_disconnection_is_told_in_the_servers_words():
    result = ber.integer(52, ber.ENUMERATED) + ber.octets("") + ber.octets("going down")
    notice = read_message(requests.ldap_message(0, ber.element(requests.EXTENDED_RESPONSE, result)))
    with pytest.raises(DirectoryUnavailable, match="going down"):
        must_be_ours(notice, 1)


def test_what_a_later_version_adds_at_an_end_is_passed_over():
    result = ber.integer(6, ber.ENUMERATED) + ber.octets("") + ber.octets("") + ber.octets("x", 0x8F)
    message = responses.read_message(
        ber.element(
            ber.SEQUENCE,
            ber.integer(1) + ber.element(requests.COMPARE_RESPONSE, result) + ber.octets("", 0xA0),
        )
    )
    assert message.result_code == responses.COMPARE_TRUE


@pytest.mark.parametrize(("last", "following"), [(0, 1), (1, 2), (LARGEST_MESSAGE_ID, 1)])
def test_no_message_of_ours_has_the_server_s_own_id(last: int, following: int) -> None:
    assert following_id(last) == following

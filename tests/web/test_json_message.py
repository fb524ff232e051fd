"""A program's message is taken exactly as agreed or refused with what is wrong."""

from __future__ import annotations

import pytest

from app.errors import InvalidInput
from app.web.forms.json_message import JsonMessage

TICKET = frozenset({"ticket"})


def test_exactly_the_agreed_members_are_taken() -> None:
    assert JsonMessage.from_untrusted(b'{"ticket": "abc"}', TICKET).text("ticket", 10) == "abc"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"ticket"',
        b"{}",
        b'{"ticket": "a", "more": 1}',
        b'{"ticket": "a", "ticket": "b"}',
        b"\xff\xfe",
        rb'{"ticket": "a\u0000b"}',
        b"[" * 100_000,
    ],
)
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        JsonMessage.from_untrusted(body, TICKET)


@pytest.mark.parametrize("value", ["1", "null", "true", '""', '"12345678901"', "[]", "{}"])
def test_a_text_must_be_a_text_of_the_right_length(value: str) -> None:
    message = JsonMessage.from_untrusted(b'{"ticket": %s}' % value.encode(), TICKET)
    with pytest.raises(InvalidInput) as refusal:
        message.text("ticket", 10)
    assert refusal.value.problems.keys() == {"ticket"}


@pytest.mark.parametrize("value", ["*", "AAA", "AA==\\n", "A A=", "", "AAAAAAAA"])
def test_bytes_must_be_strict_base64_of_the_right_length(value: str) -> None:
    message = JsonMessage.from_untrusted(b'{"ticket": "%s"}' % value.encode(), TICKET)
    with pytest.raises(InvalidInput):
        message.base64_bytes("ticket", 4)


def test_hexadecimal_is_in_lower_case_and_whole() -> None:
    message = JsonMessage.from_untrusted(b'{"a": "0a1b", "b": "0A1B"}', frozenset({"a", "b"}))
    assert message.hexadecimal("a", 4) == "0a1b"
    with pytest.raises(InvalidInput):
        message.hexadecimal("b", 4)


def test_an_inner_object_is_as_strict_and_says_where() -> None:
    message = JsonMessage.from_untrusted(b'{"read_back": {"x": "1"}}', frozenset({"read_back"}))
    with pytest.raises(InvalidInput, match=r"read_back\.y"):
        message.inner("read_back", frozenset({"y"}))

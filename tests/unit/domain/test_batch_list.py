"""The list that a batch is begun with: every line is accounted for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.batch_list import MOST_CARDS, MOST_LINES, list_from_untrusted
from app.domain.uuid import id_of

ONE, OTHER = "710000001104", "710000009101"


def named(text: str) -> list[tuple[int, str]]:
    return [(each.line, each.uid) for each in list_from_untrusted(text).people]


def left_out(text: str) -> list[tuple[int, str]]:
    return [(each.line, each.reason) for each in list_from_untrusted(text).left_out]


def test_a_csv_file_with_a_heading_is_read_by_its_column() -> None:
    assert named(f'\ufeffName;User ID\nOsei;"7100 0000 1104"\nKaur;{OTHER}\n') == [(2, ONE), (3, OTHER)]


def test_lists_can_be_put_one_under_another() -> None:
    text = f"{ONE}\nname\tuid\nKaur\t{OTHER}\nuid, name\n{id_of(7)}, Osei, Amara"
    assert named(text) == [(1, ONE), (3, OTHER), (5, id_of(7))]
    assert left_out(text) == []


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("Amara Osei", 1, "There is no user id in this line."),
        (f"{ONE}\n\n7100 0000 1104,Amara", 3, "This person stands in line 1 already."),
        (f"{ONE}\n71000000910", 2, "has 12 digits; you typed 11"),
        ("uid,name\nAmara,710000001104", 2, "There is no user id in this line."),
        ("name,uid\nAmara", 2, "There is no user id in this line."),
        ("٧١٠٠٠٠٠٠١١٠٤", 1, "There is no user id in this line."),
    ],
)
def test_a_line_that_cannot_be_used_is_left_out_with_its_number(text: str, line: int, reason: str) -> None:
    [(number, said)] = left_out(text)
    assert number == line
    assert reason in said


def test_who_is_too_many_is_left_out_and_not_lost() -> None:
    text = "\n".join(id_of(number) for number in range(1, MOST_CARDS + 3))
    assert len(named(text)) == MOST_CARDS
    assert [number for number, _ in left_out(text)] == [MOST_CARDS + 1, MOST_CARDS + 2]


def test_a_file_of_rubbish_fills_no_memory() -> None:
    found = list_from_untrusted("rubbish\n" * (MOST_LINES + 7))
    assert len(found.left_out) == MOST_LINES + 1
    assert found.left_out[-1].text == "7 more lines"


@given(st.text(max_size=300))
def test_every_line_is_a_person_left_out_or_a_heading(text: str) -> None:
    found = list_from_untrusted(text)
    numbers = [each.line for each in (*found.people, *found.left_out)]
    assert len(set(numbers)) == len(numbers)
    assert all(each.text.isprintable() and each.reason for each in found.left_out)


@given(st.lists(st.integers(1, 999), max_size=20, unique=True), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_every_id_is_named_in_order(numbers: list[int], end: str) -> None:
    assert [uid for _, uid in named(end.join(map(id_of, numbers)))] == [id_of(each) for each in numbers]

"""Whose a data folder is, and what a start says of one that it cannot use."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.service.data_folder import (
    RECORD,
    State,
    choose_layout,
    layout_to_delete,
    remember,
    require_not_deleted,
    state_of,
)
from app.service.layout import Layout
from app.service.preflight import CannotStart

PROJECT = Path("/opt/spine-ra")


def made(folder: Path, port_offset: int = 0, state: State = State.COMPLETE) -> Layout:
    layout = Layout(folder, PROJECT, port_offset)
    remember(layout, state)
    return layout


def test_an_empty_or_missing_folder_is_new(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        layout = choose_layout(folder, PROJECT, None)
        assert (layout.port_offset, state_of(layout)) == (0, State.NEW)


def test_a_folder_that_a_killed_start_has_only_locked_is_new(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    (tmp_path / f"{RECORD}.new").touch()
    assert state_of(choose_layout(tmp_path, PROJECT, 1000)) is State.NEW


def test_a_later_start_needs_no_options(tmp_path: Path) -> None:
    made(tmp_path, 1000)
    assert choose_layout(tmp_path, PROJECT, None).port_offset == 1000
    assert choose_layout(tmp_path, PROJECT, 1000).port_offset == 1000


def test_other_ports_than_those_it_was_made_with_are_refused(tmp_path: Path) -> None:
    made(tmp_path, 1000)
    with pytest.raises(CannotStart, match=r"made with --port-offset 1000.*Start it as it is: \./run --data"):
        choose_layout(tmp_path, PROJECT, 2000)


def test_cards_in_readers_are_chosen_once_and_kept(tmp_path: Path) -> None:
    layout = choose_layout(tmp_path, PROJECT, None, pcsc="smartcard-hsm")
    assert layout.has_readers
    remember(layout, State.COMPLETE)
    for asked in ("", "smartcard-hsm"):
        assert choose_layout(tmp_path, PROJECT, None, pcsc=asked).card_profile == "smartcard-hsm"


def test_a_folder_with_other_cards_is_not_given_readers(tmp_path: Path) -> None:
    made(tmp_path)
    assert not choose_layout(tmp_path, PROJECT, None).has_readers
    with pytest.raises(CannotStart, match=r"was made with softhsm cards.*choose another folder"):
        choose_layout(tmp_path, PROJECT, None, pcsc="smartcard-hsm")


def test_somebody_elses_folder_is_left_alone_and_never_deleted(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("years of work")
    refusal = r"not a data folder.*thesis\.odt.*Choose an empty folder"
    with pytest.raises(CannotStart, match=refusal):
        choose_layout(tmp_path, PROJECT, None)
    with pytest.raises(CannotStart, match=refusal):
        layout_to_delete(tmp_path, PROJECT)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.odt"]


def test_a_data_folder_without_its_record_is_told_from_a_strangers(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").touch()
    with pytest.raises(CannotStart, match=r"lacks service\.json.*Restore the whole folder"):
        choose_layout(tmp_path, PROJECT, None)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"port_offset": 0}', '{"port_offset": 0, "state": "?"}'])
def test_an_unreadable_record_says_what_to_do_and_can_be_deleted(tmp_path: Path, content: str) -> None:
    (tmp_path / RECORD).write_text(content)
    with pytest.raises(CannotStart, match=r"cannot be read.*--fresh"):
        choose_layout(tmp_path, PROJECT, None)
    assert layout_to_delete(tmp_path, PROJECT).folder == tmp_path


def test_a_folder_whose_deletion_was_interrupted_says_how_to_finish(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"was being deleted.*--fresh"):
        require_not_deleted(made(tmp_path, state=State.BEING_DELETED))


def test_the_command_that_starts_a_folder_again_can_be_typed(tmp_path: Path) -> None:
    assert Layout(PROJECT / "var", PROJECT).command == "./run"
    assert Layout(Path("/srv/a b"), PROJECT).command == "./run --data '/srv/a b'"


def test_a_folder_made_for_this_machine_is_not_opened_to_others_by_an_option(tmp_path: Path) -> None:
    remember(Layout(tmp_path, PROJECT), State.NEW)
    with pytest.raises(CannotStart, match=r"made for the host localhost.*--host NAME"):
        choose_layout(tmp_path, PROJECT, None, "ra.example.org")


def test_with_a_host_name_the_servers_listen_everywhere_and_the_agent_here(tmp_path: Path) -> None:
    remember(Layout(tmp_path, PROJECT, host="ra.example.org"), State.NEW)
    layout = choose_layout(tmp_path, PROJECT, None)
    assert layout.listen == "0.0.0.0"
    assert layout.web_origin == "https://ra.example.org:8443"
    assert layout.ldaps_url == "ldaps://ra.example.org:1636"
    assert layout.agent_origin == "http://127.0.0.1:24727"


def test_without_a_host_name_everything_listens_on_loopback(tmp_path: Path) -> None:
    assert Layout(tmp_path, PROJECT).listen == "127.0.0.1"

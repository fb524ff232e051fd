"""When the disk is waited for, and what a power cut leaves: nothing is taken for safe that may not be."""

from __future__ import annotations

import errno
import os

import pytest

from directory import group_commit
from directory.errors import DirectoryUnavailable, SlapdFailed
from directory.group_commit import NUMBERS_AT_MOST, GroupCommit, read_torn, require_whole


@pytest.fixture
def folder(tmp_path):
    for database in ("changelog", "current"):
        (tmp_path / database).mkdir()
        (tmp_path / database / "data.mdb").write_bytes(b"pages")
    return tmp_path


@pytest.fixture
def waited_for(monkeypatch):
    """The files whose content was waited for, in order."""
    found = []

    def fdatasync(file):
        found.append(os.path.realpath(f"/proc/self/fd/{file}"))

    monkeypatch.setattr(group_commit, "wait_until_written", fdatasync)
    return found


def cut_power(folder, monkeypatch):
    """What was marked as not on the disk is found by the kernel's next boot."""
    boot = folder / "boot"
    boot.write_text("another-boot\n")
    monkeypatch.setattr(group_commit, "_BOOT", boot)


def test_the_mark_is_on_the_disk_before_a_change_and_both_databases_after(folder, waited_for):
    disk = GroupCommit(folder)
    disk.go_on(7)
    assert waited_for == []
    disk.begin()
    disk.begin()
    assert waited_for == [str(folder / "not-on-disk-yet")]
    disk.wait()
    assert waited_for[1:] == [str(folder / name / "data.mdb") for name in ("changelog", "current")]
    assert read_torn(folder) is None


def test_where_nothing_was_written_nothing_is_waited_for(folder, waited_for):
    disk = GroupCommit(folder)
    disk.go_on(7)
    disk.wait()
    assert waited_for == []


def test_a_power_cut_between_change_and_wait_is_known_afterwards(folder, monkeypatch):
    disk = GroupCommit(folder)
    disk.go_on(7)
    disk.begin()
    require_whole(folder)  # killed, not cut: what was written is still there
    cut_power(folder, monkeypatch)
    with pytest.raises(SlapdFailed, match="spine-ra directory rebuild"):
        require_whole(folder)
    assert read_torn(folder).numbers_up_to == 7 + NUMBERS_AT_MOST
    with pytest.raises(DirectoryUnavailable, match="spine-ra directory rebuild"):
        GroupCommit(folder).begin()


def test_a_power_cut_after_the_wait_leaves_nothing_to_be_mended(folder, monkeypatch):
    disk = GroupCommit(folder)
    disk.begin()
    disk.wait()
    cut_power(folder, monkeypatch)
    require_whole(folder)
    assert read_torn(folder) is None


def test_what_a_killed_publisher_wrote_is_waited_for_by_the_next_that_writes_nothing(folder, waited_for):
    killed = GroupCommit(folder)
    killed.begin()
    killed.close()
    del waited_for[:]
    disk = GroupCommit(folder)
    disk.go_on(7)
    disk.wait_at_leisure()
    assert waited_for == [str(folder / name / "data.mdb") for name in ("changelog", "current")]
    assert read_torn(folder) is None


def test_a_wait_may_be_left_to_a_later_one_but_not_for_long(folder, waited_for, monkeypatch):
    disk = GroupCommit(folder)
    for _ in range(2):
        disk.begin()
        disk.wait_at_leisure()
        disk.close()
    assert waited_for == [str(folder / "not-on-disk-yet")]
    monkeypatch.setattr(group_commit, "LONGEST_DEBT", 0.0)
    disk.begin()
    disk.wait_at_leisure()
    assert len(waited_for) == 3
    assert not disk.owes


def test_what_was_left_to_a_later_wait_is_paid_once(folder, waited_for, monkeypatch):
    disk = GroupCommit(folder)
    disk.begin()
    disk.wait_at_leisure()
    disk.close()
    disk.pay()
    disk.pay()
    assert len(waited_for) == 3
    cut_power(folder, monkeypatch)
    require_whole(folder)


def test_on_a_disk_that_is_nearly_full_nothing_is_written(folder, waited_for, monkeypatch):
    disk = GroupCommit(folder)
    disk.begin()
    monkeypatch.setattr(group_commit, "ROOM", 1 << 62)
    with pytest.raises(DirectoryUnavailable, match=r"MB are free on the disk.*nothing is lost"):
        disk.begin()
    disk.wait()
    assert read_torn(folder) is None


def test_after_a_disk_that_failed_nothing_is_believed_any_more(folder, monkeypatch):
    disk = GroupCommit(folder)
    disk.begin()
    fdatasync, failed = os.fdatasync, []

    def failing(file):
        if not failed:
            failed.append(file)
            raise OSError(errno.EIO, "Input/output error")
        fdatasync(file)

    monkeypatch.setattr(group_commit, "wait_until_written", failing)
    with pytest.raises(DirectoryUnavailable, match="Input/output error"):
        disk.wait()
    with pytest.raises(DirectoryUnavailable, match="spine-ra directory rebuild"):
        disk.begin()
    with pytest.raises(SlapdFailed):
        require_whole(folder)


def test_a_folder_that_cannot_be_written_is_an_outage(tmp_path):
    with pytest.raises(DirectoryUnavailable, match="cannot be written"):
        GroupCommit(tmp_path / "nowhere").begin()

"""Messages of RFC 4533, also cut off and scrambled."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from directory.client import ber
from directory.client.responses import FoundEntry
from directory.csn import lacks, lag_seconds, made_at, merged
from directory.directory_copy import DirectoryCopy
from directory.errors import DirectoryUnavailable, MalformedAnswer
from directory.sync_messages import (
    SYNC_INFO,
    SYNC_STATE,
    EndMessage,
    EntryMessage,
    EntryState,
    IdSetMessage,
    PhaseMessage,
    read_sync_message,
)

UUID = bytes(range(16))
OLD = "20261122194118.709316Z#000000#001#000000"
NEWER = "20261122194119.000000Z#000000#001#000000"
OTHER = "20251122194119.000000Z#000000#002#000000"


def message(tag: int, content: bytes, controls: bytes = b"") -> bytes:
    return ber.element(ber.SEQUENCE, ber.integer(7) + ber.element(tag, content) + controls)


def entry_message(state: int = 1, uuid: bytes = UUID) -> bytes:
    attribute = ber.element(ber.SEQUENCE, ber.octets("sn") + ber.element(ber.SET, ber.octets("Osei")))
    content = ber.octets("uid=1,o=nhs") + ber.element(ber.SEQUENCE, attribute)
    value = ber.integer(state, ber.ENUMERATED) + ber.octets(uuid) + ber.octets(f"rid=000,csn={OLD}")
    control = ber.octets(SYNC_STATE) + ber.octets(ber.element(ber.SEQUENCE, value))
    return message(0x64, content, ber.element(0xA0, ber.element(ber.SEQUENCE, control)))


def info(value: bytes) -> bytes:
    return message(0x79, ber.octets(SYNC_INFO, 0x80) + ber.octets(value, 0x81))


ID_SET = info(ber.element(0xA3, ber.boolean(True) + ber.element(ber.SET, ber.octets(UUID))))
PHASE = info(ber.element(0xA2, ber.octets("rid=000,csn=") + ber.boolean(False)))
END = message(0x65, ber.integer(53, ber.ENUMERATED) + ber.octets("") + ber.octets("no"))


def test_each_kind_of_message_is_read():
    seen = read_sync_message(entry_message(), 7)
    assert isinstance(seen, EntryMessage)
    assert (seen.state, seen.entry_uuid, seen.entry.values("sn")) == (EntryState.ADD, UUID.hex(), ("Osei",))
    assert read_sync_message(ID_SET, 7) == IdSetMessage(True, (UUID.hex(),), None)
    assert read_sync_message(PHASE, 7) == PhaseMessage(True, False, "rid=000,csn=")
    assert read_sync_message(END, 7) == EndMessage(53, "no")


@pytest.mark.parametrize("whole", [entry_message(), ID_SET, PHASE, END])
def test_what_is_cut_off_or_scrambled_is_malformed_and_nothing_else(whole):
    scrambler = random.Random(7)
    broken = [whole[:end] for end in range(len(whole))]
    for _ in range(2000):
        changed = bytearray(whole)
        changed[scrambler.randrange(len(whole))] = scrambler.randrange(256)
        broken.append(bytes(changed))
    for data in broken:
        try:
            read_sync_message(data, 7)
        except (MalformedAnswer, DirectoryUnavailable):
            continue


def test_a_state_or_uuid_that_cannot_be_is_refused():
    with pytest.raises(MalformedAnswer, match="state 9"):
        read_sync_message(entry_message(state=9), 7)
    with pytest.raises(MalformedAnswer, match="16 bytes"):
        read_sync_message(entry_message(uuid=b"short"), 7)


def test_a_cookie_keeps_what_the_server_does_not_repeat(tmp_path):
    with DirectoryCopy(tmp_path / "copy.db") as copy:
        copy.save(f"rid=000,sid=001,csn={OLD};{OTHER}")
        copy.put("00", FoundEntry("o=nhs", {}), f"rid=000,sid=001,csn={NEWER}")
        assert copy.cookie() == f"rid=000,csn={NEWER};{OTHER}"
        copy.save("rid=000")
    with DirectoryCopy(tmp_path / "copy.db") as copy:
        assert copy.cookie() == f"rid=000,csn={NEWER};{OTHER}"
        assert len(copy) == 1


def test_states_say_who_is_behind():
    one, other = merged([OLD, OTHER]), merged([NEWER, OTHER])
    assert lacks(one, other) == [1]
    assert lacks(other, one) == []
    assert lag_seconds(other, one) == pytest.approx(0.290684)
    assert lag_seconds(one, other) == 0.0
    assert lag_seconds(one, {}) == float("inf")
    assert made_at(OLD) == datetime(2026, 11, 22, 19, 41, 18, 709316, tzinfo=UTC)
    with pytest.raises(ValueError, match="no change sequence number"):
        merged(["yesterday"])

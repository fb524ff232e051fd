"""Status words (ISO/IEC 7816-4, 5.6)."""

from __future__ import annotations

from enum import IntEnum


class StatusWord(IntEnum):
    """SW1 and SW2 as one number."""

    DONE = 0x9000
    END_OF_FILE = 0x6282
    WRONG_LENGTH = 0x6700
    CHAINING_BROKEN = 0x6883
    SECURITY_STATUS = 0x6982
    AUTHENTICATION_BLOCKED = 0x6983
    CONDITIONS_OF_USE = 0x6985
    WRONG_DATA = 0x6A80
    FILE_NOT_FOUND = 0x6A82
    NOT_ENOUGH_MEMORY = 0x6A84
    REFERENCED_DATA_NOT_FOUND = 0x6A88
    INSTRUCTION_NOT_SUPPORTED = 0x6D00
    NO_PRECISE_DIAGNOSIS = 0x6F00


class Refused(Exception):
    """The card answers with a status word other than 9000."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status:04x}")
        self.status = status

    @classmethod
    def tries_left(cls, tries: int) -> Refused:
        """A wrong PIN: 63Cx with the tries that are left, 6983 when there are none."""
        return cls(0x63C0 | min(tries, 15) if tries else StatusWord.AUTHENTICATION_BLOCKED)

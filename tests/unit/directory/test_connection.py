"""What a connection does with answers that are no answer."""

from __future__ import annotations

from typing import Any

import pytest

from directory.connection import BUSY, Session
from directory.errors import DirectoryUnavailable


class SaysBusy:
    """ldap3's connection to a server that is busy for some operations."""

    def __init__(self, busy: float) -> None:
        self.busy, self.asked = busy, 0
        self.result: dict[str, Any] = {}
        self.response: list[Any] = []

    def delete(self, dn: str) -> bool:
        self.asked += 1
        code = BUSY if self.asked <= self.busy else 0
        self.result = {"result": code, "description": "busy", "message": ""}
        return code == 0


def test_what_a_busy_server_did_not_begin_is_asked_again() -> None:
    connection = SaysBusy(2)
    Session(connection).delete("uid=1,ou=People,o=nhs")
    assert connection.asked == 3


def test_a_server_that_stays_busy_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("directory.connection.PATIENCE", 0.2)
    with pytest.raises(DirectoryUnavailable, match="cannot answer now"):
        Session(SaysBusy(float("inf"))).delete("uid=1,ou=People,o=nhs")

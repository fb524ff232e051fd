"""The file of API keys: read again when it changes, so that no key needs a restart."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from threading import Lock

from app.errors import NotFound, Unavailable
from app.fhir.api_keys import LONGEST_NAME, ApiKeys, KeyNameTaken, digest_of, new_key

_HEADING = """\
# Who may use the service. Made by `spine-ra look-ups add-key` or `spine-ra signatures add-key`; only the
# digests of the keys are here.
"""


class ApiKeyFile:
    """The keys of one file. A file that is not there holds none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[tuple[int, int] | None, ApiKeys] = (None, ApiKeys({}))
        self._lock = Lock()

    def holder_of(self, key_from_untrusted: str) -> str | None:
        """Who holds the key; None when nobody does.

        Raises:
            Unavailable: the file cannot be read.
        """
        return self._keys().holder_of(key_from_untrusted)

    def add(self, name: str) -> str:
        """Make a key for somebody. It is kept nowhere: give it to them at once.

        Raises:
            KeyNameTaken: somebody of this name has one.
            Unavailable: the file cannot be read.
        """
        key, keys = new_key(), self._keys()
        if name in keys.holders.values():
            raise KeyNameTaken(f"{name} has a key. Remove it first, or choose another name.")
        self._write({**keys.holders, digest_of(key): name[:LONGEST_NAME]})
        return key

    def remove(self, name: str) -> None:
        """Take a key back; it is refused from now on.

        Raises:
            NotFound: nobody of this name has one.
        """
        keys = self._keys()
        if name not in keys.holders.values():
            raise NotFound(f"{name} has no key. There are: {', '.join(self.names()) or 'none'}.")
        self._write({digest: holder for digest, holder in keys.holders.items() if holder != name})

    def names(self) -> list[str]:
        """Who has a key."""
        return sorted(self._keys().holders.values())

    def _keys(self) -> ApiKeys:
        with self._lock:
            version = self._version()
            if version != self._read[0]:
                self._read = (version, self._parsed())
            return self._read[1]

    def _version(self) -> tuple[int, int] | None:
        try:
            state = self._path.stat()
        except FileNotFoundError:
            return None
        return state.st_mtime_ns, state.st_ino

    def _parsed(self) -> ApiKeys:
        try:
            return ApiKeys.of(tomllib.loads(self._path.read_text()))
        except FileNotFoundError:
            return ApiKeys({})
        except (OSError, ValueError) as fault:
            raise Unavailable("api keys", f"The API keys in {self._path} cannot be read: {fault}") from fault

    def _write(self, holders: dict[str, str]) -> None:
        entries = (f'\n[[key]]\nname = {_text(name)}\nsha256 = "{key}"\n' for key, name in holders.items())
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._path.with_name(f"{self._path.name}.new")
        new.touch(mode=0o600)
        new.write_text(_HEADING + "".join(entries))
        os.replace(new, self._path)


def _text(name: str) -> str:
    """As TOML text: JSON's is the same."""
    return json.dumps(name, ensure_ascii=False)

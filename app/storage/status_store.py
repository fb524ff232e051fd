"""What the status service keeps on disk: OCSP answers made ahead, CRLs, CA certificates, its position.

A database of its own in one file, so that the service answers though the certificate authority is down and
though it was started anew itself. SQLite is spoken to directly: an answer is looked up in microseconds.
Everything in it is signed or public, and can be fetched again: when the file is lost, it fills by itself.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.ca.ocsp_form import whole_answer
from app.ca.status_values import AnswerKey, AnswersAhead, PreparedAnswer

CACHE_KIBIBYTES = 64 * 1024
"""Memory that SQLite may use for pages of the file; the rest of it is in the system's page cache."""

_TABLES = """
CREATE TABLE IF NOT EXISTS responder (id INTEGER PRIMARY KEY, certificate BLOB NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS answer (
  issuing_ca TEXT NOT NULL, algorithm TEXT NOT NULL, serial_number BLOB NOT NULL,
  this_update INTEGER NOT NULL, next_update INTEGER NOT NULL, not_after INTEGER NOT NULL,
  due_at INTEGER NOT NULL, asked_at INTEGER NOT NULL,
  responder INTEGER NOT NULL REFERENCES responder, signed BLOB NOT NULL,
  PRIMARY KEY (issuing_ca, algorithm, serial_number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answer_by_age ON answer (due_at);
CREATE TABLE IF NOT EXISTS document (
  kind TEXT NOT NULL, name TEXT NOT NULL, number INTEGER NOT NULL,
  this_update INTEGER NOT NULL, next_update INTEGER NOT NULL, der BLOB NOT NULL, PRIMARY KEY (kind, name)
);
CREATE TABLE IF NOT EXISTS followed (id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL);
"""


@dataclass(frozen=True)
class KeptAnswer:
    """An OCSP answer as it is given out, DER, and its times."""

    der: bytes
    this_update: datetime
    next_update: datetime


@dataclass(frozen=True)
class KeptDocument:
    """A CRL or CA certificate; a certificate's times are its validity and its number is 0."""

    number: int
    this_update: datetime
    next_update: datetime
    der: bytes


class StatusStore:
    """The file. Thread-safe: each thread has a connection of its own."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._path = path
        self._threads = threading.local()
        with self._change() as connection:
            connection.executescript(_TABLES)

    def answer(self, key: AnswerKey) -> KeptAnswer | None:
        """The answer that is kept, whether it still holds or not."""
        found = self._connection().execute(
            "SELECT this_update, next_update, signed, certificate FROM answer JOIN responder ON"
            " id = responder WHERE issuing_ca = ? AND algorithm = ? AND serial_number = ?",
            _row(key),
        )
        row = found.fetchone()
        return KeptAnswer(whole_answer(row[2], row[3]), _instant(row[0]), _instant(row[1])) if row else None

    def keep_answers(self, ahead: AnswersAhead, asked_at: datetime) -> None:
        """Keep answers in place of those that are there for the same certificates."""
        with self._change() as connection:
            responder = _responder(connection, ahead.certificate)
            connection.executemany(
                "INSERT INTO answer VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
                " this_update = excluded.this_update, next_update = excluded.next_update,"
                " due_at = excluded.due_at, responder = excluded.responder, signed = excluded.signed",
                [
                    (
                        *(each.issuing_ca, each.algorithm, _octets(each.serial_number)),
                        *map(_seconds, (each.this_update, each.next_update, each.not_after)),
                        *map(_seconds, (_half_life(each), asked_at)),
                        *(responder, each.signed),
                    )
                    for each in ahead.answers
                ],
            )

    def kept(self, keys: Iterable[AnswerKey]) -> list[AnswerKey]:
        """Those of the keys for which an answer is kept."""
        wanted = "SELECT 1 FROM answer WHERE issuing_ca = ? AND algorithm = ? AND serial_number = ?"
        connection = self._connection()
        return [key for key in keys if connection.execute(wanted, _row(key)).fetchone()]

    def aged(self, now: datetime, asked_after: datetime, limit: int) -> list[AnswerKey]:
        """The oldest answers past half of their life that somebody asked for after an instant."""
        found = self._connection().execute(
            "SELECT issuing_ca, algorithm, serial_number FROM answer"
            " WHERE due_at <= ? AND asked_at >= ? ORDER BY due_at LIMIT ?",
            (_seconds(now), _seconds(asked_after), limit),
        )
        return [AnswerKey(name, algorithm, _text(octets)) for name, algorithm, octets in found]

    def asked(self, keys: Iterable[AnswerKey], at: datetime) -> None:
        """Remember that the answers were asked for."""
        with self._change() as connection:
            connection.executemany(
                "UPDATE answer SET asked_at = ? WHERE issuing_ca = ? AND algorithm = ? AND serial_number = ?",
                [(_seconds(at), *_row(key)) for key in keys],
            )

    def forget_answers(self, keys: Iterable[AnswerKey]) -> None:
        """Keep these no longer."""
        with self._change() as connection:
            connection.executemany(
                "DELETE FROM answer WHERE issuing_ca = ? AND algorithm = ? AND serial_number = ?",
                [_row(key) for key in keys],
            )

    def forget_ended(self, ended_before: datetime, now: datetime) -> None:
        """Keep no answers for certificates that ended before an instant, nor any that hold no longer."""
        with self._change() as connection:
            connection.execute(
                "DELETE FROM answer WHERE not_after < ? OR next_update < ?",
                (_seconds(ended_before), _seconds(now)),
            )

    def count_answers(self) -> int:
        """How many answers are kept."""
        return int(self._connection().execute("SELECT count(*) FROM answer").fetchone()[0])

    def document(self, kind: str, name: str) -> KeptDocument | None:
        """The document of this kind and name, whether it still holds or not."""
        found = self._connection().execute(
            "SELECT number, this_update, next_update, der FROM document WHERE kind = ? AND name = ?",
            (kind, name),
        )
        row = found.fetchone()
        return KeptDocument(row[0], _instant(row[1]), _instant(row[2]), row[3]) if row else None

    def names(self, kind: str) -> list[str]:
        """The names of the documents of a kind."""
        found = self._connection().execute("SELECT name FROM document WHERE kind = ?", (kind,))
        return [row[0] for row in found]

    def keep_document(self, kind: str, name: str, document: KeptDocument) -> None:
        """Keep a document in place of the former one."""
        times = _seconds(document.this_update), _seconds(document.next_update)
        with self._change() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO document VALUES (?,?,?,?,?,?)",
                (kind, name, document.number, *times, document.der),
            )

    def position(self) -> int:
        """How far the changes were followed; 0 at the beginning."""
        row = self._connection().execute("SELECT position FROM followed").fetchone()
        return int(row[0]) if row else 0

    def keep_position(self, position: int) -> None:
        """Remember how far the changes were followed."""
        with self._change() as connection:
            connection.execute("INSERT OR REPLACE INTO followed VALUES (1, ?)", (position,))

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection()
        with connection:
            yield connection

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if connection is None:
            connection = self._threads.connection = _open(self._path)
        return connection


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=20)
    # What is lost with the machine's power is fetched again; what is there is never half (WAL).
    for setting in ("journal_mode = WAL", "synchronous = NORMAL", f"cache_size = -{CACHE_KIBIBYTES}"):
        connection.execute(f"PRAGMA {setting}")
    return connection


def _responder(connection: sqlite3.Connection, certificate: bytes) -> int:
    connection.execute("INSERT OR IGNORE INTO responder (certificate) VALUES (?)", (certificate,))
    found: Sequence[int] = connection.execute(
        "SELECT id FROM responder WHERE certificate = ?", (certificate,)
    ).fetchone()
    return found[0]


def _half_life(answer: PreparedAnswer) -> datetime:
    return answer.this_update + (answer.next_update - answer.this_update) / 2


def _row(key: AnswerKey) -> tuple[str, str, bytes]:
    return key.issuing_ca, key.algorithm, _octets(key.serial_number)


def _octets(serial_number: str) -> bytes:
    number = int(serial_number, 16)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _text(octets: bytes) -> str:
    return f"{int.from_bytes(octets, 'big'):x}"


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

"""The LDIF of the directory that is migrated from, sorted by kind into temporary files.

An LDIF may hold its entries in any order; they are taken over organisations first, parents before children.
One pass sorts them, so that memory does not grow with the nation; only the attributes that are mapped are
kept.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from app.ra.importing import ImportNotPossible
from app.ra.mapping_old_entries import NUMBERS
from app.ra.mapping_old_services import RELIABILITY
from app.ra.migration_ports import Finding, OldChange
from app.ra.old_entries import Kind, OldEntry
from directory.reading_ldif import LdifRecord, UnreadableRecord, read_ldif

_TOLD_EVERY = 10_000
# fmt: off
_KEPT = frozenset({
    "objectclass", "uid", "uniqueidentifier", "cn", "sn", "givenname", "nhsmiddlenames", "personaltitle",
    "nhspersonstatus", "nhsidcode", "nhsorgopendate", "nhsorgclosedate", "nhsjobrolecode",
    "nhsbusinessfunctionscodes", "nhsareaofwork", "nhsareaofworkcodes", "nhsworkgroups", "nhsworkgroupscodes",
    "o", "nhsorgtype", "nhsorgtypecode", "nhsorgsubtype", "postaladdress", "l", "postalcode",
    "telephonenumber", "nhsparentorgcode", "nhspctcode", "nhsocssuccessor", "nhsjoindate", "nhsleftdate",
    "nhsdhsccode", "nhsshacode", "nhsmhspartykey", "nhsassvcia", "nhsasclient", "description",
    "nhsproductname", "nhsproductversion", "nhsmhsmanufacturerorg",
    "nhsrequestorurp", "nhsdaterequested", "nhsapproverurp",
    "nhsdateapproved", "nhsdnsapprover", "nhsdatednsapproved", "nhsmhssvcia", "nhsmhsendpoint", "nhsmhsfqdn",
    "nhsmhscpaid", "nhsepinteractiontype", "spinereads",
    *NUMBERS, *RELIABILITY.values(),
})
# fmt: on


class OldDirectoryFile:
    """Sorts an LDIF when it is opened. Close it: its temporary files are as large as what they hold.

    Args:
        progress: told how many records were sorted so far.

    Raises:
        ImportNotPossible: the file cannot be read, or holds nothing that is taken over.
    """

    def __init__(self, file: Path, progress: Callable[[int], None] = lambda _: None) -> None:
        self.source = file.name
        self.counts: Counter[Kind] = Counter()
        self.passed_over = 0
        self.last_change: int | None = None
        self._digest = hashlib.sha256()
        self._unreadable: list[Finding] = []
        self._closing = ExitStack()
        folder = Path(self._closing.enter_context(tempfile.TemporaryDirectory(prefix="spine-ra-")))
        self._sorted = {kind: folder / kind.name for kind in Kind}
        try:
            self._sort(file, progress)
            self._require_entries()
        except BaseException:
            self.close()
            raise

    @property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return self._digest.hexdigest()

    @property
    def unreadable(self) -> Iterator[Finding]:
        """The records that are no LDIF."""
        return iter(self._unreadable)

    def entries(self, kind: Kind) -> Iterator[OldEntry]:
        """The entries of a kind, in the file's order."""
        with self._sorted[kind].open(encoding="ascii") as lines:
            for line in lines:
                place, dn, attributes = json.loads(line)
                yield OldEntry(self.source, place, dn, {name: tuple(of) for name, of in attributes.items()})

    def close(self) -> None:
        """Delete the temporary files."""
        self._closing.close()

    def _require_entries(self) -> None:
        if not self.counts:
            raise ImportNotPossible(f"{self.source} holds no entry that can be taken over. Is it the LDIF?")

    def _sort(self, file: Path, progress: Callable[[int], None]) -> None:
        with ExitStack() as open_files, _opened(file) as lines:
            into = {
                kind: open_files.enter_context(path.open("w", encoding="ascii"))
                for kind, path in self._sorted.items()
            }
            for number, found in enumerate(read_ldif(self._digested(lines)), start=1):
                self._put(found, into)
                if number % _TOLD_EVERY == 0:
                    progress(number)

    def _digested(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            self._digest.update(line)
            yield line

    def _put(self, found: LdifRecord | UnreadableRecord, into: Mapping[Kind, IO[str]]) -> None:
        if isinstance(found, UnreadableRecord):
            beginning = without_nul(found.beginning)
            finding = Finding(self.source, found.line, beginning, "refused", found.reason)
            self._unreadable.append(finding)
            return
        entry = OldEntry(self.source, found.line, found.dn, found.attributes)
        if entry.kind is None:
            self._pass_over(entry)
            return
        kept = {name: values for name, values in found.attributes.items() if name in _KEPT}
        into[entry.kind].write(json.dumps([found.line, without_nul(found.dn), kept]) + "\n")
        self.counts[entry.kind] += 1

    def _pass_over(self, entry: OldEntry) -> None:
        self.passed_over += 1
        for number in entry.attributes.get("lastchangenumber", ()):
            if number.isdigit():
                self.last_change = int(number)


class OldLogFile:
    """A change log that was exported as LDIF: entries with changenumber, changeType, targetDN, changes.

    Raises:
        ImportNotPossible: the file cannot be read, or holds no change.
    """

    def __init__(self, file: Path) -> None:
        self.source = file.name
        with _opened(file) as lines:
            records = [each for each in read_ldif(lines) if isinstance(each, LdifRecord)]
        changes = (change_of(each.attributes) for each in records)
        self._changes = {each.number: each for each in changes if each is not None}
        if not self._changes:
            raise ImportNotPossible(f"{file.name} holds no entry of a change log.")

    def held(self) -> tuple[int, int]:
        """The lowest and the highest number in the file."""
        return min(self._changes), max(self._changes)

    def change(self, number: int) -> OldChange | None:
        """The change with this number."""
        return self._changes.get(number)


def _opened(file: Path) -> IO[bytes]:
    try:
        return file.open("rb")
    except OSError as fault:
        raise ImportNotPossible(f"{file} cannot be read: {fault.strerror}.") from fault


def change_of(attributes: Mapping[str, tuple[str, ...]]) -> OldChange | None:
    """The change that an entry of a log tells; None when it is none."""
    number, target = attributes.get("changenumber", ("",))[0], attributes.get("targetdn", ("",))[0]
    if not (number.isascii() and number.isdigit() and target):
        return None
    kind, changes = attributes.get("changetype", ("",))[0], attributes.get("changes", ("",))[0]
    return OldChange(int(number), kind.strip().lower(), without_nul(target), changes)


def without_nul(name: str) -> str:
    """A name as it can be kept and told. PostgreSQL keeps no NUL, and no name of ours has one."""
    return name.replace("\0", "\N{REPLACEMENT CHARACTER}")

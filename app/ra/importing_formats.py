"""Reads a file of organisations, whatever its form: the XML full file, ORD JSON, or one of ODS's CSV
reports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import BufferedReader, BytesIO
from typing import BinaryIO, cast

from app.domain.organisation_record import ALL_FIELDS, OrganisationRecord
from app.ra.importing import ImportNotPossible
from app.ra.importing_containers import is_packed, unpacked
from app.ra.importing_csv import csv_lines, without_trailing_columns
from app.ra.importing_findings import Findings
from app.ra.importing_json import organisations_in_json
from app.ra.importing_ods_files import COLUMNS, OdsFile
from app.ra.importing_ord import OrdMapping, RoleKind, is_stub
from app.ra.importing_ord_values import Node, child, text
from app.ra.importing_rows import Line, RefusedRow, RowRefused
from app.ra.importing_xml import organisations_in_xml

CSV_FIELDS = ALL_FIELDS - {"successor_code", "is_site", "role_codes", "uprn", "legal_from", "legal_until"}
"""What ODS's CSV reports speak of."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class ReadingOrganisations:
    """Reads files of organisations.

    Attributes:
        kinds: the name of each role, by its id.
        reports: ODS's CSV reports.
    """

    kinds: Mapping[str, RoleKind]
    reports: Sequence[OdsFile]

    def records(
        self, name: str, report: str, content: BinaryIO, today: date, findings: Findings
    ) -> Iterator[OrganisationRecord]:
        """Every organisation of the file that can be used; what else there is, ``findings`` is told.

        Args:
            report: which CSV report it is; empty when its name says so, or when it is none.
            content: the file as it was sent, packed or not; must be able to seek.

        Raises:
            ImportNotPossible: the file cannot be used at all; the message says what to do.
        """
        with unpacked(name, content) as (inner, stream):
            form = _form(stream)
            if form == "csv":
                yield from self._from_csv(inner, self._report(inner, report), stream, today, findings)
            else:
                nodes = (
                    organisations_in_xml(stream, findings.header)
                    if form == "xml"
                    else organisations_in_json(stream)
                )
                yield from self._from_nodes(inner, nodes, today, findings)

    def require_usable_start(self, name: str, report: str, start: bytes) -> None:
        """Refuse at once what by its beginning cannot be a file of organisations; packed files pass.

        Raises:
            ImportNotPossible
        """
        if not is_packed(start) and _form(BufferedReader(BytesIO(start))) == "csv":
            self._report(name, report)

    def report_of(self, name: str, report: str) -> str:
        """Which CSV report a file is, as somebody said or as it is called; empty when it is none."""
        wanted = report or re.split(r"[^a-z]", name.casefold())[0]
        return wanted if wanted in {each.name for each in self.reports} else ""

    def _report(self, name: str, report: str) -> OdsFile:
        wanted = self.report_of(name, report)
        for each in self.reports:
            if each.name == wanted:
                return each
        names = ", ".join(each.name for each in self.reports)
        raise ImportNotPossible(f"{name} is read as CSV. Say which report it is: {names}.")

    def _from_csv(
        self, name: str, report: OdsFile, stream: BinaryIO, today: date, findings: Findings
    ) -> Iterator[OrganisationRecord]:
        for each in csv_lines(name, stream):
            findings.read += 1
            line, refusal = (each, None) if isinstance(each, Line) else each
            try:
                if refusal is not None:
                    raise refusal
                columns = without_trailing_columns(line.columns, COLUMNS)
                yield OrganisationRecord(report.organisation(columns, today), CSV_FIELDS)
            except RowRefused as fault:
                findings.refuse(line.refused(str(fault)))

    def _from_nodes(
        self, name: str, nodes: Iterator[Node], today: date, findings: Findings
    ) -> Iterator[OrganisationRecord]:
        mapping = OrdMapping(self.kinds, findings)
        for number, node in enumerate(nodes, start=1):
            if is_stub(node):
                findings.stubs += 1
                continue
            findings.read += 1
            try:
                yield mapping.record(node, today)
            except RowRefused as refusal:
                findings.refuse(RefusedRow(name[:60], number, _excerpt(node), str(refusal)))


def _excerpt(node: Node) -> str:
    shown = f"{text(child(node, 'orgid'), 'extension')} {text(node, 'name')}".strip()[:200]
    return "".join(each if each.isprintable() else "\ufffd" for each in shown)


def _form(stream: BinaryIO) -> str:
    """``xml``, ``json`` or ``csv``, by how it begins; nothing is taken from the stream."""
    start = cast("BufferedReader", stream).peek(512)[:512]
    if start.startswith(_WIDE):
        raise ImportNotPossible("The file is written in UTF-16. Save it as UTF-8 and try again.")
    start = start.removeprefix(_BYTE_ORDER_MARK).lstrip().lower()
    if not start:
        raise ImportNotPossible("The file is empty. Download it again.")
    if start.startswith((b"<!doctype html", b"<html")):
        raise ImportNotPossible("The file is a web page, perhaps an error message. Download it again.")
    if start.startswith(b"<"):
        return "xml"
    return "json" if start.startswith((b"{", b"[")) else "csv"

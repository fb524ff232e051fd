"""What reading a file of organisations found out besides the organisations: what was refused, and what was
not understood. Both are counted in whole and kept in part, so that a file of rubbish fills no memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.ra.importing_rows import RefusedRow

_EXAMPLES = 5
_KINDS_OF_NOTE = 100
_REFUSED_KEPT = 1000
_OTHERS = "Something else was not understood"


@dataclass
class Note:
    """Something that was not understood or not kept: how often, and the codes of a few where it was so."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


class Findings:
    """Gathers refused records and notes while a file is read.

    Attributes:
        read: how many organisations the file has, the refused ones included.
        stubs: how many it only mentions, because others point to them (``refOnly``).
        refused_count: how many were refused; ``refused`` keeps the first 1000.
        header: what the file says of itself, e.g. ``PublicationType``.
    """

    def __init__(self) -> None:
        self.read = 0
        self.stubs = 0
        self.refused_count = 0
        self.refused: list[RefusedRow] = []
        self.notes: dict[str, Note] = {}
        self.header: dict[str, str] = {}

    def refuse(self, row: RefusedRow) -> None:
        """Count a record that cannot be used."""
        self.refused_count += 1
        if len(self.refused) < _REFUSED_KEPT:
            self.refused.append(row)

    def note(self, sentence: str, code: str) -> None:
        """Count something that was not understood at the organisation with this code."""
        if sentence not in self.notes and len(self.notes) >= _KINDS_OF_NOTE:
            sentence = _OTHERS
        note = self.notes.setdefault(sentence, Note())
        note.count += 1
        if len(note.examples) < _EXAMPLES:
            note.examples.append(code)

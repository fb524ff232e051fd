"""What is signed: the fragments of a prescription, or their digest alone.

A signature is over ``FragmentsToBeHashed``: the time and id of the prescription, who prescribes, for whom,
and each line, in the national services' HL7 v3 form. Who does not want to send a patient's data sends the
digest of its canonical form with the time of signing instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

from app.errors import InvalidInput
from app.signatures.algorithms import DigestAlgorithm
from app.signatures.parent_prescription import HL7, fragments_of
from app.signatures.xml_reading import XmlRefused, canonical, element_from_untrusted

LARGEST_PRESCRIPTION_BYTES = 128 * 1024
USER_ID_SYSTEM = "1.2.826.0.1285.0.2.0.65"
_ROOT, _MESSAGE = "FragmentsToBeHashed", "ParentPrescription"
_TIME = re.compile(r"(\d{14})(?:\.\d{1,4})?(?:([+-])(\d{2})(\d{2})?)?")


class SignedContent(Protocol):
    """What somebody says was signed."""

    @property
    def signed_at(self) -> datetime:
        """The time of signing."""

    @property
    def author_uid(self) -> str:
        """Who prescribes, when that is told and is a user id; else empty."""

    def digest(self, algorithm: DigestAlgorithm) -> bytes:
        """The digest of its canonical form."""


@dataclass(frozen=True)
class PrescriptionFragments:
    """The fragments, in canonical form. They hold a patient's data and are kept nowhere."""

    canonical_form: bytes = field(repr=False)
    signed_at: datetime
    author_uid: str

    @classmethod
    def from_untrusted(cls, xml: bytes) -> PrescriptionFragments:
        """Read the fragments, or take them out of a whole prescription message.

        Raises:
            InvalidInput: it is not what a prescription's signature is made over.
        """
        try:
            root = element_from_untrusted(xml, LARGEST_PRESCRIPTION_BYTES)
            if root.tag.rpartition("}")[2] == _MESSAGE:
                root = fragments_of(root)
            if root.tag != _ROOT:
                raise XmlRefused(f"it must be {_ROOT}, the fragments that are signed, or {_MESSAGE}")
            times = root.findall(f"./*/{{{HL7}}}time")
            if len(times) != 1:
                raise XmlRefused("it must hold one time of signing")
            signed_at = hl7_time(times[0].get("value", ""))
        except XmlRefused as refused:
            raise InvalidInput({"prescription": f"The prescription cannot be read: {refused}."}) from refused
        authors = {
            each.get("extension", "")
            for each in root.findall(f"./*/{{{HL7}}}AgentPerson//{{{HL7}}}id")
            if each.get("root") == USER_ID_SYSTEM
        }
        return cls(canonical(root), signed_at, authors.pop() if len(authors) == 1 else "")

    def digest(self, algorithm: DigestAlgorithm) -> bytes:
        """The digest of the canonical form."""
        return algorithm.of(self.canonical_form)


@dataclass(frozen=True)
class PrescriptionDigest:
    """The digest of the canonical form, made by whoever asks."""

    value: bytes
    signed_at: datetime
    author_uid: str = ""

    def digest(self, algorithm: DigestAlgorithm) -> bytes:
        """The digest as it was given; of another algorithm it never matches."""
        return self.value


def hl7_time(text: str) -> datetime:
    """A point in time of HL7 v3 (``TS``) down to the second; without an offset it is UTC.

    Raises:
        XmlRefused
    """
    match = _TIME.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        moment = datetime.strptime(match[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        if match[2] is None:
            return moment
        offset = timedelta(hours=int(match[3]), minutes=int(match[4] or 0))
        zone = timezone(-offset if match[2] == "-" else offset)
        return moment.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise XmlRefused(f"the time {text[:40]!r} is not of the form YYYYMMDDHHMMSS") from error

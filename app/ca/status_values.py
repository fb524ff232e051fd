"""What is told of the status of certificates: revocations, CRLs, OCSP answers made ahead, and changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.revocation import RevocationReason


@dataclass(frozen=True)
class Revocation:
    """A revoked certificate. ``serial_number`` is lower-case hexadecimal."""

    serial_number: str
    reason: RevocationReason
    revoked_at: datetime


@dataclass(frozen=True)
class PublishedCrl:
    """A CRL as it is given out. ``number`` rises strictly for each CA (RFC 5280 section 5.2.3).

    Attributes:
        base_number: of the complete CRL that a delta CRL is relative to; None for a complete one.
    """

    issuing_ca: str
    number: int
    this_update: datetime
    next_update: datetime
    der: bytes
    base_number: int | None = None


CrlBuilder = Callable[[int, Sequence[Revocation], int | None], PublishedCrl]
"""Makes a CRL from its number, its revocations, and the number of its base when it is a delta CRL."""


@dataclass(frozen=True)
class CertificateState:
    """An issued certificate and whether it is revoked, as OCSP tells it."""

    serial_number: str
    issuing_ca: str
    not_after: datetime
    revocation: Revocation | None


@dataclass(frozen=True)
class StatusChanges:
    """What became different of the status of certificates, in the order of its positions.

    Attributes:
        position: the last change's; ask for those after it.
        changed: each certificate once, as it is now.
    """

    position: int
    changed: Sequence[CertificateState]


@dataclass(frozen=True)
class PreparedAnswer:
    """An OCSP answer made ahead. It is whole with its responder's certificate (``ocsp_form.whole_answer``).

    Attributes:
        algorithm: by which a request names the issuer (``ocsp_form.HASHES``).
        not_after: the end of the certificate that it is about.
    """

    issuing_ca: str
    algorithm: str
    serial_number: str
    this_update: datetime
    next_update: datetime
    not_after: datetime
    signed: bytes

    @property
    def key(self) -> AnswerKey:
        """Which answer it is."""
        return AnswerKey(self.issuing_ca, self.algorithm, self.serial_number)


@dataclass(frozen=True, order=True)
class AnswerKey:
    """Which answer: the CA, the hash by which requests name it, and the serial number, hexadecimal."""

    issuing_ca: str
    algorithm: str
    serial_number: str


@dataclass(frozen=True)
class AnswersWanted:
    """OCSP answers that are to be made ahead: for certificates of one CA, by one hash."""

    issuing_ca: str
    algorithm: str
    serial_numbers: Sequence[str]


@dataclass(frozen=True)
class AnswersAhead:
    """Answers of one responder; ``certificate`` is its own, DER, and makes each of them whole."""

    certificate: bytes
    answers: Sequence[PreparedAnswer]


@dataclass(frozen=True)
class ChangedStatus:
    """A certificate that was issued, or revoked, since somebody asked last."""

    serial_number: str
    issuing_ca: str


@dataclass(frozen=True)
class StatusFeed:
    """What followers of the status are told.

    Attributes:
        position: to ask from the next time.
        crl_numbers: by name of the CA; of its newest complete and its newest delta CRL, zero for none.
    """

    position: int
    changed: Sequence[ChangedStatus]
    crl_numbers: Mapping[str, tuple[int, int]]

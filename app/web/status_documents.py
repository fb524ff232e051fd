"""What the status service gives out, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import cached_property
from hashlib import sha256
from typing import Protocol

from app.ca.status_values import AnswerKey


class Timed(Protocol):
    """A CRL or OCSP answer with its times."""

    @property
    def this_update(self) -> datetime:
        """When it was made."""

    @property
    def next_update(self) -> datetime:
        """Until when it holds."""

    @property
    def der(self) -> bytes:
        """The document."""


class StatusSource(Protocol):
    """The certificate authority, as far as the status service needs it."""

    def crl(self, issuing_ca: str) -> Timed:
        """The current complete CRL. Raises a Refusal for an unknown name, Unavailable."""

    def delta_crl(self, issuing_ca: str) -> Timed:
        """The current delta CRL. Raises a Refusal for an unknown name, Unavailable."""

    def ocsp(self, request: bytes) -> bytes:
        """The answer to an OCSP request. Raises Unavailable."""

    def certificates(self) -> Mapping[str, bytes]:
        """CA certificates by name, DER. Raises Unavailable."""


class StatusKeeping(Protocol):
    """What a follower keeps of the authority (``app.storage.status_store.StatusStore``)."""

    def answer(self, key: AnswerKey) -> Timed | None:
        """The OCSP answer made ahead."""

    def document(self, kind: str, name: str) -> Timed | None:
        """A ``crl``, ``delta-crl`` or ``certificate``."""

    def names(self, kind: str) -> Sequence[str]:
        """The names of the documents of a kind."""


class NothingKept:
    """There is no follower: everything is asked of the authority."""

    def answer(self, key: AnswerKey) -> Timed | None:
        """None."""
        return None

    def document(self, kind: str, name: str) -> Timed | None:
        """None."""
        return None

    def names(self, kind: str) -> Sequence[str]:
        """None at all."""
        return ()


@dataclass(frozen=True)
class StatusDocument:
    """A CRL or OCSP answer as it is given out.

    Attributes:
        this_update, next_update: None for an OCSP answer that carries no status, such as ``unauthorized``.
        may_be_kept: whether another request may get the same document; an answer to a nonce may not.
    """

    der: bytes
    this_update: datetime | None
    next_update: datetime | None
    may_be_kept: bool = True

    @classmethod
    def of(cls, made: Timed) -> StatusDocument:
        """A document that may be kept."""
        return cls(made.der, made.this_update, made.next_update)

    @cached_property
    def etag(self) -> str:
        """What is equal for equal documents, as the header ``ETag`` (RFC 9110 section 8.8.3)."""
        return f'"{sha256(self.der).hexdigest()}"'

    @cached_property
    def times(self) -> tuple[tuple[str, str], ...]:
        """The headers that tell its times; none when it has none."""
        if self.this_update is None or self.next_update is None:
            return ()
        return (
            ("Last-Modified", format_datetime(self.this_update, usegmt=True)),
            ("Expires", format_datetime(self.next_update, usegmt=True)),
        )

"""The status service's follower: fetches what changed from the certificate authority, ahead of those who ask.

It asks twice a second for certificates that were issued or revoked and for new CRLs, has OCSP answers made
for them, and has those made anew that are past half of their life. When the certificate authority is down,
what is kept goes on being given out for as long as it says of itself that it holds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Protocol

from cryptography import x509

from app.ca.ocsp_form import HASHES
from app.ca.status_values import AnswerKey, AnswersAhead, AnswersWanted, PublishedCrl, StatusFeed
from app.clock import Clock
from app.errors import SpineError
from app.settings import OcspAhead
from app.storage.status_store import KeptDocument, StatusStore

POLL_SECONDS = 0.5
AFTER_AN_OUTAGE_SECONDS = 1.0
AT_ONCE = 200
"""Answers that the certificate authority is asked for by one call, so that orders never wait long."""

RENEWED_AT_ONCE = 400
ASKED_WITHIN = timedelta(days=7)
KEPT_AFTER_EXPIRY = timedelta(days=7)
CLEARING_EVERY = timedelta(hours=1)
ALWAYS_AHEAD = "sha1"
"""The hash that RFC 5019 section 2.1.1 requires; answers by others are kept once somebody asked."""

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_LOG = logging.getLogger(__name__)


class StatusAuthority(Protocol):
    """The certificate authority, as far as the follower needs it. Each call may raise Unavailable."""

    def status_changes(self, after: int) -> StatusFeed: ...
    def ocsp_ahead(self, wanted: Sequence[AnswersWanted]) -> Sequence[AnswersAhead]: ...
    def crl(self, issuing_ca: str) -> PublishedCrl: ...
    def delta_crl(self, issuing_ca: str) -> PublishedCrl: ...
    def certificates(self) -> Mapping[str, bytes]: ...


class Told(Protocol):
    """What gives the answers out, and is told when they changed."""

    def changed(self) -> None: ...
    def followed(self) -> None: ...
    def take_asked(self) -> Iterable[AnswerKey]: ...


class StopSignal(Protocol):
    """What tells the follower to stop: a ``threading.Event``."""

    def is_set(self) -> bool: ...
    def wait(self, timeout: float | None = None) -> bool: ...


class StatusFollower:
    """Keeps ``store`` equal to what the authority would answer.

    Args:
        ahead: for which certificates answers are made ahead.
    """

    def __init__(
        self, authority: StatusAuthority, store: StatusStore, told: Told, ahead: OcspAhead, clock: Clock
    ) -> None:
        self._authority = authority
        self._store = store
        self._told = told
        self._ahead = ahead
        self._clock = clock
        self._next_clearing = clock()

    def run(self, stop: StopSignal) -> None:
        """Follow until ``stop`` is set; an outage is waited out."""
        while not stop.is_set():
            began = time.monotonic()
            try:
                more = self.follow_once()
            except SpineError as outage:
                _LOG.warning("the certificate authority cannot be followed: %s", outage)
                stop.wait(AFTER_AN_OUTAGE_SECONDS)
            else:
                # While there is much to be made, the authority has at least half of its time for orders.
                stop.wait(min(time.monotonic() - began, POLL_SECONDS) if more else POLL_SECONDS)

    def follow_once(self) -> bool:
        """Take what changed, then renew some of what ages. Returns whether there is more to do at once.

        Raises:
            Unavailable: the certificate authority is down.
        """
        feed = self._authority.status_changes(self._store.position())
        changed = self._take_changes(feed)
        self._take_documents(feed.crl_numbers)
        self._told.followed()
        now = self._clock()
        renewed = self._renew(now) if not changed else 0
        self._clear(now)
        return changed or renewed == RENEWED_AT_ONCE

    def _take_changes(self, feed: StatusFeed) -> bool:
        if feed.position == self._store.position():
            return False
        keys = [
            AnswerKey(each.issuing_ca, algorithm, each.serial_number)
            for each in feed.changed
            for algorithm in HASHES
        ]
        wanted = {*self._store.kept(keys), *(key for key in keys if self._is_always_ahead(key))}
        self._make(sorted(wanted))
        self._store.keep_position(feed.position)
        self._told.changed()
        return True

    def _is_always_ahead(self, key: AnswerKey) -> bool:
        return self._ahead is OcspAhead.ALL and key.algorithm == ALWAYS_AHEAD

    def _make(self, keys: Iterable[AnswerKey]) -> None:
        """Have answers made and keep them; those that the authority does not give are kept no longer."""
        for part in _parts(keys):
            given: set[AnswerKey] = set()
            for made in self._authority.ocsp_ahead(_wanted(part)):
                given |= {
                    AnswerKey(each.issuing_ca, each.algorithm, each.serial_number) for each in made.answers
                }
                self._store.keep_answers(made, self._clock())
            self._store.forget_answers(key for key in part if key not in given)

    def _renew(self, now: datetime) -> int:
        """Those asked for meanwhile that are not kept yet, then the oldest past half of their life."""
        asked = set(self._told.take_asked())
        self._make(sorted(asked - set(self._store.kept(asked))))
        asked_after = _LONG_AGO
        if self._ahead is OcspAhead.ASKED:
            self._store.asked(asked, now)
            asked_after = now - ASKED_WITHIN
        aged = self._store.aged(now, asked_after, RENEWED_AT_ONCE)
        self._make(sorted(aged))
        return len(aged)

    def _take_documents(self, crl_numbers: Mapping[str, tuple[int, int]]) -> None:
        if not self._store.names("certificate"):
            for name, der in self._authority.certificates().items():
                self._store.keep_document("certificate", name, _certificate_document(der))
        for name, (complete, delta) in crl_numbers.items():
            if self._is_new("crl", name, complete):
                self._keep_crl("crl", self._authority.crl(name))
            if delta and self._is_new("delta-crl", name, delta):
                self._keep_crl("delta-crl", self._authority.delta_crl(name))

    def _is_new(self, kind: str, name: str, number: int) -> bool:
        kept = self._store.document(kind, name)
        return kept is None or kept.number < number

    def _keep_crl(self, kind: str, crl: PublishedCrl) -> None:
        document = KeptDocument(crl.number, crl.this_update, crl.next_update, crl.der)
        self._store.keep_document(kind, crl.issuing_ca, document)
        self._told.changed()

    def _clear(self, now: datetime) -> None:
        if now >= self._next_clearing:
            self._next_clearing = now + CLEARING_EVERY
            self._store.forget_ended(now - KEPT_AFTER_EXPIRY, now)


def _parts(keys: Iterable[AnswerKey]) -> Iterator[Sequence[AnswerKey]]:
    """So many as are asked for by one call."""
    together = list(keys)
    for begin in range(0, len(together), AT_ONCE):
        yield together[begin : begin + AT_ONCE]


def _wanted(keys: Iterable[AnswerKey]) -> list[AnswersWanted]:
    """By CA and hash; the keys are in that order."""
    return [
        AnswersWanted(issuing_ca, algorithm, [key.serial_number for key in group])
        for (issuing_ca, algorithm), group in groupby(keys, lambda key: (key.issuing_ca, key.algorithm))
    ]


def _certificate_document(der: bytes) -> KeptDocument:
    certificate = x509.load_der_x509_certificate(der)
    return KeptDocument(0, certificate.not_valid_before_utc, certificate.not_valid_after_utc, der)

"""Revocation lists of our CAs, from our own status service or a file, never from an address in a certificate.

Bounded in size, time and age. A list that was believed is used for a minute, and after that for as long as it
is in force when no newer one can be had.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from app.adapters.bounded_fetch import fetched
from app.validation.refusals import StatusUnknown
from app.validation.revocation_list import (
    CheckedRevocationList,
    StatusLimits,
    revocation_list_from_untrusted,
)
from app.validation.status import Revoked

ASKED_AGAIN_AFTER = timedelta(minutes=1)


@dataclass(frozen=True)
class ListPlace:
    """Where the CRL of one CA is, and what is believed of it.

    Attributes:
        address: of the status service, or the path of a file.
        within_seconds: for the whole answer.
    """

    address: str
    limits: StatusLimits
    within_seconds: float


@dataclass(frozen=True)
class _Kept:
    checked: CheckedRevocationList
    der: bytes
    fetched_at: datetime


class FetchedRevocationLists:
    """Tells of revocations from CRLs. Thread-safe.

    Args:
        places: by the subject of the CA.
    """

    def __init__(
        self, places: Mapping[x509.Name, ListPlace], fetch: Callable[[ListPlace], bytes] | None = None
    ) -> None:
        self._places = places
        self._fetch = fetch or _fetched
        self._kept: dict[x509.Name, _Kept] = {}

    def revocation(
        self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
    ) -> Revoked | None:
        """How the issuer's list has the certificate. Raises StatusUnknown."""
        place = self._places.get(issuer.subject)
        if place is None:
            raise StatusUnknown(f"there is no list of {issuer.subject.rfc4514_string()}")
        return self._list(place, issuer, now).revocation(certificate)

    def _list(self, place: ListPlace, issuer: x509.Certificate, now: datetime) -> CheckedRevocationList:
        kept = self._kept.get(issuer.subject)
        if kept is not None and now - kept.fetched_at < ASKED_AGAIN_AFTER:
            return kept.checked
        try:
            der = self._fetch(place)
            checked = revocation_list_from_untrusted(der, issuer, now, place.limits)
        except StatusUnknown:
            if kept is None:
                raise
            # Refuses in its turn once the kept one is no longer in force or too old.
            return revocation_list_from_untrusted(kept.der, issuer, now, place.limits)
        self._kept[issuer.subject] = _Kept(checked, der, now)
        return checked


def read_list(place: ListPlace) -> bytes:
    """The list from a file on this machine. Raises StatusUnknown."""
    try:
        with Path(place.address).open("rb") as file:
            return file.read(place.limits.largest_bytes + 1)
    except OSError as error:
        raise StatusUnknown(f"the list {place.address} cannot be read: {error.strerror}") from error


def _fetched(place: ListPlace) -> bytes:
    return fetched(
        place.address, largest_bytes=place.limits.largest_bytes, within_seconds=place.within_seconds
    )

"""Prescriptions that are waiting for a signature, or have one: kept in this process, as visits are.

A signature takes the way that a sign-in takes: the browser goes to the card agent with a reference that works
once; the agent comes for the prescription and brings the signature over TLS, with a token that the reference
was exchanged for. A service with several processes keeps them in its database instead.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

COLLECTED_WITHIN = timedelta(minutes=10)
_LARGEST_SIGNATURE_BYTES = 32 * 1024
_MOST_KEPT = 200


class SigningRefused(Exception):
    """The card agent asks for something that it may not have. The message is for the person at the desk."""


@dataclass(frozen=True)
class Signing:
    """One prescription on its way to a signature.

    Attributes:
        document: the bytes that get signed.
        signature: the ``Signature`` element; empty until the agent brings it.
    """

    id: str
    signer_uid: str
    organisation_code: str
    document: bytes = field(repr=False)
    began_at: datetime
    reference_digest: str = field(default="", repr=False)
    token_digest: str = field(default="", repr=False)
    signature: bytes = b""


class Signings:
    """All of them, the newest first."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._signings: dict[str, Signing] = {}

    def begin(self, signer_uid: str, organisation_code: str, document: bytes) -> tuple[Signing, str]:
        """Keep a prescription to be signed; answers it with the reference for the browser's address."""
        reference = secrets.token_urlsafe(32)
        signing = Signing(
            secrets.token_urlsafe(16),
            signer_uid,
            organisation_code,
            document,
            self._clock(),
            reference_digest=_digest(reference),
        )
        with self._lock:
            self._signings[signing.id] = signing
            while len(self._signings) > _MOST_KEPT:
                del self._signings[next(iter(self._signings))]
        return signing, reference

    def claim(self, reference: str) -> tuple[Signing, str]:
        """Exchange a reference, once, for what is to be signed and a token.

        Raises:
            SigningRefused
        """
        token, digest = secrets.token_urlsafe(32), _digest(reference)
        with self._lock:
            for signing in self._signings.values():
                is_fresh = self._clock() - signing.began_at <= COLLECTED_WITHIN
                if is_fresh and hmac.compare_digest(signing.reference_digest, digest):
                    claimed = replace(signing, reference_digest="", token_digest=_digest(token))
                    self._signings[signing.id] = claimed
                    return claimed, token
        raise SigningRefused("This prescription was collected already, or too late. Start again.")

    def deliver(self, signing_id: str, token: str, signature: bytes) -> None:
        """Keep the signature; the same one again changes nothing.

        Raises:
            SigningRefused
        """
        with self._lock:
            signing = self._signings.get(signing_id)
            if signing is None or not hmac.compare_digest(signing.token_digest, _digest(token)):
                raise SigningRefused("This signature is not awaited. Start again.")
            if len(signature) > _LARGEST_SIGNATURE_BYTES or signing.signature not in (b"", signature):
                raise SigningRefused("This prescription has another signature already.")
            self._signings[signing_id] = replace(signing, signature=signature)

    def find(self, signing_id: str, organisation_code: str) -> Signing | None:
        """The prescription, for people of the same organisation."""
        with self._lock:
            signing = self._signings.get(signing_id)
        return signing if signing and signing.organisation_code == organisation_code else None

    def signed_at(self, organisation_code: str) -> list[Signing]:
        """Those of an organisation that have a signature, newest first."""
        with self._lock:
            kept = list(self._signings.values())
        return [
            each for each in reversed(kept) if each.signature and each.organisation_code == organisation_code
        ]


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

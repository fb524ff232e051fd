"""Seals on the audit record: the newest head, signed with a key in the token.

The certificate authority keeps the last head that it sealed in its own database and verifies that the record
continues from it before it seals the next. So neither a changed event nor a cut tail can be sealed, even by
someone who holds the main database.
"""

from __future__ import annotations

import threading
from typing import Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from app.ca.csr import spki_sha256
from app.ca.ports import CertificateLedger
from app.ca.refusals import AuditChainBroken
from app.clock import Clock
from app.domain.audit_chain import ChainBroken, Head, Seal, seal_statement


class AuditChain(Protocol):
    """The audit record, read to be sealed."""

    def verified_head(self, after: Head) -> Head:
        """Verify every event after ``after`` and that the chain ends there or goes on from there.

        Raises:
            ChainBroken: an event was changed or is missing, or the tail was cut.
        """

    def keep(self, seal: Seal) -> None:
        """Put the seal where operators and verifiers find it."""


class AuditSealer:
    """Seals audit heads with ``key``."""

    def __init__(
        self, key: ec.EllipticCurvePrivateKey, ledger: CertificateLedger, chain: AuditChain, clock: Clock
    ) -> None:
        self._key = key
        self._key_id = spki_sha256(key.public_key())
        self._ledger = ledger
        self._chain = chain
        self._clock = clock
        self._sealing = threading.Lock()

    def seal_head(self) -> Seal | None:
        """Verify the record from the last sealed head and seal the newest. Nothing new gives the last seal.

        Raises:
            AuditChainBroken: the record was changed or cut; it is not sealed.
            Unavailable
        """
        with self._sealing:
            last = self._ledger.last_seal()
            begin = Head(last.seq, last.hash) if last else Head.before_all()
            head = self._verified(begin)
            if head == begin:
                if last is not None:
                    self._chain.keep(last)
                return last
            return self._seal(head)

    def _verified(self, begin: Head) -> Head:
        try:
            return self._chain.verified_head(begin)
        except ChainBroken as broken:
            raise AuditChainBroken(f"The audit record is broken at event {broken.seq}: {broken}") from broken

    def _seal(self, head: Head) -> Seal:
        """Our own database first: from then on the head cannot be taken back."""
        at = self._clock()
        signature = self._key.sign(seal_statement(head, at, self._key_id), ec.ECDSA(hashes.SHA256()))
        seal = Seal(head.seq, head.hash, at, self._key_id, signature)
        self._ledger.record_seal(seal)
        self._chain.keep(seal)
        return seal

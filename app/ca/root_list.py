"""The root's CRL: which CAs it revoked. Made at ceremonies alone, linted before the root's key is used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from app.ca.authority_revocation import RevokedAuthorities
from app.ca.ceremony_record import CeremonyRecord, certificate_of
from app.ca.contents import StatusAddresses
from app.ca.crl import CrlPlan, build_crl
from app.ca.issuance import Issuer
from app.ca.lint import Linter
from app.ca.ports import CertificateLedger, OpenedToken
from app.ca.status_values import CrlBuilder, PublishedCrl, Revocation


class RootList:
    """Makes the root's CRL when it is due: none yet, in the last half of its life, or a revoked CA not in it.

    Args:
        name: the root's.
        token: opens the root's token.
        published: the list that is given out now, DER; empty for none. One that the root signed elsewhere
            may have a higher number than ours, and ours are above it.
    """

    def __init__(
        self,
        name: str,
        token: OpenedToken,
        record: CeremonyRecord,
        revoked: RevokedAuthorities,
        ledger: CertificateLedger,
        addresses: StatusAddresses,
        published: bytes = b"",
    ) -> None:
        self._name = name
        self._token = token
        self._record = record
        self._revoked = revoked
        self._ledger = ledger
        self._addresses = addresses
        self._published = published

    def renew(self, now: datetime, validity: timedelta | None = None) -> str:
        """Make what is due. Returns a line that says what was done.

        Args:
            validity: how long it holds; as long as the last one unless given.

        Raises:
            LintFailed
            Unavailable: the root's token is not there.
        """
        latest = self._ledger.latest_crl(self._name)
        if latest is not None and not self._is_due(latest, now):
            return f"{self._name} CRL {latest.number}: made before, kept"
        holds = validity or _there(latest).next_update - _there(latest).this_update
        with self._token() as keys:
            root = self._certificate(self._name)
            linter = Linter()
            issuer = Issuer(root, keys.key(self._name), linter, self._addresses)
            build = self._builder(issuer, linter, now, holds)
            self._ledger.publish_crls(self._name, now, now, build, complete=True, delta=False)
        made = self.newest()
        return f"{self._name} CRL {made.number}: made, next update {made.next_update:%Y-%m-%d}"

    def newest(self) -> PublishedCrl:
        """The last one that was made."""
        return _there(self._ledger.latest_crl(self._name))

    def _is_due(self, latest: PublishedCrl, now: datetime) -> bool:
        told = {each.serial_number for each in x509.load_der_x509_crl(latest.der)}
        wanted = {int(each.serial_number, 16) for each in self._revocations()}
        return not wanted <= told or latest.next_update - now <= (latest.next_update - latest.this_update) / 2

    def _builder(self, issuer: Issuer, linter: Linter, now: datetime, validity: timedelta) -> CrlBuilder:
        revocations, above = self._revocations(), _number(self._published, issuer.certificate)

        def build(number: int, _: object, __: int | None) -> PublishedCrl:
            plan = CrlPlan(self._name, max(number, above + 1), now, validity)
            return build_crl(plan, issuer, revocations, linter)

        return build

    def _revocations(self) -> Sequence[Revocation]:
        return [
            Revocation(f"{self._certificate(each.name).serial_number:x}", each.reason, each.revoked_at)
            for each in self._revoked.all()
        ]

    def _certificate(self, name: str) -> x509.Certificate:
        made = self._record.key(name)
        assert made is not None, "only what the ceremony made is revoked"
        return certificate_of(made)


def _there(made: PublishedCrl | None) -> PublishedCrl:
    assert made is not None, "the ceremony makes the first one"
    return made


def _number(der: bytes, root: x509.Certificate) -> int:
    """The number of a list that the root signed; 0 for anything else."""
    try:
        read = x509.load_der_x509_crl(der)
        signed = read.is_signature_valid(root.public_key())  # type: ignore[arg-type]
        number = read.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except (ValueError, InvalidSignature, x509.ExtensionNotFound):
        return 0
    return number if signed else 0

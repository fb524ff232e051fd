"""The root revokes a CA: reviewed, audited, recorded, told in the root's CRL, with a protocol to sign.

Each step may be repeated: after an interruption the same file goes on, and so does the next ceremony.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from app.ca.audit_ports import AuditRecord
from app.ca.authority_revocation import AuthorityRevocation, RevokedAuthorities
from app.ca.ceremony_protocol import fingerprint, signature_lines
from app.ca.ceremony_record import AuthorityKind, CeremonyRecord, certificate_of
from app.ca.root_list import RootList
from app.ca.status_values import PublishedCrl
from app.domain.actor import Actor
from app.domain.audit_event import AuditEvent
from app.errors import InvalidInput

OPERATOR = Actor.system("ca-operator")

_LOST = {
    "authentication": "Nobody signs in with a card any more, within a minute.",
    "content-commitment": "No signature of a card counts: nothing is issued, renewed or prescribed.",
    "systems": "Signatures of systems' certificates are believed no more. Suspend each system on its page.",
}


@dataclass(frozen=True)
class Review:
    """What would be done, for the people who decide it.

    Attributes:
        is_on_record: it was decided before; only what is left of it is done.
        text: plain text of at most 100 columns.
    """

    is_on_record: bool
    text: str


class AuthorityRevoking:
    """Carries out one reviewed file."""

    def __init__(
        self,
        wanted: AuthorityRevocation,
        record: CeremonyRecord,
        revoked: RevokedAuthorities,
        root_list: RootList,
        audit: AuditRecord,
        now: datetime,
    ) -> None:
        self._wanted = wanted
        self._record = record
        self._revoked = revoked
        self._root_list = root_list
        self._audit = audit
        self._now = now

    @property
    def name(self) -> str:
        """Of the CA that is revoked."""
        return self._wanted.name

    def review(self) -> Review:
        """What would be done.

        Raises:
            InvalidInput: there is no such issuing CA, the moment is impossible, or another file revoked it.
        """
        certificate = self._certificate()
        if not certificate.not_valid_before_utc <= self._wanted.revoked_at <= self._now:
            raise _refused("revoked_at", "must lie between the CA's beginning and now.")
        before = next((each for each in self._revoked.all() if each.name == self._wanted.name), None)
        if before not in (None, self._wanted):
            raise _refused("name", f"{self._wanted.name} was revoked before by another file. It stays so.")
        held = self._revoked.certificates_in_force(self._wanted.name, self._now)
        return Review(before is not None, "\n".join([*self._lines(certificate), *self._effects(held)]))

    def revoke(self) -> str:
        """Revoke it for good. Returns what the root's list says of itself.

        Raises:
            LintFailed
            Unavailable: the audit cannot be written, or the root's token is not there.
        """
        self._audit.happened([_event(self._wanted, self._certificate())])
        self._revoked.record(self._wanted, self._now)
        return self._root_list.renew(self._now)

    def protocol(self) -> str:
        """The protocol as plain text, ending with the lines for the signatures."""
        wanted, made = self._wanted, self._root_list.newest()
        people = ["Ceremony leader", *wanted.witnesses]
        parts = [
            "PROTOCOL OF THE REVOCATION OF A CERTIFICATE AUTHORITY",
            "\n".join(self._lines(self._certificate())),
            "\n".join(_list_lines(made)),
            signature_lines(people),
        ]
        return "\n\n".join(parts) + "\n"

    def _certificate(self) -> x509.Certificate:
        made = self._record.key(self._wanted.name)
        if made is None or made.kind is not AuthorityKind.ISSUING_CA:
            keys = self._record.keys()
            names = ", ".join(each.name for each in keys if each.kind is AuthorityKind.ISSUING_CA)
            raise _refused("name", f"must be an issuing CA: {names}. Its OCSP responders end with it.")
        return certificate_of(made)

    def _lines(self, certificate: x509.Certificate) -> Sequence[str]:
        wanted = self._wanted
        return [
            f"Authority            {wanted.name}",
            f"Subject              {certificate.subject.rfc4514_string()}",
            f"Serial number        {certificate.serial_number:x}",
            "Certificate          SHA-256",
            fingerprint(certificate.fingerprint(hashes.SHA256())),
            f"Reason               {wanted.reason}, from {wanted.revoked_at:%Y-%m-%d %H:%M:%S} UTC",
            f"Because              {wanted.because}",
            f"Witnesses            {', '.join(wanted.witnesses)}",
            "Reviewed file        SHA-256",
            fingerprint(bytes.fromhex(wanted.digest)),
        ]

    def _effects(self, held: int) -> Sequence[str]:
        return [
            "",
            "It cannot be taken back. It takes effect everywhere with the root's list.",
            f"Certificates of this authority that are in force now: {held:,}. All of them end.",
            _LOST.get(self._wanted.name, "Nothing that this authority issued is believed any more."),
        ]


def _list_lines(made: PublishedCrl) -> Sequence[str]:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(made.der)
    return [
        f"Root's list          number {made.number}",
        f"  this update        {made.this_update:%Y-%m-%d %H:%M:%S} UTC",
        f"  next update        {made.next_update:%Y-%m-%d %H:%M:%S} UTC",
        "  list               SHA-256",
        fingerprint(digest.finalize()),
    ]


def _event(wanted: AuthorityRevocation, certificate: x509.Certificate) -> AuditEvent:
    details = {
        "serial_number": f"{certificate.serial_number:x}",
        "reason": wanted.reason.value,
        "revoked_at": wanted.revoked_at.isoformat(),
        "because": wanted.because,
        "witnesses": list(wanted.witnesses),
        "reviewed_file_sha256": wanted.digest,
    }
    return AuditEvent.by(OPERATOR, "authority.revoked", wanted.name, details)


def _refused(key: str, sentence: str) -> InvalidInput:
    return InvalidInput({f"authority.{key}": f"authority.{key}: {sentence}"})

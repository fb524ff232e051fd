"""An issuing CA takes over from another: reviewed, audited, made, with a protocol to sign.

The CA before stays: what it issued is believed until it ends, and its CRL and OCSP answers go on. Each step
may be repeated: after an interruption the same file goes on.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509

from app.ca.audit_ports import AuditRecord
from app.ca.authority_making import AuthorityMaking
from app.ca.authority_revoking import OPERATOR, Review
from app.ca.ceremony_protocol import fingerprint, key_lines, signature_lines
from app.ca.ceremony_record import AuthorityKey, AuthorityKind, certificate_of
from app.ca.names import named_subject
from app.ca.ocsp_signers import ocsp_signer_name
from app.ca.succession import Succession
from app.domain.audit_event import AuditEvent
from app.errors import InvalidInput


class AuthoritySucceeding:
    """Carries out one reviewed file.

    Args:
        making: makes the CA, in the tokens and the record that it was given.
    """

    def __init__(self, wanted: Succession, making: AuthorityMaking, audit: AuditRecord) -> None:
        self._wanted = wanted
        self._making = making
        self._audit = audit

    @property
    def name(self) -> str:
        """Of the new CA."""
        return self._wanted.plan.name

    def review(self) -> Review:
        """What would be done.

        Raises:
            InvalidInput: it is not the next of its line, another CA has its subject, it would outlive the
                root, or another file made it.
        """
        made = self._making.record.key(self.name)
        if made is not None:
            self._require_same(made)
        else:
            self._require_next()
        return Review(made is not None, "\n".join([*self._lines(), *self._effects()]))

    def succeed(self) -> None:
        """Make the CA and its OCSP responder.

        Raises:
            LintFailed: the file asks for what cannot be signed.
            Unavailable: the audit cannot be written, or a token is not there.
        """
        self._audit.happened([_event(self._wanted)])
        self._making.issuing_cas([self._wanted.plan], self._root().name)
        with self._making.token() as keys:
            self._making.ocsp_signer(keys, self.name, self._responder_before().key_type)

    def made(self) -> Sequence[AuthorityKey]:
        """The CA and its OCSP responder."""
        found = (self._making.record.key(name) for name in (self.name, ocsp_signer_name(self.name)))
        return [each for each in found if each is not None]

    def protocol(self) -> str:
        """The protocol as plain text, ending with the lines for the signatures."""
        people = ["Ceremony leader", *self._wanted.witnesses]
        parts = [
            "PROTOCOL OF A NEW CERTIFICATE AUTHORITY",
            "\n".join(self._lines()),
            *(key_lines(each) for each in self.made()),
            signature_lines(people),
        ]
        return "\n\n".join(parts) + "\n"

    def _require_same(self, made: AuthorityKey) -> None:
        plan = self._wanted.plan
        if certificate_of(made).subject != named_subject(plan.subject) or made.key_type != plan.key_type:
            raise _refused("name", f"{self.name} was made before by another file. It stays so.")

    def _require_next(self) -> None:
        wanted = self._wanted
        names = {each.name for each in self._issuing()}
        if wanted.succeeds not in names:
            told = f"succeeds {wanted.succeeds}, which is not there: {', '.join(sorted(names))}."
            raise _refused("name", told)
        subject, root = named_subject(wanted.plan.subject), certificate_of(self._root())
        if subject in {certificate_of(each).subject for each in (*self._issuing(), self._root())}:
            raise _refused("subject", "must be another than that of every CA before.")
        if self._making.now + wanted.plan.validity > root.not_valid_after_utc:
            told = f"must not outlive the root, which ends on {root.not_valid_after_utc:%d %B %Y}."
            raise _refused("validity_days", told)

    def _lines(self) -> Sequence[str]:
        wanted = self._wanted
        subject: x509.Name = named_subject(wanted.plan.subject)
        return [
            f"New authority        {self.name}, which takes over from {wanted.succeeds}",
            f"Subject              {subject.rfc4514_string()}",
            f"Key                  {wanted.plan.key_type}, for {wanted.plan.validity.days:,} days",
            f"Because              {wanted.because}",
            f"Witnesses            {', '.join(wanted.witnesses)}",
            "Reviewed file        SHA-256",
            fingerprint(bytes.fromhex(wanted.digest)),
        ]

    def _effects(self) -> Sequence[str]:
        return [
            "",
            f"It cannot be unmade, only revoked. {self._wanted.succeeds} issues until the profiles of",
            "certificates name the new one; what it issued is believed until it ends.",
        ]

    def _issuing(self) -> Sequence[AuthorityKey]:
        return self._of(AuthorityKind.ISSUING_CA)

    def _root(self) -> AuthorityKey:
        return self._of(AuthorityKind.ROOT)[0]

    def _of(self, kind: AuthorityKind) -> Sequence[AuthorityKey]:
        keys = self._making.record.keys()
        return [each for each in keys if each.kind is kind]

    def _responder_before(self) -> AuthorityKey:
        before = self._making.record.key(ocsp_signer_name(self._wanted.succeeds))
        assert before is not None, "every issuing CA has a responder"
        return before


def _event(wanted: Succession) -> AuditEvent:
    details = {
        "because": wanted.because,
        "witnesses": list(wanted.witnesses),
        "reviewed_file_sha256": wanted.digest,
    }
    return AuditEvent.by(OPERATOR, "authority.succeeded", wanted.plan.name, details)


def _refused(key: str, sentence: str) -> InvalidInput:
    return InvalidInput({f"issuing_ca.{key}": f"issuing_ca.{key}: {sentence}"})

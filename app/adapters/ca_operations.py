"""What the certificate authority's process does for those who may reach its socket, by name.

System certificates are not among it: their approval is a row in a database that the web process writes, so
they are ordered by an operator on the authority's own machine alone (``spine-ra ca certify-system``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from app.adapters.ca_keys import token_errors_named
from app.adapters.ca_messages import (
    Fields,
    Message,
    card_order_from_untrusted,
    encoded,
    release_order_from_untrusted,
)
from app.adapters.ca_status_messages import (
    answers_message,
    answers_wanted_from_untrusted,
    changes_message,
    crl_message,
)
from app.ca.audit_backlog import AuditBacklog
from app.ca.authority import Authority
from app.ca.ceremony_record import AuthorityKey, AuthorityKind
from app.ca.ocsp import OCSPResponder
from app.ca.ocsp_signers import OcspSigners
from app.ca.ports import CertificateLedger
from app.ca.receipts import Receipts
from app.ca.refusals import RequestMalformed
from app.ca.releasing import SoPinReleaser
from app.ca.revoking import Revoker
from app.ca.sealing import AuditSealer
from app.ca.status_values import PublishedCrl
from app.clock import Clock

ROOT = "root"
CHANGES_AT_ONCE = 500
"""Certificates whose changed status is told by one call."""


@dataclass(frozen=True)
class Operations:
    """The running certificate authority.

    Attributes:
        keys: what the ceremony made.
    """

    authority: Authority
    receipts: Receipts
    revoker: Revoker
    responder: OCSPResponder
    signers: OcspSigners
    sealer: AuditSealer
    releaser: SoPinReleaser
    ledger: CertificateLedger
    backlog: AuditBacklog
    keys: Sequence[AuthorityKey]
    clock: Clock

    def handle(self, request_from_untrusted: Message) -> Message:
        """Carry out a request and return its result.

        Raises:
            RequestMalformed, and what the operation raises.
        """
        fields = Fields(request_from_untrusted)
        operation = self._table().get(fields.text("operation"))
        if operation is None:
            raise RequestMalformed("There is no operation of this name.")
        with token_errors_named():
            return operation(fields)

    def _table(self) -> Mapping[str, Callable[[Fields], Message]]:
        return {
            "issue_card_certificates": self._issue_card_certificates,
            "release_so_pin": self._release_so_pin,
            "revoke": self._revoke,
            "withdraw": self._withdraw,
            "crl": self._crl,
            "delta_crl": self._delta_crl,
            "ocsp": self._ocsp,
            "ocsp_ahead": self._ocsp_ahead,
            "status_changes": self._status_changes,
            "renew_ocsp_signers": self._renew_ocsp_signers,
            "certificates": self._certificates,
            "receipt": self._receipt,
            "escrow_public_key": self._escrow_public_key,
            "seal_audit_head": self._seal_audit_head,
            "audit_waits": self._audit_waits,
            "health": self._health,
        }

    def _issue_card_certificates(self, fields: Fields) -> Message:
        issued = self.authority.issue_card_certificates(card_order_from_untrusted(fields.part("order")))
        return {
            "authentication": encoded(issued.authentication),
            "content_commitment": encoded(issued.content_commitment),
            "chain": [encoded(each) for each in issued.chain],
            "provenance": {purpose.value: each.as_text() for purpose, each in issued.provenance.items()},
        }

    def _release_so_pin(self, fields: Fields) -> Message:
        released = self.releaser.release(release_order_from_untrusted(fields.part("order")))
        return {"so_pins": [encoded(each) for each in released]}

    def _revoke(self, fields: Fields) -> Message:
        self.revoker.revoke(fields.text("serial_number"), fields.text("reason"), fields.instant("revoked_at"))
        return {}

    def _withdraw(self, fields: Fields) -> Message:
        self.revoker.withdraw(fields.text("order_id"), fields.text("reason"), fields.instant("revoked_at"))
        return {}

    def _crl(self, fields: Fields) -> Message:
        name = fields.text("issuing_ca")
        return crl_message(self._root_crl(name) or self.revoker.crl(name))

    def _delta_crl(self, fields: Fields) -> Message:
        return crl_message(self.revoker.delta_crl(fields.text("issuing_ca")))

    def _root_crl(self, name: str) -> PublishedCrl | None:
        """The root signs at ceremonies only; its CRL is as the last one left it."""
        is_root = any(each.name == name and each.kind is AuthorityKind.ROOT for each in self.keys)
        return self.ledger.latest_crl(name) if is_root else None

    def _ocsp(self, fields: Fields) -> Message:
        return {"der": encoded(self.responder.answer(fields.octets("request")))}

    def _ocsp_ahead(self, fields: Fields) -> Message:
        made = self.responder.answers_ahead(answers_wanted_from_untrusted(fields))
        return {"made": [answers_message(each) for each in made]}

    def _status_changes(self, fields: Fields) -> Message:
        changes = self.ledger.status_changes(fields.number("after"), CHANGES_AT_ONCE)
        return changes_message(changes, self.ledger.crl_numbers())

    def _renew_ocsp_signers(self, fields: Fields) -> Message:
        """Those that are due, and no others: who may reach the socket cannot fill the token with keys."""
        return {"renewed": self.signers.renew(self.clock())}

    def _receipt(self, fields: Fields) -> Message:
        return {"document": encoded(self.receipts.of(fields.text("serial_number").lower()))}

    def _certificates(self, fields: Fields) -> Message:
        authorities = (AuthorityKind.ROOT, AuthorityKind.ISSUING_CA)
        ders = {each.name: each.certificate for each in self.keys if each.kind in authorities}
        return {"certificates": {name: encoded(der) for name, der in ders.items() if der}}

    def _escrow_public_key(self, fields: Fields) -> Message:
        spki = next(each.public_key for each in self.keys if each.kind is AuthorityKind.SO_PIN_ESCROW)
        pem = load_der_public_key(spki).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return {"pem": pem.decode()}

    def _seal_audit_head(self, fields: Fields) -> Message:
        self.backlog.write_waiting()
        seal = self.sealer.seal_head()
        return {"seq": seal.seq if seal else 0}

    def _audit_waits(self, fields: Fields) -> Message:
        return {"seconds": self.backlog.seconds()}

    def _health(self, fields: Fields) -> Message:
        self.ledger.founding_digest()
        self.backlog.require_well()
        return {"state": "ready"}

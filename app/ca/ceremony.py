"""The key ceremony: makes the hierarchy of CAs and the other keys, each once. It may be interrupted.

A key's label in the token is its name. A key that was made and not recorded before an interruption is used:
nothing was signed with it. Everything is linted with a throw-away key before the real key signs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.ca import contents
from app.ca.ceremony_plan import AuthorityPlan, CeremonyPlan
from app.ca.ceremony_record import AuthorityKey, AuthorityKind, CeremonyRecord
from app.ca.contents import StatusAddresses, Validity
from app.ca.crl import CrlPlan, build_crl
from app.ca.csr import VerifiedCsr, spki_sha256
from app.ca.issuance import Issuer
from app.ca.lint import Linter
from app.ca.names import named_subject
from app.ca.ocsp_signers import certify_signer, ocsp_signer_name
from app.ca.ports import CertificateLedger, PublicKey, SigningKey, SigningKeys
from app.ca.signing import sign_certificate, signature_hash, throw_away_key
from app.ca.status_values import PublishedCrl
from app.domain.certificate_profile import CertificateRules, KeyType

AUDIT_SEAL = "audit-seal"
SO_PIN_ESCROW = "so-pin-escrow"

Progress = Callable[[str], None]


class Ceremony:
    """Makes what ``plan`` says and is not there yet.

    Args:
        keys: the token, logged in.
        rules: certificate profiles; the OCSP responders' one is used.
        progress: called with a line for each thing made or found.
    """

    def __init__(
        self,
        plan: CeremonyPlan,
        rules: CertificateRules,
        keys: SigningKeys,
        record: CeremonyRecord,
        ledger: CertificateLedger,
        addresses: StatusAddresses,
        now: datetime,
        progress: Progress,
    ) -> None:
        self._plan = plan
        self._rules = rules
        self._keys = keys
        self._record = record
        self._ledger = ledger
        self._addresses = addresses
        self._now = now
        self._progress = progress
        self._linter = Linter()

    def hold(self, founders: tuple[str, ...]) -> None:
        """Hold the ceremony, or go on with it.

        Raises:
            CeremonyChanged: it was begun with another file.
            LintFailed: the plan asks for what cannot be signed.
        """
        plan = self._plan
        self._record.begin(plan.digest, plan.founding_digest, founders, self._now)
        self._once(plan.root.name, AuthorityKind.ROOT, plan.root.key_type, self._root)
        for each in plan.issuing:
            self._once(each.name, AuthorityKind.ISSUING_CA, each.key_type, self._issuing_ca(each))
            signer = ocsp_signer_name(each.name)
            self._once(signer, AuthorityKind.OCSP_SIGNER, plan.ocsp_key_type, self._ocsp_signer(each.name))
        self._once(AUDIT_SEAL, AuthorityKind.AUDIT_SEAL, plan.audit_seal_key_type, None)
        self._escrow_key()
        self._root_crl()
        self._record.complete(self._now)

    def _once(
        self,
        name: str,
        kind: AuthorityKind,
        key_type: KeyType,
        certify: Callable[[SigningKey], bytes] | None,
    ) -> None:
        """A key with its certificate, unless it is on record."""
        if self._record.key(name) is not None:
            self._progress(f"{name}: made before, kept")
            return
        key = self._keys.key(name) if self._keys.has(name) else self._keys.generate(name, key_type)
        certificate = certify(key) if certify else None
        self._keep(AuthorityKey(name, kind, key_type, _spki(key.public_key()), certificate))

    def _keep(self, made: AuthorityKey) -> None:
        self._record.record(made, self._now)
        self._progress(f"{made.name}: {made.key_type} key made{', certified' if made.certificate else ''}")

    def _root(self, key: SigningKey) -> bytes:
        plan = self._plan.root
        builder = contents.root_ca(named_subject(plan.subject), key.public_key(), self._validity(plan))
        return self._linted_and_signed(builder, key, None)

    def _issuing_ca(self, plan: AuthorityPlan) -> Callable[[SigningKey], bytes]:
        def certify(key: SigningKey) -> bytes:
            root = self._certificate(self._plan.root.name)
            builder = contents.issuing_ca(
                named_subject(plan.subject),
                key.public_key(),
                root,
                self._plan.root.name,
                self._addresses,
                self._validity(plan),
            )
            return self._linted_and_signed(builder, self._keys.key(self._plan.root.name), root)

        return certify

    def _ocsp_signer(self, issuing_ca: str) -> Callable[[SigningKey], bytes]:
        def certify(key: SigningKey) -> bytes:
            public_key = key.public_key()
            verified = VerifiedCsr(public_key, self._plan.ocsp_key_type, spki_sha256(public_key))
            return certify_signer(self._rules, self._issuer(issuing_ca), issuing_ca, verified, self._now)

        return certify

    def _linted_and_signed(
        self, builder: x509.CertificateBuilder, key: SigningKey, issuer: x509.Certificate | None
    ) -> bytes:
        linted = builder.sign(throw_away_key(key), signature_hash(key))
        self._linter.require_clean_certificate(linted.public_bytes(Encoding.DER))
        return sign_certificate(linted, key, issuer)

    def _escrow_key(self) -> None:
        if self._record.key(SO_PIN_ESCROW) is not None:
            self._progress(f"{SO_PIN_ESCROW}: made before, kept")
            return
        key_type = self._plan.escrow_key_type
        if not self._keys.has(SO_PIN_ESCROW):
            self._keys.generate_for_decryption(SO_PIN_ESCROW, key_type)
        public_key = _spki(self._keys.public_key(SO_PIN_ESCROW))
        self._keep(AuthorityKey(SO_PIN_ESCROW, AuthorityKind.SO_PIN_ESCROW, key_type, public_key, None))

    def _root_crl(self) -> None:
        """The root's CRL: made at the first ceremony, and anew when a later one is held in its last half."""
        root, latest = self._plan.root.name, self._ledger.latest_crl(self._plan.root.name)
        if latest is not None and latest.next_update - self._now > self._plan.root_crl_validity / 2:
            self._progress(f"{root} CRL {latest.number}: made before, kept")
            return

        def build(number: int, revocations: object, base_number: int | None) -> PublishedCrl:
            plan = CrlPlan(root, number, self._now, self._plan.root_crl_validity)
            made = build_crl(plan, self._issuer(root), (), self._linter)
            self._progress(f"{root} CRL {number}: made, next update {made.next_update:%Y-%m-%d}")
            return made

        self._ledger.publish_crls(root, self._now, self._now, build, complete=True, delta=False)

    def _issuer(self, name: str) -> Issuer:
        return Issuer(self._certificate(name), self._keys.key(name), self._linter, self._addresses)

    def _certificate(self, name: str) -> x509.Certificate:
        made = self._record.key(name)
        if made is None or made.certificate is None:
            raise RuntimeError(f"{name} is not certified yet")
        return x509.load_der_x509_certificate(made.certificate)

    def _validity(self, plan: AuthorityPlan) -> Validity:
        return Validity.beginning(self._now - self._rules.backdate, plan.validity)


def _spki(key: PublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

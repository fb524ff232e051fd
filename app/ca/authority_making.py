"""Makes issuing CAs below the root, and their OCSP responders, each once. It may be interrupted.

A key's label in its token is its name. The root's token is opened only while the root has something to sign.
A key that was made and not recorded before an interruption is used: nothing was signed with it. Everything is
linted with a throw-away key before the real key signs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.ca import contents
from app.ca.ceremony_plan import AuthorityPlan
from app.ca.ceremony_record import AuthorityKey, AuthorityKind, CeremonyRecord, certificate_of
from app.ca.contents import StatusAddresses, Validity
from app.ca.csr import VerifiedCsr, spki_sha256
from app.ca.issuance import Issuer
from app.ca.lint import Linter
from app.ca.names import named_subject
from app.ca.ocsp_signers import certify_signer, ocsp_signer_name
from app.ca.ports import OpenedToken, PublicKey, SigningKey, SigningKeys
from app.ca.signing import sign_certificate, signature_hash, throw_away_key
from app.domain.certificate_profile import CertificateRules, KeyType

Progress = Callable[[str], None]


@dataclass(frozen=True)
class AuthorityMaking:
    """Makes what is not there yet.

    Attributes:
        rules: certificate profiles; the OCSP responders' one is used.
        root_token: opens the token of the root's key.
        token: opens the token of every other key.
        progress: called with a line for each thing made or found.
    """

    rules: CertificateRules
    root_token: OpenedToken
    token: OpenedToken
    record: CeremonyRecord
    addresses: StatusAddresses
    now: datetime
    progress: Progress
    _linter: Linter = field(default_factory=Linter)

    def is_missing(self, name: str) -> bool:
        """Whether it is to be made; tells what was made before."""
        if self.record.key(name) is None:
            return True
        self.progress(f"{name}: made before, kept")
        return False

    def keep(
        self, name: str, kind: AuthorityKind, key_type: KeyType, key: PublicKey, certificate: bytes | None
    ) -> None:
        """Record what was made."""
        self.record.record(AuthorityKey(name, kind, key_type, _spki(key), certificate), self.now)
        self.progress(f"{name}: {key_type} key made{', certified' if certificate else ''}")

    def root(self, plan: AuthorityPlan) -> None:
        """Make the root, which signs itself."""
        with self.root_token() as keys:
            key = made_key(keys, plan.name, plan.key_type)
            builder = contents.root_ca(named_subject(plan.subject), key.public_key(), self._validity(plan))
            certificate = self._linted_and_signed(builder, key, None)
            self.keep(plan.name, AuthorityKind.ROOT, plan.key_type, key.public_key(), certificate)

    def issuing_cas(self, plans: Sequence[AuthorityPlan], root: str) -> None:
        """Make those that are not there, certified by the root.

        Raises:
            Unavailable: the root has something to sign, and its token is not there.
            LintFailed: a plan asks for what cannot be signed.
        """
        if missing := [each for each in plans if self.is_missing(each.name)]:
            self._certify(missing, self._keys_of(missing), root)

    def ocsp_signer(self, keys: SigningKeys, issuing_ca: str, key_type: KeyType) -> None:
        """Make the OCSP responder of an issuing CA, when it has none."""
        name = ocsp_signer_name(issuing_ca)
        if not self.is_missing(name):
            return
        key = made_key(keys, name, key_type).public_key()
        issuer = Issuer(self._certificate(issuing_ca), keys.key(issuing_ca), self._linter, self.addresses)
        verified = VerifiedCsr(key, key_type, spki_sha256(key))
        certificate = certify_signer(self.rules, issuer, issuing_ca, verified, self.now)
        self.keep(name, AuthorityKind.OCSP_SIGNER, key_type, key, certificate)

    def _keys_of(self, plans: Sequence[AuthorityPlan]) -> Mapping[str, PublicKey]:
        with self.token() as keys:
            return {each.name: made_key(keys, each.name, each.key_type).public_key() for each in plans}

    def _certify(
        self, plans: Sequence[AuthorityPlan], public_keys: Mapping[str, PublicKey], root: str
    ) -> None:
        with self.root_token() as keys:
            root_key = keys.key(root)
            for plan in plans:
                certificate = self._issuing_ca(plan, public_keys[plan.name], root, root_key)
                kind = AuthorityKind.ISSUING_CA
                self.keep(plan.name, kind, plan.key_type, public_keys[plan.name], certificate)

    def _issuing_ca(
        self, plan: AuthorityPlan, public_key: PublicKey, root: str, root_key: SigningKey
    ) -> bytes:
        issuer, subject = self._certificate(root), named_subject(plan.subject)
        validity = self._validity(plan)
        builder = contents.issuing_ca(subject, public_key, issuer, root, self.addresses, validity)
        return self._linted_and_signed(builder, root_key, issuer)

    def _linted_and_signed(
        self, builder: x509.CertificateBuilder, key: SigningKey, issuer: x509.Certificate | None
    ) -> bytes:
        linted = builder.sign(throw_away_key(key), signature_hash(key))
        self._linter.require_clean_certificate(linted.public_bytes(Encoding.DER))
        return sign_certificate(linted, key, issuer)

    def _certificate(self, name: str) -> x509.Certificate:
        made = self.record.key(name)
        assert made is not None, f"{name} is made before it is needed"
        return certificate_of(made)

    def _validity(self, plan: AuthorityPlan) -> Validity:
        return Validity.beginning(self.now - self.rules.backdate, plan.validity)


def made_key(keys: SigningKeys, name: str, key_type: KeyType) -> SigningKey:
    """The key of this name, which may have been made before an interruption."""
    return keys.key(name) if keys.has(name) else keys.generate(name, key_type)


def _spki(key: PublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

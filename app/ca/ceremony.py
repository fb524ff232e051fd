"""The key ceremony: makes the hierarchy of CAs and the other keys, each once. It may be interrupted.

A key's label in its token is its name. The root's token is opened only while the root has something to sign.
A key that was made and not recorded before an interruption is used: nothing was signed with it. Everything is
linted with a throw-away key before the real key signs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.ca import contents
from app.ca.ceremony_plan import AuthorityPlan, CeremonyPlan
from app.ca.ceremony_record import AuthorityKey, AuthorityKind, CeremonyRecord, certificate_of
from app.ca.contents import StatusAddresses, Validity
from app.ca.csr import VerifiedCsr, spki_sha256
from app.ca.issuance import Issuer
from app.ca.lint import Linter
from app.ca.names import named_subject
from app.ca.ocsp_signers import certify_signer, ocsp_signer_name
from app.ca.ports import OpenedToken, PublicKey, SigningKey, SigningKeys
from app.ca.root_list import RootList
from app.ca.signing import sign_certificate, signature_hash, throw_away_key
from app.domain.certificate_profile import CertificateRules, KeyType

AUDIT_SEAL = "audit-seal"
SO_PIN_ESCROW = "so-pin-escrow"

Progress = Callable[[str], None]


class Ceremony:
    """Makes what ``plan`` says and is not there yet.

    Args:
        rules: certificate profiles; the OCSP responders' one is used.
        root_token: opens the token of the root's key.
        token: opens the token of every other key.
        root_list: the root's CRL.
        progress: called with a line for each thing made or found.
    """

    def __init__(
        self,
        plan: CeremonyPlan,
        rules: CertificateRules,
        root_token: OpenedToken,
        token: OpenedToken,
        record: CeremonyRecord,
        root_list: RootList,
        addresses: StatusAddresses,
        now: datetime,
        progress: Progress,
    ) -> None:
        self._plan = plan
        self._rules = rules
        self._root_token = root_token
        self._token = token
        self._record = record
        self._root_list = root_list
        self._addresses = addresses
        self._now = now
        self._progress = progress
        self._linter = Linter()

    def hold(self, founders: tuple[str, ...]) -> None:
        """Hold the ceremony, or go on with it.

        Raises:
            CeremonyChanged: it was begun with another file.
            RootAway: the root has something to sign, and its token is not there.
            LintFailed: the plan asks for what cannot be signed.
        """
        self._record.begin(self._plan.digest, self._plan.founding_digest, founders, self._now)
        if self._is_missing(self._plan.root.name):
            self._root()
        if issuing := [each for each in self._plan.issuing if self._is_missing(each.name)]:
            self._certify(issuing, self._keys_of(issuing))
        self._other_keys()
        self._progress(self._root_list.renew(self._now, self._plan.root_crl_validity))
        self._record.complete(self._now)

    def _is_missing(self, name: str) -> bool:
        if self._record.key(name) is None:
            return True
        self._progress(f"{name}: made before, kept")
        return False

    def _keep(
        self, name: str, kind: AuthorityKind, key_type: KeyType, key: PublicKey, certificate: bytes | None
    ) -> None:
        self._record.record(AuthorityKey(name, kind, key_type, _spki(key), certificate), self._now)
        self._progress(f"{name}: {key_type} key made{', certified' if certificate else ''}")

    def _root(self) -> None:
        plan = self._plan.root
        with self._root_token() as keys:
            key = _made(keys, plan.name, plan.key_type)
            builder = contents.root_ca(named_subject(plan.subject), key.public_key(), self._validity(plan))
            certificate = self._linted_and_signed(builder, key, None)
            self._keep(plan.name, AuthorityKind.ROOT, plan.key_type, key.public_key(), certificate)

    def _keys_of(self, issuing: Sequence[AuthorityPlan]) -> Mapping[str, PublicKey]:
        with self._token() as keys:
            return {each.name: _made(keys, each.name, each.key_type).public_key() for each in issuing}

    def _certify(self, issuing: Sequence[AuthorityPlan], public_keys: Mapping[str, PublicKey]) -> None:
        with self._root_token() as keys:
            root_key = keys.key(self._plan.root.name)
            for plan in issuing:
                certificate = self._issuing_ca(plan, public_keys[plan.name], root_key)
                kind = AuthorityKind.ISSUING_CA
                self._keep(plan.name, kind, plan.key_type, public_keys[plan.name], certificate)

    def _issuing_ca(self, plan: AuthorityPlan, public_key: PublicKey, root_key: SigningKey) -> bytes:
        root = self._certificate(self._plan.root.name)
        builder = contents.issuing_ca(
            named_subject(plan.subject),
            public_key,
            root,
            self._plan.root.name,
            self._addresses,
            self._validity(plan),
        )
        return self._linted_and_signed(builder, root_key, root)

    def _linted_and_signed(
        self, builder: x509.CertificateBuilder, key: SigningKey, issuer: x509.Certificate | None
    ) -> bytes:
        linted = builder.sign(throw_away_key(key), signature_hash(key))
        self._linter.require_clean_certificate(linted.public_bytes(Encoding.DER))
        return sign_certificate(linted, key, issuer)

    def _other_keys(self) -> None:
        with self._token() as keys:
            for each in self._plan.issuing:
                if self._is_missing(ocsp_signer_name(each.name)):
                    self._ocsp_signer(keys, each.name)
            if self._is_missing(AUDIT_SEAL):
                key_type = self._plan.audit_seal_key_type
                key = _made(keys, AUDIT_SEAL, key_type).public_key()
                self._keep(AUDIT_SEAL, AuthorityKind.AUDIT_SEAL, key_type, key, None)
            if self._is_missing(SO_PIN_ESCROW):
                self._escrow_key(keys)

    def _ocsp_signer(self, keys: SigningKeys, issuing_ca: str) -> None:
        name, key_type = ocsp_signer_name(issuing_ca), self._plan.ocsp_key_type
        key = _made(keys, name, key_type).public_key()
        issuer = Issuer(self._certificate(issuing_ca), keys.key(issuing_ca), self._linter, self._addresses)
        verified = VerifiedCsr(key, key_type, spki_sha256(key))
        certificate = certify_signer(self._rules, issuer, issuing_ca, verified, self._now)
        self._keep(name, AuthorityKind.OCSP_SIGNER, key_type, key, certificate)

    def _escrow_key(self, keys: SigningKeys) -> None:
        key_type = self._plan.escrow_key_type
        if not keys.has(SO_PIN_ESCROW):
            keys.generate_for_decryption(SO_PIN_ESCROW, key_type)
        key = keys.public_key(SO_PIN_ESCROW)
        self._keep(SO_PIN_ESCROW, AuthorityKind.SO_PIN_ESCROW, key_type, key, None)

    def _certificate(self, name: str) -> x509.Certificate:
        made = self._record.key(name)
        assert made is not None, f"{name} is made before it is needed"
        return certificate_of(made)

    def _validity(self, plan: AuthorityPlan) -> Validity:
        return Validity.beginning(self._now - self._rules.backdate, plan.validity)


def _made(keys: SigningKeys, name: str, key_type: KeyType) -> SigningKey:
    """The key of this name, which an interrupted ceremony may have made."""
    return keys.key(name) if keys.has(name) else keys.generate(name, key_type)


def _spki(key: PublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

"""Verifying a receipt offline, with the public files of the key ceremony alone.

Each check stands for itself, so that also whoever holds the key that signs receipts cannot make one that fits
certificates, requests and approvals that do not belong together.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.domain.approval import ApprovalNotValid, verify_signature
from app.domain.card_keys import CardKeysStatement, require_signed_by_desk
from app.domain.certificate_order import ApprovedBy, CertificatePurpose, serial_number_text
from app.domain.founding import founding_file_from_untrusted
from app.domain.json_value import canonical_json
from app.domain.receipt import Receipt, items_of, octets_of
from app.domain.receipt_origin import ProofCheck, origins
from app.domain.receipt_told import DoesNotApply, NotVerified

COMMITMENT_CA = "content-commitment"
"""The first CA of approvers' certificates; those that took over are ``content-commitment-2`` and so on."""


@dataclass(frozen=True)
class PublicMaterial:
    """What a verifier trusts: the key that seals the audit, and the certificates of root and issuing CAs.

    Attributes:
        founding_digest: SHA-256 of the founding file that the key ceremony fixed, hexadecimal; empty when the
            ceremony's public files do not tell it.
        founding_file: that file itself, when the verifier has it.
        prove: verifies a card's proof of its key with the roots of the makers, when the verifier has them.
    """

    audit_key: ec.EllipticCurvePublicKey
    certificates: Mapping[str, x509.Certificate]
    founding_digest: str = ""
    founding_file: bytes | None = None
    prove: ProofCheck | None = None

    @property
    def root(self) -> x509.Certificate:
        """The one that signed itself."""
        return next(each for each in self.certificates.values() if each.issuer == each.subject)

    @property
    def commitment_cas(self) -> list[x509.Certificate]:
        """Those below the root that certify the keys with which people approve."""
        line = re.compile(rf"{COMMITMENT_CA}(-[0-9]+)?")
        named = [each for name, each in self.certificates.items() if line.fullmatch(name)]
        return [each for each in named if _is_issued_by(each, self.root)]


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, what is wrong, what was not verified and why; empty when it holds."""

    checked: str
    problem: str = ""
    not_verified: str = ""


def verify_receipt(receipt: Receipt, public: PublicMaterial) -> list[Finding]:
    """Every check, in the order of the receipt. The receipt is good when no finding has a problem."""
    checks: Mapping[str, Callable[[Receipt, PublicMaterial], Iterator[str]]] = {
        "The receipt is signed by the audit's key, and is as it was signed": _signature,
        "Each certificate was issued by a certificate authority of the key ceremony": _certificates,
        "Each certificate is for the key whose holder asked for it": _requests,
        "The certificates are for the holder, card and names that were ordered": _order,
        "The order rests on the founding record that the key ceremony fixed": _founding,
        "The approval is signed for this order by cards of this authority": _approval,
        "The approval is for exactly these keys": _keys,
        "The card proves that it made these keys itself": _origin,
        "What was signed is what the linter passed": _lint,
    }
    findings = (_finding(what, check, receipt, public) for what, check in checks.items())
    return [each for each in findings if each is not None]


def _finding(
    what: str,
    check: Callable[[Receipt, PublicMaterial], Iterator[str]],
    receipt: Receipt,
    public: PublicMaterial,
) -> Finding | None:
    try:
        said = list(check(receipt, public))
    except DoesNotApply:
        return None
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration, x509.InvalidVersion):
        return Finding(what, "A part of the receipt is missing or cannot be read.")
    not_verified = [each for each in said if isinstance(each, NotVerified)]
    problems = [each for each in said if not isinstance(each, NotVerified)]
    return Finding(what, " ".join(problems), " ".join(not_verified))


def _signature(receipt: Receipt, public: PublicMaterial) -> Iterator[str]:
    if not receipt.is_canonical:
        yield "The document is not in the form in which receipts are written."
    if receipt.facts["key_id"] != _key_id(public.audit_key):
        yield "It names another key than the public one given."
    try:
        public.audit_key.verify(receipt.signature, receipt.signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        yield "The signature does not fit: something in the receipt was changed."


def _certificates(receipt: Receipt, public: PublicMaterial) -> Iterator[str]:
    for each in items_of(receipt.facts, "certificates"):
        certificate = _load(each)
        issuer = public.certificates[each["issuing_ca"]]
        if serial_number_text(certificate.serial_number) != each["serial_number"]:
            yield f"A certificate has another serial number than {each['serial_number']}."
        if not (_is_issued_by(certificate, issuer) and _is_issued_by(issuer, public.root)):
            yield f"Certificate {each['serial_number']} was not issued by {each['issuing_ca']}."
    if not items_of(receipt.facts, "certificates"):
        yield "There is no certificate in it."


def _requests(receipt: Receipt, public: PublicMaterial) -> Iterator[str]:
    requests: Mapping[str, str] = receipt.facts["reason"]["requests"]
    for each in items_of(receipt.facts, "certificates"):
        request = x509.load_der_x509_csr(octets_of(requests, each["purpose"]))
        if not request.is_signature_valid:
            yield f"The request for {each['purpose']} does not prove possession of its key."
        if _spki(request) != _spki(_load(each)):
            yield f"The certificate for {each['purpose']} holds another key than was asked for."
    if len(requests) != len(items_of(receipt.facts, "certificates")):
        yield "There are more requests than certificates, or fewer."


def _order(receipt: Receipt, public: PublicMaterial) -> Iterator[str]:
    order = receipt.facts["reason"]["order"]
    named = order.get("holder_uid") or order["asid"]
    for each in items_of(receipt.facts, "certificates"):
        [name] = _load(each).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        if str(name.value).split("_")[0] != named:
            yield f"Certificate {each['serial_number']} is not for {named}."


def _founding(receipt: Receipt, public: PublicMaterial) -> Iterator[str]:
    """The first cards of an installation: no card could sign for them yet."""
    reason = receipt.facts["reason"]
    if ApprovedBy(reason["approved_by"]) is not ApprovedBy.FOUNDING:
        raise DoesNotApply
    digest = reason["approval"]["founding_digest"]
    if not public.founding_digest:
        yield NotVerified(f"The public files do not tell the digest: compare the protocol's with {digest}.")
    elif digest != public.founding_digest:
        yield "It rests on another founding record than the one that the key ceremony fixed."
    if public.founding_file is None:
        yield NotVerified("Whether it names the holder can be told with the founding file alone.")
    else:
        yield from _named_in(public.founding_file, digest, reason["order"])


def _named_in(founding_file: bytes, digest: str, order: Mapping[str, str]) -> Iterator[str]:
    if sha256(founding_file).hexdigest() != digest:
        yield "The founding file that was given is another one."
        return
    founders = [each.registration for each in founding_file_from_untrusted(founding_file).founders]
    if (order["given_name"], order["family_name"]) not in {
        (each.given_name, each.family_name) for each in founders
    }:
        yield "The founding file does not name the holder."


def _approval(receipt: Receipt, public: PublicMaterial) -> Iterator[str]:
    reason = receipt.facts["reason"]
    approved_by, signatures = ApprovedBy(reason["approved_by"]), items_of(reason["approval"], "signatures")
    if approved_by is ApprovedBy.FOUNDING:
        raise DoesNotApply
    if approved_by is ApprovedBy.TWO_PEOPLE:
        yield NotVerified(
            "No card signs for a system: the registration authority's record and audit name the two people."
        )
        return
    needed = 2 if approved_by is ApprovedBy.COLLEAGUES else 1
    if len({_load(each).serial_number for each in signatures}) != needed or len(signatures) != needed:
        yield f"It needs {needed} approval{'s' * (needed > 1)}, each by another card."
    for each in signatures:
        yield from _one_approval(each, reason["order"], public)


def _one_approval(
    approval: Mapping[str, Any], order: Mapping[str, str], public: PublicMaterial
) -> Iterator[str]:
    certificate, statement = _load(approval), approval["statement"].encode()
    if not any(_is_issued_by(certificate, each) for each in public.commitment_cas):
        yield "The approver's certificate is not of this authority."
    try:
        verify_signature(certificate.public_key(), octets_of(approval, "signature"), statement)
    except InvalidSignature:
        yield "The approver's signature does not fit the statement."
    yield from _statement(statement, certificate, order)


def _statement(statement: bytes, certificate: x509.Certificate, order: Mapping[str, str]) -> Iterator[str]:
    facts = json.loads(statement)
    said = (facts["holder"], facts["holder_name"], facts["card_serial"])
    ordered = (order["holder_uid"], f"{order['given_name']} {order['family_name']}", order["card_serial"])
    if canonical_json(facts) != statement or said != ordered:
        yield "The approval is for another order."
    if order["id"] not in (facts.get("issuance"), facts.get("renewal")):
        yield "The approval is for another issuance."
    signed_at = datetime.fromisoformat(facts["signed_at"])
    if not certificate.not_valid_before_utc <= signed_at <= certificate.not_valid_after_utc:
        yield "The approver's certificate was not in force when the approval was signed."


def _keys(receipt: Receipt, public: PublicMaterial) -> Iterator[str]:
    """An operator's approval reaches the keys by the desk key that it names; a renewal's names them."""
    reason = receipt.facts["reason"]
    if ApprovedBy(reason["approved_by"]) in (ApprovedBy.FOUNDING, ApprovedBy.TWO_PEOPLE):
        yield NotVerified("No card signed for it, so nothing but the request itself names its keys.")
        return
    keys = CardKeysStatement(reason["order"]["id"], reason["order"]["card_serial"], *_requested(reason))
    for each in items_of(reason["approval"], "signatures"):
        said = json.loads(each["statement"])
        if "renewal" in said:
            yield from _named(keys, said)
        else:
            yield from _signed_by_desk(keys, octets_of(reason["approval"], "keys_signature"), said)


def _requested(reason: Mapping[str, Any]) -> tuple[str, str]:
    """The fingerprints of the keys that were asked for."""
    purposes = (CertificatePurpose.AUTHENTICATION, CertificatePurpose.CONTENT_COMMITMENT)
    requests = [x509.load_der_x509_csr(octets_of(reason["requests"], each.value)) for each in purposes]
    return sha256(_spki(requests[0])).hexdigest(), sha256(_spki(requests[1])).hexdigest()


def _named(keys: CardKeysStatement, said: Mapping[str, str]) -> Iterator[str]:
    named = (said["authentication_key"], said["content_commitment_key"])
    if named != (keys.authentication_key, keys.content_commitment_key):
        yield "An approval names other keys."


def _signed_by_desk(keys: CardKeysStatement, signature: bytes, said: Mapping[str, str]) -> Iterator[str]:
    try:
        require_signed_by_desk(keys, signature, said["desk_key"])
    except ApprovalNotValid:
        yield "The desk that the operator approved did not sign these keys."


def _origin(receipt: Receipt, public: PublicMaterial) -> Iterator[str]:
    return origins(receipt.facts, public.prove)


def _lint(receipt: Receipt, public: PublicMaterial) -> Iterator[str]:
    passed = {each["purpose"]: each["tbs_sha256"] for each in items_of(receipt.facts["reason"], "lint")}
    for each in items_of(receipt.facts, "certificates"):
        if passed.get(each["purpose"]) != sha256(_load(each).tbs_certificate_bytes).hexdigest():
            yield f"Certificate {each['serial_number']} is not what the linter passed."


def _load(holder: Mapping[str, Any]) -> x509.Certificate:
    return x509.load_der_x509_certificate(octets_of(holder, "certificate"))


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _spki(holder: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _key_id(key: ec.EllipticCurvePublicKey) -> str:
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def problems_of(findings: Sequence[Finding]) -> list[str]:
    """What is wrong, a sentence each."""
    return [f"{each.checked}: {each.problem}" for each in findings if each.problem]

"""CRLs and OCSP answers with one thing wrong each: what cannot be believed tells nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from app.validation.ocsp_answer import revocation_in_answer_from_untrusted
from app.validation.refusals import StatusUnknown
from app.validation.revocation_list import StatusLimits, revocation_list_from_untrusted
from app.validation.status import Revoked
from tests.support.defective_certificates import NOW, Path3, Spec, _identifiers, key, name, path_of, usage

HOUR = timedelta(hours=1)
_, ISSUER, HOLDER = (x509.load_der_x509_certificate(der) for der in path_of("sound"))
CRL_NUMBER = x509.CRLNumber(7)
Builder = x509.CertificateRevocationListBuilder


def crl(
    change: Callable[[Builder], Builder] = lambda builder: builder,
    *,
    signer: str = "issuer",
    issuer: x509.Name = ISSUER.subject,
    updates: tuple[timedelta, timedelta] = (-HOUR, HOUR),
    revoked: int | None = None,
    reason: x509.ReasonFlags | None = None,
) -> bytes:
    builder = Builder().issuer_name(issuer).last_update(NOW + updates[0]).next_update(NOW + updates[1])
    builder = change(builder.add_extension(CRL_NUMBER, critical=False))
    if revoked is not None:
        entry = x509.RevokedCertificateBuilder().serial_number(revoked).revocation_date(NOW - HOUR)
        if reason:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(key(signer), hashes.SHA256()).public_bytes(Encoding.DER)


def in_crl(der: bytes, limits: StatusLimits = StatusLimits()) -> Revoked | None:  # noqa: B008 - never changes
    return revocation_list_from_untrusted(der, ISSUER, NOW, limits).revocation(HOLDER)


def test_a_certificate_that_is_not_on_the_list_is_good() -> None:
    assert in_crl(crl()) is None
    assert in_crl(crl(revoked=5)) is None


def test_the_reason_and_the_time_are_those_of_the_list() -> None:
    found = in_crl(crl(revoked=HOLDER.serial_number, reason=x509.ReasonFlags.key_compromise))
    assert found == Revoked("keyCompromise", NOW - HOUR)
    assert in_crl(crl(revoked=HOLDER.serial_number)) == Revoked("unspecified", NOW - HOUR)


def _with(extension: x509.ExtensionType, *, critical: bool) -> Callable[[Builder], Builder]:
    return lambda builder: builder.add_extension(extension, critical)


def _partial(**only: bool) -> x509.IssuingDistributionPoint:
    named = {
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(None, None, only_some_reasons=None, **(named | only))


BAD_LISTS: dict[str, bytes] = {
    "not DER": b"crl",
    "signed by another key": crl(signer="stranger"),
    "of another issuer": crl(issuer=name("Somebody")),
    "over": crl(updates=(-2 * HOUR, -HOUR)),
    "of the future": crl(updates=(HOUR, 2 * HOUR)),
    "a delta": crl(_with(x509.DeltaCRLIndicator(3), critical=True)),
    "of CAs only": crl(_with(_partial(only_contains_ca_certs=True), critical=True)),
    "indirect": crl(_with(_partial(indirect_crl=True), critical=True)),
    "too old though it says it counts": crl(updates=(-timedelta(days=4), HOUR)),
    "cut off": crl()[:-10],
}


@pytest.mark.parametrize("what", BAD_LISTS)
def test_a_list_that_cannot_be_believed_tells_nothing(what: str) -> None:
    with pytest.raises(StatusUnknown):
        in_crl(BAD_LISTS[what])


def test_a_list_that_is_too_large_is_not_even_read() -> None:
    with pytest.raises(StatusUnknown, match="bytes"):
        in_crl(crl(), StatusLimits(largest_bytes=100))


def test_an_issuer_that_may_not_sign_lists_tells_nothing() -> None:
    path = Path3()
    path.issuer.put(usage("key_cert_sign"), critical=True)
    issuer = x509.load_der_x509_certificate(path.issuer.signed())
    with pytest.raises(StatusUnknown):
        revocation_list_from_untrusted(crl(), issuer, NOW)


def _responder(label: str, *, purpose: x509.ObjectIdentifier, signer: str = "issuer") -> x509.Certificate:
    spec = Spec(name(label), ISSUER.subject, key(label), key(signer), _identifiers(key(label), key(signer)))
    spec.put(usage("digital_signature"), critical=True)
    spec.put(x509.ExtendedKeyUsage([purpose]))
    return x509.load_der_x509_certificate(spec.signed())


OCSP_SIGNER = _responder("responder", purpose=ExtendedKeyUsageOID.OCSP_SIGNING)


def answer(
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    *,
    about: x509.Certificate = HOLDER,
    signer: str = "responder",
    responder: x509.Certificate | None = OCSP_SIGNER,
    updates: tuple[timedelta, timedelta] = (-HOUR, HOUR),
    algorithm: hashes.SHA1 | hashes.SHA256 | None = None,
) -> bytes:
    is_revoked = status is ocsp.OCSPCertStatus.REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        about,
        ISSUER,
        algorithm or hashes.SHA1(),
        status,
        NOW + updates[0],
        NOW + updates[1],
        NOW - HOUR if is_revoked else None,
        x509.ReasonFlags.superseded if is_revoked else None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, responder or ISSUER)
    if responder is not None:
        builder = builder.certificates([responder])
    return builder.sign(key(signer), hashes.SHA256()).public_bytes(Encoding.DER)


def in_answer(der: bytes, now: datetime = NOW) -> Revoked | None:
    return revocation_in_answer_from_untrusted(der, HOLDER, ISSUER, now)


def test_answers_of_the_issuer_and_of_its_responder_are_believed() -> None:
    assert in_answer(answer()) is None
    assert in_answer(answer(responder=None, signer="issuer")) is None
    assert in_answer(answer(ocsp.OCSPCertStatus.REVOKED)) == Revoked("superseded", NOW - HOUR)


def _signature_changed(der: bytes) -> bytes:
    signed = ocsp.load_der_ocsp_response(der).signature
    return der.replace(signed, signed[:-1] + bytes([signed[-1] ^ 1]))


BAD_ANSWERS: dict[str, bytes] = {
    "not DER": b"answer",
    "about another certificate": answer(about=OCSP_SIGNER),
    "unknown": answer(ocsp.OCSPCertStatus.UNKNOWN),
    "changed after it was signed": _signature_changed(answer()),
    "of a responder that another delegated": answer(
        responder=_responder("responder", purpose=ExtendedKeyUsageOID.OCSP_SIGNING, signer="stranger")
    ),
    "of a card": answer(responder=_responder("responder", purpose=ExtendedKeyUsageOID.CLIENT_AUTH)),
    "over": answer(updates=(-2 * HOUR, -HOUR)),
    "of the future": answer(updates=(HOUR, 2 * HOUR)),
    "a refusal": ocsp.OCSPResponseBuilder.build_unsuccessful(
        ocsp.OCSPResponseStatus.UNAUTHORIZED
    ).public_bytes(Encoding.DER),
    "too large": answer() + b"\x00" * 20_000,
}


@pytest.mark.parametrize("what", BAD_ANSWERS)
def test_an_answer_that_cannot_be_believed_tells_nothing(what: str) -> None:
    with pytest.raises(StatusUnknown):
        in_answer(BAD_ANSWERS[what])

"""Certificates on the token, and everything that the builders of ``cryptography`` sign with a key in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID
from pkcs11 import Attribute, ObjectClass

from cryptoki import CertificateObject, KeySpec, PrivateKey, errors
from tests.support.softhsm import LoadedToken

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
ISSUER = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Trial CA")])
SUBJECT = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "555000000017_Ada_Example")])
SPECS = [KeySpec.EC_P256, KeySpec.EC_P384, KeySpec.RSA_2048, KeySpec.ED25519]


def _hash(key: object) -> hashes.SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def _certificate(key: PrivateKey, serial_number: int = 0x80AB) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(SUBJECT)
        .issuer_name(ISSUER)
        .public_key(key.public_key())
        .serial_number(serial_number)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=30))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, _hash(key))
    )


@pytest.mark.parametrize("spec", SPECS)
def test_requests_certificates_crls_and_ocsp_are_signed_in_the_token(
    softhsm: LoadedToken, spec: KeySpec
) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        key = session.generate_key_pair(spec, cka_id=b"\x01", label="ca").private_key
        request = x509.CertificateSigningRequestBuilder().subject_name(SUBJECT).sign(key, _hash(key))
        assert request.is_signature_valid

        certificate = _certificate(key)
        issuer = x509.CertificateBuilder(
            ISSUER, ISSUER, key.public_key(), 1, NOW, NOW + timedelta(days=99)
        ).sign(key, _hash(key))
        certificate.verify_directly_issued_by(issuer)

        crl = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(ISSUER)
            .last_update(NOW)
            .next_update(NOW + timedelta(days=1))
            .sign(key, _hash(key))
        )
        assert crl.is_signature_valid(key.public_key())

        answer = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                certificate, issuer, hashes.SHA256(), ocsp.OCSPCertStatus.GOOD, NOW, None, None, None
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, issuer)
            .sign(key, _hash(key))
        )
        _verify_ocsp(key, answer)


def _verify_ocsp(key: PrivateKey, answer: ocsp.OCSPResponse) -> None:
    """A certificate with the same signature algorithm and key would verify alike, so verify by hand."""
    public_key = key.public_key()
    data, signature = answer.tbs_response_bytes, answer.signature
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        public_key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    elif isinstance(public_key, ed25519.Ed25519PublicKey):
        public_key.verify(signature, data)
    else:
        from cryptography.hazmat.primitives.asymmetric import padding

        public_key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())


def test_a_certificate_comes_back_as_it_was_written(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        key = session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="authentication").private_key
        der = _certificate(key).public_bytes(Encoding.DER)
        session.write_certificate(der, cka_id=b"\x01", label="authentication")
    with softhsm.token.open() as session:
        assert session.certificates() == [CertificateObject(b"\x01", "authentication", der)]


def test_a_certificate_has_the_attributes_that_browsers_look_for(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        key = session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="authentication").private_key
        certificate = _certificate(key)
        session.write_certificate(
            certificate.public_bytes(Encoding.DER), cka_id=b"\x01", label="authentication"
        )
        [found] = session._session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE})
        assert found[Attribute.SUBJECT] == SUBJECT.public_bytes()
        assert found[Attribute.ISSUER] == ISSUER.public_bytes()
        assert found[Attribute.SERIAL_NUMBER] == bytes.fromhex("02030080ab")


def test_a_certificate_of_another_key_is_refused(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="authentication")
        other = session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x02", label="other").private_key
        der = _certificate(other).public_bytes(Encoding.DER)
        with pytest.raises(errors.CertificateOfAnotherKey):
            session.write_certificate(der, cka_id=b"\x01", label="authentication")
        with pytest.raises(errors.ObjectNotFound):
            session.write_certificate(der, cka_id=b"\x03", label="no key")
        assert session.certificates() == []


def test_a_new_certificate_takes_the_place_of_the_old(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        key = session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="authentication").private_key
        for serial_number in (11, 12, 12):
            der = _certificate(key, serial_number).public_bytes(Encoding.DER)
            session.write_certificate(der, cka_id=b"\x01", label="authentication")
            assert [certificate.der for certificate in session.certificates()] == [der]


def test_a_certificate_goes_with_its_key(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        key = session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="authentication").private_key
        der = _certificate(key).public_bytes(Encoding.DER)
        session.write_certificate(der, cka_id=b"\x01", label="authentication")
        assert session.destroy(cka_id=b"\x01") == 3
        assert session.certificates() == []

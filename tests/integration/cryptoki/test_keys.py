"""Keys made in the token: what they can do, and that they never leave it."""

from __future__ import annotations

import copy
import pickle

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pkcs11 import Attribute, ObjectClass
from pkcs11.exceptions import AttributeReadOnly, AttributeSensitive

from cryptoki import KeySpec, KeyTemplate, KeyUsage, Module, Session, errors
from cryptoki.softhsm import DEFAULT_MODULE
from tests.support.softhsm import LoadedToken, TokenFolder

DATA = b"Sign me in the token"
OAEP_SHA1 = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)


def _pss(digest: hashes.HashAlgorithm, salt: object) -> padding.PSS:
    return padding.PSS(padding.MGF1(digest), salt)  # type: ignore[arg-type]


@pytest.mark.parametrize("spec", [KeySpec.EC_P256, KeySpec.EC_P384])
@pytest.mark.parametrize("digest", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_an_ec_key_signs(softhsm: LoadedToken, spec: KeySpec, digest: hashes.HashAlgorithm) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        key = session.generate_key_pair(spec, cka_id=b"\x01", label="signing").private_key
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert key.key_size == key.curve.key_size
        algorithm = ec.ECDSA(digest)
        key.public_key().verify(key.sign(DATA, algorithm), DATA, algorithm)


@pytest.mark.parametrize("spec", [KeySpec.RSA_2048, KeySpec.RSA_3072])
def test_an_rsa_key_signs(softhsm: LoadedToken, spec: KeySpec) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        key = session.generate_key_pair(spec, cka_id=b"\x01", label="signing").private_key
        assert isinstance(key, rsa.RSAPrivateKey)
        for digest in (hashes.SHA256(), hashes.SHA384(), hashes.SHA512()):
            for pad in (
                padding.PKCS1v15(),
                _pss(digest, digest.digest_size),
                _pss(digest, 0),
                _pss(digest, padding.PSS.DIGEST_LENGTH),
                _pss(digest, padding.PSS.MAX_LENGTH),
            ):
                key.public_key().verify(key.sign(DATA, pad, digest), DATA, pad, digest)


def test_an_ed25519_key_signs(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        key = session.generate_key_pair(KeySpec.ED25519, cka_id=b"\x01", label="signing").private_key
        assert isinstance(key, ed25519.Ed25519PrivateKey)
        key.public_key().verify(key.sign(DATA), DATA)


def test_a_digest_made_elsewhere_is_signed(softhsm: LoadedToken) -> None:
    hasher = hashes.Hash(hashes.SHA256())
    hasher.update(DATA)
    digest = hasher.finalize()
    with softhsm.token.login(softhsm.pin) as session:
        key = session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="signing").private_key
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        signature = key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        key.public_key().verify(signature, DATA, ec.ECDSA(hashes.SHA256()))
        with pytest.raises(errors.AlgorithmNotOffered):
            key.sign(b"short", ec.ECDSA(Prehashed(hashes.SHA256())))


def test_what_is_weak_or_not_offered_is_refused(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        elliptic = session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="ec").private_key
        assert isinstance(elliptic, ec.EllipticCurvePrivateKey)
        with pytest.raises(errors.AlgorithmNotOffered):
            elliptic.sign(DATA, ec.ECDSA(hashes.SHA1()))
        with pytest.raises(errors.AlgorithmNotOffered):
            elliptic.exchange(ec.ECDH(), elliptic.public_key())
        key = session.generate_key_pair(KeySpec.RSA_2048, cka_id=b"\x02", label="rsa").private_key
        assert isinstance(key, rsa.RSAPrivateKey)
        for pad, digest in (
            (padding.PKCS1v15(), hashes.SHA1()),
            (padding.PKCS1v15(), NoDigestInfo()),
            (OAEP_SHA1, hashes.SHA256()),
            (_pss(hashes.SHA512(), 32), hashes.SHA256()),
        ):
            with pytest.raises(errors.AlgorithmNotOffered):
                key.sign(DATA, pad, digest)


def test_a_decryption_key_decrypts_and_does_nothing_else(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        pair = session.generate_key_pair(
            KeySpec.RSA_3072, cka_id=b"\x01", label="escrow", usage=KeyUsage.DECRYPT
        )
        key = pair.private_key
        assert isinstance(key, rsa.RSAPrivateKey)
        assert key.decrypt(key.public_key().encrypt(b"an SO PIN", OAEP_SHA1), OAEP_SHA1) == b"an SO PIN"
        with pytest.raises(errors.AlgorithmNotOffered):
            key.decrypt(b"\0" * 384, padding.PKCS1v15())
        with pytest.raises(errors.KeyFunctionNotPermitted):
            key.sign(DATA, padding.PKCS1v15(), hashes.SHA256())


def test_a_signing_key_does_not_decrypt(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        key = session.generate_key_pair(KeySpec.RSA_2048, cka_id=b"\x01", label="signing").private_key
        assert isinstance(key, rsa.RSAPrivateKey)
        with pytest.raises(errors.KeyFunctionNotPermitted):
            key.decrypt(b"\0" * 256, OAEP_SHA1)


@pytest.mark.parametrize("spec", [KeySpec.EC_P256, KeySpec.RSA_2048, KeySpec.ED25519])
def test_a_key_is_made_in_the_token_and_never_extractable(softhsm: LoadedToken, spec: KeySpec) -> None:
    expected = {
        "local": True,
        "sensitive": True,
        "always_sensitive": True,
        "extractable": False,
        "never_extractable": True,
    }
    with softhsm.token.login(softhsm.pin) as session:
        pair = session.generate_key_pair(spec, cka_id=b"\x01", label="signing")
        assert pair.provenance == expected
        assert session.provenance(cka_id=b"\x01") == expected


@pytest.mark.parametrize("spec", [KeySpec.EC_P256, KeySpec.RSA_2048, KeySpec.ED25519])
def test_a_key_refuses_to_be_exported(softhsm: LoadedToken, spec: KeySpec) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        key = session.generate_key_pair(spec, cka_id=b"\x01", label="signing").private_key
        with pytest.raises(errors.KeyStaysInToken):
            key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        with pytest.raises(errors.KeyStaysInToken):
            key.private_numbers()
        with pytest.raises(errors.KeyStaysInToken):
            pickle.dumps(key)
        if isinstance(key, ed25519.Ed25519PrivateKey):
            with pytest.raises(errors.KeyStaysInToken):
                key.private_bytes_raw()
        assert copy.copy(key) is key
        assert copy.deepcopy(key) is key


def test_the_token_itself_refuses_to_give_the_key_away(softhsm: LoadedToken) -> None:
    """Below this package too: the attributes hold in the token, not only in our classes."""
    with softhsm.token.login(softhsm.pin) as session:
        session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="signing")
        [found] = session._session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})
        for attribute, value in ((Attribute.EXTRACTABLE, True), (Attribute.SENSITIVE, False)):
            with pytest.raises(AttributeReadOnly):
                found[attribute] = value
        with pytest.raises(AttributeSensitive):
            found[Attribute.VALUE]


def test_a_key_is_found_by_id_and_by_label(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        made = session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="authentication")
    with softhsm.token.login(softhsm.pin) as session:
        for key in (session.private_key(cka_id=b"\x01"), session.private_key(label="authentication")):
            assert key.public_key() == made.public_key
        with pytest.raises(errors.ObjectNotFound, match="02"):
            session.private_key(cka_id=b"\x02")


def test_a_private_key_is_not_shown_before_login_but_the_public_one_is(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        made = session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="authentication")
    with softhsm.token.open() as session:
        assert session.public_key(cka_id=b"\x01") == made.public_key
        with pytest.raises(errors.ObjectNotFound):
            session.private_key(cka_id=b"\x01")


def test_a_key_is_never_overwritten(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="authentication")
        with pytest.raises(errors.ObjectAlreadyExists):
            session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="other")
        session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x02", label="authentication")
        with pytest.raises(errors.SeveralObjectsFound):
            session.private_key(label="authentication")


def test_keys_are_destroyed_by_their_id(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="one")
        session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x02", label="two")
        assert session.destroy(cka_id=b"\x01") == 2
        assert session.destroy(cka_id=b"\x01") == 0
        assert not session.has_private_key(cka_id=b"\x01")
        assert session.has_private_key(cka_id=b"\x02")


def test_a_key_ends_with_its_session(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        key = session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="signing").private_key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    with pytest.raises(errors.TokenError):
        key.sign(DATA, ec.ECDSA(hashes.SHA256()))


def test_a_modules_quirks_change_the_template(token_folder: TokenFolder) -> None:
    quirks = KeyTemplate(private_set={"DERIVE": True}, private_drop=frozenset({"LABEL"}))
    with Module.load(DEFAULT_MODULE, softhsm_conf=token_folder.conf, template=quirks) as module:
        token = module.find_token(label=token_folder.label)
        with token.login(token_folder.pin) as session:
            session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="left out")
            assert _derives(session)
            assert not session.has_private_key(label="left out")


def _derives(session: Session) -> bool:
    [found] = session._session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})
    return bool(found[Attribute.DERIVE])

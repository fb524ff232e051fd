"""The keys of a service, by label, behind one login."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Semaphore

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from cryptoki import KeySpec, KeyUsage, errors
from tests.support.softhsm import TokenFolder
from tests.support.softhsm_processes import sign_once


def test_keys_outlive_the_session(token_folder: TokenFolder) -> None:
    with token_folder.signing_session() as keys:
        made = keys.generate(KeySpec.EC_P256, "issuing")
        assert keys.has_key("issuing")
    with token_folder.signing_session() as keys:
        key = keys.private_key("issuing")
        assert key.public_key() == made.public_key()
        sign_once(key)


def test_an_unknown_key_is_named(token_folder: TokenFolder) -> None:
    with token_folder.signing_session() as keys:
        assert not keys.has_key("issuing")
        with pytest.raises(errors.ObjectNotFound, match="issuing"):
            keys.private_key("issuing")


def test_a_service_key_is_never_overwritten(token_folder: TokenFolder) -> None:
    with token_folder.signing_session() as keys:
        keys.generate(KeySpec.EC_P256, "issuing")
        with pytest.raises(errors.ObjectAlreadyExists):
            keys.generate(KeySpec.EC_P384, "issuing")


def test_a_service_decrypts_what_was_escrowed(token_folder: TokenFolder) -> None:
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    with token_folder.signing_session() as keys:
        key = keys.generate(KeySpec.RSA_3072, "escrow", KeyUsage.DECRYPT)
        assert isinstance(key, rsa.RSAPrivateKey)
        assert key.decrypt(key.public_key().encrypt(b"an SO PIN", oaep), oaep) == b"an SO PIN"


def test_a_failed_opening_leaves_nothing_loaded(token_folder: TokenFolder) -> None:
    token_folder.pin_file.write_text("000000")
    with pytest.raises(errors.PinIncorrect):
        token_folder.signing_session()
    token_folder.pin_file.write_text(token_folder.pin)
    token_folder.signing_session().close()


def test_a_pin_file_that_others_may_read_is_refused(token_folder: TokenFolder) -> None:
    token_folder.pin_file.chmod(0o640)
    with pytest.raises(errors.PinFileNotUsable, match="chmod 600"):
        token_folder.signing_session()


def test_a_missing_or_empty_pin_file_is_refused(token_folder: TokenFolder) -> None:
    token_folder.pin_file.write_text("\n")
    with pytest.raises(errors.PinFileNotUsable, match="empty"):
        token_folder.signing_session()
    token_folder.pin_file.unlink()
    with pytest.raises(errors.PinFileNotUsable, match="cannot be read"):
        token_folder.signing_session()


def test_closing_twice_does_nothing(token_folder: TokenFolder) -> None:
    keys = token_folder.signing_session()
    keys.close()
    keys.close()


def test_keys_of_a_closed_session_refuse(token_folder: TokenFolder) -> None:
    keys = token_folder.signing_session()
    key = keys.generate(KeySpec.EC_P256, "issuing")
    assert keys.private_key("issuing") is keys.private_key("issuing"), "a key is searched for once"
    keys.close()
    with pytest.raises(errors.CryptokiNotInitialized):
        sign_once(key)
    with pytest.raises(errors.CryptokiNotInitialized):
        keys.private_key("another")


def test_closing_waits_for_signatures_under_way(token_folder: TokenFolder) -> None:
    keys = token_folder.signing_session(sessions=2)
    key = keys.generate(KeySpec.RSA_2048, "issuing")
    assert isinstance(key, rsa.RSAPrivateKey)
    started = Semaphore(0)

    def sign_until_closed() -> int:
        for done in count(1):
            try:
                key.sign(b"data", padding.PKCS1v15(), hashes.SHA256())
            except errors.CryptokiNotInitialized:
                return done
            started.release()
        raise AssertionError

    with ThreadPoolExecutor(4) as pool:
        signers = [pool.submit(sign_until_closed) for _ in range(4)]
        for _ in signers:
            started.acquire()
        keys.close()
        assert all(signer.result() for signer in signers)


def test_a_token_folder_is_private(token_folder: TokenFolder) -> None:
    for path in (token_folder.folder, token_folder.folder / "tokens"):
        assert path.stat().st_mode & 0o077 == 0


def test_a_token_folder_may_be_moved(token_folder: TokenFolder, tmp_path: Path) -> None:
    from cryptoki import prepare_softhsm_folder

    with token_folder.signing_session() as keys:
        keys.generate(KeySpec.EC_P256, "issuing")
    moved = token_folder.folder.rename(tmp_path / "moved")
    with TokenFolder(moved, prepare_softhsm_folder(moved)).signing_session() as keys:
        sign_once(keys.private_key("issuing"))

"""PKCS#11 tokens: the only code that imports python-pkcs11 (PKCS #11 v2.40, OASIS).

It adds what that library lacks (locked initialisation, C_InitToken, fresh token information), shows keys in a
token as keys of the ``cryptography`` library, and turns every return value into an error of its own family.

A token of one person, in a short-lived process::

    with Module.load(module_path, softhsm_conf=conf) as module:
        token = module.init_token("card 7", so_pin)              # or find_token(label=... | serial=...)
        with token.login_so(so_pin) as session:
            session.init_pin(pin)
        with token.login(pin) as session:                        # errors.PinIncorrect, errors.PinLocked, ...
            pair = session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\\x01", label="authentication")
            csr = builder.sign(pair.private_key, hashes.SHA256())
            session.write_certificate(der, cka_id=b"\\x01", label="authentication")
            key = session.private_key(cka_id=b"\\x01")           # or label="authentication"

A card in a reader, used as its profile says, whatever kind it is::

    profile = profile_of_atr(load_card_profiles(), atr)
    with inserted_card(profile, serial) as card:                 # resets the card at the end
        card.initialise(so_pin, pin, label)                      # card.unblock(so_pin, pin)
        with card.login_to_write(pin) as session: ...            # card.login(pin) to sign only
        card.proof_of(public_key, cka_id=b"\x01")               # the card's own word that it made the key
        card.certificates(), card.tries_left()                   # without PIN

The keys of a service, signed with from many threads::

    keys = open_signing_session(module_path, softhsm_conf, token_label, pin_file, lock_file)
    keys.generate(KeySpec.EC_P256, label="issuing-authentication")
    keys.private_key("issuing-authentication").sign(data, ec.ECDSA(hashes.SHA256()))
    keys.close()
"""

from __future__ import annotations

from cryptoki import errors
from cryptoki.attestation_reading import CardProof, read_proof
from cryptoki.card_profile import Attestation, CardProfile, load_card_profiles, profile_of_atr
from cryptoki.certificates import CertificateObject
from cryptoki.inserted_card import InsertedCard, inserted_card
from cryptoki.key_spec import KeySpec, KeyTemplate, KeyUsage
from cryptoki.module import Module, Slot
from cryptoki.private_keys import PrivateKey
from cryptoki.public_keys import PublicKey
from cryptoki.session import KeyPair, Session
from cryptoki.signing_session import SigningSession, open_signing_session
from cryptoki.softhsm import DEFAULT_MODULE, prepare_softhsm_folder
from cryptoki.token import Token, TokenInfo

__all__ = [
    "DEFAULT_MODULE",
    "Attestation",
    "CardProfile",
    "CardProof",
    "CertificateObject",
    "InsertedCard",
    "KeyPair",
    "KeySpec",
    "KeyTemplate",
    "KeyUsage",
    "Module",
    "PrivateKey",
    "PublicKey",
    "Session",
    "SigningSession",
    "Slot",
    "Token",
    "TokenInfo",
    "errors",
    "inserted_card",
    "load_card_profiles",
    "open_signing_session",
    "prepare_softhsm_folder",
    "profile_of_atr",
    "read_proof",
]

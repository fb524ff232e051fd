"""The OpenID provider's signing keys in the web's own PKCS#11 token, as keys that joserfc signs with.

The private half never leaves the token: joserfc gets the public key, and for signing an object that signs.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc.jwk import ECKey, RSAKey

from app.oidc.signing import SigningKey, SigningKeys
from cryptoki import (
    KeySpec,
    Module,
    PrivateKey,
    SigningSession,
    errors,
    open_signing_session,
    prepare_softhsm_folder,
)

_LABELS = {"RS256": ("openid-rs256", KeySpec.RSA_2048), "ES256": ("openid-es256", KeySpec.EC_P256)}
_PIN_DIGITS = 24


@dataclass(frozen=True)
class TokenPlace:
    """Where the token is: the settings' ``[openid]`` section.

    Attributes:
        softhsm_conf: None for a module that is not SoftHSM.
        pin_file: holds the user PIN, 0600.
    """

    module: Path
    softhsm_conf: Path | None
    token_label: str
    pin_file: Path

    @property
    def lock_file(self) -> Path:
        """The lock that every process of this token takes while logging in."""
        return self.pin_file.with_name("token.lock")


class _TokenEcKey(ECKey):
    """An EC key of joserfc that signs in the token."""

    token_key: PrivateKey

    def get_op_key(self, operation: str) -> Any:
        """The token's key for signing, the public key for the rest."""
        return self.token_key if operation == "sign" else super().get_op_key(operation)  # type: ignore[call-overload]  # its overloads list literals


class _TokenRsaKey(RSAKey):
    """An RSA key of joserfc that signs in the token."""

    token_key: PrivateKey

    def get_op_key(self, operation: str) -> Any:
        """The token's key for signing, the public key for the rest."""
        return self.token_key if operation == "sign" else super().get_op_key(operation)  # type: ignore[call-overload]  # its overloads list literals


def key_for_joserfc(token_key: PrivateKey, algorithm: str) -> SigningKey:
    """The token's key with ``use``, ``alg``, and its thumbprint (RFC 7638) as ``kid``.

    Raises:
        TypeError: the key is neither EC nor RSA.
    """
    parameters: Any = {"use": "sig", "alg": algorithm}
    public_key = token_key.public_key()
    key: _TokenEcKey | _TokenRsaKey
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        key = _TokenEcKey.import_key(public_key, parameters)
    elif isinstance(public_key, rsa.RSAPublicKey):
        key = _TokenRsaKey.import_key(public_key, parameters)
    else:
        raise TypeError("OpenID tokens are signed with an EC or RSA key")
    key.token_key = token_key
    key.ensure_kid()
    return key


class OpenIDKeys:
    """The token, logged in to once in this process. Open it after forking.

    Attributes:
        signing_keys: for the provider.
    """

    def __init__(self, session: SigningSession) -> None:
        self._session = session
        self.signing_keys = SigningKeys(
            [key_for_joserfc(session.private_key(label), name) for name, (label, _) in _LABELS.items()]
        )

    @classmethod
    def open(cls, place: TokenPlace) -> OpenIDKeys:
        """Log in.

        Raises:
            cryptoki.errors.CryptokiError: token, PIN or keys are not there; ``create_keys`` makes them.
        """
        session = open_signing_session(
            place.module, place.softhsm_conf, place.token_label, place.pin_file, place.lock_file
        )
        return cls(session)

    def close(self) -> None:
        """Log out."""
        self._session.close()


def create_keys(place: TokenPlace) -> list[str]:
    """Make what is missing: SoftHSM folder, PIN file, token, keys. Answers the labels of the keys made.

    Run once at first start, by one process; again, it changes nothing. A token with another user's PIN is
    never initialised again.
    """
    place.pin_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if place.softhsm_conf is not None and not place.softhsm_conf.exists():
        prepare_softhsm_folder(place.softhsm_conf.parent)
    _make_pin_file(place.pin_file)
    _make_token(place)
    with open_signing_session(
        place.module, place.softhsm_conf, place.token_label, place.pin_file, place.lock_file
    ) as session:
        return [label for label, spec in _LABELS.values() if _make_key(session, label, spec)]


def _make_pin_file(path: Path) -> None:
    if path.exists():
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(_random_digits() + "\n")


def _random_digits() -> str:
    return "".join(secrets.choice("0123456789") for _ in range(_PIN_DIGITS))


def _make_token(place: TokenPlace) -> None:
    with Module.load(place.module, softhsm_conf=place.softhsm_conf) as module:
        try:
            module.find_token(label=place.token_label)
            return
        except errors.TokenNotFound:
            # Nobody needs the SO PIN again: a lost token of this kind is replaced by a new one.
            so_pin = _random_digits()
        token = module.init_token(place.token_label, so_pin)
        with token.login_so(so_pin) as session:
            session.init_pin(place.pin_file.read_text().strip())


def _make_key(session: SigningSession, label: str, spec: KeySpec) -> bool:
    if session.has_key(label):
        return False
    session.generate(spec, label)
    return True

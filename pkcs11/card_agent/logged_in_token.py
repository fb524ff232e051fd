"""What every kind of card shares once its token is found: the logged-in session as a port, and errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from cryptography.hazmat.primitives.asymmetric import ec

import cryptoki
from card_agent.errors import CardFault, KeysNotOnCard, PinIncorrect, PinLocked, Refusal
from card_agent.ports import Purpose
from cryptoki import errors as cryptoki_errors

BLANK = "The card is blank: it holds no keys. Undo this issuance on the site and begin a new one."


class LoggedInToken:
    """A logged-in session, as the LoggedInCard port."""

    def __init__(self, session: cryptoki.Session) -> None:
        self._session = session

    def private_key(self, purpose: Purpose) -> ec.EllipticCurvePrivateKey:
        """Return the key. Raises KeysNotOnCard for a missing key or one that is not EC."""
        try:
            key = self._session.private_key(cka_id=purpose.cka_id)
        except cryptoki_errors.ObjectNotFound:
            key = None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise KeysNotOnCard(
                f"The card does not hold its {purpose} key. "
                "Undo this issuance on the site and begin a new one."
            )
        return key

    def generate(self, purpose: Purpose) -> Mapping[str, bool]:
        """Generate an EC P-256 key pair (PKCS #11 CKM_EC_KEY_PAIR_GEN)."""
        spec = cryptoki.KeySpec.EC_P256
        return self._session.generate_key_pair(spec, cka_id=purpose.cka_id, label=purpose.value).provenance

    def write(self, purpose: Purpose, certificate: bytes) -> None:
        """Write the certificate object in place of an earlier one."""
        self._session.write_certificate(certificate, cka_id=purpose.cka_id, label=purpose.value)


def certificates_by_purpose(found: Iterable[cryptoki.CertificateObject]) -> dict[Purpose, bytes]:
    """Return the DER certificates of both purposes, as far as the card has them."""
    ders = {item.cka_id: item.der for item in found}
    return {purpose: ders[purpose.cka_id] for purpose in Purpose if purpose.cka_id in ders}


@contextmanager
def token_errors() -> Iterator[None]:
    """Turn the errors of a token and its module into the agent's own."""
    try:
        yield
    except cryptoki_errors.PinIncorrect as error:
        raise PinIncorrect.with_tries_left(error.tries_left or 0) from error
    except cryptoki_errors.PinLocked as error:
        raise PinLocked(PinLocked.SENTENCE) from error
    except cryptoki_errors.PinLenRange as error:
        raise Refusal("No card of this kind has a PIN of that length. No try was used.") from error
    except cryptoki_errors.CryptokiError as error:
        raise CardFault(f"The card failed ({type(error).__name__}). Insert it again and go on.") from error

"""What every kind of card shares once its token is found: the logged-in session as a port, and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

import cryptoki
import pcsc
from card_agent.errors import (
    CardFault,
    CardRemoved,
    KeysNotOnCard,
    LastTry,
    PinImpossible,
    PinIncorrect,
    PinLocked,
    SoPinRefused,
)
from card_agent.ports import CardContents, KeySet, Purpose
from cryptoki import errors as cryptoki_errors

Result = TypeVar("Result")

CARD_IN_USE = (
    "Another program has the card for itself and does not let go. "
    "Close that program, or take the card out and insert it again; then go on."
)
BLANK = "The card is blank: it holds no keys. Undo this issuance on the site and begin a new one."


class LoggedInToken:
    """A logged-in session, as the LoggedInCard port.

    ``card`` tells the holder's certificates from those that its module makes up, such as attestations; there
    is none of a card in software.
    """

    def __init__(self, session: cryptoki.Session, card: cryptoki.InsertedCard | None = None) -> None:
        self._session = session
        self._card = card

    @property
    def in_use(self) -> KeySet:
        """Return the set whose certificates are the newest; the first on a card without any."""
        found = self._session.certificates()
        return _newest(each for each in found if self._card is None or self._card.is_holders(each))

    def private_key(self, purpose: Purpose, keys: KeySet | None = None) -> ec.EllipticCurvePrivateKey:
        """Return the key. Raises KeysNotOnCard for a missing key or one that is not EC."""
        try:
            key = self._session.private_key(cka_id=(keys or self.in_use).cka_id(purpose))
        except cryptoki_errors.ObjectNotFound:
            key = None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise KeysNotOnCard(
                f"The card does not hold its {purpose} key. "
                "Give up what you are doing on the site: the card must be replaced or issued anew."
            )
        return key

    def holds_key_of(
        self, purpose: Purpose, public_key: ec.EllipticCurvePublicKey, keys: KeySet | None = None
    ) -> bool:
        """Say whether the key is this one's, by its public half or by a signature."""
        try:
            return self._session.holds_key_of(public_key, cka_id=(keys or self.in_use).cka_id(purpose))
        except (cryptoki_errors.ObjectNotFound, cryptoki_errors.PublicHalfLost):
            return False

    def may_hold_key_of(self, purpose: Purpose, public_key: ec.EllipticCurvePublicKey, keys: KeySet) -> bool:
        """Say whether nothing tells that the key is another's. A module may sign without the public half."""
        try:
            return self._session.holds_key_of(public_key, cka_id=keys.cka_id(purpose))
        except cryptoki_errors.PublicHalfLost:
            return True
        except cryptoki_errors.ObjectNotFound:
            return False

    def generate(self, purpose: Purpose, keys: KeySet = KeySet.FIRST) -> Mapping[str, bool]:
        """Generate an EC P-256 key pair (PKCS #11 CKM_EC_KEY_PAIR_GEN)."""
        spec, cka_id = cryptoki.KeySpec.EC_P256, keys.cka_id(purpose)
        return self._session.generate_key_pair(spec, cka_id=cka_id, label=purpose.value).provenance

    def write(self, purpose: Purpose, certificate: bytes, keys: KeySet = KeySet.FIRST) -> None:
        """Write the certificate object in place of an earlier one."""
        cka_id = keys.cka_id(purpose)
        self._session.write_certificate(certificate, cka_id=cka_id, label=purpose.value)

    def clear(self, keys: KeySet, *, for_new_keys: bool = False) -> None:
        """Destroy what lies under the set's CKA_IDs: certificates first, so that none lacks its key.

        A card that destroys no private key (PIV) has another one made in its place, which nobody certifies.
        """
        keeps_keys = self._card is not None and self._card.profile.template.replaces
        for purpose in Purpose:
            cka_id = keys.cka_id(purpose)
            # Asked before: in a session that destroyed its certificate, ykcs11 lists the key no more.
            was_there = self._session.has_private_key(cka_id=cka_id)
            self._session.destroy(cka_id=cka_id)
            if was_there and keeps_keys and not for_new_keys:
                self.generate(purpose, keys)


def contents_of(
    found: Iterable[cryptoki.CertificateObject], tries_left: int, keys: KeySet | None = None
) -> CardContents:
    """Return the certificates of a set, that in use unless said, as far as the card has them."""
    known = list(found)
    of_set, ders = keys or _newest(known), {item.cka_id: item.der for item in known}
    cka_ids = {purpose: of_set.cka_id(purpose) for purpose in Purpose}
    certificates = {purpose: ders[cka_id] for purpose, cka_id in cka_ids.items() if cka_id in ders}
    return CardContents(certificates, tries_left, of_set)


def _newest(found: Iterable[cryptoki.CertificateObject]) -> KeySet:
    """Return the set whose authentication certificate began last: new ones are written beside the old."""
    ders = {item.cka_id: item.der for item in found}
    began = {keys: _began(ders.get(keys.cka_id(Purpose.AUTHENTICATION))) for keys in KeySet}
    return max(KeySet, key=lambda keys: (began[keys], keys is KeySet.FIRST))


def _began(certificate: bytes | None) -> datetime:
    if certificate is None:
        return datetime.min.replace(tzinfo=UTC)
    return x509.load_der_x509_certificate(certificate).not_valid_before_utc


def first_that_fits(so_pins: Iterable[str], use: Callable[[str], Result]) -> tuple[int, Result]:
    """Call ``use`` with each SO PIN until the card takes one; return which, and what ``use`` returned.

    Raises SoPinRefused when it takes none.
    """
    refused: cryptoki_errors.CryptokiError | None = None
    for number, so_pin in enumerate(so_pins):
        try:
            return number, use(so_pin)
        except (cryptoki_errors.PinIncorrect, cryptoki_errors.PinInvalid) as error:
            refused = error
    raise SoPinRefused(
        "The card did not take what the registration authority keeps for it (its SO PIN). "
        "It cannot be unlocked: have a new card issued."
    ) from refused


_GONE = (
    cryptoki_errors.TokenNotFound,
    # The slot that the card was just seen in.
    cryptoki_errors.SlotIdInvalid,
    cryptoki_errors.DeviceRemoved,
    # A card that is taken out ends its sessions (PKCS #11 v2.40, 2.6): OpenSC 0.26 says so, 0.23 the above.
    cryptoki_errors.SessionHandleInvalid,
    cryptoki_errors.TokenNotPresent,
    pcsc.errors.NoCard,
    pcsc.errors.NoReader,
)


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
        raise PinImpossible(PinImpossible.SENTENCE) from error
    except cryptoki_errors.LastTryNeedsConsent as error:
        raise LastTry(LastTry.SENTENCE) from error
    except _GONE as error:
        raise CardRemoved("The card was taken out of the reader. Insert it again, then go on.") from error
    except pcsc.errors.CardInUse as error:
        raise CardFault(CARD_IN_USE) from error
    except (cryptoki_errors.CryptokiError, pcsc.errors.PcscError) as error:
        raise CardFault(f"The card failed ({type(error).__name__}). Insert it again and go on.") from error

"""What is done with the two sets of keys on a card, as functions that run inside a card process.

A renewal makes a set beside the one in use; a repair puts certificates back beside the set whose keys they
are for. See ``card_operations`` for what such functions take and return.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509

from card_agent.card_operations import (
    provenance,
    raw_signature,
    request,
    spki_of,
    subject_public_key,
)
from card_agent.errors import KeysNotOnCard
from card_agent.pin import Pin
from card_agent.ports import Card, KeySet, LoggedInCard, Purpose


@dataclass(frozen=True)
class MadeKeys:
    """New keys on a card, by purpose: a CSR (RFC 2986, DER) each, and what the module claims about it."""

    requests: Mapping[Purpose, bytes]
    provenance: Mapping[Purpose, Mapping[str, object]]


def make_keys_beside(card: Card, pin: Pin, holder_uid: str) -> MadeKeys:
    """Make a key pair for each purpose beside the set in use; what an earlier try left there is destroyed."""
    with card.log_in(pin) as logged_in:
        keys = logged_in.in_use.other
        logged_in.clear(keys, for_new_keys=True)
        claims = {purpose: logged_in.generate(purpose, keys) for purpose in Purpose}
        requests = {purpose: request(logged_in, purpose, keys, holder_uid) for purpose in Purpose}
    return MadeKeys(requests, provenance(card, keys, claims, requests))


def holds_keys_of(card: Card, pin: Pin, requests: Mapping[Purpose, bytes]) -> bool:
    """Say whether the card holds, in one set, the keys of these CSRs."""
    spkis = {purpose: spki_of(x509.load_der_x509_csr(der).public_key()) for purpose, der in requests.items()}
    with card.log_in(pin) as logged_in:
        return _set_with(logged_in, spkis) is not None


def write_beside_keys(card: Card, pin: Pin, certificates: Mapping[Purpose, bytes]) -> None:
    """Write the certificates beside their keys, the authentication certificate last: by it the set is in use.

    Raises KeysNotOnCard before anything is written.
    """
    with card.log_in(pin) as logged_in:
        keys = _required_set(logged_in, certificates)
        for purpose in reversed(Purpose):
            logged_in.write(purpose, certificates[purpose], keys)


def read_back(card: Card, pin: Pin, certificates: Mapping[Purpose, bytes]) -> Mapping[Purpose, bytes]:
    """Return the certificates that lie on the card beside the keys of those given. Raises KeysNotOnCard."""
    with card.held():
        with card.log_in(pin) as logged_in:
            keys = _required_set(logged_in, certificates)
        return card.contents(keys).certificates


@dataclass(frozen=True)
class FirstUse:
    """What shows that a new set works: its certificates as read back (DER), and a signature (raw r || s)."""

    read_back: Mapping[Purpose, bytes]
    proof: bytes


def use(card: Card, pin: Pin, certificates: Mapping[Purpose, bytes], nonce: bytes) -> FirstUse:
    """Read back the certificates' set and sign the nonce with its authentication key (ES256).

    Whether it is the set in use does not matter: that of two sets from the same second is a matter of chance.
    Raises KeysNotOnCard.
    """
    with card.held():
        with card.log_in(pin) as logged_in:
            keys = _required_set(logged_in, certificates)
            # Before the signature: a card that was pulled meanwhile reads like one that kept nothing.
            kept = card.contents(keys).certificates
            proof = raw_signature(logged_in.private_key(Purpose.AUTHENTICATION, keys), nonce)
        return FirstUse(kept, proof)


def keep_only(card: Card, pin: Pin, certificates: Mapping[Purpose, bytes]) -> None:
    """Destroy the keys and certificates of the other set than the certificates'. Raises KeysNotOnCard."""
    with card.log_in(pin) as logged_in:
        logged_in.clear(_required_set(logged_in, certificates).other)


def _required_set(logged_in: LoggedInCard, certificates: Mapping[Purpose, bytes]) -> KeySet:
    spkis = {purpose: subject_public_key(der) for purpose, der in certificates.items()}
    keys = _set_with(logged_in, spkis)
    if keys is None:
        raise KeysNotOnCard(
            "The card does not hold the keys of its certificates. They cannot be made anew: replace it."
        )
    return keys


def _set_with(logged_in: LoggedInCard, spkis: Mapping[Purpose, bytes]) -> KeySet | None:
    for keys in KeySet:
        try:
            found = {purpose: logged_in.private_key(purpose, keys) for purpose in spkis}
        except KeysNotOnCard:
            continue
        if all(spki_of(found[purpose].public_key()) == spki for purpose, spki in spkis.items()):
            return keys
    return None

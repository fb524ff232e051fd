"""What is done with the two sets of keys on a card, as functions that run inside a card process.

A renewal makes a set beside the one in use; a repair puts certificates back beside the set whose keys they
are for. See ``card_operations`` for what such functions take and return.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from card_agent.card_operations import (
    certified_key,
    provenance,
    raw_signature,
    request,
    requested_key,
    require_signs,
)
from card_agent.errors import KeysNotOnCard
from card_agent.pin import Pin
from card_agent.ports import Card, KeySet, LoggedInCard, PublicKeys, Purpose

_NOT_THERE = "The card does not hold the keys of its certificates. They cannot be made anew: replace it."


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
    requested = {purpose: requested_key(der) for purpose, der in requests.items()}
    with card.log_in(pin) as logged_in:
        return _set_with(logged_in, requested) is not None


def repair(card: Card, pin: Pin, certificates: Mapping[Purpose, bytes]) -> Iterator[object]:
    """Put certificates back beside their keys, in two steps; what each yields:

    1. write them: None. Raises KeysNotOnCard before anything is written
    2. read them back, by a module loaded anew (one that wrote may answer with what it was given), and have
       each key sign: the certificates, by purpose. Raises KeysNotOnCard
    """
    keys = _written(card, pin, certificates)
    yield None
    with card.held():
        read_back = card.contents(keys).certificates
        # A card that was pulled meanwhile reads like one that kept nothing; it does not log in.
        with card.log_in(pin) as logged_in:
            for purpose, der in certificates.items():
                require_signs(logged_in, purpose, keys, certified_key(der))
    yield read_back


@dataclass(frozen=True)
class FirstUse:
    """What shows that a new set works: its certificates as read back (DER), and a signature (raw r || s)."""

    read_back: Mapping[Purpose, bytes]
    proof: bytes


def put_in_use(
    card: Card, pin: Pin, certificates: Mapping[Purpose, bytes], nonce: bytes
) -> Iterator[FirstUse | None]:
    """Have a card use its new set, in two steps; what each yields:

    1. write the certificates: None. Raises KeysNotOnCard before anything is written
    2. read them back, by a module loaded anew, and sign the nonce with the set's authentication key (ES256):
       the FirstUse. Whether the set is the one in use does not matter: that of two sets from the same second
       is a matter of chance
    """
    keys = _written(card, pin, certificates)
    yield None
    with card.held():
        read_back = card.contents(keys).certificates
        # A card that was pulled meanwhile reads like one that kept nothing; it does not log in.
        with card.log_in(pin) as logged_in:
            proof = raw_signature(logged_in.private_key(Purpose.AUTHENTICATION, keys), nonce)
    yield FirstUse(read_back, proof)


def keep_only(card: Card, pin: Pin, certificates: Mapping[Purpose, bytes]) -> None:
    """Destroy the keys and certificates of the other set than the certificates'. Raises KeysNotOnCard."""
    with card.log_in(pin) as logged_in:
        logged_in.clear(_required_set(logged_in, certificates).other)


def _written(card: Card, pin: Pin, certificates: Mapping[Purpose, bytes]) -> KeySet:
    """Write them beside their keys; the authentication certificate last, for by it the set is in use."""
    with card.log_in(pin) as logged_in:
        keys = _set_with(logged_in, _certified(certificates)) or _set_that_may_hold(logged_in, certificates)
        for purpose in reversed(Purpose):
            logged_in.write(purpose, certificates[purpose], keys)
    return keys


def _required_set(logged_in: LoggedInCard, certificates: Mapping[Purpose, bytes]) -> KeySet:
    keys = _set_with(logged_in, _certified(certificates))
    if keys is None:
        raise KeysNotOnCard(_NOT_THERE)
    return keys


def _set_that_may_hold(logged_in: LoggedInCard, certificates: Mapping[Purpose, bytes]) -> KeySet:
    """Return a set of which nothing stands against it, though the card has lost what would tell.

    For writing only: nothing is destroyed because of it. Raises KeysNotOnCard.
    """
    certified = _certified(certificates)
    for keys in KeySet:
        if all(logged_in.may_hold_key_of(purpose, key, keys) for purpose, key in certified.items()):
            return keys
    raise KeysNotOnCard(_NOT_THERE)


def _certified(certificates: Mapping[Purpose, bytes]) -> PublicKeys:
    return {purpose: certified_key(der) for purpose, der in certificates.items()}


def _set_with(logged_in: LoggedInCard, public_keys: PublicKeys) -> KeySet | None:
    """Return the set that holds all of these keys, if one does."""
    for keys in KeySet:
        if all(logged_in.holds_key_of(purpose, key, keys) for purpose, key in public_keys.items()):
            return keys
    return None

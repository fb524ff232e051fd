"""The cards of a running service, of whatever kind, asked beside its card agent: what is on them, and damage.

The functions on a card run in a card process, as those of ``card_operations`` do.
"""

from __future__ import annotations

from pkcs11 import Attribute, ObjectClass

from app.service.layout import Layout
from card_agent.card_process import CardProcesses
from card_agent.desks import desk_of
from card_agent.errors import KeysNotOnCard
from card_agent.logged_in_token import LoggedInToken
from card_agent.pin import Pin
from card_agent.ports import Card, KeySet, LoggedInCard, Purpose
from card_agent.settings import load
from tests.support.killing import Processes
from tests.support.running_service import Service


def processes_of(service: Service) -> CardProcesses:
    """What works on the cards of the service's desk."""
    layout: Layout = Processes(service).layout
    return desk_of(load(layout.agent_settings))[1]


def certificate_count(card: Card) -> int:
    """How many certificates lie on the card, of whatever set of keys."""
    return sum(len(card.contents(keys).certificates) for keys in KeySet)


def key_count(card: Card, pin: Pin) -> int:
    """How many private keys the card has, of whatever set."""
    with card.log_in(pin) as logged_in:
        return sum(_has_key(logged_in, purpose, keys) for keys in KeySet for purpose in Purpose)


def destroy_certificates(card: Card, pin: Pin) -> None:
    """Destroy the holder's certificates, of whatever set, and no key."""
    with card.log_in(pin) as logged_in:
        assert isinstance(logged_in, LoggedInToken)
        session = logged_in._session._session
        for cka_id in (keys.cka_id(purpose) for keys in KeySet for purpose in Purpose):
            sought = {Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.ID: cka_id}
            for found in list(session.get_objects(sought)):
                found.destroy()


def _has_key(logged_in: LoggedInCard, purpose: Purpose, keys: KeySet) -> bool:
    try:
        logged_in.private_key(purpose, keys)
    except KeysNotOnCard:
        return False
    return True

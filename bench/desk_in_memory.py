"""A desk whose cards are keys in memory: the card agent's own calls and signatures, and no token to wait for.

It sends what the card agent sends: the operator's approval, the SO PIN wrapped to the escrow key, the CSRs
with the desk key's signature over both keys, and the completion proof. Only the operator's card is one in
software (SoftHSM), whose key cannot be taken out of it; it stays logged in.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from bench.whole_service import Desk
from card_agent import card_operations
from card_agent.approval import DeskApproval, statement
from card_agent.desk_job import job_from_untrusted
from card_agent.desk_key import DeskKey
from card_agent.escrow import escrow_key, wrapped
from card_agent.job_client import ClaimedJob, SignedApproval
from card_agent.pin import Pin
from card_agent.ports import KeySet, LoggedInCard, Purpose
from card_agent.settings import Site
from card_agent.site_connection import SiteConnection
from card_agent.so_pins import random_so_pin
from card_agent.virtual_cards import VirtualCardOpener

# What SoftHSM's module claims of a key that it has made.
_CLAIMS = {"local": True, "sensitive": True, "always_sensitive": True, "never_extractable": True}


class DeskInMemory:
    """Issues cards over the desk API of the running service. Threads may share it."""

    def __init__(self, desk: Desk, operators_card: LoggedInCard, certificate: bytes) -> None:
        self._site = Site(desk.service.web, "the service", desk.service.tls_authority)
        self._operators_key = operators_card.private_key(Purpose.CONTENT_COMMITMENT)
        self._certificate = certificate
        self._token = threading.Lock()

    def issue(self, hop: str, number: int) -> None:
        """Issue the card with this number, at the address that a browser is sent to."""
        with closing(SiteConnection(self._site, _address(number))) as connection:
            claimed = _claimed(connection, parse_qs(urlsplit(hop).query)["ticket"][0])
            serial = f"memory-{number:08}"
            approval = self._approval(claimed, serial)
            so_pin = Pin(random_so_pin(claimed.job.card_profile))
            key = escrow_key(self._site, claimed.job.so_pin_escrow_key)
            claimed.record_intention(serial, wrapped(so_pin, serial, key), approval.signed)
            _certify_and_complete(claimed, serial, approval)

    def _approval(self, claimed: ClaimedJob, serial: str) -> DeskApproval:
        desk_key = DeskKey()
        signed = statement(claimed, serial, desk_key, datetime.now(UTC))
        with self._token:
            signature = card_operations.raw_signature(self._operators_key, signed)
        return DeskApproval(SignedApproval(signed, signature, self._certificate), desk_key)


@contextmanager
def desk_in_memory(desk: Desk) -> Iterator[DeskInMemory]:
    """The desk, with the operator's card in a reader and logged in."""
    card = VirtualCardOpener(desk.service.folder / "desk")(desk.operator.card_serial)
    certificate = card.contents().certificates[Purpose.CONTENT_COMMITMENT]
    with card.log_in(Pin(desk.operator.pin)) as logged_in:
        yield DeskInMemory(desk, logged_in, certificate)


class _CardInMemory:
    """As much of a logged-in card as makes a CSR."""

    def __init__(self) -> None:
        self._keys = {purpose: ec.generate_private_key(ec.SECP256R1()) for purpose in Purpose}

    def private_key(self, purpose: Purpose, _keys: KeySet | None = None) -> ec.EllipticCurvePrivateKey:
        return self._keys[purpose]

    def requests(self, uid: str) -> Mapping[Purpose, bytes]:
        return {each: card_operations.request(self, each, KeySet.FIRST, uid) for each in Purpose}


def _address(number: int) -> str:
    """Each card's desk stands elsewhere, as in a nation: the site counts the claims that come from each."""
    return f"127.{number // 65536 % 250 + 1}.{number // 256 % 256}.{number % 254 + 1}"


def _claimed(connection: SiteConnection, ticket: str) -> ClaimedJob:
    answer = connection.call("POST", "/desk/jobs/claim", {"ticket": ticket}, {})
    return ClaimedJob(connection, job_from_untrusted(answer["job"]), str(answer["job_token"]))


def _certify_and_complete(claimed: ClaimedJob, serial: str, approval: DeskApproval) -> None:
    card = _CardInMemory()
    requests = card.requests(claimed.job.holder.uid)
    signature = approval.desk_key.sign_keys(claimed.job.id, serial, requests)
    issued = claimed.certify(requests, signature, dict.fromkeys(Purpose, _CLAIMS))
    digests = {purpose: hashlib.sha256(der).hexdigest() for purpose, der in issued.by_purpose.items()}
    key = card.private_key(Purpose.AUTHENTICATION)
    claimed.complete(digests, card_operations.raw_signature(key, issued.completion_nonce.encode()))

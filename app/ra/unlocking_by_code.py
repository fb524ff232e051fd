"""The holder alone unlocks their card: with a code that was sent to them, or one of their authenticator app.

From outside all answers are the same, whether the user id exists, has a card, an e-mail address, an app: a
request is always accepted, and a wrong code is refused in one sentence. Tries are counted in the database.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hmac import compare_digest
from typing import Protocol

from app.domain.actor import Actor
from app.domain.card import Card
from app.domain.desk_record import hash_of, new_secret, with_ticket
from app.domain.one_time_code import (
    CODE_LASTS,
    Authenticator,
    Channel,
    CodeNotAccepted,
    UnlockCode,
    accepted_step,
    new_authenticator_secret,
    new_code,
    typed_code,
)
from app.domain.person import PersonStatus
from app.domain.so_pin_release import ReleaseBasis
from app.domain.unlocking import can_be_unlocked
from app.ra.limiting import Limiting, TooManyTries
from app.ra.ports import Database, Work
from app.ra.unlocking import begin_unlocking

SEND_CODE = "unlock.code"
_WINDOW = timedelta(minutes=15)
#: Of one address: wards share addresses. Of one person: whoever needs more goes to the RA.
_MOST_OF_ADDRESS, _MOST_CODES_OF_PERSON, _MOST_APP_TRIES = 30, 3, 5


class UnlockSecrets(Protocol):
    """The service's key for codes and authenticator secrets; a file."""

    def seal(self, plaintext: bytes) -> bytes:
        """Encrypted and authenticated."""

    def unseal(self, sealed: bytes) -> bytes:
        """The plaintext. Raises ValueError when it was changed or sealed with another key."""

    def mac(self, text: str) -> str:
        """A keyed hash, hexadecimal."""


class UnlockingByCode:
    """Unlocks with codes."""

    def __init__(self, database: Database, secrets: UnlockSecrets, limiting: Limiting) -> None:
        self._database = database
        self._secrets = secrets
        self._limiting = limiting

    def ask(self, uid: str, channel: Channel, address: str) -> str:
        """Have a code sent, if there is somebody to send it to. The answer is for the asking browser alone.

        Raises:
            TooManyTries: of this network address.
        """
        self._limiting.require_not_too_often("unlock.ask", address, _MOST_OF_ADDRESS, _WINDOW)
        request, is_allowed = new_secret(), self._person_may_ask(uid)
        with self._database.audited(_nobody(address), "unlock_code.asked_for", _subject(uid)) as work:
            card = _card_to_unlock(work, uid) if is_allowed else None
            to = _address_of(work, uid, channel) if card else ""
            if card and to:
                self._send(work, card, channel, to, request)
            work.audit.details(channel=channel.value, sent=bool(card and to))
        return request

    def unlock(self, request: str, code: str, address: str) -> str:
        """The ticket for the desk, in exchange for the code. Each code is good once, and for few tries.

        Raises:
            CodeNotAccepted, TooManyTries
        """
        self._limiting.require_not_too_often("unlock.code", address, _MOST_OF_ADDRESS, _WINDOW)
        request_hash = hash_of(request)
        with self._database.change() as work:
            found = work.unlock_codes.count_try(request_hash)
        mac = self._secrets.mac(typed_code(code))
        uid = found.uid if found else "(unknown)"
        with self._attempt(uid, "sent", address) as work:
            if found is None or not compare_digest(found.mac, mac) or not work.unlock_codes.use(request_hash):
                raise not_accepted()
            return self._ticket(work, work.cards.get_to_change(found.card_serial))

    def unlock_by_authenticator(self, uid: str, code: str, address: str) -> str:
        """The ticket for the desk, in exchange for a code of the person's authenticator app.

        Raises:
            CodeNotAccepted, TooManyTries
        """
        self._limiting.require_not_too_often("unlock.app", address, _MOST_OF_ADDRESS, _WINDOW)
        self._limiting.require_not_too_often("unlock.app.person", _subject(uid), _MOST_APP_TRIES, _WINDOW)
        with self._attempt(uid, "authenticator", address) as work:
            enrolled = work.authenticators.of(uid)
            step = accepted_step(self._secret_of(enrolled), typed_code(code), work.now)
            if enrolled is None or step is None or not work.authenticators.use_step(uid, step):
                raise not_accepted()
            return self._ticket(work, _card_to_unlock(work, uid))

    def _secret_of(self, enrolled: Authenticator | None) -> str:
        """Its secret, or a random one, so that both take as long."""
        if enrolled is None or enrolled.confirmed_at is None:
            return new_authenticator_secret()
        return self._secrets.unseal(enrolled.sealed_secret).decode()

    def _person_may_ask(self, uid: str) -> bool:
        try:
            self._limiting.require_not_too_often(
                "unlock.ask.person", _subject(uid), _MOST_CODES_OF_PERSON, _WINDOW
            )
        except TooManyTries:
            return False
        return True

    def _send(self, work: Work, card: Card, channel: Channel, to: str, request: str) -> None:
        """Keep the code's hash, and hand the code to whatever sends it, sealed."""
        code, uid = new_code(), card.holder_uid or ""
        expires_at = work.now + CODE_LASTS
        kept = UnlockCode(hash_of(request), uid, card.serial, channel, self._secrets.mac(code), expires_at)
        work.unlock_codes.add(kept)
        letter = {"channel": channel.value, "to": to, "code": code, "expires_at": expires_at.isoformat()}
        sealed = self._secrets.seal(json.dumps(letter).encode())
        work.outbox.add(SEND_CODE, uid, {"sealed": b64encode(sealed).decode()})

    @contextmanager
    def _attempt(self, uid: str, kind: str, address: str) -> Iterator[Work]:
        with self._database.audited(_nobody(address), "unlock_code.used", _subject(uid), code=kind) as work:
            yield work

    def _ticket(self, work: Work, card: Card | None) -> str:
        if card is None or card.holder_uid is None or not can_be_unlocked(card):
            raise not_accepted()
        ticket = new_secret()
        job = begin_unlocking(work, card, card.holder_uid, ReleaseBasis.CODE)
        work.card_jobs.save(with_ticket(job, ticket, work.now))
        return ticket


def not_accepted() -> CodeNotAccepted:
    """The one refusal of whatever is wrong."""
    return CodeNotAccepted(
        "The code was not accepted. It may be mistyped, too old or used. Ask for a new one, or go to your"
        " registration authority."
    )


def _nobody(address: str) -> Actor:
    return Actor(uid="anonymous", name="somebody at the unlock page", address=address)


def _subject(uid: str) -> str:
    """What the audit and the counters are told: a user id, or that it was none."""
    return uid if uid.isascii() and uid.isdigit() and len(uid) == 12 else "(no user id)"


def _card_to_unlock(work: Work, uid: str) -> Card | None:
    """The person's one card that can be unlocked: the newest of those in use or expired."""
    person = work.people.get(uid)
    if person is None or person.status is not PersonStatus.ACTIVE:
        return None
    return next((card for card in work.cards.of(uid) if can_be_unlocked(card)), None)


def _address_of(work: Work, uid: str, channel: Channel) -> str:
    person = work.people.get(uid)
    if person is None:
        return ""
    return person.email if channel is Channel.EMAIL else person.mobile

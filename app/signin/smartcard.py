"""Signing in with a card: challenge, answer, session.

1. ``challenge``: a nonce for one browser session, single use, five minutes. Only its hash is kept.
2. The browser carries it to the card agent; the card signs hash(origin) || hash(nonce).
3. ``validate``: uses up the nonce, checks the token without the database, then looks the certificate up,
   opens the session and writes the audit event in one transaction. A refusal is one audit event too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.domain.audit_event import AuditEvent
from app.domain.certificate_order import serial_number_text
from app.signin import card_checks, certificate_checks
from app.signin.certificate_checks import CardPaths
from app.signin.opaque_value import hash_of, new_value
from app.signin.ports import SignInDatabase, SignInWork
from app.signin.refusals import NoSignInPending, SignInRefused, TooManySignIns
from app.signin.session import DEFAULT_LIMITS, SessionLimits
from app.signin.signature import NonceHashes, require_signed
from app.signin.staff import CardHolder
from app.signin.steps import SignInSteps, settle_what_needs_no_question
from app.signin.terms import TERMS_VERSION
from app.signin.token import token_from_untrusted

CHALLENGE_LIFETIME = timedelta(minutes=5)
RATE_WINDOW = timedelta(minutes=5)
_BY_ADDRESS, _BY_SESSION = "sign-in:address", "sign-in:session"


@dataclass(frozen=True)
class SignInLimits:
    """Tries in five minutes: in one browser session, and from one address without a success in between.

    A whole hospital may share an address, so a success begins that count anew.
    """

    per_address: int = 300
    per_session: int = 20


DEFAULT_SIGN_IN_LIMITS = SignInLimits()


@dataclass(frozen=True)
class Attempt:
    """One answer of a browser.

    Attributes:
        session_key: the value in the browser's cookie.
        token: untrusted bytes.
        address: network address, for limits and the audit.
        request_id: for the audit.
    """

    session_key: str
    token: bytes
    address: str
    request_id: str = ""

    def __repr__(self) -> str:
        """Without the key and the token, which open something."""
        return f"Attempt(address={self.address!r}, request_id={self.request_id!r})"


@dataclass(frozen=True)
class SignedIn:
    """A card was accepted. ``session_key`` is the new value for the browser's cookie."""

    uid: str
    name: str
    card_serial: str
    at: datetime
    session_id: str
    session_key: str

    def __repr__(self) -> str:
        """Without the key, which opens the session."""
        return f"SignedIn(uid={self.uid!r}, card_serial={self.card_serial!r}, session_id={self.session_id!r})"


class SmartcardSignIn:
    """Sign-in with a card.

    Args:
        paths: validates cards' authentication certificates, and asks whether their CA was revoked.
        origin: our own origin as browsers write it, e.g. ``https://localhost:8443``.
    """

    def __init__(
        self,
        database: SignInDatabase,
        paths: CardPaths,
        origin: str,
        *,
        session_limits: SessionLimits = DEFAULT_LIMITS,
        limits: SignInLimits = DEFAULT_SIGN_IN_LIMITS,
        terms_version: str = TERMS_VERSION,
    ) -> None:
        self._database = database
        self._paths = paths
        self._origin = origin
        self._session_limits = session_limits
        self._limits = limits
        self._terms_version = terms_version
        self.steps = SignInSteps(database, terms_version)

    def challenge(self, session_key: str) -> str:
        """A nonce that only this browser session can answer, once, within five minutes."""
        nonce = new_value()
        with self._database.change() as work:
            work.sign_ins.add_challenge(
                NonceHashes.of(nonce), hash_of(session_key), work.now + CHALLENGE_LIFETIME
            )
        return nonce

    def validate(self, attempt: Attempt) -> SignedIn:
        """Check the token and open the holder's session under a new key.

        Raises:
            SignInRefused: one of its kinds; its text may be shown, its ``reason`` is for the audit alone.
        """
        try:
            nonces, now = self._claimed_challenges(attempt)
            certificate = self._certificate_proven(attempt.token, nonces, now)
            with self._database.change() as work:
                return self._open_session(work, attempt, certificate)
        except SignInRefused as refusal:
            self._record(attempt, refusal)
            raise

    def _claimed_challenges(self, attempt: Attempt) -> tuple[list[NonceHashes], datetime]:
        """In a transaction of its own, so that a nonce is used up whatever the rest finds."""
        key_hash = hash_of(attempt.session_key)
        with self._database.change() as work:
            within_limits = self._is_within_limits(work, attempt.address, key_hash)
            nonces = work.sign_ins.claim_challenges(key_hash)
            now = work.now
        if not within_limits:
            raise TooManySignIns("too many tries from this address or in this browser session")
        if not nonces:
            raise NoSignInPending("no unused challenge of this browser session")
        return nonces, now

    def _is_within_limits(self, work: SignInWork, address: str, key_hash: str) -> bool:
        allows = work.rate_limits.allows
        by_address = allows(_BY_ADDRESS, address, self._limits.per_address, RATE_WINDOW)
        by_session = allows(_BY_SESSION, key_hash, self._limits.per_session, RATE_WINDOW)
        return by_address and by_session

    def _certificate_proven(
        self, token_from_browser: bytes, nonces: list[NonceHashes], now: datetime
    ) -> x509.Certificate:
        """The certificate whose key signed our nonce; everything that can be checked without the database."""
        token = token_from_untrusted(token_from_browser)
        certificate = certificate_checks.require_for_sign_in(token.unverified_certificate, self._paths, now)
        require_signed(token, certificate.public_key(), self._origin, nonces)
        # After the signature: that a card has expired is told to whoever holds it, and to nobody else.
        certificate_checks.require_valid_now(certificate, now)
        return certificate

    def _open_session(self, work: SignInWork, attempt: Attempt, certificate: x509.Certificate) -> SignedIn:
        holder = require_usable_holder(work, certificate, attempt.address)
        work.rate_limits.forget(_BY_ADDRESS, attempt.address)
        new_key = new_value()
        session_id = work.sessions.sign_in(
            hash_of(attempt.session_key), hash_of(new_key), holder, work.now + self._session_limits.absolute
        )
        work.audit.record(self._event_of(attempt, holder, session_id))
        settle_what_needs_no_question(work, session_id, holder.uid, self._terms_version, attempt.address)
        return SignedIn(holder.uid, holder.name, holder.card_serial, work.now, session_id, new_key)

    def _event_of(self, attempt: Attempt, holder: CardHolder, session_id: str) -> AuditEvent:
        details = {"card_serial": holder.card_serial, "session": session_id}
        return _event(attempt, "signin.succeeded", holder.uid, holder.uid, details)

    def _record(self, attempt: Attempt, refusal: SignInRefused) -> None:
        details = {"why": refusal.reason, "card_serial": refusal.card_serial}
        event = _event(attempt, "signin.refused", refusal.uid, "anonymous", details)
        with self._database.change() as work:
            work.audit.record(event.refused(refusal.code))


def _event(attempt: Attempt, name: str, subject: str, actor_uid: str, details: dict[str, str]) -> AuditEvent:
    return AuditEvent(name, subject, actor_uid, None, attempt.address, attempt.request_id, details=details)


def require_usable_holder(work: SignInWork, certificate: x509.Certificate, address: str) -> CardHolder:
    """Whose card it is, once our register says that certificate, card and holder are in order.

    Raises:
        SignInRefused
    """
    serial_number, der = serial_number_text(certificate.serial_number), _der_of(certificate)
    holder = card_checks.require_known(work.sign_ins.card_holder(serial_number), der)
    if work.sign_ins.take_into_use(serial_number, address):
        # A renewal waited for the first use of its new certificate; the old one ends with it.
        holder = card_checks.require_known(work.sign_ins.card_holder(serial_number), der)
    card_checks.require_usable_card(holder)
    card_checks.require_begun(holder, work.now.date())
    card_checks.require_active_certificate(holder)
    card_checks.require_active_holder(holder)
    return holder


def _der_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)

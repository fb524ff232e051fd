"""How a desk comes to a card's SO PIN: signatures, a key made for the job, and the release wrapped to it.

Unlocking, exporting and clearing share it. The key lives in memory only, and so does what is released; the
SO PIN that the card gets next is in escrow before the card has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import cast

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import cryptoki
from card_agent import card_operations
from card_agent.card_job import CardJob
from card_agent.card_signature import signed_by
from card_agent.card_views import CardView
from card_agent.desk_job import as_bytes, as_text, unreadable
from card_agent.errors import CardFault, CardMissing, JobUnusable
from card_agent.escrow import escrow_key, wrapped
from card_agent.job_client import SignedApproval, as_base64
from card_agent.job_kind import JobAtDesk
from card_agent.pin import Pin
from card_agent.ports import Purpose
from card_agent.signed_statement import canonical
from card_agent.so_pins import random_so_pin
from cryptoki.card_profile import SoPinChanging

STATEMENT_TYPE = "spine-ra/so-pin-release/1"
OFFLINE, COLLEAGUES, EXPORT, HOLDER = "offline", "colleagues", "export", "holder"
_RECIPIENT, _RECIPIENT_BITS = "recipient", 2048
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
_SIGNATURES = {"operator": 1, OFFLINE: 1, COLLEAGUES: 2, EXPORT: 2, "code": 0, HOLDER: 1}
_CHANGED = ("changed", "The card has its next SO PIN.")


@dataclass(frozen=True)
class Released:
    """The card's SO PINs, the likeliest first.

    ``is_being_changed`` says that the second is one which an interrupted change may have left on the card.
    """

    so_pins: Sequence[Pin]
    is_being_changed: bool


def get_ready(at_desk: JobAtDesk) -> None:
    """Begin to make this desk's key for a job that releases an SO PIN, while somebody fills in the form.

    That takes longer than most of what is done on the card.
    """
    if "basis" in at_desk.job.message and not is_offline(at_desk.job):
        _future_recipient(at_desk)


def is_offline(job: CardJob) -> bool:
    """Say whether the card lies at a computer without network, and this desk only gets the response."""
    return job.message.get("basis") == OFFLINE


def signatures_missing(job: CardJob) -> int:
    """Return how many signatures the release still needs. Raises JobUnusable for an unknown basis."""
    try:
        needed = _SIGNATURES[as_text(job.message["basis"])]
        signed = job.message["signed_by"]
        if not isinstance(signed, list):
            raise TypeError("not a list")
    except (KeyError, TypeError) as error:
        raise JobUnusable("This desk cannot do this in this way. Update its card agent.") from error
    return 1 if needed == 1 else max(0, needed - len(signed))


def signers_card(job: CardJob, in_readers: Sequence[CardView]) -> CardView:
    """Return the card that signs next: the operator's, or that of a second person. Raises CardMissing."""
    signed = _as_uids(job.message["signed_by"])
    able = [card for card in in_readers if Purpose.CONTENT_COMMITMENT in card.certificates]
    if job.operator and (job.message["basis"] != EXPORT or job.operator.uid not in signed):
        operator = job.operator
        for card in able:
            if card.holder_uid == operator.uid:
                return card
        raise CardMissing(f"Insert the card of {operator.name} (the operator) into a reader.")
    for card in able:
        if card.holder_uid and card.holder_uid not in (job.holder.uid, *signed):
            return card
    if job.operator:
        raise CardMissing("Insert the card of the second RA manager, who signs too, into a reader.")
    whose = "another colleague" if signed else "a colleague"
    raise CardMissing(f"Insert the card of {whose} who vouches for {job.holder.name} into a reader.")


def sign_release(at_desk: JobAtDesk, signer: CardView, pin: Pin) -> None:
    """Sign and send one approval. Raises PinIncorrect, PinLocked, CardRemoved, CardFault or JobRefused."""
    statement = release_statement(at_desk, signer.holder_uid)
    signature = signed_by(at_desk.processes, signer, pin, Purpose.CONTENT_COMMITMENT, statement)
    certificate = signer.certificates[Purpose.CONTENT_COMMITMENT]
    at_desk.link.approve(SignedApproval(statement, signature, certificate), "/so-pin/approval")


def release_statement(at_desk: JobAtDesk, signer_uid: str) -> bytes:
    """Return the canonical JSON that a signer signs: sorted keys, no spaces, UTF-8."""
    job = at_desk.job
    facts = {
        "type": STATEMENT_TYPE,
        "job": job.id,
        "purpose": job.kind,
        "reason": as_text(job.message.get("reason", "")),
        "holder": job.holder.uid,
        "holder_name": job.holder.name,
        "card_serial": job.card_serial,
        "recipient_key": sha256(recipient_octets(at_desk)).hexdigest(),
        "signer": signer_uid,
        "signed_as": _signed_as(job),
        "origin": at_desk.link.site.origin,
        "signed_at": at_desk.clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return canonical(facts)


def recipient_octets(at_desk: JobAtDesk) -> bytes:
    """Return what the SO PIN is released to: this desk's key, or another computer's challenge."""
    if is_offline(at_desk.job):
        try:
            return bytes.fromhex(as_text(at_desk.job.message["challenge"]))
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable() from error
    return (
        _recipient(at_desk)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


@contextmanager
def released(at_desk: JobAtDesk) -> Iterator[Released]:
    """Get the card's SO PINs for the length of the block. Raises JobRefused, SiteUnavailable or CardFault."""
    key = _recipient(at_desk)
    at_desk.processes.open_ahead(at_desk.job.card_serial)
    answer = at_desk.link.step("/so-pin/release", {"recipient_key": as_base64(recipient_octets(at_desk))})
    try:
        each_wrapped = answer["so_pins"]
        if not isinstance(each_wrapped, list):
            raise TypeError("not a list")
        so_pins = [Pin(key.decrypt(as_bytes(each), _OAEP).decode()) for each in each_wrapped]
    except (KeyError, TypeError, ValueError) as error:
        raise CardFault("What unlocks the card arrived damaged. Go on with this card.") from error
    try:
        yield Released(so_pins, answer.get("is_being_changed") is True)
    finally:
        for so_pin in so_pins:
            so_pin.forget()


def can_change(job: CardJob) -> bool:
    """Say whether cards of this kind take another SO PIN."""
    profile = cryptoki.load_card_profiles().get(job.card_profile)
    return profile is not None and profile.so_pin_changing is not SoPinChanging.NONE


def kept_next(at_desk: JobAtDesk, has: Released) -> Pin:
    """Return the SO PIN that the card gets next, which is in escrow now.

    A change that was cut off is finished with the one that was put in escrow then: so the card never has one
    that is not among the first two.
    """
    if has.is_being_changed and len(has.so_pins) > 1:
        return Pin(has.so_pins[1].reveal())
    return new_next(at_desk)


def new_next(at_desk: JobAtDesk) -> Pin:
    """Make another SO PIN for the job's card, and have the site put it in escrow."""
    try:
        told = as_text(at_desk.link.step("/so-pin/escrow-key", {})["so_pin_escrow_key"]).encode()
    except (KeyError, TypeError) as error:
        raise unreadable() from error
    key = escrow_key(at_desk.link.site, told)
    so_pin = Pin(random_so_pin(at_desk.job.card_profile))
    body = {"wrapped_so_pin": as_base64(wrapped(so_pin, at_desk.job.card_serial, key))}
    at_desk.link.step("/so-pin/next", body)
    return so_pin


def changed(at_desk: JobAtDesk, present: Pin, following: Pin) -> tuple[str, str]:
    """Give the card the SO PIN that is in escrow; what became of it, and why, as the site records it.

    A card whose module fails at it keeps what it has, and everything that it may have stays in escrow.
    """
    if present.reveal() == following.reveal():
        return _CHANGED
    try:
        at_desk.processes.run(at_desk.job.card_serial, card_operations.change_so_pin, [present, following])
    except CardFault as fault:
        return "kept", str(fault)
    return _CHANGED


def changed_again(at_desk: JobAtDesk, following: Pin) -> tuple[str, str]:
    """Have the card take the SO PIN that it may have already; what became of it. Raises CardFault."""
    at_desk.processes.run(at_desk.job.card_serial, card_operations.change_so_pin, [following, following])
    return _CHANGED


def _signed_as(job: CardJob) -> str:
    if job.message.get("basis") == HOLDER:
        return "holder"
    return "operator" if job.operator else "colleague"


def _recipient(at_desk: JobAtDesk) -> rsa.RSAPrivateKey:
    """Return this desk's key for the job; the signatures name it, so it stays the same for all of them."""
    return _future_recipient(at_desk).result()


def _future_recipient(at_desk: JobAtDesk) -> Future[rsa.RSAPrivateKey]:
    if _RECIPIENT not in at_desk.kept:
        thread = ThreadPoolExecutor(1)
        at_desk.kept[_RECIPIENT] = thread.submit(rsa.generate_private_key, 65537, _RECIPIENT_BITS)
        thread.shutdown(wait=False)
    return cast(Future[rsa.RSAPrivateKey], at_desk.kept[_RECIPIENT])


def _as_uids(value: object) -> list[str]:
    return [as_text(each) for each in value] if isinstance(value, list) else []

"""Unlocking a card at the desk, in numbered steps. Each says what is left behind when the next one fails.

1. sign the release          one or two colleagues' cards sign for which card and to which desk's key
2. release                   the site has the card's SO PIN wrapped to this desk's key; nothing is changed
3. set the new PIN           the card takes the holder's new PIN; all tries are left again
4. prove                     the card signs with the new PIN; the site ends the job

Doing it again from step 1 does no harm: the PIN is set again. The key that the SO PIN is wrapped to is made
for one job and lives in memory only; so does the SO PIN, and only between steps 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from hashlib import sha256

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from card_agent import card_operations
from card_agent.card_job import CardJob
from card_agent.card_views import CardView
from card_agent.desk_job import as_bytes, as_text, unreadable
from card_agent.errors import CardFault, CardMissing, JobUnusable
from card_agent.job_client import SignedApproval, as_base64
from card_agent.job_kind import Cards, JobAtDesk, JobTitles, Run, card_with_serial, pin_of
from card_agent.pages import Problem, new_pin_problem, pin_problem
from card_agent.pin import Pin
from card_agent.ports import Purpose
from card_agent.progress import Progress, Step
from card_agent.signed_statement import canonical

STATEMENT_TYPE = "spine-ra/so-pin-release/1"
_PROOF_PREFIX = b"spine-ra/card-unlocked/1:"
_RECIPIENT_BITS = 2048
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
_OPERATOR, _COLLEAGUES, _CODE, _OFFLINE = "operator", "colleagues", "code", "offline"
_SIGNER_PIN, _NEW_PIN, _REPEATED_PIN = "signer_pin", "new_pin", "repeated_pin"
_SIGNATURES = {_OPERATOR: 1, _OFFLINE: 1, _COLLEAGUES: 2, _CODE: 0}


class UnlockStep(StrEnum):
    """The steps of a run. The value is the name in reports to the site."""

    RELEASE = "release"
    SET_PIN = "set_pin"
    PROVE = "prove"

    @property
    def sentence(self) -> str:
        """Return what the step does, for the page."""
        return _SENTENCES[self]


_SENTENCES = {
    UnlockStep.RELEASE: "Get what unlocks this one card from the certificate authority",
    UnlockStep.SET_PIN: "Set the new PIN on the card",
    UnlockStep.PROVE: "Prove that the card works with the new PIN",
}


class UnlockingAtDesk:
    """The kind ``unlock``."""

    titles = JobTitles(
        form="Unlock the card of {name}",
        running="Unlocking the card of {name}",
        done="The card is unlocked",
        failed="The card is not unlocked yet",
        outcome="The card of {name} works with the new PIN, which is known to the holder alone.",
    )
    steps: Sequence[Step] = tuple(UnlockStep)
    form_template = "unlock_form.html"

    def cards(self, job: CardJob, in_readers: Sequence[CardView]) -> Cards:
        """Return the card to unlock, and the card that signs next, if one must."""
        cards = {}
        if not is_offline(job):
            whose = f"the card of {job.holder.name}"
            cards["target"] = card_with_serial(in_readers, job.card_serial, whose)
        if signatures_missing(job):
            cards["signer"] = _signer(job, in_readers)
        return cards

    def problems(self, job: CardJob, form: Mapping[str, str]) -> list[Problem]:
        """Return what is wrong with the PINs as typed."""
        found = []
        if signatures_missing(job):
            found.append(pin_problem(form.get(_SIGNER_PIN, ""), _SIGNER_PIN))
        if signatures_missing(job) <= 1 and not is_offline(job):
            found.append(new_pin_problem(job.pin_policy, job.holder.uid, form, _NEW_PIN, _REPEATED_PIN))
        return [problem for problem in found if problem]

    def is_offline(self, job: CardJob) -> bool:
        """Say whether the card lies elsewhere, for the form."""
        return is_offline(job)

    def signatures_missing(self, job: CardJob) -> int:
        """Return how many signatures the release still needs, for the form."""
        return signatures_missing(job)

    def begin(self, at_desk: JobAtDesk, cards: Cards, form: Mapping[str, str]) -> Run | None:
        """Sign the release when a signature is missing; return the run once there are all."""
        missing = signatures_missing(at_desk.job)
        if missing:
            with Pin(form[_SIGNER_PIN]) as pin, pin_of(_SIGNER_PIN):
                signed = _signed_release(at_desk, cards["signer"], pin)
            at_desk.link.approve(signed, "/unlock/approval")
        if missing > 1:
            return None
        if is_offline(at_desk.job):
            return _ResponseRun(at_desk)
        return _UnlockRun(at_desk, Pin(form[_NEW_PIN]))


def is_offline(job: CardJob) -> bool:
    """Say whether the card lies at a computer without network, and this desk only gets the response."""
    return job.message.get("basis") == _OFFLINE


def signatures_missing(job: CardJob) -> int:
    """Return how many signatures the release still needs. Raises JobUnusable for an unknown basis."""
    try:
        needed = _SIGNATURES[as_text(job.message["basis"])]
        signed = job.message["signed_by"]
        if not isinstance(signed, list):
            raise TypeError("not a list")
    except (KeyError, TypeError) as error:
        raise JobUnusable("This desk cannot unlock cards in this way. Update its card agent.") from error
    return 1 if needed == 1 else max(0, needed - len(signed))


def _signer(job: CardJob, in_readers: Sequence[CardView]) -> CardView:
    """Return the operator's card, or that of a colleague who has not signed. Raises CardMissing."""
    able = [card for card in in_readers if Purpose.CONTENT_COMMITMENT in card.certificates]
    signed = job.message["signed_by"]
    for card in able:
        if job.operator and card.holder_uid == job.operator.uid:
            return card
        if not job.operator and card.holder_uid != job.holder.uid and card.holder_uid not in as_uids(signed):
            return card
    if job.operator:
        raise CardMissing(f"Insert the card of {job.operator.name} (the operator) into a reader.")
    whose = "another colleague" if as_uids(signed) else "a colleague"
    raise CardMissing(f"Insert the card of {whose} who vouches for {job.holder.name} into a reader.")


def as_uids(value: object) -> list[str]:
    """Return the user ids in a list of the site's."""
    return [as_text(each) for each in value] if isinstance(value, list) else []


def _signed_release(at_desk: JobAtDesk, signer: CardView, pin: Pin) -> SignedApproval:
    """Raises PinIncorrect, PinLocked, CardRemoved or CardFault."""
    statement = release_statement(at_desk, signer.holder_uid)
    signature = at_desk.processes.run(
        signer.serial, card_operations.sign, [pin], Purpose.CONTENT_COMMITMENT, statement
    )
    return SignedApproval(statement, signature, signer.certificates[Purpose.CONTENT_COMMITMENT])


def release_statement(at_desk: JobAtDesk, signer_uid: str) -> bytes:
    """Return the canonical JSON that a signer signs: sorted keys, no spaces, UTF-8."""
    job = at_desk.job
    facts = {
        "type": STATEMENT_TYPE,
        "job": job.id,
        "holder": job.holder.uid,
        "holder_name": job.holder.name,
        "card_serial": job.card_serial,
        "recipient_key": sha256(_recipient_octets(at_desk)).hexdigest(),
        "signer": signer_uid,
        "signed_as": "operator" if job.operator else "colleague",
        "origin": at_desk.link.site.origin,
        "signed_at": at_desk.clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return canonical(facts)


def _recipient(at_desk: JobAtDesk) -> rsa.RSAPrivateKey:
    """Return this desk's key for the job; the signatures name it, so it stays the same for all of them."""
    key = at_desk.kept.get("recipient")
    if not isinstance(key, rsa.RSAPrivateKey):
        key = at_desk.kept["recipient"] = rsa.generate_private_key(65537, _RECIPIENT_BITS)
    return key


def _recipient_octets(at_desk: JobAtDesk) -> bytes:
    """Return what the SO PIN is released to: this desk's key, or another computer's challenge."""
    if is_offline(at_desk.job):
        try:
            return bytes.fromhex(as_text(at_desk.job.message["challenge"]))
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable() from error
    return _public_bytes(_recipient(at_desk))


def _public_bytes(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


class _ResponseRun:
    """Get the response for a computer without network; the page shows it to be read out."""

    def __init__(self, at_desk: JobAtDesk) -> None:
        self._at_desk = at_desk

    def __call__(self, progress: Progress) -> None:
        """Do it. Raises CardAgentError."""
        progress.skip(UnlockStep.SET_PIN, UnlockStep.PROVE)
        with progress.doing(UnlockStep.RELEASE):
            body = {"recipient_key": as_base64(_recipient_octets(self._at_desk))}
            answer = self._at_desk.link.step("/unlock/release", body)
            try:
                responses = answer["so_pins"]
                if not isinstance(responses, list):
                    raise TypeError("not a list")
                progress.result = as_bytes(responses[0]).decode()
            except (KeyError, IndexError, TypeError, ValueError) as error:
                raise CardFault("The response arrived damaged. Begin again on the site.") from error


class _UnlockRun:
    """Steps 2 to 4."""

    def __init__(self, at_desk: JobAtDesk, new_pin: Pin) -> None:
        self._at_desk = at_desk
        self._new_pin = new_pin

    def __call__(self, progress: Progress) -> None:
        """Do them. Raises CardAgentError."""
        serial, run = self._at_desk.job.card_serial, self._at_desk.processes.run
        with self._new_pin:
            with progress.doing(UnlockStep.RELEASE):
                so_pins = self._released()
            with progress.doing(UnlockStep.SET_PIN):
                try:
                    run(serial, self._unblocking(serial), [self._new_pin, *so_pins])
                finally:
                    for so_pin in so_pins:
                        so_pin.forget()
            with progress.doing(UnlockStep.PROVE):
                proof = run(
                    serial, card_operations.sign, [self._new_pin], Purpose.AUTHENTICATION, self._proof_text()
                )
                self._at_desk.link.step("/unlock/completion", {"proof": as_base64(proof)})

    def _unblocking(self, serial: str) -> Callable[..., None]:
        """Return the operation: the last try of the SO PIN is used only once somebody has agreed."""
        is_agreed = self._at_desk.processes.so_last_tries.take_consent(serial)
        return card_operations.unblock_at_last_try if is_agreed else card_operations.unblock

    def _released(self) -> list[Pin]:
        key = _recipient(self._at_desk)
        answer = self._at_desk.link.step("/unlock/release", {"recipient_key": as_base64(_public_bytes(key))})
        try:
            wrapped = answer["so_pins"]
            if not isinstance(wrapped, list):
                raise TypeError("not a list")
            return [Pin(key.decrypt(as_bytes(each), _OAEP).decode()) for each in wrapped]
        except (KeyError, TypeError, ValueError) as error:
            raise CardFault("What unlocks the card arrived damaged. Go on with this card.") from error

    def _proof_text(self) -> bytes:
        try:
            return _PROOF_PREFIX + as_text(self._at_desk.job.message["proof_nonce"]).encode()
        except (KeyError, TypeError) as error:
            raise unreadable() from error

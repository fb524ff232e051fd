"""Renewing a card at the desk, in steps. Each says what is left when the next one fails.

1. make keys      a second set on the card, beside the one in use; made again when the job is opened again
2. present them   the site holds the CSRs
3. sign           the holder's card with the key in use, or the operator's, or two colleagues' in turn
4. certificates   the card goes on working with the old ones; the same keys get the same certificates again
5. write them     beside their keys; the newest pair is the one in use, so the card uses the new one now
6. use            read back and proven: the site lets the new ones count and withdraws the old, at once
7. remove         the old keys and certificates are destroyed; the site is told

A sign-in between 5 and 6 is the first use too. After 6 a card that still holds the old set does no harm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from card_agent import card_operations, key_set_operations
from card_agent.card_job import CardJob
from card_agent.card_signature import signed_by
from card_agent.card_views import CardView
from card_agent.desk_job import JSON_NAMES, certificates_from_untrusted
from card_agent.errors import CardFault, CardMissing, WrongCard
from card_agent.job_client import SignedApproval, as_base64
from card_agent.job_kind import Cards, JobAtDesk, JobTitles, Run, card_with_serial, pin_of
from card_agent.pages import Problem, pin_problem
from card_agent.pin import Pin
from card_agent.ports import Purpose
from card_agent.progress import Progress, Step
from card_agent.renewal_message import RenewalMessage, renewal_from_untrusted, statement

HOLDER_PIN, SIGNER_PIN = "holder_pin", "signer_pin"
TARGET, SIGNER = "target", "signer"
Result = TypeVar("Result")


class RenewStep(StrEnum):
    """The steps of a renewal, in order. The value is the name in reports to the site."""

    MAKE_KEYS = "make_keys"
    SIGN = "sign"
    CERTIFY = "certify"
    WRITE_CERTIFICATES = "write_certificates"
    USE = "use"
    REMOVE_OLD = "remove_old"

    @property
    def sentence(self) -> str:
        """Return what the step does, for the page."""
        return _SENTENCES[self]


_SENTENCES = {
    RenewStep.MAKE_KEYS: "Make new keys on the card beside the old ones",
    RenewStep.SIGN: "Sign that exactly these keys shall be certified",
    RenewStep.CERTIFY: "Get the certificates from the certificate authority",
    RenewStep.WRITE_CERTIFICATES: "Write the new certificates on the card",
    RenewStep.USE: "Read them back and use the new key once",
    RenewStep.REMOVE_OLD: "Remove the old keys and certificates from the card",
}


class RenewCard:
    """The kind ``renew`` of card jobs."""

    titles = JobTitles(
        form="Renew the card of {name}",
        running="The card of {name} is being renewed",
        done="The card of {name} is renewed",
        failed="The card of {name} is not renewed yet",
        outcome="The card works with its new certificates now. Its PIN is the same as before.",
    )
    steps: Sequence[Step] = tuple(RenewStep)
    form_template = "renew_form.html"

    def cards(self, job: CardJob, in_readers: Sequence[CardView]) -> Cards:
        """Return the card to renew, and the card of whoever signs when it is somebody else's."""
        told = renewal_from_untrusted(job)
        target = card_with_serial(in_readers, job.card_serial, job.holder.name)
        if not told.needs_signer:
            return {TARGET: target}
        return {TARGET: target, SIGNER: _signers_card(job, told, in_readers)}

    def problems(self, job: CardJob, form: Mapping[str, str]) -> list[Problem]:
        """Return what need not be tried on a card, so that no try is lost."""
        whose = {HOLDER_PIN: job.holder.name}
        if renewal_from_untrusted(job).needs_signer:
            whose[SIGNER_PIN] = "the card that signs"
        found = [pin_problem(form.get(field, ""), field, of) for field, of in whose.items()]
        return [problem for problem in found if problem]

    def begin(self, at_desk: JobAtDesk, cards: Cards, form: Mapping[str, str]) -> Run | None:
        """Check the PINs; with the first of two colleagues only sign, and ask for the second."""
        pins = {HOLDER_PIN: Pin(form[HOLDER_PIN])}
        _enter(at_desk, cards[TARGET], pins[HOLDER_PIN], HOLDER_PIN)
        if SIGNER in cards:
            pins[SIGNER_PIN] = Pin(form[SIGNER_PIN])
            _enter(at_desk, cards[SIGNER], pins[SIGNER_PIN], SIGNER_PIN)
        renewal = _Renewal(at_desk, renewal_from_untrusted(at_desk.job), cards, pins)
        if renewal.told.signatures_missing > 1:
            renewal.sign_only()
            return None
        return renewal.run


def _signers_card(job: CardJob, told: RenewalMessage, in_readers: Sequence[CardView]) -> CardView:
    """Return the card that signs: the operator's, or a colleague's who has not signed yet."""
    able = [
        card
        for card in in_readers
        if card.holder_uid
        and card.holder_uid not in (job.holder.uid, *told.signed_by)
        and Purpose.CONTENT_COMMITMENT in card.certificates
    ]
    if told.signing == "colleagues":
        if not able:
            which = "a second colleague" if told.signed_by else "a colleague"
            raise CardMissing(f"Insert the card of {which} of {job.holder.name} into the other reader.")
        return able[0]
    operator = job.operator
    for card in able:
        if operator and card.holder_uid == operator.uid:
            return card
    if operator is None:
        raise WrongCard("This renewal has no operator. Give it up on the site and begin again.")
    raise CardMissing(f"Insert the card of {operator.name} (the operator) into the other reader.")


def _enter(at_desk: JobAtDesk, card: CardView, pin: Pin, field: str) -> None:
    with pin_of(field):
        at_desk.processes.run(card.serial, card_operations.enter, [pin])


@dataclass(frozen=True)
class _Renewal:
    """One run: the job, the cards in the readers, and the PINs that were entered."""

    at_desk: JobAtDesk
    told: RenewalMessage
    cards: Cards
    pins: Mapping[str, Pin]

    def run(self, progress: Progress) -> None:
        """Do every step that is left."""
        try:
            certificates, nonce = self._certified(progress)
            self._finish(progress, certificates, nonce)
        finally:
            self._forget_pins()

    def sign_only(self) -> None:
        """Make the keys and have the first colleague sign for them."""
        try:
            self._sign(self._keys())
        finally:
            self._forget_pins()

    def _forget_pins(self) -> None:
        for pin in self.pins.values():
            with pin:
                pass

    def _certified(self, progress: Progress) -> tuple[Mapping[Purpose, bytes], str]:
        if self.told.certificates:
            progress.skip(RenewStep.MAKE_KEYS, RenewStep.SIGN, RenewStep.CERTIFY)
            return self.told.certificates.by_purpose, self.told.certificates.completion_nonce
        with progress.doing(RenewStep.MAKE_KEYS):
            requests = self._keys()
        with progress.doing(RenewStep.SIGN):
            if self.told.signatures_missing or requests != self.told.requests:
                self._sign(requests)
        self.at_desk.processes.open_ahead(self._target)
        with progress.doing(RenewStep.CERTIFY):
            issued = certificates_from_untrusted(self.at_desk.link.step("/renewal-certificates", {}))
        return issued.by_purpose, issued.completion_nonce

    def _keys(self) -> Mapping[Purpose, bytes]:
        """Return the CSRs of the new keys: those that the site knows if they are there, else new ones."""
        known = self.told.requests
        is_there: bool = bool(known) and self._on_target(key_set_operations.holds_keys_of, known)
        if is_there:
            return known
        made = self._on_target(key_set_operations.make_keys_beside, self.at_desk.job.holder.uid)
        body: dict[str, object] = {name: as_base64(made.requests[each]) for each, name in JSON_NAMES.items()}
        body["provenance"] = {name: dict(made.provenance[each]) for each, name in JSON_NAMES.items()}
        self.at_desk.processes.open_ahead(self._signers.serial)
        self.at_desk.link.step("/renewal-keys", body)
        return made.requests

    @property
    def _signers(self) -> CardView:
        """The card that signs: the operator's or a colleague's, or the one that is renewed."""
        return self.cards.get(SIGNER, self.cards[TARGET])

    def _sign(self, requests: Mapping[Purpose, bytes]) -> None:
        card = self._signers
        pin = self.pins.get(SIGNER_PIN, self.pins[HOLDER_PIN])
        signed = statement(self.at_desk, self.told, requests, card.holder_uid)
        signature = signed_by(self.at_desk.processes, card, pin, Purpose.CONTENT_COMMITMENT, signed)
        approval = SignedApproval(signed, signature, card.certificates[Purpose.CONTENT_COMMITMENT])
        self.at_desk.link.step(
            "/renewal-signature",
            {
                "statement": as_base64(approval.statement),
                "signature": as_base64(approval.signature),
                "certificate": as_base64(approval.certificate),
            },
        )

    def _finish(self, progress: Progress, certificates: Mapping[Purpose, bytes], nonce: str) -> None:
        arguments = (key_set_operations.put_in_use, self._target_pins(), certificates, nonce.encode())
        with closing(self.at_desk.processes.steps(self._target, *arguments)) as answers:
            with progress.doing(RenewStep.WRITE_CERTIFICATES):
                next(answers)
            with progress.doing(RenewStep.USE):
                (used,) = answers
                self.at_desk.processes.open_ahead(self._target)
                body = {"read_back": _digests(certificates, used.read_back), "proof": as_base64(used.proof)}
                self.at_desk.link.step("/renewal-completion", body)
        with progress.doing(RenewStep.REMOVE_OLD):
            self._on_target(key_set_operations.keep_only, certificates)
            self.at_desk.link.step("/renewal-end", {})

    def _on_target(self, operation: Callable[..., Result], *arguments: object) -> Result:
        return self.at_desk.processes.run(self._target, operation, self._target_pins(), *arguments)

    @property
    def _target(self) -> str:
        return self.cards[TARGET].serial

    def _target_pins(self) -> list[Pin]:
        return [self.pins[HOLDER_PIN]]


def _digests(written: Mapping[Purpose, bytes], read_back: Mapping[Purpose, bytes]) -> dict[str, str]:
    if dict(read_back) != dict(written):
        raise CardFault(
            "The card did not keep the certificates as they were written. The old ones still work: go on "
            "once; if it fails again, report the card as faulty on the site and have it replaced."
        )
    return {name: hashlib.sha256(read_back[purpose]).hexdigest() for purpose, name in JSON_NAMES.items()}

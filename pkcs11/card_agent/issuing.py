"""Issuing a card at the desk, in numbered steps. Each says what is left behind when the next one fails.

 1. claim the job                     the site knows which desk has it; nothing else has happened
 2. the operator's approval           signed on the operator's card; the new card is untouched.
                                      It names this run's desk key, so another run needs another approval
 3. record the intention              the site holds the approval and the wrapped SO PIN of a card that may
                                      be initialised next
 4. initialise the card, set the PIN  an empty card whose SO PIN the site can recover; starting over erases it
 5. generate two key pairs            keys nobody has certified; starting over erases them
 6. the CSRs, signed for by the desk  nothing more: a CSR is made from the keys at any time
 7. certificates from the site        the site is ``certified``: from here keys and certificates stay the same
 8. write them with the keys' CKA_ID  writing again replaces what is there
 9. read them back                    nothing more
10. the completion proof              the site makes the card active

Steps 4 to 6 are one operation on the card, and so is what 8 to 10 do there: nobody is logged in to it while
the site is asked.

A run starts from what the site says. Before ``certified`` it goes back to step 2, because a card that was
left anywhere between 3 and 7 is worth nothing yet. From ``certified`` on it goes on with step 8.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from card_agent import card_operations
from card_agent.approval import DeskApproval
from card_agent.card_process import CardProcesses
from card_agent.desk_job import IssuedCertificates
from card_agent.errors import BegunElsewhere, CardAgentError, CardFault
from card_agent.escrow import escrow_key, wrapped
from card_agent.job_client import ClaimedJob
from card_agent.pin import Pin
from card_agent.ports import CardContents, Purpose
from card_agent.progress import IssueStep, Progress
from card_agent.so_pins import UnfinishedSoPins

_log = logging.getLogger(__name__)

Requests = Mapping[Purpose, bytes]
Provenance = Mapping[Purpose, Mapping[str, object]]


@dataclass(frozen=True)
class IssuePlan:
    """What the person at the desk has decided and entered: the card to issue, the holder's PIN, the approval.

    ``approval`` is None when the founding has approved, or when the card is certified already.
    """

    card_serial: str
    holder_pin: Pin
    approval: DeskApproval | None


class CardIssue:
    """One run of the steps for one claimed job."""

    def __init__(
        self,
        claimed: ClaimedJob,
        plan: IssuePlan,
        processes: CardProcesses,
        progress: Progress,
        so_pins: UnfinishedSoPins,
    ) -> None:
        self._claimed = claimed
        self._job = claimed.job
        self._plan = plan
        self._processes = processes
        self._progress = progress
        self._so_pins = so_pins

    def run(self) -> None:
        """Do every step that is left. Never raises: the progress and the site are told of a failure."""
        try:
            with self._plan.holder_pin:
                self._finish(self._job.certificates or self._certified())
        except Exception as error:  # a thread's outermost frame
            self._report(error)
        finally:
            self._progress.end()

    def _certified(self) -> IssuedCertificates:
        """Steps 2 to 7."""
        serial, approval = self._plan.card_serial, self._plan.approval
        self._processes.open_ahead(serial)
        with self._progress.doing(IssueStep.RECORD_INTENTION):
            earlier = self._so_pins.of(serial)
            key = escrow_key(self._claimed.site, self._job.so_pin_escrow_key)
            so_pin = self._so_pins.new(serial, self._job.card_profile)
            signed = approval.signed if approval else None
            self._claimed.record_intention(serial, wrapped(so_pin, serial, key), signed)
        requests, provenance = self._prepared(serial, [so_pin, self._plan.holder_pin, *earlier])
        self._processes.open_ahead(serial)
        with self._progress.doing(IssueStep.CERTIFY):
            issued = self._claimed.certify(requests, self._keys_signature(requests), provenance)
        self._so_pins.forget(serial)
        return issued

    def _prepared(self, serial: str, pins: list[Pin]) -> tuple[Requests, Provenance]:
        """Steps 4 to 6, in one operation on the card."""
        operation = partial(card_operations.prepare, holder_uid=self._job.holder.uid)
        with closing(self._processes.steps(serial, operation, pins)) as answers:
            with self._progress.doing(IssueStep.INITIALISE):
                self._note_so_pin(serial, answers)
            with self._progress.doing(IssueStep.GENERATE_KEYS):
                provenance: Provenance = next(answers)
            with self._progress.doing(IssueStep.REQUEST_CERTIFICATES):
                (requests,) = answers
        return requests, provenance

    def _note_so_pin(self, serial: str, answers: Iterator[bool]) -> None:
        """A card that keeps an SO PIN from elsewhere is not tried with ours again."""
        try:
            has_ours = next(answers)
        except BegunElsewhere:
            self._so_pins.forget(serial)
            raise
        if not has_ours:
            self._so_pins.forget(serial)

    def _keys_signature(self, requests: Mapping[Purpose, bytes]) -> bytes | None:
        """The desk's word, in the operator's name, that these keys came out of this card."""
        if self._plan.approval is None:
            return None
        return self._plan.approval.desk_key.sign_keys(self._job.id, self._plan.card_serial, requests)

    def _finish(self, issued: IssuedCertificates) -> None:
        """Steps 8 to 10; what they do on the card is one operation."""
        pins, nonce = [self._plan.holder_pin], issued.completion_nonce.encode()
        steps = (self._plan.card_serial, card_operations.finish, pins, issued.by_purpose, nonce)
        with closing(self._processes.steps(*steps)) as answers:
            with self._progress.doing(IssueStep.WRITE_CERTIFICATES):
                next(answers)
            with self._progress.doing(IssueStep.READ_BACK):
                read_back = _digests(next(answers), issued.by_purpose)
            with self._progress.doing(IssueStep.COMPLETE):
                (proof,) = answers
                self._claimed.complete(read_back, proof)

    def _report(self, error: Exception) -> None:
        """Tell the site what failed. The site may be what failed, so this does not insist."""
        step = self._progress.failed_step() or IssueStep.COLLECT
        reason = f"{error.code}: {error}" if isinstance(error, CardAgentError) else type(error).__name__
        _log.warning("Issuance %s failed at %s: %s", self._job.id, step.value, reason)
        try:
            self._claimed.report_failure(step.value, reason)
        except CardAgentError as unreported:
            _log.warning("Issuance %s: the failure was not reported: %s", self._job.id, unreported)


def _digests(read_back: CardContents, written: Mapping[Purpose, bytes]) -> dict[Purpose, str]:
    """Return the SHA-256 (hex) of each certificate read back. Raises CardFault unless it was written."""
    if dict(read_back.certificates) != dict(written):
        raise CardFault(
            "The card did not keep the certificates as they were written. "
            "Go on once; if it fails again, undo the issuance and use another card."
        )
    return {purpose: hashlib.sha256(der).hexdigest() for purpose, der in read_back.certificates.items()}

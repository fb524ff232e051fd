"""Killed at any step, an issuance can be gone on with or undone, on everything that ./run starts.

Each case: a new person, a blank card, the desk begins; at one moment one program is killed (SIGKILL) and the
supervisor brings it back. Then the operator goes on, or undoes and issues another card. Afterwards there is
one live certificate for each purpose, on record, in the certificate authority's ledger and on the card.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.domain.issuance import IssuanceNotOpen, IssuanceStatus
from app.errors import Refusal
from tests.support.afterwards import require_audit_verifies
from tests.support.gates import Gates, Recorded, Signed, WatchedIssuance
from tests.support.killing import TRIES, Missed, Processes, wait_until
from tests.support.office import NEW_PIN, Office, Run
from tests.support.running_service import Service

# Named where a program is: the card is pulled instead.
CARD = "card"
# Moments: the desk's call is under way and nothing of it is recorded; or it is recorded and unanswered.
CALLS = {
    "claim": Recorded.CLAIMED,
    "personalisation": Recorded.PERSONALISING,
    "certificate-requests": Recorded.CERTIFIED,
    "completion": Recorded.ACTIVE,
}
# Moments of the certificate authority: its own record has got as far as this.
ORDER = {"intended": Signed.INTENDED, "signed": Signed.SIGNED, "audited": Signed.AUDITED}

BEFORE_AND_AFTER = [f"{when} {call}" for call in CALLS for when in ("before", "after")]
AFTER = [f"after {call}" for call in CALLS]
ORDERED = [f"order {state}" for state in ORDER]
MOMENTS = [*BEFORE_AND_AFTER[:5], *ORDERED, *BEFORE_AND_AFTER[5:]]


def in_turns(moments_of: dict[str, list[str]]) -> list[tuple[str, str]]:
    """The cases by moment: the supervisor waits longer for a program that stops again and again."""
    return [
        (program, moment) for moment in MOMENTS for program in moments_of if moment in moments_of[program]
    ]


GONE_ON_WITH = in_turns(
    {
        "web": [*AFTER, "before claim", "before certificate-requests", "before completion", "order signed"],
        "card-agent": [*BEFORE_AND_AFTER, "order intended"],
        "ca": [*AFTER, "before certificate-requests", *ORDERED],
        "worker": AFTER,
        "directory": AFTER[-2:],
        CARD: [*AFTER[:-1], *BEFORE_AND_AFTER[2::2]],
    }
)
# Fewer than above, for the time they take: those that leave the most behind.
# An issuance whose completion is recorded cannot be undone any more: its card is cancelled.
UNDONE = in_turns(
    {
        "web": ["after personalisation", "after certificate-requests", "before completion", "order signed"],
        "card-agent": [*AFTER[:-1], "before certificate-requests"],
        "ca": ["after certificate-requests", *ORDERED[:2]],
        "worker": ["after personalisation"],
    }
)


class Case:
    """One person, one issuance, one card."""

    def __init__(self, office: Office) -> None:
        self.uid = office.register()
        self.card = office.lay_out_cards()
        self.issuance = office.issuing.begin(office.actor, self.uid)


def stand_still(gates: Gates, moment: str) -> None:
    when, what = moment.split()
    if when == "order":
        gates.when_ordered(ORDER[what])
    elif when == "before":
        gates.before(CALLS[what])
    else:
        gates.at(CALLS[what])


def kill(office: Office, processes: Processes, case: Case, program: str) -> None:
    """The agent's own process alone is killed: what it started must notice by itself."""
    if program == CARD:
        office.pull(case.card)
    else:
        (processes.kill_first_process if program == "card-agent" else processes.kill)(program)


def recover(office: Office, processes: Processes, case: Case, program: str) -> None:
    if program == CARD:
        office.put_back(case.card)
    else:
        processes.wait_until_back(program)


def killed_at(
    office: Office, processes: Processes, program: str, moment: str, then: Callable[[Case], object]
) -> tuple[Case, Run]:
    """Begin an issuance and kill the program at the moment; ``then`` acts before anything recovers.

    A moment that passed unseen on a busy machine is tried again with somebody else.
    """
    for _ in range(TRIES):
        case = Case(office)
        gates = Gates(processes, WatchedIssuance(case.issuance))
        try:
            run = office.issue_in_background(office.hop(case.issuance))
            stand_still(gates, moment)
            kill(office, processes, case, program)
            gates.open()
            then(case)
            return case, run
        except Missed:
            gates.open()
            recover(office, processes, case, program)
            run.seen()
            office.go_on(case.issuance)
            office.throw_away(case.card)
        finally:
            gates.leave()
    raise AssertionError(f"the moment {moment} was missed again and again")


@pytest.mark.parametrize(("program", "moment"), GONE_ON_WITH)
def test_killed_and_gone_on_with(program: str, moment: str, office: Office, processes: Processes) -> None:
    case, run = killed_at(office, processes, program, moment, lambda case: None)
    recover(office, processes, case, program)
    run.seen()
    office.go_on(case.issuance)
    office.require_live(case.uid, case.card)
    assert case.card in office.sign_in(case.card)
    office.throw_away(case.card)


@pytest.mark.parametrize(("program", "moment"), UNDONE)
def test_killed_and_undone(program: str, moment: str, office: Office, processes: Processes) -> None:
    def undo(case: Case) -> None:
        try:
            office.issuing.undo(office.actor, case.issuance, "The machine stopped.")
        except IssuanceNotOpen:
            raise Missed from None  # the desk was quicker

    case, run = killed_at(office, processes, program, moment, undo)
    processes.wait_until_back(program)
    assert run.seen() != ""
    office.require_nothing_live(case.uid)
    another = office.issue_whole(case.uid)
    office.require_live(case.uid, another)
    assert another in office.sign_in(another)
    office.throw_away(case.card)
    office.throw_away(another)


def test_a_browser_that_never_reaches_the_desk(office: Office) -> None:
    case = Case(office)
    office.hop(case.issuance)
    office.go_on(case.issuance)
    office.require_live(case.uid, case.card)
    office.throw_away(case.card)


def test_a_browser_that_is_closed_before_the_pins(office: Office) -> None:
    case = Case(office)
    office.open_at_desk(office.hop(case.issuance))
    office.go_on(case.issuance)
    office.require_live(case.uid, case.card)
    office.throw_away(case.card)


def test_a_browser_that_is_closed_while_the_desk_works(office: Office) -> None:
    """The desk finishes what was begun: nobody has to look on."""
    case = Case(office)
    with office.desk() as desk:
        next(desk.issue(office.hop(case.issuance), office.priya.pin, NEW_PIN))
    wait_until(lambda: office.status(case.issuance) is IssuanceStatus.ACTIVE, "the card is issued")
    office.require_live(case.uid, case.card)
    office.throw_away(case.card)


def test_an_issuance_that_is_finished_cannot_be_undone(office: Office) -> None:
    case = Case(office)
    office.go_on(case.issuance)
    with pytest.raises(Refusal, match="already active"):
        office.issuing.undo(office.actor, case.issuance, "Too late.")
    office.require_live(case.uid, case.card)
    office.throw_away(case.card)


def test_afterwards_nothing_is_left_open_and_the_audit_verifies(office: Office, service: Service) -> None:
    assert office.issuing.open_issuances(office.actor) == []
    require_audit_verifies(office)
    told = service.spine_ra("directory", "compare")
    assert told.returncode == 0, told.stdout + told.stderr

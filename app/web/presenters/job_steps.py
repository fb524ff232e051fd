"""The steps of what is done at a desk, in words: what happened, what comes next, what is still to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.desk_record import JobStep
from app.web.presenters.wording import clock_time, sentence

_OUTCOMES = {"done": ("Done", "green"), "failed": ("Failed", "red")}


@dataclass(frozen=True)
class StepShown:
    """One thing that happened, ready to be written."""

    text: str
    outcome: str
    colour: str
    time: str

    @classmethod
    def of(cls, step: JobStep, stages: Mapping[str, str]) -> StepShown:
        """A step in words; a failed one says why."""
        outcome, colour = _OUTCOMES.get(step.outcome, (sentence(step.outcome), "grey"))
        name = stages.get(step.name, sentence(step.name))
        text = f"{name}: {_in_words(step.reason)}" if step.reason else name
        return cls(text, outcome, colour, clock_time(step.at))


def _in_words(reason: str) -> str:
    """The reason without the code that the desk puts before its sentence."""
    code, _, words = reason.partition(": ")
    return words if words and code.replace("_", "").isalpha() and code.islower() else reason


def steps_shown(
    steps: Sequence[JobStep],
    stages: Mapping[str, str],
    at_the_desk: Mapping[str, str] | None = None,
    *,
    is_open: bool,
) -> tuple[StepShown, ...]:
    """What happened, and what is still to come while it can be gone on with.

    Args:
        stages: the names of all steps in order, and their words.
        at_the_desk: what the desk calls those that fail there, and their words.
    """
    happened = tuple(StepShown.of(step, {**(at_the_desk or {}), **stages}) for step in steps)
    done = {step.name for step in steps if step.outcome == "done"}
    to_come = [text for name, text in stages.items() if name not in done]
    if not is_open or not to_come:
        return happened
    first, *later = to_come
    waiting = (StepShown(text, "To come", "grey", "") for text in later)
    return (*happened, StepShown(first, "Next", "blue", ""), *waiting)

"""Renders the agent's pages from the templates beside this file. Everything shown is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from card_agent.errors import PinLocked, RequestRefused
from card_agent.http_messages import Response, as_json, file, html
from card_agent.pin_policy import PinPolicy
from card_agent.progress import Progress
from card_agent.settings import Site

_CONTENT_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
# A browser that went away is found out by the answer, so it must not be long.
_NEWS_WITHIN_SECONDS = 5
_STATIC_FILES = (
    "agent.css",
    "batch.js",
    "focus.js",
    "going_back.js",
    "once.js",
    "readers.js",
    "steps.js",
    "icon.svg",
)


@dataclass(frozen=True)
class Problem:
    """What is wrong with a form: the field's id (empty for the page as a whole) and the sentence."""

    field: str
    sentence: str


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("card_agent"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clock_time"] = clock_time
    environment.globals["card_is_locked"] = PinLocked.SENTENCE
    return environment


def page(
    template: str,
    values: Mapping[str, object],
    problems: list[Problem] | None = None,
    form_targets: tuple[str, ...] = (),
) -> Response:
    """Return the page made from ``template``; with problems it is a 422 that lists them first."""
    text = _templates().get_template(template).render(problems=problems or [], **values)
    return html(text, 422 if problems else 200, form_targets)


def refusal_page(status: int, sentence: str, sites: Sequence[Site] = ()) -> Response:
    """Return a page that says why nothing was done, and leads back to the sites."""
    template = _templates().get_template("refusal.html")
    return html(template.render(problems=[], sentence=sentence, sites=sites), status)


def static_file(name: str) -> Response:
    """Return one of the agent's own files. Raises RequestRefused (404)."""
    if name not in _STATIC_FILES:
        raise RequestRefused(404, "There is no such page. Open the desk to begin.")
    body = resources.files("card_agent").joinpath("static", name).read_bytes()
    return file(body, _CONTENT_TYPES[name.rpartition(".")[2]])


def clock_time(at: datetime | None) -> str:
    """Return the time of day in the desk's own time zone, to the second; empty for None."""
    return at.astimezone().strftime("%H:%M:%S") if at else ""


def steps_message(progress: Progress | None, after: str) -> Response:
    """Return the steps as JSON for the page's script, once there is more to tell than it has seen.

    ``after`` is what the script was told last under ``changes``; anything else is answered at once.
    """
    if progress is None:
        return as_json({"over": True, "steps": []})
    if after.isascii() and after.isdigit():
        progress.wait_for_change(int(after), _NEWS_WITHIN_SECONDS)
    return as_json(progress_message(progress))


def progress_message(progress: Progress) -> dict[str, object]:
    """Return the steps as the page and its script show them."""
    # Before the rest: what changes meanwhile is told the next time.
    changes, is_over = progress.changes, progress.is_over
    steps = [
        {
            "sentence": seen.step.sentence,
            "name": seen.step.value,
            "state": seen.state.value,
            "time": clock_time(seen.finished_at or seen.started_at),
        }
        for seen in progress.steps()
    ]
    done = is_over and not progress.failure
    return {
        "changes": changes,
        "over": is_over,
        "done": done,
        "failure": progress.failure,
        "steps": steps,
        "result": progress.result,
    }


def pin_problem(digits: str, field: str, whose: str = "") -> Problem | None:
    """Return what is wrong with a PIN that need not be tried on the card, so that no try is lost.

    ``whose`` tells it from another one that the form asks for.
    """
    if not digits:
        return Problem(field, f"Enter the PIN of {whose}." if whose else "Enter the PIN.")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 16:
        return Problem(field, "A PIN has only digits. No try was used.")
    return None


def new_pin_problem(
    policy: PinPolicy, holder_uid: str, form: Mapping[str, str], new: str, repeated: str
) -> Problem | None:
    """Return what is wrong with a new PIN typed twice, into the fields of these names."""
    sentence = policy.problem(form.get(new, ""), holder_uid)
    if sentence:
        return Problem(new, sentence)
    if form.get(new, "") != form.get(repeated, ""):
        return Problem(repeated, "The two entries of the new PIN are not the same. Enter both again.")
    return None

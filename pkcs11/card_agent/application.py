"""Which address leads to which page, and what must be true of a request before it gets there."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence

from card_agent.batch_pages import BatchPages
from card_agent.desk_pages import DeskPages
from card_agent.doctor_pages import DoctorPages
from card_agent.errors import CardAgentError, OriginNotAllowed, PageExpired, Refusal, RequestRefused
from card_agent.http_messages import Request, Response
from card_agent.issue_pages import IssuePages
from card_agent.job_pages import JobPages
from card_agent.last_try_pages import LastTryPages
from card_agent.offline_pages import OfflinePages
from card_agent.pages import refusal_page, static_file
from card_agent.request_checks import (
    require_navigation,
    require_own_form,
    require_own_host,
    require_own_page,
)
from card_agent.settings import Site
from card_agent.sign_in_pages import SignInPages
from card_agent.signing_pages import SigningPages

_log = logging.getLogger(__name__)


class Application:
    """Answers requests. ``own_port`` is the port it listens on, which its own Host headers name; ``sites``
    are those that a refusal leads back to.
    """

    def __init__(
        self,
        own_port: int,
        sites: Sequence[Site],
        desk: DeskPages,
        sign_in: SignInPages,
        issue: IssuePages,
        jobs: JobPages,
        signing: SigningPages,
        last_try: LastTryPages,
        doctor: DoctorPages,
        batches: BatchPages,
        offline: OfflinePages,
    ) -> None:
        self._hosts = frozenset({f"127.0.0.1:{own_port}", f"localhost:{own_port}"})
        self._origins = frozenset(f"http://{host}" for host in self._hosts)
        self._sites = sites
        self._desk = desk
        self._sign_in = sign_in
        self._issue = issue
        self._jobs = jobs
        self._signing = signing
        self._last_try = last_try
        self._doctor = doctor
        self._batches = batches
        self._offline = offline

    def answer(self, request: Request) -> Response:
        """Return the response; a refusal becomes a page. Never raises."""
        try:
            require_own_host(request, self._hosts)
            return self._checked(request)
        except CardAgentError as error:
            _log.info("%s %s refused: %s", request.method, request.path, error.code)
            return refusal_page(_status(error), str(error), self._sites)
        except Exception as error:  # the outermost frame of a request
            return _fault_page(request, error)

    def _checked(self, request: Request) -> Response:
        if request.method == "POST":
            require_own_form(request, self._origins)
            return self._form(request)
        if request.path.startswith("/static/"):
            require_own_page(request)
            return static_file(request.path.removeprefix("/static/"))
        if request.path == "/readers.json":
            require_own_page(request)
            return self._desk.lying()
        if request.path.endswith("/steps.json"):
            require_own_page(request)
            return self._steps(request)
        require_navigation(request)
        return self._page(request)

    def _page(self, request: Request) -> Response:
        pages: dict[str, Callable[[], Response]] = {
            "/": lambda: self._desk.show(request.query.get("back", "")),
            "/card": lambda: self._sign_in.ask(request.query),
            "/batch": lambda: self._batches.collect(request.query),
            "/job": lambda: self._jobs.collect(request.query),
            "/sign": lambda: self._signing.collect(request.query),
            "/doctor": self._doctor.show,
            "/workstation": lambda: self._offline.register(request.query),
            "/offline": self._offline.choose,
            "/last-try": lambda: self._last_try.show(
                request.query.get("card", ""), request.query.get("back", "")
            ),
        }
        if request.path in pages:
            return pages[request.path]()
        match request.path.split("/"):
            case ["", "issue", name]:
                return self._issue.show(name)
            case ["", "job", name]:
                return self._jobs.show(name)
            case ["", "sign", name]:
                return self._signing.show(name)
            case ["", "batch", name]:
                return self._batches.show(name)
            case ["", "offline", name]:
                return self._offline.show(name)
        raise _no_such_page()

    def _steps(self, request: Request) -> Response:
        match request.path.split("/"):
            case ["", "issue", name, "steps.json"]:
                return self._issue.steps(name, request.query.get("after", ""))
            case ["", "job", name, "steps.json"]:
                return self._jobs.steps(name, request.query.get("after", ""))
            case ["", "doctor", "steps.json"]:
                return self._doctor.steps(request.query.get("after", ""))
            case ["", "batch", name, "steps.json"]:
                return self._batches.steps(name)
        raise _no_such_page()

    def _form(self, request: Request) -> Response:
        forms: dict[str, Callable[[Mapping[str, str]], Response]] = {
            "/card": self._sign_in.answer,
            "/doctor": self._doctor.send,
            "/last-try": self._last_try.answer,
            "/offline": self._offline.begin,
        }
        if request.path in forms:
            return forms[request.path](request.form)
        match request.path.split("/"):
            case ["", "desk", ("insert" | "remove" | "take") as action]:
                return self._desk.change(action, request.form)
            case ["", "issue", name]:
                return self._issue.start(name, request.form)
            case ["", "issue", name, "go-on"]:
                return self._issue.go_on(name, request.form)
            case ["", "batch", name]:
                return self._batches.answer(name, request.form)
            case ["", "job", name]:
                return self._jobs.start(name, request.form)
            case ["", "job", name, "go-on"]:
                return self._jobs.go_on(name, request.form)
            case ["", "sign", name]:
                return self._signing.answer(name, request.form)
            case ["", "offline", name]:
                return self._offline.unlock(name, request.form)
        raise _no_such_page()


def _no_such_page() -> RequestRefused:
    return RequestRefused(404, "There is no such page. Open the desk to begin.")


def _status(error: CardAgentError) -> int:
    if isinstance(error, RequestRefused):
        return error.status
    if isinstance(error, (OriginNotAllowed, PageExpired)):
        return 403
    return 409 if isinstance(error, Refusal) else 502


def _fault_page(request: Request, error: Exception) -> Response:
    """Return a page with a reference number. The log gets the kind of the error, no value of the request."""
    reference = secrets.token_hex(4)
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "?"
    _log.error("fault %s: %s at %s for %s", reference, type(error).__name__, place, request.path)
    return refusal_page(500, f"The card agent failed. Tell your IT service desk this number: {reference}.")

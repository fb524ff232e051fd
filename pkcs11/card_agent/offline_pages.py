"""The pages of unlocking without network: register this computer, show a challenge, take the response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from card_agent import card_operations
from card_agent.allow_list import AllowList
from card_agent.card_process import CardProcesses
from card_agent.card_views import CardViews
from card_agent.errors import CardAgentError, Refusal
from card_agent.http_messages import Response, see_other
from card_agent.offline_unlock import OfflineUnlock
from card_agent.pages import Problem, new_pin_problem, page
from card_agent.pin import Pin
from card_agent.pin_policy import PinPolicy
from card_agent.remembered import Remembered
from card_agent.workstation import WorkstationFile, WorkstationKey, register

# As long as somebody may be on the telephone.
_CHALLENGE_LIFETIME = timedelta(minutes=30)
_RESPONSE, _NEW_PIN, _REPEATED_PIN = "response", "new_pin", "repeated_pin"


class OfflinePages:
    """The pages of ``/offline`` and ``/workstation``."""

    def __init__(
        self,
        allow_list: AllowList,
        file: WorkstationFile,
        views: CardViews,
        processes: CardProcesses,
        clock: Callable[[], datetime],
    ) -> None:
        self._allow_list = allow_list
        self._file = file
        self._views = views
        self._processes = processes
        self._challenges: Remembered[OfflineUnlock] = Remembered(_CHALLENGE_LIFETIME, clock, capacity=50)

    def register(self, query: Mapping[str, str]) -> Response:
        """Register this computer with a one-time ticket. Raises OriginNotAllowed or what the site refuses."""
        site = self._allow_list.site(query.get("op", ""))
        kept = register(site, query.get("ticket", ""), self._file)
        return page("workstation_registered.html", {"site": site, "workstation": kept})

    def choose(self) -> Response:
        """Show the cards in the readers; each leads to a challenge of its own."""
        lying = self._views.lying()
        cards = [card for card in self._views.cards_in_readers() if card.can_sign_in]
        values = {"cards": cards, "workstation": self._file.read(), "lying": lying}
        return page("offline_choose.html", values)

    def begin(self, form: Mapping[str, str]) -> Response:
        """Make a challenge for a card in a reader. Raises Refusal."""
        kept, serial = self._registered(), form.get("card", "")
        if serial not in {card.serial for card in self._views.cards_in_readers() if card.can_sign_in}:
            raise Refusal("Insert the card that is to be unlocked, then load the page again.")
        return see_other("/offline/" + self._challenges.add(OfflineUnlock.begin(kept.id, serial)))

    def show(self, name: str) -> Response:
        """Show the challenge and ask for the response. Raises PageExpired."""
        return self._page(name, self._challenges.look_up(name), [])

    def unlock(self, name: str, form: Mapping[str, str]) -> Response:
        """Set the new PIN with what the response holds; the challenge is used up. Raises PageExpired."""
        challenge, kept = self._challenges.look_up(name), self._registered()
        problems = _problems(kept.pin_policy, form, self._holder_of(challenge))
        if not problems:
            problems = self._unlocked(challenge, kept, form)
        if problems:
            return self._page(name, challenge, problems)
        self._challenges.take(name)
        return page("offline_done.html", {})

    def _unlocked(
        self, challenge: OfflineUnlock, kept: WorkstationKey, form: Mapping[str, str]
    ) -> list[Problem]:
        try:
            with challenge.so_pin(form[_RESPONSE], kept.key) as so_pin, Pin(form[_NEW_PIN]) as new_pin:
                self._processes.run(challenge.card_serial, card_operations.unblock, [new_pin, so_pin])
        except Refusal as refusal:
            return [Problem(_RESPONSE, str(refusal))]
        except CardAgentError as error:
            return [Problem("", str(error))]
        return []

    def _registered(self) -> WorkstationKey:
        kept = self._file.read()
        if kept is None:
            raise Refusal("This computer is not registered for unlocking without network.")
        return kept

    def _holder_of(self, challenge: OfflineUnlock) -> str:
        cards = self._views.cards_in_readers()
        return next((card.holder_uid for card in cards if card.serial == challenge.card_serial), "")

    def _page(self, name: str, challenge: OfflineUnlock, problems: list[Problem]) -> Response:
        values = {"name": name, "challenge": challenge, "rules": self._registered().pin_policy.rules()}
        return page("offline_form.html", values, problems)


def _problems(policy: PinPolicy, form: Mapping[str, str], holder_uid: str) -> list[Problem]:
    found = []
    if not form.get(_RESPONSE, "").strip():
        found.append(Problem(_RESPONSE, "Enter the response that is read out to you."))
    pin = new_pin_problem(policy, holder_uid, form, _NEW_PIN, _REPEATED_PIN)
    return [*found, pin] if pin else found

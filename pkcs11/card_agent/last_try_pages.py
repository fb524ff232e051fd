"""The page of the last try: the holder's PIN, and a second person who agrees."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from card_agent import card_operations
from card_agent.card_views import CardView, CardViews
from card_agent.errors import ABOUT_THE_PIN, CardAgentError, CardRemoved, LastTry
from card_agent.http_messages import Response
from card_agent.last_try import LastTryDesk
from card_agent.pages import Problem, page, pin_problem
from card_agent.pin import Pin
from card_agent.ports import Purpose
from card_agent.visits import FormValues, WaysBack

_PIN, _SECOND_PIN, _SECOND_UID, _AGREES = "pin", "second_pin", "second_uid", "agrees"
_UID = re.compile(r"[0-9]{12}")


class LastTryPages:
    """The page of ``/last-try``."""

    def __init__(
        self,
        desk: LastTryDesk,
        views: CardViews,
        form_values: FormValues,
        ways_back: WaysBack,
        clock: Callable[[], datetime],
    ) -> None:
        self._desk = desk
        self._views = views
        self._form_values = form_values
        self._ways_back = ways_back
        self._clock = clock

    def show(self, serial: str, back: str, problems: list[Problem] | None = None) -> Response:
        """Return the page for the card in a reader. Raises CardRemoved."""
        card, second = self._cards(serial)
        values = {
            "card": card,
            "second": second,
            "form_value": self._form_values.new(_purpose(serial)),
            "back": back,
            "way_back": self._ways_back.find(back),
        }
        return page("last_try.html", values, problems)

    def answer(self, form: Mapping[str, str]) -> Response:
        """Have the consent recorded, then try the PIN. Raises PageExpired or CardRemoved."""
        serial, back = form.get("card", ""), form.get("back", "")
        self._form_values.take(form.get("form_value", ""), _purpose(serial))
        card, second = self._cards(serial)
        problems = _entry_problems(form, card, second)
        if not problems and card.awaits_so_consent:
            problems = self._so_try_agreed(card, second, form)
        elif not problems and card.is_at_last_try:
            problems = self._tried(card, second, form)
        return self.show(serial, back, problems)

    def _tried(self, card: CardView, second: CardView | None, form: Mapping[str, str]) -> list[Problem]:
        field = _SECOND_PIN
        try:
            self._agree(card, second, form)
            field = _PIN
            with Pin(form[_PIN]) as pin:
                self._desk.processes.run(card.serial, card_operations.check_pin, [pin])
        except CardAgentError as error:
            is_pin = isinstance(error, (*ABOUT_THE_PIN, LastTry))
            return [Problem(field if is_pin else "", str(error))]
        return []

    def _so_try_agreed(
        self, card: CardView, second: CardView | None, form: Mapping[str, str]
    ) -> list[Problem]:
        try:
            self._agree(card, second, form)
        except CardAgentError as error:
            is_pin = isinstance(error, (*ABOUT_THE_PIN, LastTry))
            return [Problem(_SECOND_PIN if is_pin else "", str(error))]
        self._desk.processes.so_last_tries.agree(card.serial)
        return []

    def _agree(self, card: CardView, second: CardView | None, form: Mapping[str, str]) -> None:
        if second is None:
            self._desk.agree_by_word(card, form[_SECOND_UID].replace(" ", ""), self._clock())
            return
        with Pin(form[_SECOND_PIN]) as pin:
            self._desk.agree_with_card(card, second, pin, self._clock())

    def _cards(self, serial: str) -> tuple[CardView, CardView | None]:
        cards = self._views.cards_in_readers()
        card = next((each for each in cards if each.serial == serial and each.can_sign_in), None)
        if card is None:
            raise CardRemoved("The card is no longer in the reader. Insert it again.")
        return card, next((each for each in cards if _can_agree(each, card)), None)


def _can_agree(second: CardView, card: CardView) -> bool:
    return Purpose.CONTENT_COMMITMENT in second.certificates and second.holder_uid != card.holder_uid


def _purpose(serial: str) -> str:
    return f"last try of {serial}"


def _entry_problems(form: Mapping[str, str], card: CardView, second: CardView | None) -> list[Problem]:
    """Return what is wrong as typed, before anybody's card is asked."""
    found = [] if card.awaits_so_consent else [pin_problem(form.get(_PIN, ""), _PIN, card.holder_name)]
    if second is not None:
        found.append(pin_problem(form.get(_SECOND_PIN, ""), _SECOND_PIN, second.holder_name))
    elif not _UID.fullmatch(form.get(_SECOND_UID, "").replace(" ", "")):
        found.append(Problem(_SECOND_UID, "Enter the 12 digits of the second person's user id (UUID)."))
    elif form.get(_AGREES) != "yes":
        found.append(Problem(_AGREES, "The second person must agree, or the last try is not used."))
    return [problem for problem in found if problem]

"""The sign-in hop: names the site and the card's holder, asks for the PIN, signs, sends the browser back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from card_agent.allow_list import AllowList, SignInRequest
from card_agent.card_process import CardProcesses
from card_agent.card_signature import signed_by
from card_agent.card_views import CardView, CardViews
from card_agent.errors import ABOUT_THE_PIN, CardAgentError, CardRemoved
from card_agent.http_messages import Response, see_other
from card_agent.pages import Problem, page, pin_problem
from card_agent.pin import Pin
from card_agent.ports import Purpose
from card_agent.remembered import Remembered
from card_agent.visits import WaysBack
from card_agent.web_eid_token import authentication_token, return_location, signed_bytes

# As long as the site keeps the nonce.
_LIFETIME = timedelta(minutes=5)
_PIN_FIELD = "pin"
# No card is chosen beforehand: one person's PIN typed for another person's card uses up its tries.
_WHICH = Problem("which", "Choose which card is yours. No try was used.")


class SignInPages:
    """The page of ``/card``. Each form value stands for one request of one site and works once."""

    def __init__(
        self,
        allow_list: AllowList,
        views: CardViews,
        processes: CardProcesses,
        ways_back: WaysBack,
        clock: Callable[[], datetime],
    ) -> None:
        self._allow_list = allow_list
        self._views = views
        self._processes = processes
        self._ways_back = ways_back
        self._pending: Remembered[SignInRequest] = Remembered(_LIFETIME, clock)

    def ask(self, query: Mapping[str, str]) -> Response:
        """Return the PIN page for a site's request. Raises OriginNotAllowed or RequestRefused."""
        return self._page(self._allow_list.sign_in_request(query.get("op", ""), query.get("nonce", "")))

    def answer(self, form: Mapping[str, str]) -> Response:
        """Sign and redirect to the site, or return the page again with what is wrong. Raises PageExpired."""
        request = self._pending.take(form.get("form_value", ""))
        chosen = form.get("card", "")
        problem = _WHICH if not chosen else pin_problem(form.get(_PIN_FIELD, ""), _PIN_FIELD)
        if problem:
            return self._page(request, [problem], chosen)
        try:
            with Pin(form[_PIN_FIELD]) as pin:
                return see_other(self._signed(request, chosen, pin))
        except CardAgentError as error:
            return self._page(request, [_problem(error)], chosen)

    def _signed(self, request: SignInRequest, serial: str, pin: Pin) -> str:
        card = self._chosen(serial)
        data = signed_bytes(request.site.origin, request.nonce)
        signature = signed_by(self._processes, card, pin, Purpose.AUTHENTICATION, data)
        token = authentication_token(card.certificates[Purpose.AUTHENTICATION], signature)
        return return_location(request.site, token)

    def _chosen(self, serial: str) -> CardView:
        for card in self._views.cards_in_readers():
            if card.serial == serial and card.can_sign_in:
                return card
        raise CardRemoved("The card is no longer in the reader. Insert it again.")

    def _page(
        self, request: SignInRequest, problems: list[Problem] | None = None, chosen: str = ""
    ) -> Response:
        lying, readers = self._views.lying(), self._views.readers()
        cards = [reader.card for reader in readers if reader.card]
        able = [card for card in cards if card.can_sign_in]
        address = "/card?" + urlencode({"op": request.site.origin, "nonce": request.nonce})
        back = self._ways_back.add(f"Back to signing in to {request.site.name}", address)
        values = {
            "site": request.site,
            "lying": lying,
            "again": address,
            "cards": able,
            "unable": [card for card in cards if not card.can_sign_in],
            "troubles": [f"{reader.name}: {reader.trouble}" for reader in readers if reader.trouble],
            "chosen": chosen,
            "form_value": self._pending.add(request),
            "desk": f"/?back={back}",
            "back": back,
        }
        return page("sign_in.html", values, problems, (request.site.origin,))


def _problem(error: CardAgentError) -> Problem:
    return Problem(_PIN_FIELD if isinstance(error, ABOUT_THE_PIN) else "", str(error))

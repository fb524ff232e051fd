"""Signing a prescription: shows what is signed, asks for the PIN, signs, brings the signature to the site."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from card_agent.allow_list import AllowList
from card_agent.card_process import CardProcesses
from card_agent.card_signature import signed_by
from card_agent.card_views import CardView, CardViews
from card_agent.errors import ABOUT_THE_PIN, CardAgentError, CardMissing, DocumentRefused
from card_agent.http_messages import Response, see_other
from card_agent.pages import Problem, page, pin_problem
from card_agent.pin import Pin
from card_agent.ports import Purpose
from card_agent.remembered import Remembered
from card_agent.settings import Ask
from card_agent.signing_client import SigningRequest, collect
from card_agent.visits import FormValues, WaysBack
from card_agent.xml_signature import signature_element, signed_info

_LIFETIME = timedelta(minutes=10)
# The prescription says when it is signed; a person reads it before. After that the site must begin anew.
_CLOCKS_DIFFER_BY = timedelta(minutes=5)
_PIN_FIELD = "pin"


@dataclass
class Pending:
    """A request that lies before a person. ``signature`` is kept when the site could not take it."""

    request: SigningRequest
    signature: bytes | None = None


class SigningPages:
    """The pages under ``/sign``. A collected request has an unguessable name, which is in its address."""

    def __init__(
        self,
        allow_list: AllowList,
        views: CardViews,
        processes: CardProcesses,
        form_values: FormValues,
        ways_back: WaysBack,
        clock: Callable[[], datetime],
    ) -> None:
        self._allow_list = allow_list
        self._views = views
        self._processes = processes
        self._form_values = form_values
        self._ways_back = ways_back
        self._clock = clock
        self._pending: Remembered[Pending] = Remembered(_LIFETIME, clock, capacity=50)

    def collect(self, query: Mapping[str, str]) -> Response:
        """Collect the request, then move on to its own address, so that the reference leaves the address bar.

        Raises OriginNotAllowed, RequestRefused, JobRefused, SiteUnavailable or DocumentRefused.
        """
        site = self._allow_list.site(query.get("op", ""), Ask.SIGNATURES)
        request = collect(site, query.get("ref", ""))
        return see_other("/sign/" + self._pending.add(Pending(request)))

    def show(self, name: str) -> Response:
        """Return the page of a request. Raises PageExpired."""
        return self._page(name, self._pending.look_up(name), [])

    def answer(self, name: str, form: Mapping[str, str]) -> Response:
        """Sign and send the browser back, or show the page again with what is wrong. Raises PageExpired."""
        self._form_values.take(form.get("form_value", ""), name)
        pending = self._pending.look_up(name)
        problem = None if pending.signature else pin_problem(form.get(_PIN_FIELD, ""), _PIN_FIELD)
        if problem:
            return self._page(name, pending, [problem])
        try:
            if pending.signature is None:
                pending.signature = self._signed(pending.request, form[_PIN_FIELD])
            pending.request.deliver(pending.signature)
        except CardAgentError as error:
            field = _PIN_FIELD if isinstance(error, ABOUT_THE_PIN) else ""
            return self._page(name, pending, [Problem(field, str(error))])
        self._pending.take(name)
        return see_other(pending.request.return_address)

    def _signed(self, request: SigningRequest, digits: str) -> bytes:
        self._require_about_now(request)
        card = self._card(request)
        info = signed_info(request.prescription.canonical_form())
        with Pin(digits) as pin:
            value = signed_by(self._processes, card, pin, Purpose.CONTENT_COMMITMENT, info)
        return signature_element(info, value, card.certificates[Purpose.CONTENT_COMMITMENT])

    def _require_about_now(self, request: SigningRequest) -> None:
        """The signature counts from the time in it, so a site must not choose another day for the person."""
        written = request.prescription.signing_time
        if not -_CLOCKS_DIFFER_BY <= self._clock() - written <= _LIFETIME + _CLOCKS_DIFFER_BY:
            raise DocumentRefused(
                "The time in the prescription is not about now, so it is not signed. "
                f"Go back to {request.site.name} and start again. If it happens again, check this PC's clock."
            )

    def _card(self, request: SigningRequest) -> CardView:
        for card in self._views.cards_in_readers():
            if card.holder_uid == request.signer_uid and Purpose.CONTENT_COMMITMENT in card.certificates:
                return card
        raise CardMissing(
            f"Insert the card of {request.prescription.prescriber}, user id {request.signer_uid}."
        )

    def _page(self, name: str, pending: Pending, problems: list[Problem]) -> Response:
        request, lying = pending.request, self._views.lying()
        try:
            card, missing = self._card(request), ""
        except CardMissing as error:
            card, missing = None, str(error)
        values = {
            "name": name,
            "lying": lying,
            "site": request.site,
            "prescription": request.prescription,
            "card": card,
            "missing": missing,
            "is_signed": pending.signature is not None,
            "leave": request.return_address,
            "form_value": self._form_values.new(name),
            "desk": "/?back="
            + self._ways_back.add(f"Back to signing for {request.site.name}", f"/sign/{name}"),
        }
        return page("sign.html", values, problems, (request.site.origin,))

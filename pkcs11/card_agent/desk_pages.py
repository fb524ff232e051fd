"""The desk: two readers, the card in each, and the cards in the drawer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from card_agent.card_views import CardViews
from card_agent.errors import Refusal
from card_agent.http_messages import Response, as_json, see_other
from card_agent.pages import Problem, page
from card_agent.ports import Desk
from card_agent.settings import Site
from card_agent.visits import FormValues, WaysBack

_PURPOSE = "desk"


class DeskPages:
    """The desk page and its three forms: insert, remove, take a blank card."""

    def __init__(
        self,
        desk: Desk,
        views: CardViews,
        form_values: FormValues,
        ways_back: WaysBack,
        sites: Sequence[Site],
    ) -> None:
        self._sites = sites
        self._desk = desk
        self._views = views
        self._form_values = form_values
        self._ways_back = ways_back

    def show(self, back: str, problems: list[Problem] | None = None) -> Response:
        """Return the desk page; ``back`` names a way back, or is empty."""
        values = {
            "lying": self._views.lying(),
            "readers": self._views.readers(),
            "drawer": self._views.drawer(),
            "has_drawer": self._desk.has_drawer,
            "form_value": self._form_values.new(_PURPOSE),
            "back": back,
            "way_back": self._ways_back.find(back),
            "sites": self._sites,
        }
        return page("desk.html", values, problems)

    def lying(self) -> Response:
        """Return what lies in the readers, for the script of a page that waits for a card."""
        return as_json({"readers": self._views.lying()})

    def change(self, action: str, form: Mapping[str, str]) -> Response:
        """Do what one of the forms asks (``insert``, ``remove`` or ``take``) and show the desk again."""
        self._form_values.take(form.get("form_value", ""), _PURPOSE)
        back = form.get("back", "")
        try:
            self._do(action, form.get("reader", ""), form.get("serial", ""))
        except Refusal as refusal:
            return self.show(back, [Problem("", str(refusal))])
        return see_other("/?" + urlencode({"back": back}) if back else "/")

    def _do(self, action: str, reader: str, serial: str) -> None:
        if action == "insert":
            self._desk.insert(reader, serial)
        elif action == "remove":
            self._desk.remove(reader)
        else:
            self._desk.take_blank(reader)

"""The form that asks for a system or for a change of one. Field names are those of the domain's problems."""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.datastructures import MultiDict

from app.domain.read_right import ENDPOINTS_ONLY, ReadRight, with_included
from app.domain.system_details import MOST_ENDPOINTS, RELIABILITY, Endpoint, SystemDetails
from app.web.forms.submitted import SubmittedForm

_ENDPOINT_FIELDS = ("interaction", "type", "url", *RELIABILITY)
_LONGEST_LIST = 160_000


class SystemForm(SubmittedForm):
    """A system as it was typed. An endpoint whose fields are all empty is none."""

    @classmethod
    def of(cls, details: SystemDetails) -> SystemForm:
        """The form filled with what is registered."""
        fields = MultiDict[str, str](
            {
                "organisation": details.organisation,
                "product": details.product,
                "version": details.version,
                "description": details.description,
                "manufacturer": details.manufacturer,
                "interactions": "\n".join(details.interactions),
                "endpoints": str(max(1, len(details.endpoint))),
            }
        )
        fields.setlist("reads", sorted(details.reads))
        for row, endpoint in enumerate(details.endpoint):
            for name, value in _fields_of(endpoint).items():
                fields[f"endpoint.{row}.{name}"] = value
        return cls(fields)

    @property
    def endpoint_rows(self) -> range:
        """The endpoints on the page, counted from 0."""
        typed = self.value("endpoints")
        count = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 3 else 1
        return range(min(max(count, 1), MOST_ENDPOINTS))

    @property
    def may_add(self) -> bool:
        """Whether one more endpoint fits on the page."""
        return len(self.endpoint_rows) < MOST_ENDPOINTS

    def add_endpoint(self) -> None:
        """Show one more endpoint."""
        self.keep("endpoints", str(len(self.endpoint_rows) + 1))

    def details(self) -> SystemDetails:
        """The system as typed; whether it can be used is the domain's to say."""
        interactions = self.text("interactions", longest=_LONGEST_LIST).split()
        reads = self.choices("reads", [right.value for right in ReadRight])
        self._close_gaps()
        return SystemDetails(
            organisation=self.text("organisation").upper(),
            product=self.text("product"),
            version=self.text("version"),
            description=self.text("description", longest=200),
            interactions=tuple(interactions),
            manufacturer=self.text("manufacturer").upper(),
            endpoint=tuple(self._endpoint(row) for row in self._filled_rows()),
            reads=with_included(map(ReadRight, reads)) if reads else ENDPOINTS_ONLY,
        )

    def _filled_rows(self) -> list[int]:
        return [row for row in self.endpoint_rows if any(self._row(row).values())]

    def _row(self, row: int) -> Mapping[str, str]:
        return {name: self.value(f"endpoint.{row}.{name}").strip() for name in _ENDPOINT_FIELDS}

    def _close_gaps(self) -> None:
        """Move endpoints up over emptied ones, so that the n-th problem stands at the n-th endpoint."""
        filled = [self._row(row) for row in self._filled_rows()]
        empty = dict.fromkeys(_ENDPOINT_FIELDS, "")
        for row in self.endpoint_rows:
            for name, value in (filled[row] if row < len(filled) else empty).items():
                self.keep(f"endpoint.{row}.{name}", value)
        self.keep("endpoints", str(max(1, len(filled))))

    def _endpoint(self, row: int) -> Endpoint:
        fields = self._row(row)
        reliability = {name: fields[name] for name in RELIABILITY if fields[name]}
        return Endpoint(fields["interaction"], fields["type"], fields["url"], reliability)


def _fields_of(endpoint: Endpoint) -> dict[str, str]:
    known = {"interaction": endpoint.interaction, "type": endpoint.type, "url": endpoint.url}
    return known | dict(endpoint.reliability)

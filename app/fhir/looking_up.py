"""Looking up systems and endpoints: the use case behind ``GET /Device`` and ``GET /Endpoint``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Protocol

from app.errors import Refusal
from app.fhir.found import FoundDevice, FoundEndpoint
from app.fhir.intermediaries import Intermediaries
from app.fhir.queries import DeviceQuery, EndpointQuery


class TooManyFound(Refusal):
    """The directory gives out only so many entries an answer."""

    code: ClassVar[str] = "too_many_found"


class SourceRefuses(Exception):
    """The directory answers, and not what was asked. The message says what it said."""


class Source(Protocol):
    """The directory.

    Each method raises ``app.errors.Unavailable`` when there is no answer in time, ``TooManyFound``, or
    ``SourceRefuses``.
    """

    def devices(self, query: DeviceQuery) -> Sequence[FoundDevice]:
        """The accredited systems that match."""

    def endpoints(self, query: EndpointQuery) -> Sequence[FoundEndpoint]:
        """The message handling systems that match."""


class LookingUp:
    """Answers from the directory as it is now. Nothing is kept: a look-up may not be used again."""

    def __init__(self, source: Source, intermediaries: Intermediaries) -> None:
        self._source = source
        self._intermediaries = intermediaries

    def devices(self, query: DeviceQuery) -> Sequence[FoundDevice]:
        """The accredited systems that match. Raises as ``Source``."""
        return self._source.devices(query)

    def endpoints(self, query: EndpointQuery) -> Sequence[FoundEndpoint]:
        """The endpoints that match, those of an intermediary with its address. Raises as ``Source``."""
        found = self._source.endpoints(query)
        through = {
            each.interaction: self._intermediaries.interaction_for(query.organisation, each.interaction)
            for each in found
        }
        addresses = {name: self._addresses(name) for name in set(through.values()) if name}
        return [_reached(each, addresses.get(through[each.interaction] or "")) for each in found]

    def _addresses(self, interaction: str) -> tuple[str, ...]:
        own = EndpointQuery(self._intermediaries.organisation, interaction)
        found = self._source.endpoints(own)
        if len(found) != 1:
            raise SourceRefuses(
                f"The intermediary {own.organisation} has {len(found)} endpoints for {interaction}."
            )
        return found[0].addresses


def _reached(endpoint: FoundEndpoint, addresses: tuple[str, ...] | None) -> FoundEndpoint:
    return replace(endpoint, addresses=addresses) if addresses else endpoint

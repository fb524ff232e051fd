"""What may be asked: the parameters of ``GET /Device`` and ``GET /Endpoint``, read from untrusted text.

A parameter that is not known is refused rather than left out: without the filter that its sender meant, the
answer would be a wrong one. Codes are issued in capitals and are taken in small letters too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from app.errors import Refusal
from app.fhir import identifiers

Parameters = Mapping[str, Sequence[str]]
"""Each parameter's values in the order in which they were sent."""

FORMAT = "_format"
LONGEST_VALUE = 200
_IDENTIFIER = "identifier"
_ORGANIZATION = "organization"
_MANUFACTURER = "manufacturing-organization"


class QueryNotUsable(Refusal):
    """A parameter is missing, unknown or not of its form."""

    code: ClassVar[str] = "query_not_usable"


@dataclass(frozen=True)
class DeviceQuery:
    """Which accredited systems are asked for. Empty text is not asked for."""

    organisation: str
    interaction: str
    party_key: str = ""
    manufacturer: str = ""

    @classmethod
    def from_untrusted(cls, parameters: Parameters) -> DeviceQuery:
        """Read the parameters of ``GET /Device``.

        Raises:
            QueryNotUsable: with the parameter and what it should be.
        """
        _require_known(parameters, {_ORGANIZATION, _IDENTIFIER, _MANUFACTURER})
        named = _identifiers(parameters)
        organisation = _organisation(parameters, _ORGANIZATION)
        if not organisation:
            raise _wanted(_ORGANIZATION, identifiers.ORGANISATION)
        if identifiers.INTERACTION not in named:
            raise _wanted(_IDENTIFIER, identifiers.INTERACTION)
        return cls(
            organisation,
            named[identifiers.INTERACTION],
            named.get(identifiers.PARTY_KEY, "").upper(),
            _organisation(parameters, _MANUFACTURER),
        )


@dataclass(frozen=True)
class EndpointQuery:
    """Which message handling systems are asked for, by two of the three at least."""

    organisation: str = ""
    interaction: str = ""
    party_key: str = ""

    @classmethod
    def from_untrusted(cls, parameters: Parameters) -> EndpointQuery:
        """Read the parameters of ``GET /Endpoint``.

        Raises:
            QueryNotUsable: with what should be sent.
        """
        _require_known(parameters, {_ORGANIZATION, _IDENTIFIER})
        named = _identifiers(parameters)
        query = cls(
            _organisation(parameters, _ORGANIZATION),
            named.get(identifiers.INTERACTION, ""),
            named.get(identifiers.PARTY_KEY, "").upper(),
        )
        if sum(map(bool, (query.organisation, query.interaction, query.party_key))) < 2:
            raise QueryNotUsable(
                f"Send two at least of '{_ORGANIZATION}={identifiers.ORGANISATION}|value',"
                f" '{_IDENTIFIER}={identifiers.INTERACTION}|value' and"
                f" '{_IDENTIFIER}={identifiers.PARTY_KEY}|value'."
            )
        return query


def _require_known(parameters: Parameters, known: set[str]) -> None:
    unknown = sorted(parameters.keys() - known - {FORMAT})
    if unknown:
        raise QueryNotUsable(
            f"There is no parameter '{unknown[0][:LONGEST_VALUE]}'. There are: {', '.join(sorted(known))}."
        )


def _organisation(parameters: Parameters, name: str) -> str:
    """The organisation's code; empty when it is not asked for."""
    given = parameters.get(name, ())
    if len(given) > 1:
        raise QueryNotUsable(f"Send the parameter '{name}' once.")
    pairs = [_pair(name, value, (identifiers.ORGANISATION,)) for value in given]
    return pairs[0][1].upper() if pairs else ""


def _identifiers(parameters: Parameters) -> dict[str, str]:
    """The values of ``identifier`` by their systems."""
    known = (identifiers.INTERACTION, identifiers.PARTY_KEY)
    pairs = [_pair(_IDENTIFIER, value, known) for value in parameters.get(_IDENTIFIER, ())]
    named = dict(pairs)
    if len(named) < len(pairs):
        raise QueryNotUsable(f"Send each kind of '{_IDENTIFIER}' once.")
    return named


def _pair(name: str, given: str, systems: tuple[str, ...]) -> tuple[str, str]:
    system, bar, value = (part.strip() for part in given.partition("|"))
    if not bar or system not in systems or not 0 < len(value) <= LONGEST_VALUE:
        raise _wanted(name, *systems)
    return system, value


def _wanted(name: str, *systems: str) -> QueryNotUsable:
    forms = " or ".join(f"'{name}={system}|value'" for system in systems)
    return QueryNotUsable(f"Missing or invalid '{name}' query parameter. Should be {forms}.")

"""Request parameters: each at most once (RFC 6749 section 3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.oidc.refusals import InvalidRequest

_LONGEST_VALUE = 4096

#: Every value that was sent under each name.
SentParameters = Mapping[str, Sequence[str]]


def single_values(sent: SentParameters) -> dict[str, str]:
    """The parameters by name; those sent empty are left out, as RFC 6749 treats them as not sent.

    Raises:
        InvalidRequest: one was sent twice, or is longer than any real one.
    """
    for name, values in sent.items():
        if len(values) > 1:
            raise InvalidRequest(f"The parameter {name[:40]} is repeated.")
        if any(len(value) > _LONGEST_VALUE for value in values):
            raise InvalidRequest(f"The parameter {name[:40]} is too long.")
    return {name: values[0] for name, values in sent.items() if values and values[0]}


def required(parameters: Mapping[str, str], name: str) -> str:
    """A parameter that must be there.

    Raises:
        InvalidRequest
    """
    if name not in parameters:
        raise InvalidRequest(f"The parameter {name} is missing.")
    return parameters[name]

"""What somebody asks to be registered: an accredited system and the endpoints of its message handling.

The same values come from the web form, a CSV list, the API and ``systems.toml``, and are checked here alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from app.domain.json_value import JsonValue
from app.domain.read_right import ENDPOINTS_ONLY, ReadRight, read_rights_from_untrusted
from app.domain.system import INTERACTION
from app.errors import InvalidInput

INTERACTION_TYPES = ("HL7", "EBXML", "FHIR", "N/A")
EBXML = "EBXML"
RELIABILITY = (
    "retries",
    "retry_interval",
    "persist_duration",
    "duplicate_elimination",
    "ack_requested",
    "sync_reply_mode",
    "actor",
)
"""Of ebXML endpoints alone; an endpoint has all of them or, of another protocol, none."""

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "duplicate_elimination": ("always", "never"),
    "ack_requested": ("always", "never"),
    "sync_reply_mode": ("None", "MSHSignalsOnly", "SignalsOnly", "ResponseOnly", "SignalsAndResponse"),
    "actor": (
        "urn:oasis:names:tc:ebxml-msg:actor:toPartyMSH",
        "urn:oasis:names:tc:ebxml-msg:actor:nextMSH",
    ),
}
RELIABILITY_CHOICES = _CHOICES
"""What the members with a fixed list of values may be (ebXML Message Service 2.0, CPA 2.0)."""

_ODS_CODE = re.compile(r"[A-Z0-9]{3,12}")
# ISO 8601 durations as ebXML's agreements write them: whole numbers, at least one part.
_DURATION = re.compile(r"P(?=[0-9T])(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_MOST_RETRIES = 99
_LONGEST_URL, _LONGEST_NAME = 300, 253
MOST_ENDPOINTS, MOST_INTERACTIONS = 50, 1000


@dataclass(frozen=True)
class Endpoint:
    """Where one interaction is reached. ``type`` is HL7, EBXML, FHIR or N/A."""

    interaction: str
    type: str
    url: str
    reliability: Mapping[str, str] = field(default_factory=dict)

    @property
    def fqdn(self) -> str:
        """The host name in the address, lower case; empty when there is none."""
        try:
            return (urlsplit(self.url).hostname or "").removesuffix(".")
        except ValueError:
            return ""


@dataclass(frozen=True)
class SystemDetails:
    """One system by its organisation's ODS code.

    Attributes:
        manufacturer: an ODS code, or empty.
        reads: what it may read of the directory, with all that those rights include.
    """

    organisation: str
    product: str
    version: str
    description: str
    interactions: tuple[str, ...]
    manufacturer: str = ""
    endpoint: tuple[Endpoint, ...] = ()
    reads: frozenset[ReadRight] = ENDPOINTS_ONLY

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> SystemDetails:
        """From a table of ``systems.toml``, of the API, or of the database.

        Raises:
            InvalidInput: a key is missing or unknown, a value is of another kind, or there is no such read
                right.
        """
        try:
            reads = read_rights_from_untrusted(table.get("reads", ()))
            endpoints = tuple(Endpoint(**each) for each in table.get("endpoint", ()))
            interactions = tuple(table.get("interactions", ()))
            listed = {"interactions": interactions, "endpoint": endpoints, "reads": reads}
            made = cls(**{**table, **listed})
            made._require_kinds()
        except (TypeError, AttributeError) as fault:
            raise InvalidInput({"system": f"A system of the list cannot be read: {fault}."}) from fault
        return made

    def _require_kinds(self) -> None:
        texts = [self.organisation, self.product, self.version, self.description, self.manufacturer]
        for each in self.endpoint:
            texts += [each.interaction, each.type, each.url, *each.reliability, *each.reliability.values()]
        if not all(isinstance(text, str) for text in (*texts, *self.interactions)):
            raise TypeError("every value must be a text")

    def as_json(self) -> dict[str, JsonValue]:
        """As ``of`` reads it."""
        fields: dict[str, JsonValue] = asdict(self)
        lists: dict[str, JsonValue] = {
            "interactions": list(self.interactions),
            "endpoint": _endpoints(self.endpoint),
            "reads": sorted(self.reads),
        }
        return fields | lists

    @property
    def names_of_hosts(self) -> tuple[str, ...]:
        """The host names of all endpoints, each once, in order."""
        return tuple(dict.fromkeys(each.fqdn for each in self.endpoint))


def _endpoints(endpoints: Sequence[Endpoint]) -> list[JsonValue]:
    return [{**asdict(each), "reliability": dict(each.reliability)} for each in endpoints]


def require_usable(details: SystemDetails, interactions: Collection[str]) -> None:
    """Refuse what cannot be registered, with everything that is wrong.

    Args:
        interactions: every interaction id that there is.

    Raises:
        InvalidInput: by field; endpoints' fields are ``endpoint.<n>.<field>``, counted from 0.
    """
    problems = {**_problems_of_system(details, interactions), **_problems_of_endpoints(details, interactions)}
    if problems:
        raise InvalidInput(problems)


def _problems_of_system(details: SystemDetails, known: Collection[str]) -> dict[str, str]:
    found = {
        "organisation": _code_problem(details.organisation, "Enter the organisation's ODS code."),
        "manufacturer": _code_problem(details.manufacturer, ""),
        "product": _text_problem(details.product, 100, "Enter the name of the product."),
        "version": _text_problem(details.version, 40, "Enter the product's version."),
        "description": _text_problem(details.description, 200, "Say in a few words what the system is for."),
        "interactions": _interactions_problem(details.interactions, known),
    }
    return {name: sentence for name, sentence in found.items() if sentence}


def _code_problem(code: str, missing: str) -> str:
    if not code:
        return missing
    return "" if _ODS_CODE.fullmatch(code) else f"“{code[:30]}” is no ODS code. They look like A81001 or RH8."


def _text_problem(text: str, longest: int, missing: str) -> str:
    if not text.strip():
        return missing
    if not text.isprintable():
        return "Remove line breaks and characters that cannot be printed."
    return f"Use {longest} characters or fewer." if len(text) > longest else ""


def _interactions_problem(interactions: Sequence[str], known: Collection[str]) -> str:
    unknown = [each for each in interactions if each not in known or not INTERACTION.fullmatch(each)]
    if not interactions:
        return "Name at least one interaction."
    if unknown:
        return f"There is no interaction {unknown[0][:150]}. Check its spelling."
    if len(interactions) > MOST_INTERACTIONS:
        return f"A system can have {MOST_INTERACTIONS} interactions at most."
    repeated = [each for each in interactions if interactions.count(each) > 1]
    return f"{repeated[0]} is named twice. Remove one." if repeated else ""


def _problems_of_endpoints(details: SystemDetails, known: Collection[str]) -> dict[str, str]:
    if len(details.endpoint) > MOST_ENDPOINTS:
        return {"endpoint": f"A system can have {MOST_ENDPOINTS} endpoints at most."}
    problems: dict[str, str] = {}
    seen: set[str] = set()
    for number, endpoint in enumerate(details.endpoint):
        found = _endpoint_problems(endpoint, known)
        if endpoint.interaction in seen:
            found.setdefault("interaction", "This interaction has an endpoint already. Remove one.")
        seen.add(endpoint.interaction)
        problems |= {f"endpoint.{number}.{name}": sentence for name, sentence in found.items()}
    return problems


def _endpoint_problems(endpoint: Endpoint, known: Collection[str]) -> dict[str, str]:
    found = {
        "interaction": _interactions_problem((endpoint.interaction,) if endpoint.interaction else (), known),
        "type": "" if endpoint.type in INTERACTION_TYPES else "Choose HL7, EBXML, FHIR or N/A.",
        "url": _url_problem(endpoint.url),
        **_reliability_problems(endpoint),
    }
    return {name: sentence for name, sentence in found.items() if sentence}


def _url_problem(url: str) -> str:
    if not url:
        return "Enter the address that begins with https://"
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        return f"Use an address of at most {_LONGEST_URL} plain characters without spaces."
    try:
        parts = urlsplit(url)
        if parts.port == 0:
            raise ValueError
    except ValueError:
        return "This is no web address. Check its host name and port."
    return _parts_problem(parts)


def _parts_problem(parts: SplitResult) -> str:
    if parts.scheme != "https":
        return "The address must begin with https:// because messages carry patients' data."
    if parts.username is not None or parts.password is not None:
        return "Leave user name and password out of the address: everybody can read it."
    if parts.fragment:
        return "Leave out the part after #."
    return host_name_problem((parts.hostname or "").removesuffix("."))


def host_name_problem(name: str) -> str:
    """What is wrong with a fully qualified domain name (RFC 1123 section 2.1); empty when nothing is."""
    labels = name.lower().split(".")
    if len(name) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        return f"“{name[:80]}” is no host name: use letters, digits and hyphens, with dots between."
    if labels[-1].isdigit():
        return "Give a host name and no IP address: the certificate of the endpoint carries its name."
    if len(labels) < 2:
        return f"“{name}” is not fully qualified. Give the whole name, such as mhs.practice.nhs.uk."
    return ""


def _reliability_problems(endpoint: Endpoint) -> dict[str, str]:
    given = {name: value for name, value in endpoint.reliability.items() if value}
    if endpoint.type != EBXML:
        return dict.fromkeys(given, "Only ebXML endpoints have this. Leave it empty.")
    problems = {name: _value_problem(name, given.get(name, "")) for name in RELIABILITY}
    return problems | {name: f"There is no {name[:40]}." for name in set(given) - set(RELIABILITY)}


def _value_problem(name: str, value: str) -> str:
    if name in _CHOICES:
        return "" if value in _CHOICES[name] else f"Choose one of: {', '.join(_CHOICES[name])}."
    if name == "retries":
        is_number = value.isascii() and value.isdigit() and len(value) < 3
        return "" if is_number else f"Enter a whole number from 0 to {_MOST_RETRIES}."
    is_duration = len(value) <= 40 and _DURATION.fullmatch(value)
    return "" if is_duration else "Enter a duration as ISO 8601 writes it: PT1M is a minute."

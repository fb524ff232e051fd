"""The reader doctor: looks at everything that keeps a card from working on this computer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from card_agent.card_process import CardProcesses
from card_agent.card_views import CardViews, ReaderView
from card_agent.errors import CardAgentError, ReadersUnavailable
from card_agent.findings import Finding, State, warning
from card_agent.progress import Progress
from card_agent.reader_findings import module_findings, reader_findings, readers_unavailable
from card_agent.reader_scan import unusable_modules
from card_agent.settings import AgentSettings, Site
from card_agent.site_connection import call
from card_agent.site_findings import site_findings

AGENT_VERSION = "0.1.0"
_PATH = "/desk/workstation-reports"


@dataclass(frozen=True)
class Examination:
    """What was found, and the cards in the readers: serial and holder's user id, no name."""

    findings: tuple[Finding, ...]
    cards: tuple[tuple[str, str], ...]

    def of(self, state: State) -> list[Finding]:
        """Return the findings of one state."""
        return [each for each in self.findings if each.state is state]

    def message(self) -> dict[str, object]:
        """Return the report as the site takes it."""
        return {
            "agent_version": AGENT_VERSION,
            "findings": [each.message() for each in self.findings],
            "cards": [{"serial": serial, "holder_uid": uid} for serial, uid in self.cards],
        }


@dataclass(frozen=True)
class Look:
    """One thing that is looked at, as a step of the page."""

    value: str
    sentence: str


_SOFTWARE = Look("software", "Look at the software for each kind of card")
_READERS = Look("readers", "Look at the readers and the cards in them")


def _look_at(site: Site) -> Look:
    return Look(f"site {site.origin}", f"Ask {site.name}")


class Doctor:
    """Examines this workstation, and sends what it found to a site."""

    def __init__(
        self,
        settings: AgentSettings,
        views: CardViews,
        processes: CardProcesses,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._views = views
        self._processes = processes
        self._clock = clock

    @property
    def sites(self) -> tuple[Site, ...]:
        """The sites that a report can be sent to."""
        return self._settings.authorities

    @property
    def steps(self) -> tuple[Look, ...]:
        """What is looked at, in order."""
        return (_SOFTWARE, _READERS, *(_look_at(site) for site in self._settings.sites))

    def examine(self, progress: Progress | None = None) -> Examination:
        """Look at everything. Never raises: what cannot be looked at is a finding."""
        shown = progress or Progress(self._clock, self.steps)
        readers: list[ReaderView] = []
        with shown.doing(_SOFTWARE):
            findings = list(self._software())
        with shown.doing(_READERS):
            try:
                readers = self._views.readers()
                findings += reader_findings(readers, self._clock())
            except ReadersUnavailable as error:
                findings.append(readers_unavailable(str(error)))
        for site in self._settings.sites:
            with shown.doing(_look_at(site)):
                findings += site_findings(site, self._clock())
        cards = [(reader.card.serial, reader.card.holder_uid) for reader in readers if reader.card]
        return Examination(tuple(findings), tuple(cards))

    def send(self, site: Site, found: Examination) -> str:
        """Send what was found, and return the report's reference. Raises JobRefused or SiteUnavailable."""
        return str(call(site, "POST", _PATH, found.message(), {}).get("reference", ""))

    def _software(self) -> Iterator[Finding]:
        if self._settings.desk_folder is not None:
            yield warning(
                "software_cards",
                "The cards of this agent are software.",
                "They are for trying and testing, and protect nobody.",
                "For real work name the profiles of real cards in agent.toml.",
            )
        profiles = self._settings.card_profiles
        try:
            unusable = self._processes.ask(partial(unusable_modules, profiles))
        except CardAgentError as error:
            unusable = dict.fromkeys(profiles, str(error))
        yield from module_findings(unusable, profiles)

"""Which interactions are not sent to the other party itself but to the national intermediary.

``config/intermediaries.toml`` names services and interactions; the address is that of the intermediary's own
message handling system in the directory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Intermediaries:
    """Who passes what on.

    Attributes:
        organisation: ODS code of the intermediary; empty when every party is reached directly.
        services: e.g. ``gp2gp``: the last but one part of the interaction id.
        interactions: the intermediary's interaction, by the last part of each that it passes on.
    """

    organisation: str
    services: frozenset[str]
    interactions: Mapping[str, str]

    @classmethod
    def of(cls, organisation: str, table: Mapping[str, Any]) -> Intermediaries:
        """From the organisation of the settings and the parsed ``intermediaries.toml``."""
        listed: Sequence[Mapping[str, Any]] = table["intermediary"]
        passed_on = {name: str(each["interaction"]) for each in listed for name in each["passes_on"]}
        return cls(organisation.upper(), frozenset(table["services"]), passed_on)

    def interaction_for(self, organisation: str, interaction: str) -> str | None:
        """The intermediary's interaction through which ``interaction`` goes; None when it goes directly.

        Args:
            organisation: the one that was asked about; the intermediary's own are as they are registered.
        """
        if not self.organisation or organisation == self.organisation:
            return None
        parts = interaction.split(":")
        is_passed_on = len(parts) > 1 and parts[-2] in self.services
        return self.interactions.get(parts[-1]) if is_passed_on else None

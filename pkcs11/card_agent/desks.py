"""Which desk the agent works at: the only place that names the kinds of card."""

from __future__ import annotations

from card_agent.card_process import CardProcesses
from card_agent.emulated_desk import EmulatedCardOpener, EmulatedDesk, use_readers_of
from card_agent.pcsc_cards import PcscCardOpener
from card_agent.ports import Desk
from card_agent.readers_desk import ReadersDesk
from card_agent.settings import AgentSettings
from card_agent.virtual_cards import VirtualCardOpener, VirtualDesk


def desk_of(settings: AgentSettings) -> tuple[Desk, CardProcesses]:
    """Return the desk of the settings, and the processes that work on its cards."""
    folder = settings.desk_folder
    if folder is not None and not settings.uses_readers:
        return VirtualDesk(folder), CardProcesses(VirtualCardOpener(folder))
    opener = PcscCardOpener(settings.card_profiles)
    if folder is None:
        processes = CardProcesses(opener)
        return ReadersDesk(settings.card_profiles, processes), processes
    use_readers_of(folder)
    processes = CardProcesses(EmulatedCardOpener(folder, opener))
    return EmulatedDesk(folder, settings.card_profiles, processes), processes

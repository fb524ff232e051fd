"""``python -m card_agent --config agent.toml``: start the card agent."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from card_agent.allow_list import AllowList
from card_agent.application import Application
from card_agent.batch_desk import BatchDesk
from card_agent.batch_pages import BatchPages
from card_agent.card_views import CardViews
from card_agent.changing_so_pin import ChangeSoPin
from card_agent.clearing import ClearKind
from card_agent.desk_pages import DeskPages
from card_agent.desks import desk_of
from card_agent.doctor import Doctor
from card_agent.doctor_pages import DoctorPages
from card_agent.errors import CardAgentError
from card_agent.exporting import ExportingAtDesk
from card_agent.issue_desk import IssueDesk
from card_agent.issue_pages import IssuePages
from card_agent.job_desk import JobDesk
from card_agent.job_kind import JobKind
from card_agent.job_pages import JobPages
from card_agent.kept_process import start_fork_server
from card_agent.last_try import LastTryDesk
from card_agent.last_try_pages import LastTryPages
from card_agent.offline_pages import OfflinePages
from card_agent.renewing import RenewCard
from card_agent.repairing import RepairCard
from card_agent.server import ADDRESS, LoopbackServer
from card_agent.settings import AgentSettings, load
from card_agent.sign_in_pages import SignInPages
from card_agent.signing_pages import SigningPages
from card_agent.unlocking import UnlockingAtDesk
from card_agent.visits import FormValues, WaysBack
from card_agent.workstation import WorkstationFile

_log = logging.getLogger("card_agent")

#: What this desk does with cards besides issuing them, by the site's name for it (docs/card-jobs.md).
JOB_KINDS: dict[str, JobKind] = {
    "change_so_pin": ChangeSoPin(),
    "clear": ClearKind(),
    "export": ExportingAtDesk(),
    "renew": RenewCard(),
    "repair": RepairCard(),
    "unlock": UnlockingAtDesk(),
}


def main(arguments: list[str] | None = None) -> int:
    """Run the agent until it is told to stop. Returns the exit status: 0, or 2 when it could not start."""
    parser = argparse.ArgumentParser(prog="card_agent", description="The desk's card agent.")
    parser.add_argument("--config", type=Path, required=True, help="the agent's settings (agent.toml)")
    parser.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    options = parser.parse_args(arguments)
    logging.basicConfig(level=options.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = load(options.config)
        # The port first: whoever holds it could show a page that looks like ours.
        server = LoopbackServer(settings.port)
    except CardAgentError as error:
        sys.stderr.write(f"The card agent cannot start: {error}\n")
        return 2
    if settings.desk_folder is not None:
        _log.warning("The cards of this agent are software, for trying and testing. They protect nobody.")
    _serve(server, settings)
    return 0


def application(settings: AgentSettings, own_port: int) -> Application:
    """Put the agent together."""
    desk, processes = desk_of(settings)
    views = CardViews(desk, processes)
    allow_list = AllowList(settings.sites)
    form_values, ways_back = FormValues(_now), WaysBack(_now)
    running = threading.Lock()
    issue = IssuePages(IssueDesk(views, processes, _now, running), form_values, ways_back)
    workstation = WorkstationFile(settings.workstation_file)
    jobs = JobDesk(JOB_KINDS, views, processes, _now, running, workstation)
    return Application(
        own_port,
        settings.authorities,
        DeskPages(desk, views, form_values, ways_back, settings.sites),
        SignInPages(allow_list, views, processes, ways_back, _now),
        issue,
        JobPages(allow_list, jobs, issue, form_values, ways_back),
        SigningPages(allow_list, views, processes, form_values, ways_back, _now),
        LastTryPages(LastTryDesk(settings.authorities, processes), views, form_values, ways_back, _now),
        DoctorPages(Doctor(settings, views, processes, _now), allow_list, form_values, _now),
        BatchPages(allow_list, BatchDesk(views, processes, _now, running), form_values, ways_back),
        OfflinePages(allow_list, workstation, views, processes, _now),
    )


def _serve(server: LoopbackServer, settings: AgentSettings) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        # shutdown() waits for the serving loop, which runs in this very thread.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with server:
        start_fork_server()
        server.answer = application(settings, server.port).answer
        sys.stdout.write(f"Card agent: http://{ADDRESS}:{server.port}\n")
        sys.stdout.flush()
        server.serve_forever(poll_interval=0.2)


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    sys.exit(main())

"""Fixtures that every folder of tests may use, and which tests may run beside each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

# pytest accepts such a list in the root folder only.
pytest_plugins = ["tests.support.databases"]

# No test is about time: on a busy machine an example that takes a millisecond may take a second.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")

# Its files share a data folder and ports; every other file can run beside any.
_TOGETHER = "tests/integration/service"
# Those that take longest begin first, so that no process is left alone with them in the end.
_LONGEST = (_TOGETHER, "tests/journeys", "tests/integration")


# Each takes seconds of both processors, so that a run of everything takes one in so many of them.
_ONE_KILL_IN = 4


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-kill",
        action="store_true",
        help=f"kill programs at every moment of every kind of work, instead of at one in {_ONE_KILL_IN}",
    )
    parser.addoption("--failed-files", type=Path, help="write the files whose tests failed into this file")


def pytest_report_header(config: pytest.Config) -> str:
    chosen = "all" if config.getoption("--every-kill") else f"one in {_ONE_KILL_IN}; all with --every-kill"
    return f"moments at which programs are killed: {chosen}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which files failed, so that ``./test`` can run them once more, alone."""
    if told := config.getoption("--failed-files"):
        reports = [*terminalreporter.getreports("failed"), *terminalreporter.getreports("error")]
        files = {report.nodeid.partition("::")[0] for report in reports}
        told.write_text("".join(f"{file}\n" for file in sorted(files)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose the kills, and begin with what takes longest."""
    if not config.getoption("--every-kill"):
        kills = [item for item in items if "::test_killed_and" in item.nodeid]
        left_out = set(kills) - set(kills[::_ONE_KILL_IN])
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=list(left_out))
    items.sort(key=_place)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return _ByFile(config, log)


class _ByFile(LoadScopeScheduling):
    """One process runs a file, or the files that belong together, from beginning to end."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return _TOGETHER if file.startswith(_TOGETHER) else file

    def _reschedule(self, node: WorkerController) -> None:
        """A process begun instead of another has not collected yet, and is given work when it has."""
        if node in self.registered_collections:
            super()._reschedule(node)

    def remove_node(self, node: WorkerController) -> str | None:
        """The test that ended its process has failed; the rest of its file goes on in another process.

        By itself xdist 3.8 would begin that test again for ever, and give files that are done to a process
        which then waits for more.
        """
        units = self.assigned_work[node]
        waiting = [(unit, test) for unit in units.values() for test, done in unit.items() if not done]
        if waiting:
            unit, test = waiting[0]
            unit[test] = True
        self.assigned_work[node] = {scope: unit for scope, unit in units.items() if not all(unit.values())}
        super().remove_node(node)
        return waiting[0][1] if waiting else None


def _place(item: pytest.Item) -> int:
    file = Path(item.nodeid.partition("::")[0]).as_posix()
    return next((place for place, folder in enumerate(_LONGEST) if file.startswith(folder)), len(_LONGEST))

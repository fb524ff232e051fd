"""How dear a question to a directory is: the part of the measurements that asks, for any directory.

Processes of their own ask through ``directory.client``, so that what they cost is measured apart, and so that
one Python is not the limit. Short rounds of each kind of question take turns, every other time in reverse, so
that what else the machine does meets all alike; a ratio is the median of those of the single rounds. Every
answer is compared with the right one; a wrong one ends the measurement.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from bench.report import cpu_seconds
from directory import names
from directory.client import AsyncDirectoryClient, ClientTls, DirectoryClient, questions, requests
from directory.client.questions import Dialogue, Question
from directory.client.responses import COMPARE_TRUE
from directory.errors import DirectoryError

NOW = datetime(2026, 6, 15, 9, tzinfo=UTC)
"""The moment of dated questions. The data must be made so that the right answers hold then."""

IN_FLIGHT = (1, 8, 64)
PROCESSES = 2


class Case(NamedTuple):
    """What to ask about, and the right answer."""

    about: tuple[str, ...]
    right: object


def _dated(uid: str, activity: str, organisation: str) -> Question[bool]:
    return questions.may_at(uid, activity, organisation, NOW)


def _cheapest(*_: str) -> Question[bool]:
    """A Compare on the suffix: the message of a check, with nothing to look up and one short access rule.

    Nothing that slapd answers from a database is cheaper: one message each way, the shortest name, always the
    same entry, which no processor's cache ever loses. So a check can only look dearer by it than it is.
    """

    return _compare(names.SUFFIX, "o", "nhs")


def _of_a_person(uid: str, *_: str) -> Question[bool]:
    """The cheapest about one of many people: a Compare on what each has one value of.

    It has to find them as a check has, and costs the difference between a check and the cheapest operation.
    """
    return _compare(names.person_dn(uid), "uid", uid)


def _compare(dn: str, attribute: str, value: str) -> Question[bool]:
    """A Compare; whether it is true."""

    def dialogue() -> Dialogue[bool]:
        answer = yield requests.compare("measure", dn, attribute, value)
        return answer.result_code == COMPARE_TRUE

    return dialogue


def _naive(uid: str, activity: str, organisation: str) -> Question[bool]:
    """The same by the search that comes to mind first: all that describes the role, object class included."""
    when = f"{NOW:%Y%m%d%H%M%S}Z"
    wanted = requests.all_of(
        requests.equal("objectClass", "nhsOrgPersonRole"),
        requests.equal("nhsIDCode", organisation),
        requests.equal("spineResolvedActivity", activity),
        requests.at_most("spineStart", when),
        requests.none_of(requests.at_most("spineEnd", when)),
    )
    base, scope = names.person_dn(uid), requests.Scope.SUBTREE
    request = requests.search("measure", base, scope, wanted, requests.NO_ATTRIBUTES)

    def dialogue() -> Dialogue[bool]:
        answer = yield request
        return bool(answer.entries)

    return dialogue


def _roles(uid: str, *_: str) -> Question[bool]:
    """Reading all roles; right when there are any."""

    def dialogue() -> Dialogue[bool]:
        return bool((yield from questions.roles(uid)()))

    return dialogue


def _endpoint(organisation: str, interaction: str, *party_key: str) -> Question[str | None]:
    """Looking up an endpoint; right when its address is."""

    def dialogue() -> Dialogue[str | None]:
        found = yield from questions.endpoint(organisation, interaction, *party_key)()
        return found.address if found else None

    return dialogue


def _device(
    organisation: str, interaction: str, party_key: str = "", manufacturer: str = ""
) -> Question[str]:
    """Looking up an accredited system, as FHIR's Device look-up does; right when its ASID is."""
    terms = {"nhsMHSPartyKey": party_key, "nhsMhsManufacturerOrg": manufacturer}
    wanted = requests.all_of(
        requests.equal("objectClass", "nhsAs"),
        requests.equal("nhsIDCode", organisation),
        requests.equal("nhsAsSvcIA", interaction),
        *(requests.equal(name, value) for name, value in terms.items() if value),
    )
    request = requests.search(
        "measure", names.SERVICES, requests.Scope.ONE_LEVEL, wanted, ("uniqueIdentifier",)
    )

    def dialogue() -> Dialogue[str]:
        answer = yield request
        return ",".join(value for entry in answer.entries for value in entry.values("uniqueIdentifier"))

    return dialogue


def _look_up(kind: str, *about: str) -> Question[Any]:
    """A system or an endpoint, as the case says."""
    return _device(*about) if kind == "device" else _endpoint(*about)


KINDS: Mapping[str, Callable[..., Question[Any]]] = {
    "check": questions.may,
    "dated": _dated,
    "roles": _roles,
    "endpoint": _endpoint,
    "look-up": _look_up,
    "cheapest": _cheapest,
    "person": _of_a_person,
    "naive": _naive,
}
IN_WORDS = {
    "check": "role check (one Compare)",
    "dated": "dated role check (one search)",
    "roles": "reading all roles",
    "endpoint": "looking up an endpoint",
    "look-up": "looking up systems and endpoints",
    "cheapest": "slapd's cheapest operation",
    "person": "the cheapest about one of the people",
    "naive": "role check by the naive search",
}


@dataclass
class Round:
    """What one process did in one round. Times are in seconds."""

    durations: list[float]
    cpu: float
    wall: float


@dataclass
class Measured:
    """One kind of question with so many in flight, over all rounds.

    Attributes:
        rates: answers in a second, of each round.
        server_costs: slapd's CPU seconds for one question, of each round.
    """

    durations: list[float] = field(default_factory=list)
    client_cpu: float = 0.0
    server_cpu: float = 0.0
    wall: float = 0.0
    rates: list[float] = field(default_factory=list)
    server_costs: list[float] = field(default_factory=list)

    def add(self, rounds: Sequence[Round], server_cpu: float) -> None:
        """Count what the asking processes did in one round, and the CPU seconds of slapd for it."""
        durations = [each for one in rounds for each in one.durations]
        wall = max(one.wall for one in rounds)
        self.durations += durations
        self.client_cpu += sum(one.cpu for one in rounds)
        self.server_cpu += server_cpu
        self.wall += wall
        self.rates.append(len(durations) / wall)
        self.server_costs.append(server_cpu / len(durations))

    @property
    def per_second(self) -> float:
        """Answers in a second."""
        return len(self.durations) / self.wall

    @property
    def client_microseconds(self) -> float:
        """CPU of the asking processes for one question, with making it up and looking at the clock."""
        return self.client_cpu / len(self.durations) * 1e6

    @property
    def server_microseconds(self) -> float:
        """CPU of slapd for one question."""
        return self.server_cpu / len(self.durations) * 1e6

    def percentile(self, percent: int) -> float:
        """Milliseconds within which that many of a hundred were answered."""
        return statistics.quantiles(self.durations, n=100)[percent - 1] * 1000

    def in_words(self) -> str:
        """The figures as a sentence."""
        return (
            f"{self.per_second:.0f} a second, median {self.percentile(50):.2f} ms,"
            f" 99% within {self.percentile(99):.2f} ms; CPU each: slapd {self.server_microseconds:.0f} us,"
            f" client {self.client_microseconds:.0f} us"
        )


class Askers:
    """Processes that ask. ``asyncio`` is the form of the client unless ``waiting`` is wanted."""

    def __init__(
        self, servers: str, tls: ClientTls, cases: Mapping[str, Sequence[Case]], processes: int = PROCESSES
    ) -> None:
        # Not forked: whoever measures may have threads and connections of their own.
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for number in range(processes):
            ours, theirs = context.Pipe()
            arguments = (theirs, servers, tls, dict(cases), number)
            process = context.Process(target=_asker, args=arguments, daemon=True)
            process.start()
            theirs.close()  # so that whoever waits for a process that died is told
            self._pipes.append(ours)
            self._processes.append(process)

    def ask(self, kind: str, in_flight: int, seconds: float, *, waiting: bool = False) -> list[Round]:
        """Ask that kind of question for so long, ``in_flight`` at a time over all processes together.

        Raises:
            AssertionError: an answer was wrong, or none came.
        """
        used = self._pipes[:in_flight]
        for place, pipe in enumerate(used):
            share = in_flight // len(used) + (place < in_flight % len(used))
            pipe.send((kind, share, seconds, waiting))
        answers = [pipe.recv() for pipe in used]
        for answer in answers:
            assert isinstance(answer, Round), answer
        return answers

    def close(self) -> None:
        """End the processes."""
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join()


def _asker(
    pipe: Connection, servers: str, tls: ClientTls, cases: Mapping[str, Sequence[Case]], number: int
) -> None:
    """An asking process: rounds, until nobody wants another."""
    turns = {kind: _turns(list_of, number) for kind, list_of in cases.items()}
    with asyncio.Runner() as runner, closing(DirectoryClient(servers, tls)) as waiting_client:
        client = AsyncDirectoryClient(servers, tls)
        try:
            while True:
                kind, in_flight, seconds, waiting = pipe.recv()
                try:
                    if waiting:
                        done = _ask_waiting(waiting_client, kind, turns[kind], seconds)
                    else:
                        done = runner.run(_ask(client, kind, turns[kind], in_flight, seconds))
                    pipe.send(done)
                except (AssertionError, DirectoryError) as wrong:
                    pipe.send(str(wrong))
        except EOFError:
            runner.run(client.close())


def _turns(cases: Sequence[Case], number: int) -> Iterator[Case]:
    """The cases for ever, each process beginning elsewhere."""
    begin = number * len(cases) // PROCESSES
    return itertools.cycle([*cases[begin:], *cases[:begin]])


async def _ask(
    client: AsyncDirectoryClient, kind: str, turns: Iterator[Case], in_flight: int, seconds: float
) -> Round:
    durations: list[float] = []
    make, clock = KINDS[kind], time.perf_counter
    cpu, begun = time.process_time(), clock()

    async def one_after_another() -> None:
        while (asked := clock()) < begun + seconds:
            case = next(turns)
            answer = await client.ask(make(*case.about))
            durations.append(clock() - asked)
            assert answer == case.right, f"{kind} {case.about}: {answer} instead of {case.right}"

    await asyncio.gather(*(one_after_another() for _ in range(in_flight)))
    return Round(durations, time.process_time() - cpu, clock() - begun)


def _ask_waiting(client: DirectoryClient, kind: str, turns: Iterator[Case], seconds: float) -> Round:
    durations: list[float] = []
    make, clock = KINDS[kind], time.perf_counter
    cpu, begun = time.process_time(), clock()
    while (asked := clock()) < begun + seconds:
        case = next(turns)
        answer = client.ask(make(*case.about))
        durations.append(clock() - asked)
        assert answer == case.right, f"{kind} {case.about}: {answer} instead of {case.right}"
    return Round(durations, time.process_time() - cpu, clock() - begun)


Name = tuple[str, int]
"""Kind of question, and how many are in flight; 0 in flight is one after another by the waiting client."""
WAITING = 0


def warm(askers: Askers, kind: str, answers: int) -> None:
    """Ask so many questions, so that what they are about is in memory, and mapped into slapd's."""
    done = 0
    while done < answers:
        done += sum(len(one.durations) for one in askers.ask(kind, IN_FLIGHT[-1], 0.25))


def measure(
    askers: Askers, server: int, wanted: Iterable[Name], rounds: int, seconds: float
) -> dict[Name, Measured]:
    """Ask in turns.

    Args:
        server: process id of slapd.
        seconds: how long each round is.
    """
    measured = {name: Measured() for name in wanted}
    for kind, in_flight in measured:  # warm: connections, pages, code
        askers.ask(kind, in_flight or 1, 0.05, waiting=in_flight == WAITING)
    for turn in range(rounds):
        for name, one in list(measured.items())[:: -1 if turn % 2 else 1]:
            before = cpu_seconds([server])
            asked = askers.ask(name[0], name[1] or 1, seconds, waiting=name[1] == WAITING)
            one.add(asked, cpu_seconds([server]) - before)
    return measured


def words(measured: Mapping[Name, Measured]) -> dict[str, str]:
    """Each measured as two halves of a sentence."""
    return {f"{IN_WORDS[kind]}, {_how(number)}": one.in_words() for (kind, number), one in measured.items()}


def _how(in_flight: int) -> str:
    return f"{in_flight} in flight" if in_flight else "one after another, waiting client"


def figures(measured: Mapping[Name, Measured]) -> dict[str, float]:
    """Each figure by a name that ends in its unit."""
    told: dict[str, float] = {}
    for (kind, number), one in measured.items():
        name = f"{kind}_{number or 'waiting'}"
        told |= {f"{name}_per_second": one.per_second, f"{name}_p50_ms": one.percentile(50)}
        told |= {f"{name}_p99_ms": one.percentile(99), f"{name}_slapd_cpu_us": one.server_microseconds}
        told |= {f"{name}_client_cpu_us": one.client_microseconds}
    return told


def ratios(measured: Mapping[Name, Measured]) -> dict[str, float]:
    """Each kind against slapd's cheapest operation with as many in flight: in time, and in slapd's CPU.

    Rounds of the same turn are compared, and the median of these ratios is told.
    """
    told: dict[str, float] = {}
    for (kind, number), one in measured.items():
        cheapest = measured.get(("cheapest", number))
        if kind != "cheapest" and cheapest is not None:
            name = f"{kind}_to_cheapest_{number or 'waiting'}"
            told[name] = _ratio(cheapest.rates, one.rates)
            told[f"{name}_slapd_cpu"] = _ratio(one.server_costs, cheapest.server_costs)
    return told


def _ratio(above: Sequence[float], below: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(above, below, strict=True))

"""The metrics for Prometheus: a small server that asks the parts at each scrape.

It listens on loopback, or asks for a token: figures tell an attacker when nobody watches.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Iterable, Iterator
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from app.adapters.monitored_parts import (
    MonitoredParts,
    comparison_figures,
    database_up,
    publishing_figures,
)
from app.adapters.stock_figures import stock_figures
from app.domain import figures
from app.domain.figures import DESCRIBED, Described, Figure, Kind
from app.errors import Unavailable
from app.ra.stocking_cards import stock_counts
from app.storage.database import Database

PREFIX = "spine_ra_"
Application = Callable[..., Iterable[bytes]]


class ServiceCollector(Collector):
    """Asks for every figure when Prometheus does."""

    def __init__(self, database: Database, parts: MonitoredParts, topics: Collection[str]) -> None:
        self._database = database
        self._parts = parts
        self._topics = topics

    def collect(self) -> Iterator[Metric]:
        """Every figure that can be had now."""
        found = [*self._parts.figures(), *self._of_database()]
        for described in DESCRIBED.values():
            values = [each for each in found if each.name == described.name]
            if values:
                yield _family(described, values)

    def _of_database(self) -> list[Figure]:
        try:
            with self._database.read() as work:
                waiting, newest, now = work.monitoring.waiting(), work.monitoring.newest(), work.now
                last, stock = work.comparisons.newest(), stock_counts(work)
        except Unavailable:
            return [database_up(False)]
        of_topics = publishing_figures(waiting, self._topics, now)
        found = [database_up(True), *of_topics, *comparison_figures(last), *stock_figures(stock)]
        if newest is not None:
            events = newest.by_labels(figures.EVENTS)
            found += [Figure(figures.EVENTS, value, labels) for labels, value in events.items()]
            found.append(Figure(figures.WORKER_SEEN, newest.at.timestamp()))
        return found


def _family(described: Described, values: Iterable[Figure]) -> Metric:
    kind = GaugeMetricFamily if described.kind is Kind.GAUGE else CounterMetricFamily
    family = kind(PREFIX + described.name, described.meaning, labels=described.labels)
    for each in values:
        family.add_metric(each.labels, each.value)
    return family


def application(collector: Collector, token: str = "") -> Application:
    """The WSGI application that answers scrapes.

    Args:
        token: what a caller sends as ``Authorization: Bearer``; empty when everybody who reaches it may ask.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    scraped: Application = make_wsgi_app(registry)

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        sent = environ.get("HTTP_AUTHORIZATION", "")
        if token and not hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
            return _plain(start_response, "401 Unauthorized")
        if environ.get("PATH_INFO") != "/metrics":
            return _plain(start_response, "404 Not Found")
        return scraped(environ, start_response)

    return answer


def _plain(start_response: Callable[..., Any], status: str) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{status}\n".encode()]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """A scrape every few seconds is no news."""


def server(listen: str, port: int, answering: Application) -> WSGIServer:
    """The server, listening; ``serve_forever`` serves."""
    return make_server(listen, port, answering, _Server, _Quiet)

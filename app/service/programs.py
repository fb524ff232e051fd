"""The programs of the service, how each is started and how one sees that it serves."""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

from app.service.layout import LOOPBACK, Layout
from app.service.supervisor import Program


def in_order(layout: Layout) -> list[list[Program]]:
    """Every program, in the order in which they start: those of a group together, finding the earlier ones
    serving.
    """
    for_readers = [readers(layout)] if layout.has_readers else []
    return [
        [directory(layout), certificate_authority(layout), *for_readers],
        [status(layout), web(layout), worker(layout), look_ups(layout), metrics(layout)],
        [card_agent(layout), relying_party(layout)],
    ]


def directory(layout: Layout) -> Program:
    """slapd on the data folder's own database."""
    command = _python(
        "directory",
        *("--folder", str(layout.directory), "--listen", layout.listen),
        *("--ldaps-port", str(layout.ldaps_port), "--client-authority", str(system_authorities(layout))),
        *("--tls-certificate", str(layout.tls / "directory.pem")),
        *("--tls-key", str(layout.tls / "directory.key")),
    )
    return Program("directory", command, lambda: _listens(layout.ldaps_port))


def system_authorities(layout: Layout) -> Path:
    """The CA certificates that slapd trusts for systems, and the certificate of this machine's replicas."""
    return layout.systems / "authorities.pem"


def certificate_authority(layout: Layout) -> Program:
    """The CA process."""
    command = _python("app.ca_server", "--settings", str(layout.settings_file))
    return Program("ca", command, _socket_answers(layout.folder / "run" / "ca.sock"))


def web(layout: Layout) -> Program:
    """Pages, sign-in, OpenID and the desk API."""
    tls = ("--ssl-certificate", str(layout.tls / "web.pem"), "--ssl-keyfile", str(layout.tls / "web.key"))
    told = _server_metrics(layout.web_metrics_port)
    command = _granian("app.wsgi:web", layout.listen, layout.web_port, 2, *tls, *told)
    ready = _answers(_https(layout.web_port))
    return Program("web", command, ready, _settings(layout))


def status(layout: Layout) -> Program:
    """CRL, OCSP and CA certificates."""
    command = _granian("app.wsgi:status", layout.listen, layout.status_port, 1)
    ready = _answers(_http(layout.status_port))
    return Program("status", command, ready, _settings(layout))


def look_ups(layout: Layout) -> Program:
    """FHIR look-ups, in the directory alone."""
    tls = ("--ssl-certificate", str(layout.tls / "web.pem"), "--ssl-keyfile", str(layout.tls / "web.key"))
    told = _server_metrics(layout.look_ups_metrics_port)
    command = _granian("app.wsgi:look_ups", layout.listen, layout.look_ups_port, 1, *tls, *told)
    return Program("look-ups", command, _answers(_https(layout.look_ups_port)), _settings(layout))


def worker(layout: Layout) -> Program:
    """The outbox's carrier. It listens nowhere, so it is ready when it runs."""
    return Program("worker", _python("app.cli", "worker"), lambda: True, _settings(layout))


def metrics(layout: Layout) -> Program:
    """Metrics for Prometheus. It may read the directory's monitor because it runs as the worker's user."""
    return Program(
        "metrics", _python("app.cli", "metrics"), lambda: _listens(layout.metrics_port), _settings(layout)
    )


def readers(layout: Layout) -> Program:
    """pcscd with two readers, and the emulated cards in them."""
    command = _python("virtual_card", "readers", str(layout.desk))
    return Program("readers", command, _socket_answers(layout.desk / "run" / "readers.sock"))


def card_agent(layout: Layout) -> Program:
    """The card agent of this machine."""
    command = _python("card_agent", "--config", str(layout.agent_settings))
    return Program("card-agent", command, _answers(_http(layout.agent_port)))


def relying_party(layout: Layout) -> Program:
    """The demonstration relying party."""
    command = _python("examples.prescribing", "--settings", str(layout.relying_party / "settings.toml"))
    ready = _answers(_https(layout.relying_party_port))
    return Program("prescribing", command, ready)


def _settings(layout: Layout) -> dict[str, str]:
    return {"SPINE_RA_SETTINGS": str(layout.settings_file)}


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def _granian(application: str, listen: str, port: int, workers: int, *more: str) -> list[str]:
    return _python(
        "app.http_server",
        *("--interface", "wsgi", "--host", listen, "--port", str(port), "--workers", str(workers)),
        "--factory",
        *("--blocking-threads", "2", "--no-ws", "--respawn-failed-workers", "--log-level", "warning"),
        *more,
        application,
    )


def _server_metrics(port: int) -> tuple[str, ...]:
    """Have a server tell Prometheus of its connections and requests, on loopback alone."""
    return ("--metrics", "--metrics-address", LOOPBACK, "--metrics-port", str(port))


def _socket_answers(path: Path) -> Callable[[], bool]:
    def ready() -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return path.exists() and probe.connect_ex(str(path)) == 0

    return ready


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def _answers(connect: Callable[[], HTTPConnection]) -> Callable[[], bool]:
    def ready() -> bool:
        connection = connect()
        try:
            connection.request("GET", "/")
            return connection.getresponse().status < HTTPStatus.INTERNAL_SERVER_ERROR
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    return ready


def _http(port: int) -> Callable[[], HTTPConnection]:
    return partial(HTTPConnection, LOOPBACK, port, timeout=5)


def _https(port: int) -> Callable[[], HTTPConnection]:
    # Asked over loopback whether it serves at all; who it is, is not the question.
    unverified = ssl._create_unverified_context()  # noqa: S323
    return partial(HTTPSConnection, LOOPBACK, port, timeout=5, context=unverified)

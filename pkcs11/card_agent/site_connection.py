"""The agent's connection to a site of its settings: JSON over TLS, kept from one call to the next."""

from __future__ import annotations

import http.client
import json
import logging
import select
import ssl
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from card_agent.errors import JobRefused, SiteUnavailable
from card_agent.settings import Site

_TIMEOUT_SECONDS = 30
# Shorter than what servers, balancers and firewalls forget a silent connection after.
_KEPT_SECONDS = 30
_IS_JSON = {"Accept": "application/json", "Content-Type": "application/json"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes

    @property
    def is_success(self) -> bool:
        return self.status // 100 == 2

    @property
    def is_server_error(self) -> bool:
        return self.status // 100 == 5


class SiteConnection:
    """The connection of one job, opened by its first call: to open one for each took longer than the call.

    It is closed after a silence and after a call that got no answer; the next call opens another. Of the
    standard library, which knows no proxies: a variable of the person's session carries no job elsewhere.
    ``from_address`` is the network address of this computer that it comes from; empty for any.
    """

    def __init__(self, site: Site, from_address: str = "") -> None:
        self.site = site
        self._from_address = from_address
        self._kept: http.client.HTTPSConnection | None = None
        self._used_at = 0.0
        # A page may ask how far a job is while its last call is made.
        self._in_use = threading.RLock()

    def call(self, method: str, path: str, body: object, headers: dict[str, str]) -> dict[str, object]:
        """Make one call of the site's API and return its JSON. Raises JobRefused or SiteUnavailable.

        A call without an answer may have had its effect: only the caller knows whether to send it again.
        """
        # No ticket, token or body. An address names a job, which is worth nothing without its token.
        _log.info("%s is asked: %s %s", self.site.origin, method, path)
        with self._in_use:
            try:
                answer = self._answer(method, path, body, headers)
            except (http.client.HTTPException, OSError) as error:
                self.close()
                raise SiteUnavailable(
                    f"{self.site.name} does not answer ({type(error).__name__}). "
                    "What is done so far is kept. Check the network, then go on."
                ) from error
        return _read(self.site, answer)

    def close(self) -> None:
        """Close it; a further call opens another."""
        with self._in_use:
            if self._kept is not None:
                self._kept.close()
                self._kept = None

    def _answer(self, method: str, path: str, body: object, headers: dict[str, str]) -> _Answer:
        if not self._is_open():
            self.close()
        self._kept = self._kept or _connection(self.site, self._from_address)
        message = None if body is None else json.dumps(body).encode()
        self._kept.request(method, path, message, {**_IS_JSON, **headers})
        response = self._kept.getresponse()
        answer = _Answer(response.status, response.read())
        self._used_at = time.monotonic()
        return answer

    def _is_open(self) -> bool:
        """Say whether a call may go by the kept connection: what can be read between two calls is its end."""
        if self._kept is None or self._kept.sock is None:
            return False
        if time.monotonic() - self._used_at > _KEPT_SECONDS:
            return False
        return not select.select([self._kept.sock], [], [], 0)[0]


def call(site: Site, method: str, path: str, body: object, headers: dict[str, str]) -> dict[str, object]:
    """Make a single call, on a connection of its own. Raises JobRefused or SiteUnavailable."""
    with closing(SiteConnection(site)) as connection:
        return connection.call(method, path, body, headers)


def _connection(site: Site, from_address: str) -> http.client.HTTPSConnection:
    address = urlsplit(site.origin)
    return http.client.HTTPSConnection(
        address.hostname or "",
        address.port,
        timeout=_TIMEOUT_SECONDS,
        context=_authorities(site.ca_file, site.ca_file.stat().st_mtime_ns),
        source_address=(from_address, 0) if from_address else None,
    )


@lru_cache(maxsize=16)
def _authorities(ca_file: Path, changed_at: int) -> ssl.SSLContext:
    """Has the authorities of a site read once; a changed ``ca_file`` is read anew."""
    return ssl.create_default_context(cafile=str(ca_file))


def _read(site: Site, answer: _Answer) -> dict[str, object]:
    if answer.status == http.client.NO_CONTENT:
        return {}
    try:
        message = json.loads(answer.body)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise SiteUnavailable(
            f"{site.name} answered with status {answer.status} and nothing that can be read. "
            "What is done so far is kept. Try to go on in a minute."
        )
    if answer.is_success:
        return message
    if answer.is_server_error:
        raise SiteUnavailable(
            str(message.get("message", f"{site.name} is in trouble. Try to go on in a minute."))
        )
    raise JobRefused(str(message.get("message", "The site refused.")), str(message.get("code", "refused")))

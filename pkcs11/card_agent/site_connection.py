"""The agent's connection to a site of its settings: JSON over TLS, kept from one call to the next."""

from __future__ import annotations

import logging
import ssl
from contextlib import closing
from functools import lru_cache
from pathlib import Path

import httpx

from card_agent.errors import JobRefused, SiteUnavailable
from card_agent.settings import Site

_TIMEOUT_SECONDS = 30
# Shorter than what servers, balancers and firewalls forget a silent connection after.
_KEPT_SECONDS = 30

_log = logging.getLogger(__name__)


class SiteConnection:
    """The connection of one job, opened by its first call: to open one for each took longer than the call.

    It is closed after a silence and after a call that got no answer; the next call opens another.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self._client: httpx.Client | None = None

    def call(self, method: str, path: str, body: object, headers: dict[str, str]) -> dict[str, object]:
        """Make one call of the site's API and return its JSON. Raises JobRefused or SiteUnavailable.

        A call without an answer may have had its effect: only the caller knows whether to send it again.
        """
        # No ticket, token or body. An address names a job, which is worth nothing without its token.
        _log.info("%s is asked: %s %s", self.site.origin, method, path)
        try:
            self._client = self._client or _client(self.site)
            answer = self._client.request(method, self.site.origin + path, json=body, headers=headers)
        except (httpx.HTTPError, OSError) as error:
            self.close()
            raise SiteUnavailable(
                f"{self.site.name} does not answer ({type(error).__name__}). "
                "What is done so far is kept. Check the network, then go on."
            ) from error
        return _read(self.site, answer)

    def close(self) -> None:
        """Close it; a further call opens another."""
        if self._client is not None:
            self._client.close()
            self._client = None


def call(site: Site, method: str, path: str, body: object, headers: dict[str, str]) -> dict[str, object]:
    """Make a single call, on a connection of its own. Raises JobRefused or SiteUnavailable."""
    with closing(SiteConnection(site)) as connection:
        return connection.call(method, path, body, headers)


def _client(site: Site) -> httpx.Client:
    # trust_env off: a proxy variable of the person's session must not carry the job elsewhere.
    return httpx.Client(
        verify=_authorities(site.ca_file, site.ca_file.stat().st_mtime_ns),
        timeout=_TIMEOUT_SECONDS,
        trust_env=False,
        limits=httpx.Limits(max_keepalive_connections=1, keepalive_expiry=_KEPT_SECONDS),
    )


@lru_cache(maxsize=16)
def _authorities(ca_file: Path, changed_at: int) -> ssl.SSLContext:
    """Has the authorities of a site read once; a changed ``ca_file`` is read anew."""
    return ssl.create_default_context(cafile=str(ca_file))


def _read(site: Site, answer: httpx.Response) -> dict[str, object]:
    if answer.status_code == httpx.codes.NO_CONTENT:
        return {}
    try:
        message = answer.json()
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise SiteUnavailable(
            f"{site.name} answered with status {answer.status_code} and nothing that can be read. "
            "What is done so far is kept. Try to go on in a minute."
        )
    if answer.is_success:
        return message
    if answer.is_server_error:
        raise SiteUnavailable(
            str(message.get("message", f"{site.name} is in trouble. Try to go on in a minute."))
        )
    raise JobRefused(str(message.get("message", "The site refused.")), str(message.get("code", "refused")))

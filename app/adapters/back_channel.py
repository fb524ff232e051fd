"""Sends logout tokens to relying parties (OpenID Connect Back-Channel Logout 1.0 section 2.5)."""

from __future__ import annotations

import ssl

import httpx

from app.errors import Unavailable

_TIMEOUT_SECONDS = 5.0


class HttpBackChannel:
    """Posts over TLS; follows no redirect, so that a token goes only where it was registered to go."""

    def post_logout_token(self, address: str, logout_token: str, ca_file: str) -> None:
        """Send a logout token. ``ca_file`` is a PEM file, empty for the system's own authorities.

        Raises:
            Unavailable: no answer in five seconds, or not a success; to be tried again.
        """
        try:
            with httpx.Client(verify=_trust(ca_file), timeout=_TIMEOUT_SECONDS) as client:
                answer = client.post(address, data={"logout_token": logout_token})
        except (httpx.HTTPError, OSError) as fault:
            raise _not_told(address, type(fault).__name__) from fault
        if not answer.is_success:
            raise _not_told(address, f"status {answer.status_code}")


def _trust(ca_file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file or None)


def _not_told(address: str, why: str) -> Unavailable:
    return Unavailable("relying party", f"{address} was not told of a sign-out ({why}); it is tried again.")

"""Looks at the way to a site: whether it answers, whether it is the right one, whether the clocks agree."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

from card_agent.findings import Finding, fine, problem, warning
from card_agent.settings import Site

_TIMEOUT_SECONDS = 3
# What a site lets pass between its clock and a signature's.
_CLOCKS_DIFFER_BY_SECONDS = 120
# X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED (openssl-verification-options(1)).
_WRONG_TIME = (9, 10)


def site_findings(site: Site, now: datetime) -> Iterator[Finding]:
    """Return what there is to say of the site. ``now`` is this computer's clock, UTC."""
    try:
        context = ssl.create_default_context(cafile=str(site.ca_file))
    except (OSError, ssl.SSLError) as error:
        yield problem(
            "anchors_unusable",
            f"The file by which {site.name} is known cannot be read: {site.ca_file.name} ({error.args[0]}).",
            "Without it nobody can tell the right server from a wrong one.",
            "Have your IT service desk put the file back (site.ca_file in agent.toml).",
        )
        return
    try:
        with httpx.Client(verify=context, timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
            answer = client.get(site.origin)
    except httpx.HTTPError as error:
        yield _unreachable(site, error, now)
        return
    yield fine("server", f"{site.name} ({site.origin}) answers and is trusted.")
    yield _clock(site, answer.headers.get("Date", ""), now)


def _unreachable(site: Site, error: httpx.HTTPError, now: datetime) -> Finding:
    refused = _verification_error(error)
    if refused is None:
        return problem(
            "server_not_reachable",
            f"{site.name} ({site.origin}) does not answer.",
            "Cards are checked there; without it nobody signs in.",
            "See whether the network works and other sites open. "
            "If they do, tell your IT service desk that this address cannot be reached.",
        )
    to_do = "Do not go on to the site and do not enter a PIN. Tell your IT service desk."
    if refused.verify_code in _WRONG_TIME:
        to_do += f" It may be this computer's clock, which says {now:%H:%M on %d %B %Y} (UTC)."
    return problem(
        "server_not_trusted",
        f"{site.name} ({site.origin}) shows a certificate that is not trusted: {refused.verify_message}.",
        "Somebody may stand between this computer and the site.",
        to_do,
    )


def _verification_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _clock(site: Site, date: str, now: datetime) -> Finding:
    try:
        difference = (now - parsedate_to_datetime(date)).total_seconds()
    except (TypeError, ValueError):
        return warning(
            "clock_unknown",
            f"{site.name} did not say what time it is.",
            "The clocks could not be compared.",
            "See whether this computer's clock is right.",
        )
    if abs(difference) <= _CLOCKS_DIFFER_BY_SECONDS:
        return fine("clock", "This computer's clock agrees with the site's.")
    fast = "fast" if difference > 0 else "slow"
    return problem(
        "clock_wrong",
        f"This computer's clock is {abs(difference) / 60:.0f} minutes {fast}, by the clock of {site.name}.",
        "What a card signs carries the time, and the site refuses a wrong one.",
        "Set the clock, or have your IT service desk set it; then look again here.",
    )

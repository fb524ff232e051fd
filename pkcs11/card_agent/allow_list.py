"""Which sites may send a browser to the agent, and what a sign-in request must look like."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from card_agent.errors import OriginNotAllowed, RequestRefused
from card_agent.settings import Ask, Site

# The Web eID protocol wants at least 256 bits, which is 44 characters of base64; the upper bound is ours.
_NONCE = re.compile(r"[A-Za-z0-9+/=_-]{44,128}")


@dataclass(frozen=True)
class SignInRequest:
    """A site's request that the person signs in: the site and its single-use nonce."""

    site: Site
    nonce: str


class AllowList:
    """The sites of the settings, looked up by exact origin."""

    def __init__(self, sites: Iterable[Site]) -> None:
        self._sites = {site.origin: site for site in sites}

    def site(self, origin: str, ask: Ask = Ask.JOBS) -> Site:
        """Return the site with exactly this origin, when it may ask for this. Raises OriginNotAllowed."""
        site = self._sites.get(origin)
        if site is None or ask not in site.may_ask:
            raise OriginNotAllowed(
                "The site that sent you here is not one that this card agent works with for this. "
                "Do not enter your PIN. Tell your IT service desk which site it was."
            )
        return site

    def sign_in_request(self, origin: str, nonce: str) -> SignInRequest:
        """Return the checked request. Raises OriginNotAllowed or RequestRefused (400)."""
        site = self.site(origin, Ask.SIGN_IN)
        if not _NONCE.fullmatch(nonce):
            raise RequestRefused(
                400,
                f"{site.name} sent an incomplete sign-in request. Go back to {site.name} and start again.",
            )
        return SignInRequest(site, nonce)

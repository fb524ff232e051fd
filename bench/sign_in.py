"""Whole sign-ins per second and CPU milliseconds each, all server processes counted, writes durable.

``python -m bench.sign_in [--quick]`` starts a web service of its own as ``./run`` does (two processes, TLS,
SQLite with synchronous=FULL, OpenID keys in SoftHSM) and signs people in over and over. One sign-in is:

1. the sign-in page with its challenge, in a new browser session;
2. the card's signature, made here with a key in memory, since cards sign on the user's own machine;
3. the page for the card's answer, and the answer: certificate, signature, card, person checked; audited;
4. the role, the authorization request of a relying party, its code;
5. the exchange of the code: client assertion checked, ID Token signed in the token, tokens kept.

Only the server's CPU is counted. The ratio is against the bare sum of its cryptographic operations, measured
in the same run: verify the card's certificate, its signature and the client's assertion, sign the ID Token.
"""

from __future__ import annotations

import argparse
import re
import ssl
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPResponse, HTTPSConnection
from itertools import cycle
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey

from app.adapters.openid_keys import OpenIDKeys
from bench.report import cpu_seconds, tell
from bench.sign_in_site import PROCESSES, Site, running_site
from tests.support.sign_in import HeldCard, authority

PEOPLE = 20
_HOP = re.compile(r'href="(http://127\.0\.0\.1:\d+/card\?[^"]+)"')
_CSRF = re.compile(r'name="csrf_value" value="([^"]+)"')
_COOKIE = re.compile(r"__Host-spine-ra=([^;]*)")


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    sign_ins: int
    operations: int
    browsers: int


FULL, QUICK = Effort(1200, 2000, 4), Effort(160, 300, 4)


class Browser:
    """One browser: a connection that is kept, and the session's cookie."""

    def __init__(self, site: Site, connection: HTTPSConnection) -> None:
        self._site = site
        self._connection = connection
        self._cookie = ""

    def sign_in(self, held: HeldCard) -> None:
        """The whole way; raises when anything is not as it should be."""
        self._cookie = ""
        nonce = self._nonce()
        csrf = _found(_CSRF, self._get("/sign-in/card", 200))
        token = held.fragment(nonce, origin=self._site.origin)
        self._send("POST", "/sign-in/card", {"csrf_value": csrf, "token": token}, 303)
        code = self._code()
        form = self._site.party.exchange(code) | self._site.party.proof(aud=self._site.origin)
        tokens = self._send("POST", "/openid/token", form, 200)[1]
        assert b'"id_token"' in tokens

    def _nonce(self) -> str:
        hop = _found(_HOP, self._get("/sign-in", 200)).replace("&amp;", "&")
        return parse_qs(urlsplit(hop).query)["nonce"][0]

    def _code(self) -> str:
        query = urlencode(self._site.party.request())
        response, _ = self._send("GET", f"/openid/authorize?{query}", None, 303)
        return parse_qs(urlsplit(response.headers["Location"]).query)["code"][0]

    def _get(self, path: str, expect: int) -> bytes:
        return self._send("GET", path, None, expect)[1]

    def _send(
        self, method: str, path: str, form: dict[str, str] | None, expect: int
    ) -> tuple[HTTPResponse, bytes]:
        headers = {"Cookie": f"__Host-spine-ra={self._cookie}"} if self._cookie else {}
        body = urlencode(form) if form else None
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        content = response.read()
        assert response.status == expect, (path, response.status, content[:300])
        cookie = _COOKIE.search(response.headers.get("Set-Cookie", ""))
        self._cookie = cookie[1] if cookie else self._cookie
        return response, content


def _found(pattern: re.Pattern[str], page: bytes) -> str:
    found = pattern.search(page.decode())
    assert found is not None
    return found[1]


@dataclass(frozen=True)
class SignInFigures:
    """What the sign-ins cost."""

    per_second: float
    server_cpu_ms: float
    median_ms: float
    p95_ms: float


def measure_sign_ins(site: Site, effort: Effort) -> SignInFigures:
    """Sign in from several browsers at once."""
    _sign_in_many(site, effort.browsers, 2 * effort.browsers)
    processes = site.server_processes()
    cpu, wall = cpu_seconds(processes), time.perf_counter()
    seconds = _sign_in_many(site, effort.browsers, effort.sign_ins)
    wall, cpu = time.perf_counter() - wall, cpu_seconds(processes) - cpu
    count = len(seconds)
    percentiles = statistics.quantiles(seconds, n=100)
    return SignInFigures(count / wall, cpu / count * 1000, percentiles[49] * 1000, percentiles[94] * 1000)


def _sign_in_many(site: Site, browsers: int, count: int) -> list[float]:
    seconds: list[float] = []
    faults: list[BaseException] = []

    def run(number: int) -> None:
        try:
            seconds.extend(_sign_in_from_one(site, number, count // browsers))
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(browsers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return seconds


def _sign_in_from_one(site: Site, number: int, count: int) -> list[float]:
    trust = ssl.create_default_context(cafile=str(site.ca_file))
    connection = HTTPSConnection("localhost", site.port, timeout=60, context=trust)
    browser, cards = Browser(site, connection), cycle(site.cards[number:] + site.cards[:number])
    seconds = []
    for _, held in zip(range(count), cards, strict=False):
        began = time.perf_counter()
        browser.sign_in(held)
        seconds.append(time.perf_counter() - began)
    connection.close()
    return seconds


def bare_cryptography_ms(site: Site, count: int) -> float:
    """CPU milliseconds of the cryptographic operations that one sign-in needs, and nothing else."""
    held, ca = site.cards[0], authority().ca
    assert isinstance(held.key, ec.EllipticCurvePrivateKey)
    data = b"0" * 64
    signature, algorithm = held.key.sign(data, ec.ECDSA(hashes.SHA256())), ec.ECDSA(hashes.SHA256())
    public, party = held.key.public_key(), ECKey.import_key(site.party.public_pem)
    assertion = site.party.assertion()
    keys = OpenIDKeys.open(site.keys)
    operations: list[Callable[[], object]] = [
        lambda: held.certificate.verify_directly_issued_by(ca),
        lambda: public.verify(signature, data, algorithm),
        lambda: jwt.decode(assertion, party, algorithms=["ES256"]),
        lambda: keys.signing_keys.sign(_CLAIMS, "ES256"),
    ]
    total = sum(_cpu_ms(operation, count) for operation in operations)
    keys.close()
    return total


_CLAIMS = {"iss": "https://localhost", "sub": "1" * 12, "aud": "bench", "sid": "0" * 32, "nonce": "n" * 32}


def _cpu_ms(operation: Callable[[], object], count: int) -> float:
    operation()
    before = time.process_time()
    for _ in range(count):
        operation()
    return (time.process_time() - before) / count * 1000


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within a minute; the figures scatter more")
    effort = QUICK if parser.parse_args().quick else FULL
    with tempfile.TemporaryDirectory() as folder, running_site(Path(folder), PEOPLE) as site:
        figures = measure_sign_ins(site, effort)
        bare = bare_cryptography_ms(site, effort.operations)
    _tell(effort, figures, bare)


def _tell(effort: Effort, figures: SignInFigures, bare: float) -> None:
    tell(
        "sign_in",
        {
            f"Whole sign-ins per second ({PROCESSES} web processes, {effort.browsers} browsers here)": (
                f"{figures.per_second:.1f}"
            ),
            "CPU of all server processes for one sign-in": f"{figures.server_cpu_ms:.2f} ms",
            "One sign-in takes, half of them, and 95 of 100 within": (
                f"{figures.median_ms:.0f} ms, {figures.p95_ms:.0f} ms"
            ),
            "Its cryptographic operations alone": f"{bare:.3f} ms CPU",
            "Server CPU against those operations": f"{figures.server_cpu_ms / bare:.1f} times",
        },
        {
            "sign_ins_per_second": figures.per_second,
            "server_cpu_ms": figures.server_cpu_ms,
            "median_ms": figures.median_ms,
            "p95_ms": figures.p95_ms,
            "bare_cryptography_ms": bare,
        },
        {"server_cpu_to_bare_cryptography": figures.server_cpu_ms / bare},
    )


if __name__ == "__main__":
    main()

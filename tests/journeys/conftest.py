"""A whole service for the journeys, and browsers to walk through it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.support.killing import Processes
from tests.support.office import Office
from tests.support.running_service import SOFTHSM, Service, offset_of_this_process, running_service

# The browser flags keep Chromium from looking for hosts of its maker.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]


@pytest.fixture(scope="module")
def card_kind() -> str:
    """The kind of the service's cards: SoftHSM tokens in a folder; a journey on others says so."""
    return SOFTHSM


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, card_kind: str) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service") / "var"
    cards = [] if card_kind == SOFTHSM else ["--pcsc", card_kind]
    with running_service(folder, offset_of_this_process(), *cards) as running:
        yield running


@pytest.fixture(scope="module")
def processes(service: Service) -> Processes:
    return Processes(service)


@pytest.fixture(scope="module")
def office(service: Service, processes: Processes) -> Iterator[Office]:
    office = Office(service, processes.layout)
    yield office
    office.database.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture
def new_person(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A browser profile of one person. The TLS authority of the service is not in the browser's store."""
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(20_000)
    yield context
    context.close()

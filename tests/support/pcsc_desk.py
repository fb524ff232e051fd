"""A desk with PC/SC readers: pcscd, vpcd and cards in software, private to the test run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from virtual_card.pcsc import PcscDesk, PcscService

OPENSC = Path("/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so")


@pytest.fixture(scope="module")
def pcsc_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PcscDesk]:
    """The readers run for as long as the module's tests; this process' PKCS#11 modules use them."""
    folder = tmp_path_factory.mktemp("pcsc") / "desk"
    desk = PcscDesk(folder)
    with PcscService(folder) as service, pytest.MonkeyPatch.context() as patched:
        for name, value in service.environment.items():
            patched.setenv(name, value)
        yield desk

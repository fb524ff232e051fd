"""A data folder whose first start is complete, made once for the tests that start it again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.running_service import Service, running_service

PORT_OFFSET = 3100


@pytest.fixture(scope="package")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Service:
    """What a first start left, and what it said; it is stopped. The folder's path has spaces."""
    folder = tmp_path_factory.mktemp("service") / "data of this desk"
    with running_service(folder, PORT_OFFSET) as service:
        pass
    return service


@pytest.fixture
def started_again(first_start: Service) -> Iterator[Service]:
    """The same folder, running again."""
    with running_service(
        first_start.folder, PORT_OFFSET, environment={"SPINE_RA_TEST_RUN": "again"}
    ) as service:
        yield service

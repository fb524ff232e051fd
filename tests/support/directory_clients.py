"""Both forms of the directory's client behind one set of calls, so that every test can be put to both."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from directory.client import AsyncDirectoryClient, ClientTls, DirectoryClient

FORMS = ("waiting", "asyncio")


class AsyncClientThatWaits:
    """An ``AsyncDirectoryClient`` on an event loop of its own that runs while a question is asked."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._client = AsyncDirectoryClient(*arguments, **options)
        self._runner = asyncio.Runner()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return lambda *arguments: self._runner.run(_call(method, arguments))

    def close(self) -> None:
        """Close the client and its loop."""
        self._runner.run(self._client.close())
        self._runner.close()


async def _call(method: Any, arguments: tuple[Any, ...]) -> Any:
    return await method(*arguments)


@contextlib.contextmanager
def directory_client(
    form: str, servers: str, tls: ClientTls, *arguments: Any, **options: Any
) -> Iterator[Any]:
    """A client of one of the ``FORMS``, closed at the end."""
    kind = DirectoryClient if form == "waiting" else AsyncClientThatWaits
    with contextlib.closing(kind(servers, tls, *arguments, **options)) as client:
        yield client

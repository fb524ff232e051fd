"""Who of these people may do this there? In Python with asyncio: all questions go out at once.

python -m examples.directory.ask_many SERVERS AUTHORITY CERTIFICATE KEY ACTIVITY ORGANISATION < UIDS

Reads user ids, one a line, and writes each with yes, no or why it is not known.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from directory.client import AsyncDirectoryClient, ClientTls, DirectoryError


async def answer(client: AsyncDirectoryClient, uid: str, activity: str, organisation: str) -> str:
    """One line of what is written."""
    try:
        allowed = await client.may(uid, activity, organisation)
    except DirectoryError as why:
        return f"{uid} not known: {why}"
    return f"{uid} {'yes' if allowed else 'no'}"


async def main() -> None:
    """Ask about everybody."""
    servers, authority, certificate, key, activity, organisation = sys.argv[1:]
    people = sys.stdin.read().split()
    tls = ClientTls(Path(authority), Path(certificate), Path(key))
    async with AsyncDirectoryClient(servers, tls) as client:
        for line in await asyncio.gather(*(answer(client, uid, activity, organisation) for uid in people)):
            print(line)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())

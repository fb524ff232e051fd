"""May this person do this there? In Python, waiting for the answer.

python -m examples.directory.ask SERVERS AUTHORITY CERTIFICATE KEY UID ACTIVITY ORGANISATION

Ends with 0 for yes, 1 for no, and 2 when it is not known: a caller must treat that as no, and may say why.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from directory.client import ClientTls, DirectoryClient, DirectoryError

YES, NO, NOT_KNOWN = 0, 1, 2


def main() -> int:
    """Ask, and tell the person's roles."""
    servers, authority, certificate, key, uid, activity, organisation = sys.argv[1:]
    try:
        with DirectoryClient(servers, ClientTls(Path(authority), Path(certificate), Path(key))) as client:
            allowed = client.may(uid, activity, organisation)
            for role in client.roles(uid):
                held = "held" if role.is_held(datetime.now(UTC)) else "not held today"
                print(f"{role.organisation.name}: {role.job_role.name} ({held})")  # noqa: T201
    except DirectoryError as why:
        print(f"Not known: {why}", file=sys.stderr)  # noqa: T201
        return NOT_KNOWN
    print("yes" if allowed else "no")  # noqa: T201
    return YES if allowed else NO


if __name__ == "__main__":
    sys.exit(main())

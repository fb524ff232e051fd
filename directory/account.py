"""Which Unix user slapd runs as."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

SLAPD_USER = "openldap"


class ProcessOptions(TypedDict, total=False):
    """Arguments of ``subprocess.Popen`` that change the user."""

    user: int
    group: int
    extra_groups: list[str]


@dataclass(frozen=True)
class Account:
    """A user to run as; without a uid, the user that we are."""

    uid: int | None = None
    gid: int | None = None

    def process_options(self) -> ProcessOptions:
        """What to pass to ``subprocess`` to run as this account."""
        if self.uid is None or self.gid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a file or folder to this account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def account_for(folder: Path) -> Account:
    """``openldap`` when we are root and it can reach ``folder``; otherwise the user that we are."""
    if os.getuid() != 0:
        return Account()
    try:
        user = pwd.getpwnam(SLAPD_USER)
    except KeyError:
        return Account()
    account = Account(user.pw_uid, user.pw_gid)
    return account if _can_reach(account, folder) else Account()


def _can_reach(account: Account, folder: Path) -> bool:
    test = shutil.which("test") or "/usr/bin/test"
    asked = subprocess.run([test, "-x", str(folder)], check=False, **account.process_options())  # noqa: S603
    return asked.returncode == 0

"""Settings of the certificate authority and its root; they are read with the others (``app.settings``)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

SOFTHSM: Final = "/usr/lib/softhsm/libsofthsm2.so"


@dataclass(frozen=True)
class CaSettings:
    """The CA process: its socket and who may use it, its own database, its token and its PIN's file."""

    socket: Path = Path("{data}/run/ca.sock")
    users: str = ""
    folder: Path = Path("{data}/ca")
    database_url: str = "sqlite:///{data}/ca/ca.db"
    softhsm_conf: Path | None = Path("{data}/ca/softhsm2.conf")
    module: Path = Path(SOFTHSM)
    token_label: str = "spine-ra-ca"  # noqa: S105 - a name, no secret
    pin_file: Path = Path("{data}/ca/pin")


@dataclass(frozen=True)
class RootSettings:
    """The token of the root's key, which ceremonies alone open: ``folder`` is taken away after each."""

    folder: Path = Path("{data}/root")
    softhsm_conf: Path | None = Path("{data}/root/softhsm2.conf")
    module: Path = Path(SOFTHSM)
    token_label: str = "spine-ra-root"  # noqa: S105 - a name, no secret
    pin_file: Path = Path("{data}/root/pin")

"""The key that this computer has in common with the certificate authority, and how it is registered."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from card_agent.desk_job import as_pin_policy, as_text
from card_agent.errors import SiteUnavailable
from card_agent.escrow import encrypted, escrow_key
from card_agent.job_client import as_base64
from card_agent.offline_unlock import KEY_BYTES
from card_agent.pin_policy import PinPolicy
from card_agent.settings import Site
from card_agent.site_connection import call


@dataclass(frozen=True)
class WorkstationKey:
    """This computer's id and key, and the name that people gave it.

    ``site`` is the origin of the site that it is registered with, and ``pin_policy`` how PINs must look
    there, as it was told last: without network there is nobody to ask.
    """

    id: bytes
    name: str
    key: bytes
    site: str = ""
    pin_policy: PinPolicy = field(default_factory=PinPolicy)

    def __repr__(self) -> str:
        return f"WorkstationKey({self.name})"


class WorkstationFile:
    """Where they are kept: a file of the agent's user alone (0600)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> WorkstationKey | None:
        """Return what is kept, or None when this computer is not registered."""
        try:
            kept = json.loads(self._path.read_text())
            policy = PinPolicy(**kept["pin_policy"]) if "pin_policy" in kept else PinPolicy()
            octets = {name: bytes.fromhex(kept[name]) for name in ("id", "key")}
            return WorkstationKey(**octets, name=kept["name"], site=kept.get("site", ""), pin_policy=policy)
        except FileNotFoundError:
            return None

    def write(self, kept: WorkstationKey) -> None:
        """Keep it, whole or not at all."""
        beside = self._path.with_name(f"{self._path.name}.new")
        beside.unlink(missing_ok=True)
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({**asdict(kept), "id": kept.id.hex(), "key": kept.key.hex()}, file)
        beside.replace(self._path)

    def keep_policy(self, site: str, policy: PinPolicy) -> None:
        """Keep how PINs must look at the site that this computer is registered with, not at others."""
        kept = self.read()
        if kept is not None and kept.site == site and kept.pin_policy != policy:
            self.write(replace(kept, pin_policy=policy))


def register(site: Site, ticket: str, file: WorkstationFile) -> WorkstationKey:
    """Make a key, wrap it to the escrow key, and have the site keep it.

    The site keeps it first: a computer that was cut off in between is registered again.

    Raises JobRefused, SiteUnavailable or EscrowKeyDiffers.
    """
    told = call(site, "POST", "/desk/workstations/invitation", {"ticket": ticket}, {})
    try:
        made = WorkstationKey(
            bytes.fromhex(as_text(told["id"])),
            as_text(told["name"]),
            secrets.token_bytes(KEY_BYTES),
            site.origin,
            as_pin_policy(told["pin_policy"]),
        )
        key = as_text(told["escrow_key"]).encode()
    except (KeyError, TypeError, ValueError) as error:
        raise SiteUnavailable("The site sent an invitation that cannot be read. Begin again.") from error
    wrapped = encrypted(escrow_key(site, key), b"workstation:" + made.id + made.key)
    call(site, "PUT", "/desk/workstations", {"ticket": ticket, "wrapped_key": as_base64(wrapped)}, {})
    file.write(made)
    return made

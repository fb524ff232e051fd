"""The key ceremony put together: token, database, files. ``spine-ra ca ceremony`` runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from app.adapters.ca_keys import make_token
from app.adapters.public_files import FOUNDING_DIGEST_FILE
from app.ca.ceremony import Ceremony
from app.ca.ceremony_plan import CeremonyPlan, founders_of, plan_from_toml
from app.ca.ceremony_protocol import Tokens, protocol_text
from app.ca.ceremony_record import AuthorityKey
from app.ca_files import CEREMONY_FILE, PROTOCOL, PUBLIC_FOLDER, reviewed, write_whole
from app.ca_root import making_of, publish_keys, publish_root_list, root_list_of
from app.clock import Clock, utc_now
from app.settings import Settings
from app.storage.ca.ceremony_record import CeremonyStore
from app.storage.ca.migrating import migrate_ca_database
from app.storage.database import Database


def hold_ceremony(
    settings: Settings,
    ceremony_file: Path = CEREMONY_FILE,
    progress: Callable[[str], None] = lambda line: None,
    clock: Clock = utc_now,
) -> Path:
    """Hold the ceremony, or go on with one that was interrupted. Returns the protocol's path.

    Leaves in the authority's folder the protocol and, in ``public``, what others need: CA certificates
    (``<name>.cer``, DER), the root's list of revoked CAs (``root.crl``, DER), the public keys
    ``audit-seal.pem`` and ``so-pin-escrow.pem``, and ``founding.sha256``, the digest of the founding file.

    Raises:
        InvalidInput: a file cannot be used, or the founding file is not the one that is pinned.
        CeremonyChanged: a ceremony was held with another file.
        Unavailable: a token or the database cannot be used; the root must sign, and its token is away.
    """
    plan = plan_from_toml(reviewed(ceremony_file, "ceremony"))
    founders = founders_of(plan, reviewed(ceremony_file.parent / plan.founding_file, "ceremony"))
    settings.ca.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.ca.database_url, clock)
    try:
        migrate_ca_database(database.engine)
        _make_tokens(settings, database)
        _hold(settings, plan, founders, database, clock(), progress)
        publish_root_list(settings, root_list_of(settings, plan.root.name, database).newest())
        return _publish(settings, plan, founders, CeremonyStore(database).keys(), clock())
    finally:
        database.close()


def _hold(
    settings: Settings,
    plan: CeremonyPlan,
    founders: tuple[str, ...],
    database: Database,
    now: datetime,
    progress: Callable[[str], None],
) -> None:
    making = making_of(settings, database, now, progress)
    Ceremony(plan, making, root_list_of(settings, plan.root.name, database)).hold(founders)


def _make_tokens(settings: Settings, database: Database) -> None:
    """Make them, unless they are there."""
    make_token(settings.ca)
    # The root's may be off the machine, and is never made a second time.
    if not CeremonyStore(database).keys():
        make_token(settings.root)


def _publish(
    settings: Settings,
    plan: CeremonyPlan,
    founders: Sequence[str],
    keys: Sequence[AuthorityKey],
    now: datetime,
) -> Path:
    folder = settings.ca.folder
    write_whole(folder / PUBLIC_FOLDER / FOUNDING_DIGEST_FILE, f"{plan.founding_digest}\n".encode())
    publish_keys(settings, keys)
    tokens = Tokens(*(f"{each.token_label} ({each.module})" for each in (settings.root, settings.ca)))
    write_whole(folder / PROTOCOL, protocol_text(plan, founders, keys, tokens, now).encode())
    return folder / PROTOCOL

"""The key ceremony put together: token, database, files. ``spine-ra ca ceremony`` runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from app.adapters.ca_keys import make_token, open_token_keys
from app.adapters.public_files import FOUNDING_DIGEST_FILE
from app.ca.ceremony import Ceremony
from app.ca.ceremony_plan import CeremonyPlan, founders_of, plan_from_toml
from app.ca.ceremony_protocol import Tokens, protocol_text
from app.ca.ceremony_record import AuthorityKey
from app.ca.contents import StatusAddresses
from app.ca_files import CEREMONY_FILE, PROFILES_FILE, PROTOCOL, PUBLIC_FOLDER, write_whole
from app.ca_root import publish_root_list, root_list_of, root_token
from app.clock import Clock, utc_now
from app.domain.certificate_profile import rules_from_toml
from app.errors import InvalidInput
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
    plan = plan_from_toml(_content(ceremony_file))
    founders = founders_of(plan, _content(ceremony_file.parent / plan.founding_file))
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


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput({"ceremony": f"The file {path} cannot be read: {error.strerror}."}) from error


def _hold(
    settings: Settings,
    plan: CeremonyPlan,
    founders: tuple[str, ...],
    database: Database,
    now: datetime,
    progress: Callable[[str], None],
) -> None:
    root = plan.root.name
    Ceremony(
        plan,
        rules_from_toml(PROFILES_FILE.read_text()),
        partial(root_token, settings),
        partial(open_token_keys, settings.ca),
        CeremonyStore(database),
        root_list_of(settings, root, database),
        StatusAddresses(settings.status.origin),
        now,
        progress,
    ).hold(founders)


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
    public = folder / PUBLIC_FOLDER
    write_whole(public / FOUNDING_DIGEST_FILE, f"{plan.founding_digest}\n".encode())
    for key in keys:
        if key.certificate is not None:
            write_whole(public / f"{key.name}.cer", key.certificate)
        else:
            write_whole(public / f"{key.name}.pem", _pem(key.public_key))
    tokens = Tokens(*(f"{each.token_label} ({each.module})" for each in (settings.root, settings.ca)))
    write_whole(folder / PROTOCOL, protocol_text(plan, founders, keys, tokens, now).encode())
    return folder / PROTOCOL


def _pem(spki: bytes) -> bytes:
    return load_der_public_key(spki).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

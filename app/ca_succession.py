"""A new issuing CA put together: tokens, databases, files. ``spine-ra ca succeed`` runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.adapters.ca_audit import StoredAudit
from app.ca.succeeding import AuthoritySucceeding
from app.ca.succession import succession_from_toml
from app.ca_files import reviewed, write_whole
from app.ca_root import (
    Agreed,
    authority_databases,
    making_of,
    publish_keys,
    require_agreed,
    require_ceremony,
    root_token,
)
from app.ca_server import only_process
from app.clock import Clock, utc_now
from app.settings import Settings


def succeed_authority(
    settings: Settings,
    file: Path,
    agreed: Agreed,
    progress: Callable[[str], None] = lambda line: None,
    clock: Clock = utc_now,
) -> Path:
    """Make the issuing CA that a reviewed file describes, or go on with it. Returns the protocol's path.

    Leaves its certificate and its OCSP responder's in ``public`` of the authority's folder, and the protocol
    in that folder. Nothing is issued under it before the certificate profiles name it.

    Raises:
        InvalidInput: the file cannot be used.
        CeremonyNotHeld: there is no root yet.
        NotAgreed: nothing was done.
        LintFailed
        Unavailable: the authority's process runs; the audit, a database or a token cannot be used.
    """
    wanted = succession_from_toml(reviewed(file, "succession"))
    with only_process(settings.ca.folder), authority_databases(settings, clock) as (own, main):
        require_ceremony(own)
        making = making_of(settings, own, clock(), progress)
        return _carry_out(settings, AuthoritySucceeding(wanted, making, StoredAudit(main)), agreed)


def _carry_out(settings: Settings, succeeding: AuthoritySucceeding, agreed: Agreed) -> Path:
    review = succeeding.review()
    require_agreed(review, succeeding.name, agreed)
    if not review.is_on_record:
        # Before anything is recorded: a decision is not left waiting for a token that nobody brought.
        with root_token(settings):
            pass
    succeeding.succeed()
    publish_keys(settings, succeeding.made())
    protocol = settings.ca.folder / f"succession-of-{succeeding.name}-protocol.txt"
    write_whole(protocol, succeeding.protocol().encode())
    return protocol

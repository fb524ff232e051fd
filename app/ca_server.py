"""The certificate authority's process: ``python -m app.ca_server --settings config.toml``.

It is the only process that logs in to the authority's token. It reads the registration authority's database,
writes audit events there, and keeps its own record in a database of its own.
"""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import pwd
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from app.adapters.attestation_roots import provenance_check
from app.adapters.ca_audit import StoredAudit, StoredAuditChain
from app.adapters.ca_keys import TokenKeys, open_token_keys
from app.adapters.ca_operations import Operations
from app.adapters.ca_socket import CaSocketServer
from app.bootstrap.permissions import permissions
from app.ca.approval import ApprovalCheck
from app.ca.audit_backlog import AuditBacklog
from app.ca.authority import Authority
from app.ca.ceremony import AUDIT_SEAL, SO_PIN_ESCROW
from app.ca.ceremony_record import AuthorityKey, AuthorityKind, certificate_of
from app.ca.contents import StatusAddresses
from app.ca.issuance import Issuer
from app.ca.lint import Linter
from app.ca.ocsp import OCSPResponder
from app.ca.ocsp_signers import AuthorityParts, OcspSigners
from app.ca.profile_trial import try_profiles
from app.ca.receipts import Receipts
from app.ca.refusals import CeremonyNotHeld
from app.ca.releasing import SoPinReleaser
from app.ca.revoking import Revoker
from app.ca.sealing import AuditSealer
from app.ca_files import PROFILES_FILE
from app.clock import Clock, utc_now
from app.domain.certificate_profile import rules_from_toml
from app.errors import InvalidInput, SpineError, Unavailable
from app.loaded import keep_what_is_loaded
from app.settings import Environment, Settings, load
from app.storage.approval_record import StoredApprovals
from app.storage.ca.ceremony_record import CeremonyStore
from app.storage.ca.ledger import Ledger
from app.storage.ca.migrating import migrate_ca_database
from app.storage.ca.releases import Releases
from app.storage.database import Database

SEALS_FILE = "audit-seals.jsonl"
AUDITED_EVERY_SECONDS = 1.0
"""What was signed meanwhile is audited together."""

_log = logging.getLogger("spine_ra.ca")


@contextmanager
def open_certificate_authority(settings: Settings, clock: Clock = utc_now) -> Iterator[Operations]:
    """The certificate authority, ready to work, for as long as the block lasts.

    What was on record and not signed when a former process ended is signed now, and what was not audited is
    audited.

    Raises:
        CeremonyNotHeld: there are no keys yet.
        InvalidInput: a profile cannot be used.
        Unavailable: the token or a database cannot be used.
    """
    with ExitStack() as resources:
        own = resources.enter_context(closing(Database(settings.ca.database_url, clock)))
        main = resources.enter_context(closing(Database(settings.database.url, clock)))
        migrate_ca_database(own.engine)
        record = CeremonyStore(own)
        if not record.is_complete():
            raise CeremonyNotHeld("The key ceremony was not held to its end. Run: spine-ra ca ceremony")
        keys = resources.enter_context(open_token_keys(settings.ca))
        operations = _operations(settings, keys, record, own, main, clock)
        _log.info("signed %d certificates that were left over", operations.authority.finish())
        _renew_signers(operations, clock)
        resources.enter_context(operations.backlog.carried_every(AUDITED_EVERY_SECONDS))
        yield operations


def _operations(
    settings: Settings, keys: TokenKeys, record: CeremonyStore, own: Database, main: Database, clock: Clock
) -> Operations:
    ledger, made, addresses = Ledger(own), record.keys(), StatusAddresses(settings.status.origin)
    audit = StoredAudit(main)
    backlog = AuditBacklog(ledger, audit)
    parts = _parts(made, keys, audit, addresses)
    try_profiles(parts.rules, parts.issuers)
    signers = OcspSigners(parts, record)
    seal_key = keys.key(AUDIT_SEAL)
    assert isinstance(seal_key, ec.EllipticCurvePrivateKey), "the ceremony makes an EC key"
    receipts = Receipts(seal_key, ledger, _chain(made), _sha256(PROFILES_FILE))
    return Operations(
        authority=_authority(settings, parts, made, ledger, backlog, main, receipts, clock),
        receipts=receipts,
        revoker=Revoker(
            parts.issuers, parts.rules, ledger, parts.audit, backlog, parts.linter, addresses, clock
        ),
        responder=OCSPResponder(signers.signers, ledger, parts.rules.ocsp_validity, clock),
        signers=signers,
        releaser=SoPinReleaser(
            key=keys.decryption_key(SO_PIN_ESCROW),
            ledger=ledger,
            record=StoredApprovals(main, permissions(settings)),
            releases=Releases(own),
            audit=parts.audit,
            origin=settings.service.origin,
            clock=clock,
        ),
        sealer=AuditSealer(seal_key, ledger, StoredAuditChain(main, settings.ca.folder / SEALS_FILE), clock),
        ledger=ledger,
        backlog=backlog,
        keys=made,
        clock=clock,
    )


def _parts(
    made: list[AuthorityKey], keys: TokenKeys, audit: StoredAudit, addresses: StatusAddresses
) -> AuthorityParts:
    rules, linter = rules_from_toml(PROFILES_FILE.read_text()), Linter()
    issuers = {
        each.name: Issuer(
            certificate_of(each), keys.key(each.name), linter, addresses, rules.whole_lint_one_in
        )
        for each in made
        if each.kind is AuthorityKind.ISSUING_CA
    }
    return AuthorityParts(issuers, rules, linter, audit, keys)


def _authority(
    settings: Settings,
    parts: AuthorityParts,
    made: list[AuthorityKey],
    ledger: Ledger,
    backlog: AuditBacklog,
    main: Database,
    receipts: Receipts,
    clock: Clock,
) -> Authority:
    root = next(each for each in made if each.kind is AuthorityKind.ROOT)
    record = StoredApprovals(main, permissions(settings))
    return Authority(
        issuers=parts.issuers,
        root=certificate_of(root),
        rules=parts.rules,
        ledger=ledger,
        audit=parts.audit,
        backlog=backlog,
        approvals=ApprovalCheck(ledger, record, settings.service.origin, parts.rules),
        provenance=provenance_check(settings),
        record=record,
        receipts=receipts,
        clock=clock,
    )


def _chain(made: list[AuthorityKey]) -> list[bytes]:
    """The certificates of the issuing CAs and the root."""
    kinds = AuthorityKind.ISSUING_CA, AuthorityKind.ROOT
    return [each.certificate for each in made if each.certificate is not None and each.kind in kinds]


def _sha256(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _renew_signers(operations: Operations, clock: Clock) -> None:
    """Without new responders the old ones still answer: their renewal must not keep the authority down."""
    try:
        renewed = operations.signers.renew(clock())
    except SpineError as fault:
        _log.error("the OCSP responders could not be renewed: %s", fault)
    else:
        if renewed:
            _log.info("made new OCSP responders: %s", ", ".join(renewed))


@contextmanager
def certificate_authority_at_rest(settings: Settings) -> Iterator[Operations]:
    """The authority for an operator on its own machine, while its process is stopped.

    What is done here has no card's signature, so it cannot be asked for over the socket.

    Raises:
        Unavailable: its process runs; and what ``open_certificate_authority`` raises.
    """
    with only_process(settings.ca.folder), open_certificate_authority(settings) as operations:
        yield operations


@contextmanager
def only_process(folder: Path) -> Iterator[None]:
    """Hold the authority's lock; it goes when the process ends, however it ends.

    Raises:
        Unavailable: another process holds it, or there is no authority in that folder.
    """
    if not folder.exists():
        raise Unavailable(
            "ca",
            f"There is no certificate authority in {folder}. Give this command on its own machine, with its "
            "settings; a new one is made by: spine-ra ca ceremony",
        )
    with (folder / "process.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable("ca", "Another certificate authority process runs on this folder.") from None
        yield


def permitted_users(settings: Settings) -> set[int]:
    """The Unix users that may use the socket: our own, and those of the settings.

    Raises:
        InvalidInput: one of them does not exist.
    """
    try:
        return {os.geteuid(), *(pwd.getpwnam(name).pw_uid for name in settings.ca.users.split())}
    except KeyError as error:
        raise InvalidInput({"ca.users": f"[ca] users: {error.args[0]}. Create the user first."}) from None


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        InvalidInput: the root's key is on this machine, in production; and as ``open_certificate_authority``.
    """
    _require_root_away(settings)
    settings.ca.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with only_process(settings.ca.folder), open_certificate_authority(settings) as operations:
        with CaSocketServer(settings.ca.socket, operations.handle, *permitted_users(settings)) as server:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
            keep_what_is_loaded()
            _log.info("the certificate authority listens on %s", settings.ca.socket)
            server.serve_forever(poll_interval=0.2)
        settings.ca.socket.unlink(missing_ok=True)


def _require_root_away(settings: Settings) -> None:
    """In production nothing is signed while whoever takes this machine over could sign as the root."""
    if not settings.root.pin_file.exists():
        return
    sentence = f"The root's key is within reach: take {settings.root.folder} away until the next ceremony."
    if settings.service.environment is Environment.PRODUCTION:
        raise InvalidInput({"root.folder": sentence})
    _log.warning(sentence)


def main() -> int:
    """The process. Returns its exit status: 1 with a sentence on standard error when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m app.ca_server", description=__doc__)
    parser.add_argument("--settings", type=Path, help="settings file; the defaults without it")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        serve(load(arguments.settings))
    except SpineError as error:
        _log.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

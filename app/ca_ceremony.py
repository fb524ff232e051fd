"""The key ceremony put together: token, database, files. ``spine-ra ca ceremony`` runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from app.adapters.ca_keys import make_token, open_token_keys
from app.adapters.public_files import FOUNDING_DIGEST_FILE
from app.ca.ceremony import Ceremony
from app.ca.ceremony_plan import CeremonyPlan, founders_of, plan_from_toml
from app.ca.ceremony_protocol import protocol_text
from app.ca.ceremony_record import AuthorityKey
from app.ca.contents import StatusAddresses
from app.ca_files import CEREMONY_FILE, PROFILES_FILE, PROTOCOL, PUBLIC_FOLDER, public_crl
from app.clock import Clock, utc_now
from app.domain.certificate_profile import rules_from_toml
from app.errors import InvalidInput
from app.settings import Settings
from app.storage.ca.ceremony_record import CeremonyStore
from app.storage.ca.ledger import Ledger
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
        Unavailable: the token or the database cannot be used.
    """
    plan = plan_from_toml(_content(ceremony_file))
    founders = founders_of(plan, _content(ceremony_file.parent / plan.founding_file))
    make_token(settings.ca)
    database = Database(settings.ca.database_url, clock)
    try:
        migrate_ca_database(database.engine)
        _hold(settings, plan, founders, database, clock(), progress)
        _publish_root_list(settings, plan, Ledger(database))
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
    with open_token_keys(settings.ca) as keys:
        Ceremony(
            plan,
            rules_from_toml(PROFILES_FILE.read_text()),
            keys,
            CeremonyStore(database),
            Ledger(database),
            StatusAddresses(settings.status.origin),
            now,
            progress,
        ).hold(founders)


def _publish(
    settings: Settings,
    plan: CeremonyPlan,
    founders: Sequence[str],
    keys: Sequence[AuthorityKey],
    now: datetime,
) -> Path:
    folder = settings.ca.folder
    public = folder / PUBLIC_FOLDER
    _write(public / FOUNDING_DIGEST_FILE, f"{plan.founding_digest}\n".encode())
    for key in keys:
        if key.certificate is not None:
            _write(public / f"{key.name}.cer", key.certificate)
        else:
            _write(public / f"{key.name}.pem", _pem(key.public_key))
    token = f"{settings.ca.token_label} ({settings.ca.module})"
    _write(folder / PROTOCOL, protocol_text(plan, founders, keys, token, now).encode())
    return folder / PROTOCOL


def _publish_root_list(settings: Settings, plan: CeremonyPlan, ledger: Ledger) -> None:
    """What sign-in asks whether a CA was revoked. One that revokes a CA, made elsewhere, stays."""
    latest, file = ledger.latest_crl(plan.root.name), public_crl(settings.ca.folder, plan.root.name)
    assert latest is not None, "the ceremony makes one"
    if not file.exists() or _revoked(file.read_bytes()) <= _revoked(latest.der):
        _write(file, latest.der)


def _revoked(crl: bytes) -> set[int]:
    """The serial numbers in a CRL; none of what cannot be read."""
    try:
        return {each.serial_number for each in x509.load_der_x509_crl(crl)}
    except ValueError:
        return set()


def _pem(spki: bytes) -> bytes:
    return load_der_public_key(spki).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _write(path: Path, content: bytes) -> None:
    """Complete or absent, never half."""
    path.parent.mkdir(mode=0o755, exist_ok=True)
    temporary = path.with_name(f"{path.name}.new")
    temporary.write_bytes(content)
    temporary.replace(path)

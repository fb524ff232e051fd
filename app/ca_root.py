"""The offline root put together: its token, its list, what it certifies, ``spine-ra ca revoke-authority``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from app.adapters.ca_audit import StoredAudit
from app.adapters.ca_keys import TokenKeys, open_token_keys
from app.ca.authority_making import AuthorityMaking
from app.ca.authority_revocation import authority_revocation_from_toml
from app.ca.authority_revoking import AuthorityRevoking, Review
from app.ca.ceremony_record import AuthorityKey, AuthorityKind
from app.ca.contents import StatusAddresses
from app.ca.refusals import CeremonyNotHeld
from app.ca.root_list import RootList
from app.ca.status_values import PublishedCrl
from app.ca_files import PROFILES_FILE, PUBLIC_FOLDER, public_crl, reviewed, write_whole
from app.clock import Clock, utc_now
from app.domain.certificate_profile import rules_from_toml
from app.errors import Refusal, Unavailable
from app.settings import Settings
from app.storage.ca.ceremony_record import CeremonyStore
from app.storage.ca.ledger import Ledger
from app.storage.ca.migrating import migrate_ca_database
from app.storage.ca.revoked_authorities import RevokedAuthorityStore
from app.storage.database import Database

Agreed = Callable[[str, str], bool]
"""Shows a review and asks for the name of the CA; true when the people present agree."""


class NotAgreed(Refusal):
    """The people present did not confirm what they had read."""

    code = "not_agreed"


def require_agreed(review: Review, name: str, agreed: Agreed) -> None:
    """Return when the people present agree, or it is on record that they did. Raises NotAgreed."""
    if not review.is_on_record and not agreed(review.text, name):
        raise NotAgreed("Nothing was done: the name was not typed as it is in the file.")


@contextmanager
def authority_databases(settings: Settings, clock: Clock) -> Iterator[tuple[Database, Database]]:
    """The authority's own database as this version has it, and the main one with the audit."""
    with (
        closing(Database(settings.ca.database_url, clock)) as own,
        closing(Database(settings.database.url, clock)) as main,
    ):
        migrate_ca_database(own.engine)
        yield own, main


@contextmanager
def root_token(settings: Settings) -> Iterator[TokenKeys]:
    """The root's token, opened for as long as the block lasts.

    Raises:
        Unavailable: it is not on this machine, or cannot be used.
    """
    place = settings.root
    if not place.pin_file.exists():
        raise Unavailable(
            "root",
            f"The root must sign, and its token is away: {place.pin_file} is not there. Put the root's token "
            "back, give the same command again, and take the token away after it.",
        )
    with open_token_keys(place) as keys:
        yield keys


def revoke_authority(
    settings: Settings,
    file: Path,
    agreed: Agreed,
    progress: Callable[[str], None] = lambda line: None,
    clock: Clock = utc_now,
) -> Path:
    """Have the root revoke a CA as a reviewed file says, or go on with it. Returns the protocol's path.

    Leaves the new list in ``public/root.crl`` of the authority's folder, and the protocol in that folder. The
    authority's process may run meanwhile; it issues nothing under the CA from then on.

    Raises:
        InvalidInput: the file cannot be used.
        CeremonyNotHeld: there is no root yet.
        NotAgreed: nothing was done.
        LintFailed
        Unavailable: the audit, the database or the root's token cannot be used.
    """
    with authority_databases(settings, clock) as (own, main):
        root_list = root_list_of(settings, require_ceremony(own), own)
        revoking = AuthorityRevoking(
            authority_revocation_from_toml(reviewed(file, "revocation")),
            CeremonyStore(own),
            RevokedAuthorityStore(own),
            root_list,
            StoredAudit(main),
            clock(),
        )
        return _carry_out(settings, revoking, root_list, agreed, progress)


def _carry_out(
    settings: Settings,
    revoking: AuthorityRevoking,
    root_list: RootList,
    agreed: Agreed,
    progress: Callable[[str], None],
) -> Path:
    require_agreed(revoking.review(), revoking.name, agreed)
    # Before anything is recorded: a decision is not left waiting for a token that nobody brought.
    with root_token(settings):
        pass
    progress(revoking.revoke())
    publish_root_list(settings, root_list.newest())
    protocol = settings.ca.folder / f"revocation-of-{revoking.name}-protocol.txt"
    write_whole(protocol, revoking.protocol().encode())
    return protocol


def root_list_of(settings: Settings, root: str, own: Database) -> RootList:
    """The root's list, in the authority's database."""
    file = public_crl(settings.ca.folder, root)
    return RootList(
        root,
        partial(root_token, settings),
        CeremonyStore(own),
        RevokedAuthorityStore(own),
        Ledger(own),
        StatusAddresses(settings.status.origin),
        file.read_bytes() if file.exists() else b"",
    )


def making_of(
    settings: Settings, own: Database, now: datetime, progress: Callable[[str], None]
) -> AuthorityMaking:
    """What makes CAs below the root, in the tokens and the authority's database."""
    return AuthorityMaking(
        rules=rules_from_toml(PROFILES_FILE.read_text()),
        root_token=partial(root_token, settings),
        token=partial(open_token_keys, settings.ca),
        record=CeremonyStore(own),
        addresses=StatusAddresses(settings.status.origin),
        now=now,
        progress=progress,
    )


def publish_keys(settings: Settings, keys: Sequence[AuthorityKey]) -> None:
    """Leave what others need in ``public``: ``<name>.cer`` (DER), ``<name>.pem`` where there is none."""
    public = settings.ca.folder / PUBLIC_FOLDER
    for key in keys:
        if key.certificate is not None:
            write_whole(public / f"{key.name}.cer", key.certificate)
        else:
            write_whole(public / f"{key.name}.pem", _pem(key.public_key))


def _pem(spki: bytes) -> bytes:
    return load_der_public_key(spki).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def publish_root_list(settings: Settings, newest: PublishedCrl) -> None:
    """What sign-in asks whether a CA was revoked. One that revokes a CA more, made elsewhere, stays."""
    file = public_crl(settings.ca.folder, newest.issuing_ca)
    if not file.exists() or _revoked(file.read_bytes()) <= _revoked(newest.der):
        write_whole(file, newest.der)


def _revoked(crl: bytes) -> set[int]:
    """The serial numbers in a CRL; none of what cannot be read."""
    try:
        return {each.serial_number for each in x509.load_der_x509_crl(crl)}
    except ValueError:
        return set()


def require_ceremony(own: Database) -> str:
    """The name of the root.

    Raises:
        CeremonyNotHeld: there is none yet.
    """
    record = CeremonyStore(own)
    made = record.keys()
    root = next((each for each in made if each.kind is AuthorityKind.ROOT), None)
    if root is None or not record.is_complete():
        raise CeremonyNotHeld("The key ceremony was not held to its end. Run: spine-ra ca ceremony")
    return root.name

"""The certificate authority for tests: CSRs, signed approvals, a database with approved issuances, and a real
authority on a SoftHSM token of its own.

``ca_template`` holds one key ceremony for all tests; ``ca_settings`` gives each test a copy of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from sqlalchemy import insert, update

import cryptoki
from app.adapters.ca_client import CaClient
from app.adapters.ca_socket import CaSocketServer
from app.ca_ceremony import hold_ceremony
from app.ca_server import open_certificate_authority
from app.clock import Clock, utc_now
from app.domain.certificate_order import CardCertificateOrder, FoundingApproval, SignedApproval
from app.errors import Unavailable
from app.settings import Settings, load
from app.storage.database import Database
from app.storage.tables import metadata
from app.storage.tables.access import founding, organisation_person, position, role_profile
from app.storage.tables.card_jobs import card_job
from app.storage.tables.cards import card, card_issuance
from app.storage.tables.people import person
from card_agent.desk_key import DeskKey
from card_agent.ports import Purpose

ROOT = Path(__file__).parents[2]
PYTHONPATH = f"{ROOT}:{ROOT / 'pkcs11'}"
ORIGIN = "https://localhost:8443"
FOUNDER_GIVEN, FOUNDER_FAMILY = "Margaret", "Whitcombe"
OPERATOR, HOLDER, OTHER = "555253521108", "555253521116", "555253521124"
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def csr_of(key: Key, common_name: str = "ignored", algorithm: hashes.HashAlgorithm | None = None) -> bytes:
    """A CSR whose subject and extensions ask for what must be ignored."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(key, algorithm or hashes.SHA256()).public_bytes(Encoding.DER)  # type: ignore[arg-type]


def statement_of(order_like: Mapping[str, str]) -> bytes:
    """The canonical statement that an operator signs."""
    return json.dumps(dict(order_like), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sign_statement(key: Key, statement: bytes) -> bytes:
    """ES256 as raw r||s, as a card gives it."""
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    r, s = decode_dss_signature(key.sign(statement, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@dataclass(frozen=True)
class CardKeys:
    """The two keys of a card."""

    authentication: Key
    content_commitment: Key

    @classmethod
    def new(cls) -> CardKeys:
        return cls(ec_key(), ec_key())


@dataclass(frozen=True)
class Operator:
    """A person with a card that can sign approvals."""

    uid: str
    keys: CardKeys
    certificate: bytes


def order_of(
    issuance_id: str,
    uid: str,
    given_name: str,
    family_name: str,
    keys: CardKeys,
    approval: SignedApproval | FoundingApproval,
    card_serial: str = "",
) -> CardCertificateOrder:
    return CardCertificateOrder(
        issuance_id=issuance_id,
        holder_uid=uid,
        given_name=given_name,
        family_name=family_name,
        card_serial=card_serial or f"card-{issuance_id}",
        authentication_csr=csr_of(keys.authentication),
        content_commitment_csr=csr_of(keys.content_commitment),
        approval=approval,
    )


#: The desk of every order that tests approve.
DESK_KEY = DeskKey()


def keys_signed(order: CardCertificateOrder, desk_key: DeskKey = DESK_KEY) -> CardCertificateOrder:
    """The order with the desk's signature over its keys."""
    requests = {
        Purpose.AUTHENTICATION: order.authentication_csr,
        Purpose.CONTENT_COMMITMENT: order.content_commitment_csr,
    }
    signature = desk_key.sign_keys(order.issuance_id, order.card_serial, requests)
    return replace(order, keys_signature=signature)


def facts_of(order: CardCertificateOrder, operator_uid: str, /, **changes: str) -> dict[str, str]:
    """What a right statement says of an order."""
    return {
        "type": "spine-ra/card-issuance/1",
        "issuance": order.issuance_id,
        "holder": order.holder_uid,
        "holder_name": f"{order.given_name} {order.family_name}",
        "card_serial": order.card_serial,
        "card_profile": "softhsm",
        "operator": operator_uid,
        "desk_key": DESK_KEY.public,
        "origin": ORIGIN,
        "signed_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    } | changes


def approved(order: CardCertificateOrder, operator: Operator, /, **changes: str) -> CardCertificateOrder:
    """The order with the operator's signature on a statement, right but for ``changes``."""
    statement = statement_of(facts_of(order, operator.uid, **changes))
    signature = sign_statement(operator.keys.content_commitment, statement)
    approval = SignedApproval(statement, signature, operator.certificate)
    return keys_signed(replace(order, approval=approval))


class RegistrationRecord:
    """The registration authority's database with the few rows that the certificate authority looks at."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._number = 0
        with database.change() as work:
            digest = founding_digest()
            values = {"digest": digest, "organisation_code": "15N", "held_on": date(2025, 6, 2)}
            work.connection.execute(insert(founding).values(id=1, **values, witnesses=[], at=work.now))
            work.connection.execute(insert(position).values(_position_row(work.now)))

    def add_person(self, uid: str, given_name: str, family_name: str) -> None:
        with self.database.change() as work:
            work.connection.execute(
                insert(person).values(_person_row(uid, given_name, family_name, work.now))
            )

    def close_person(self, uid: str) -> None:
        with self.database.change() as work:
            work.connection.execute(update(person).where(person.c.uid == uid).values(status="closed"))

    def grant(self, uid: str, job_role_code: str, *activity_codes: str, ends_on: date | None = None) -> None:
        self._number += 1
        with self.database.change() as work:
            place = {"id": f"{self._number:012d}", "uid": uid, "organisation_code": "15N"}
            work.connection.execute(insert(organisation_person).values(**place, opened_on=date(2025, 6, 2)))
            work.connection.execute(
                insert(role_profile).values(
                    id=f"{self._number + 1000:012d}",
                    organisation_person_id=place["id"],
                    uid=uid,
                    organisation_code="15N",
                    position_id="900000000001",
                    founding_id=1,
                    job_role_code=job_role_code,
                    activity_codes=list(activity_codes),
                    workgroups=[],
                    starts_on=date(2025, 6, 2),
                    ends_on=ends_on,
                    granted_at=work.now,
                )
            )

    def withdraw_roles(self, uid: str) -> None:
        with self.database.change() as work:
            this = role_profile.c.uid == uid
            work.connection.execute(update(role_profile).where(this).values(withdrawn_at=work.now))

    def add_issuance(self, issuance_id: str, uid: str, operator_uid: str | None) -> None:
        """An open issuance of the card ``card-<issuance_id>``; the founding's when there is no operator."""
        with self.database.change() as work:
            serial = f"card-{issuance_id}"
            work.connection.execute(
                insert(card).values(
                    serial=serial,
                    card_profile="softhsm",
                    holder_uid=uid,
                    status="assigned",
                    registered_at=work.now,
                )
            )
            work.connection.execute(
                insert(card_issuance).values(
                    id=issuance_id,
                    uid=uid,
                    card_serial=serial,
                    status="personalising",
                    operator_uid=operator_uid,
                    founding_id=None if operator_uid else 1,
                    begun_at=work.now,
                    steps=[],
                    approval={"founding_digest": founding_digest()},
                )
            )

    def add_renewal(self, renewal_id: str, uid: str, card_serial: str, operator_uid: str) -> None:
        """An open renewal of a card that was issued; the holder's own when they are the operator."""
        with self.database.change() as work:
            work.connection.execute(
                insert(card_job).values(
                    id=renewal_id,
                    kind="renew",
                    uid=uid,
                    card_serial=card_serial,
                    status="approved",
                    operator_uid=None if operator_uid == uid else operator_uid,
                    begun_at=work.now,
                    steps=[],
                    facts={},
                )
            )

    def finish_renewal(self, renewal_id: str, status: str = "done") -> None:
        with self.database.change() as work:
            this = card_job.c.id == renewal_id
            work.connection.execute(update(card_job).where(this).values(status=status, finished_at=work.now))

    def finish_issuance(self, issuance_id: str, status: str = "active") -> None:
        with self.database.change() as work:
            this = card_issuance.c.id == issuance_id
            work.connection.execute(
                update(card_issuance).where(this).values(status=status, finished_at=work.now)
            )


def _person_row(uid: str, given_name: str, family_name: str, now: datetime) -> dict[str, object]:
    return {
        "uid": uid,
        "title": "",
        "given_name": given_name,
        "middle_names": "",
        "family_name": family_name,
        "card_name": f"{given_name} {family_name}",
        "given_name_key": given_name.lower(),
        "family_name_key": family_name.lower(),
        "date_of_birth": date(1980, 1, 1),
        "email": f"{uid}@example.nhs.uk",
        "mobile": "",
        "status": "active",
        "photo": b"",
        "registered_at": now,
        "registered_by": "system:founding",
    }


def _position_row(now: datetime) -> dict[str, object]:
    return {
        "id": "900000000001",
        "organisation_code": "15N",
        "name": "RA manager",
        "notes": "",
        "approved_by": "Board",
        "approved_on": date(2025, 6, 2),
        "approval_reference": "Minutes 1",
        "status": "open",
        "created_by": "system:founding",
        "created_at": now,
    }


def founding_digest() -> str:
    """SHA-256 of the example founding file."""
    return sha256((ROOT / "config" / "founding.example.toml").read_bytes()).hexdigest()


def settings_in(folder: Path, database_url: str = "", ca_database_url: str = "") -> Settings:
    """Settings whose data folder is ``folder``, written to ``folder/config.toml``."""
    folder.mkdir(parents=True, exist_ok=True)
    text = f'[data]\nfolder = "{folder}"\n'
    if database_url:
        text += f'[database]\nurl = "{database_url}"\n'
    if ca_database_url:
        text += f'[ca]\ndatabase_url = "{ca_database_url}"\n'
    (folder / "config.toml").write_text(text)
    return load(folder / "config.toml")


@pytest.fixture(scope="session")
def ca_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after the key ceremony, with an empty main database."""
    folder = tmp_path_factory.mktemp("ca-template")
    settings = settings_in(folder)
    hold_ceremony(settings)
    database = Database(settings.database.url)
    metadata.create_all(database.engine)
    database.close()
    return folder


@pytest.fixture
def ca_settings(ca_template: Path, tmp_path: Path) -> Settings:
    """A certificate authority of this test's own, after its ceremony, and an empty main database."""
    return copied_ca_settings(ca_template, tmp_path)


def copied_ca_settings(ca_template: Path, into: Path) -> Settings:
    """A certificate authority after its ceremony, with an empty main database, in a folder of its own."""
    folder = into / "data"
    shutil.copytree(ca_template, folder)
    for token in ("ca", "root"):
        cryptoki.prepare_softhsm_folder(folder / token)
    return settings_in(folder)


@pytest.fixture
def record(ca_settings: Settings) -> Iterator[RegistrationRecord]:
    """The registration authority's record: an operator who may issue, a holder, and a bystander."""
    database = Database(ca_settings.database.url)
    kept = RegistrationRecord(database)
    kept.add_person(OPERATOR, FOUNDER_GIVEN, FOUNDER_FAMILY)
    kept.add_person(HOLDER, "Amara", "Osei")
    kept.add_person(OTHER, "Daniel", "Okafor")
    kept.grant(OPERATOR, "R5080", "B0272", "B0274")
    kept.add_issuance("founding-1", OPERATOR, None)
    kept.add_issuance("issuance-1", HOLDER, OPERATOR)
    yield kept
    database.close()


def founding_order(keys: CardKeys) -> CardCertificateOrder:
    """The order for the first founder's card."""
    approval = FoundingApproval(founding_digest())
    return order_of("founding-1", OPERATOR, FOUNDER_GIVEN, FOUNDER_FAMILY, keys, approval)


def holder_order(keys: CardKeys, operator: Operator, /, **changes: str) -> CardCertificateOrder:
    """The order for Amara's card, approved by the operator."""
    unapproved = order_of("issuance-1", HOLDER, "Amara", "Osei", keys, FoundingApproval(""))
    return approved(unapproved, operator, **changes)


@contextmanager
def ca_process(settings: Settings, *options: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """The certificate authority's process, ready; killed at the end if it still runs."""
    config = settings.data.folder / "config.toml"
    command = [sys.executable, *(options or ("-m", "app.ca_server")), "--settings", str(config)]
    variables = {"PATH": "/usr/bin:/bin", "PYTHONPATH": PYTHONPATH, **environment}
    with (settings.data.folder / "ca.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=log, stderr=log)
    try:
        _wait_until_ready(settings, process)
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def authority_in_a_thread(settings: Settings, clock: Clock = utc_now) -> Iterator[CaClient]:
    """The certificate authority behind its socket, in this process."""
    with (
        open_certificate_authority(settings, clock) as operations,
        CaSocketServer(settings.ca.socket, operations.handle, os.geteuid()) as server,
    ):
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield CaClient(settings.ca.socket)
        finally:
            server.shutdown()
            thread.join()


def _wait_until_ready(settings: Settings, process: subprocess.Popen[bytes]) -> None:
    client, deadline = CaClient(settings.ca.socket), time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            return client.health()
        except Unavailable:
            time.sleep(0.05)
    raise AssertionError((settings.data.folder / "ca.log").read_text())


def later(**difference: float) -> datetime:
    """An instant that far from now."""
    return datetime.now(UTC) + timedelta(**difference)

"""A site for tests of the card agent: speaks the desk job API over TLS, and means it.

It verifies approvals, CSRs and proofs, unwraps the SO PIN, issues certificates from a certificate authority
in memory, keeps the state of each job, and can run a hook before or after a call takes effect.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.domain.card_keys import CardKeysStatement, require_signed_by_desk

Hook = Callable[[], None]


def verify_raw(certificate: bytes, signature: bytes, data: bytes) -> None:
    """Verify an ES256 signature (raw r || s). Raises InvalidSignature."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert len(signature) == 64
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))


class MemoryAuthority:
    """A certificate authority in memory, and the escrow key."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test issuing CA")])
        self.certificate = self._signed(self.name, self.key.public_key(), ca=True)
        self.escrow = rsa.generate_private_key(65537, 3072)

    def card_certificate(self, common_name: str, key: ec.EllipticCurvePublicKey) -> bytes:
        """Return a DER certificate."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        return self._signed(subject, key).public_bytes(serialization.Encoding.DER)

    def server_files(self, folder: Path) -> tuple[Path, Path, Path]:
        """Write a TLS certificate for 127.0.0.1 and localhost; return certificate, key and CA file."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), key.public_key(), server=True
        )
        paths = (folder / "site.pem", folder / "site-key.pem", folder / "ca.pem")
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        paths[2].write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return paths

    def _signed(
        self, subject: x509.Name, key: Any, *, ca: bool = False, server: bool = False
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )
        if ca:
            usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
            builder = builder.add_extension(usage, critical=True)
        if server:
            names = [
                x509.DNSName("localhost"),
                x509.IPAddress(__import__("ipaddress").ip_address("127.0.0.1")),
            ]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
            )
        return builder.sign(self.key, hashes.SHA256())


@dataclass
class SiteJob:
    """One issuance at the site."""

    id: str
    holder: dict[str, str]
    operator: dict[str, str] | None
    operator_certificate: bytes | None
    state: str = "begun"
    card_serial: str | None = None
    desk_key: str = ""
    so_pins: list[str] = field(default_factory=list)
    certificates: dict[str, Any] | None = None
    spki: tuple[bytes, ...] = ()
    failures: list[dict[str, str]] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)
    # is_locked, temporary_hours, usable_from, where the issuance has them.
    terms: dict[str, Any] = field(default_factory=dict)


class SiteRefusal(Exception):
    """What the site refuses: status, code, message."""


class _QuietServer(ThreadingHTTPServer):
    """Says nothing of an agent that was killed in the middle of a call."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing."""


class DeskJobSite:
    """The site. ``before`` and ``after`` map a call (``personalisation``, ...) to a hook that runs once."""

    def __init__(self, folder: Path) -> None:
        self.authority = MemoryAuthority()
        self.jobs: dict[str, SiteJob] = {}
        self.before: dict[str, Hook] = {}
        self.after: dict[str, Hook] = {}
        self.certified: set[bytes] = set()
        self.calls_begun = self.calls_ended = 0
        self.consents: list[dict[str, str]] = []
        self.refuses_consents = False
        self.card_profile = "softhsm"
        self.reports: list[dict[str, Any]] = []
        self._tickets: dict[str, str] = {}
        self._job_tokens: dict[str, str] = {}
        self._lock = threading.Lock()
        certificate, key, self.ca_file = self.authority.server_files(folder)
        self._server = _QuietServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._server.daemon_threads = True
        self.origin = f"https://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1})
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def begin(
        self, holder: dict[str, str], operator: dict[str, str] | None, certificate: bytes | None
    ) -> SiteJob:
        """Begin an issuance. ``certificate`` is the operator's content-commitment certificate."""
        job = SiteJob(secrets.token_hex(8), holder, operator, certificate)
        if operator is None:
            job.state = "approved"
        self.jobs[job.id] = job
        return job

    def ticket(self, job: SiteJob) -> str:
        """Return a new one-time ticket."""
        ticket = secrets.token_urlsafe(32)
        self._tickets[ticket] = job.id
        return ticket

    def hop(self, job: SiteJob) -> str:
        """Return the path at the agent that begins or goes on with the job."""
        return f"/job?op={self.origin}&ticket={self.ticket(job)}"

    def escrow_pem(self) -> bytes:
        """Return the public escrow key, PEM."""
        key = self.authority.escrow.public_key()
        return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def job_tokens_of(self, job: SiteJob) -> list[str]:
        """Return the job's token, for a test that looks for it where it must not be."""
        return [self._job_tokens[job.id]]

    # The calls.

    def answer(self, method: str, path: str, body: dict[str, Any], bearer: str) -> dict[str, Any] | None:
        """Do one call; the hooks run around its effect."""
        call = path.rsplit("/", 1)[-1] if path.count("/") > 3 or path.endswith("claim") else "job"
        if path == "/sign-in/card":
            return {"arrived": True}
        if path == "/desk/workstation-reports":
            self.reports.append(body)
            return {"reference": "K7QF-3M2P"}
        if path == "/desk/last-try-consents":
            return self._agree(body)
        if not path.startswith("/desk/jobs/"):
            raise SiteRefusal(404, "not_found", "There is nothing here.")
        self.calls_begun += 1
        try:
            self._hook(self.before, call)
            with self._lock:
                result = self._claim(body) if call == "claim" else self._about_job(call, path, body, bearer)
            self._hook(self.after, call)
            return result
        finally:
            self.calls_ended += 1

    def _agree(self, body: dict[str, Any]) -> None:
        """Keep a consent. Its form is the real site's business (tests/web/test_desk_reports.py)."""
        if self.refuses_consents:
            raise SiteRefusal(403, "approval_not_valid", "The consent was not accepted: not here.")
        statement = base64.b64decode(body["statement"])
        if "signature" in body:
            verify_raw(base64.b64decode(body["certificate"]), base64.b64decode(body["signature"]), statement)
        self.consents.append({**json.loads(statement), "signed": "yes" if "signature" in body else "no"})

    def _hook(self, hooks: dict[str, Hook], call: str) -> None:
        hook = hooks.pop(call, None)
        if hook:
            hook()

    def _claim(self, body: dict[str, Any]) -> dict[str, Any]:
        job_id = self._tickets.pop(body["ticket"], None)
        if job_id is None:
            raise SiteRefusal(403, "ticket_not_valid", "This ticket was used already. Go back to the site.")
        job_token = secrets.token_urlsafe(32)
        self._job_tokens[job_id] = job_token
        return {"job": self._told(self.jobs[job_id]), "job_token": job_token}

    def _about_job(self, call: str, path: str, body: dict[str, Any], bearer: str) -> dict[str, Any] | None:
        job = self.jobs[path.split("/")[3]]
        if self._job_tokens.get(job.id) != bearer:
            raise SiteRefusal(403, "job_token_not_valid", "Another desk has this job now. Open it again.")
        if call == "job":
            return {"job": self._told(job)}
        calls: dict[str, Callable[[SiteJob, dict[str, Any]], dict[str, Any] | None]] = {
            "personalisation": self._personalise,
            "certificate-requests": self._certify,
            "completion": self._complete,
            "failure": self._fail,
        }
        return calls[call](job, body)

    def _told(self, job: SiteJob) -> dict[str, Any]:
        return {
            "id": job.id,
            "kind": "issue_card",
            "state": job.state,
            "holder": job.holder,
            "operator": job.operator,
            "card_profile": self.card_profile,
            "card_serial": job.card_serial,
            "key_type": "EC-P256",
            "card_number": "000000000001",
            "pin_policy": {"minimum": 6, "maximum": 8},
            "so_pin_escrow_key": self.escrow_pem().decode(),
            "certificates": job.certificates,
            **job.terms,
        }

    def _require(self, job: SiteJob, *states: str) -> None:
        if job.state not in states:
            raise SiteRefusal(
                409, "issuance_step_out_of_order", f"The issuance is {job.state}. Open it again."
            )

    def _approve(self, job: SiteJob, body: dict[str, Any]) -> None:
        self._require(job, "begun", "approved", "personalising")
        statement = base64.b64decode(body["statement"])
        fields = json.loads(statement)
        assert (
            statement
            == json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        )
        assert job.operator is not None
        assert base64.b64decode(body["certificate"]) == job.operator_certificate
        verify_raw(base64.b64decode(body["certificate"]), base64.b64decode(body["signature"]), statement)
        told = {
            "type": "spine-ra/card-issuance/1",
            "issuance": job.id,
            "holder": job.holder["uid"],
            "holder_name": job.holder["name"],
            "card_serial": fields["card_serial"],
            "card_profile": self.card_profile,
            "operator": job.operator["uid"],
            "desk_key": fields["desk_key"],
            "origin": self.origin,
            "signed_at": fields["signed_at"],
        }
        if "temporary_hours" in job.terms:
            told["temporary_hours"] = str(job.terms["temporary_hours"])
        assert fields == told
        assert abs(datetime.now(UTC) - datetime.fromisoformat(fields["signed_at"])) < timedelta(minutes=2)
        assert job.card_serial in (None, fields["card_serial"])
        job.card_serial, job.desk_key = fields["card_serial"], fields["desk_key"]
        job.state = "approved" if job.state == "begun" else job.state

    def _personalise(self, job: SiteJob, body: dict[str, Any]) -> None:
        if body["approval"] is not None:
            self._approve(job, body["approval"])
        self._require(job, "approved", "personalising")
        sha1 = hashes.SHA1()
        so_pin = self.authority.escrow.decrypt(
            base64.b64decode(body["wrapped_so_pin"]), padding.OAEP(padding.MGF1(sha1), sha1, None)
        )
        assert job.card_serial in (None, body["card_serial"])
        job.card_serial = body["card_serial"]
        serial, _, digits = so_pin.decode().rpartition(":")
        assert serial == body["card_serial"]
        job.so_pins.append(digits)
        job.state = "personalising"

    def _certify(self, job: SiteJob, body: dict[str, Any]) -> dict[str, Any]:
        self._require(job, "personalising", "certified")
        keys = [
            self._verified(base64.b64decode(body[name])) for name in ("authentication", "content_commitment")
        ]
        spki = tuple(
            key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
            for key in keys
        )
        self._require_signed_by_desk(job, spki, body["keys_signature"])
        if job.certificates is None:
            assert not self.certified.intersection(spki)
            assert len(set(spki)) == 2
            self.certified.update(spki)
            job.spki, job.provenance, job.state = spki, body["provenance"], "certified"
            job.certificates = self._issued(job, keys)
        assert job.spki == spki
        return job.certificates

    def _require_signed_by_desk(self, job: SiteJob, spki: tuple[bytes, ...], signature: str | None) -> None:
        if job.operator is None:
            assert signature is None
            return
        fingerprints = [hashlib.sha256(each).hexdigest() for each in spki]
        statement = CardKeysStatement(job.id, job.card_serial or "", fingerprints[0], fingerprints[1])
        require_signed_by_desk(statement, base64.b64decode(signature or ""), job.desk_key)

    def _verified(self, der: bytes) -> ec.EllipticCurvePublicKey:
        csr = x509.load_der_x509_csr(der)
        assert csr.is_signature_valid
        key = csr.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert key.curve.name == "secp256r1"
        return key

    def _issued(self, job: SiteJob, keys: list[ec.EllipticCurvePublicKey]) -> dict[str, Any]:
        common_name = f"{job.holder['uid']}_{job.holder['name'].replace(' ', '_')}"
        ders = [self.authority.card_certificate(common_name, key) for key in keys]
        chain = self.authority.certificate.public_bytes(serialization.Encoding.DER)
        return {
            "authentication": base64.b64encode(ders[0]).decode(),
            "content_commitment": base64.b64encode(ders[1]).decode(),
            "chain": [base64.b64encode(chain).decode()],
            "completion_nonce": secrets.token_urlsafe(32),
        }

    def _complete(self, job: SiteJob, body: dict[str, Any]) -> None:
        self._require(job, "certified")
        assert job.certificates is not None
        ders = {
            name: base64.b64decode(job.certificates[name])
            for name in ("authentication", "content_commitment")
        }
        assert body["read_back"] == {name: hashlib.sha256(der).hexdigest() for name, der in ders.items()}
        nonce = job.certificates["completion_nonce"].encode()
        verify_raw(ders["authentication"], base64.b64decode(body["proof"]), nonce)
        job.state = "active"

    def _fail(self, job: SiteJob, body: dict[str, Any]) -> None:
        job.failures.append(body)

    def _handler(site) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def _do(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                body = json.loads(self.rfile.read(length) or b"null") or {}
                bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
                status, answer = 200, None
                try:
                    answer = site.answer(self.command, self.path, body, bearer)
                except SiteRefusal as refusal:
                    status, code, message = refusal.args
                    answer = {"code": code, "message": message}
                self.send_response(status if answer is not None else 204)
                content = json.dumps(answer).encode() if answer is not None else b""
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_POST = _do

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        return Handler

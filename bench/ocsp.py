"""OCSP answers made ahead and served by the status service, against ``openssl ocsp`` and django-ca.

``python -m bench.ocsp [--quick]`` starts a certificate authority and the real status program, asks it over
HTTP, measures its peers in the same run, and prints figures in words and, last, one line of JSON.
"""

from __future__ import annotations

import argparse
import http.client
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp

from app.adapters.ca_client import CaClient
from app.ca.contents import Validity, root_ca
from app.ca.lint import Linter
from app.ca.names import named_subject
from app.ca.ocsp_form import CertificateName, Told, issuer_hashes
from app.ca.ocsp_signer import AnswerSigner, Responder
from app.ca.status_values import AnswersAhead, PreparedAnswer
from app.ca_ceremony import hold_ceremony
from app.settings import Settings
from app.storage.database import Database
from app.storage.status_store import StatusStore
from app.storage.tables import metadata
from bench.peers import PeerFigures, django_ca
from bench.report import cpu_seconds, tell
from tests.support.certificates import (
    FOUNDER_FAMILY,
    FOUNDER_GIVEN,
    OPERATOR,
    PYTHONPATH,
    ROOT,
    CardKeys,
    RegistrationRecord,
    ca_process,
    ec_key,
    founding_order,
    settings_in,
)

LIMIT_MS = 0.15
NATION = 2_600_000


@dataclass(frozen=True)
class ServedFigures:
    """CPU milliseconds an answer of the serving process, answers a second, and milliseconds until revoked."""

    cpu_ms: float
    per_second: float
    revoked_after_ms: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.ocsp", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer answers: ends within a minute")
    quick = parser.parse_args().quick
    requests, kept = (2_000, 4_000) if quick else (30_000, 200_000)
    with tempfile.TemporaryDirectory() as folder:
        served = _served(Path(folder) / "data", requests)
        signed_ms, stored_bytes = _made_ahead(Path(folder) / "store", kept)
        openssl = _openssl(Path(folder), requests // 30)
    _tell(served, signed_ms, stored_bytes, openssl, django_ca("ocsp", requests // 10))


def _served(folder: Path, requests: int) -> ServedFigures:
    """The real status program over the real certificate authority."""
    settings = settings_in(folder)
    hold_ceremony(settings)
    database = Database(settings.database.url)
    metadata.create_all(database.engine)
    record = RegistrationRecord(database)
    record.add_person(OPERATOR, FOUNDER_GIVEN, FOUNDER_FAMILY)
    record.add_issuance("founding-1", OPERATOR, None)
    with ca_process(settings), _status_program(settings) as (process_ids, port):
        client = CaClient(settings.ca.socket)
        issued = client.issue_card_certificates(founding_order(CardKeys.new()))
        request = _request(issued.authentication, issued.chain[0])
        _until(port, request, ocsp.OCSPCertStatus.GOOD)
        cpu_ms, per_second = _asked(port, request, requests, process_ids)
        serial = f"{x509.load_der_x509_certificate(issued.authentication).serial_number:x}"
        began = time.perf_counter()
        client.revoke(serial, "keyCompromise", datetime.now(UTC))
        _until(port, request, ocsp.OCSPCertStatus.REVOKED)
        revoked_after_ms = (time.perf_counter() - began) * 1000
    database.close()
    return ServedFigures(cpu_ms, per_second, revoked_after_ms)


@contextmanager
def _status_program(settings: Settings) -> Iterator[tuple[Sequence[int], int]]:
    """The status service as ``./run`` starts it: the process ids of program and worker, and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "app.http_server"]
    command += ["--interface", "wsgi", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1", "--factory", "--blocking-threads", "2", "--no-ws"]
    variables = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": PYTHONPATH,
        "SPINE_RA_SETTINGS": str(settings.data.folder / "config.toml"),
    }
    log = (settings.data.folder / "status.log").open("wb")
    process = subprocess.Popen(
        [*command, "--log-level", "warning", "app.wsgi:status"],
        cwd=ROOT,
        env=variables,
        stdout=log,
        stderr=log,
    )
    try:
        _wait_for(port)
        yield [process.pid, *_children_of(process.pid)], port
    finally:
        process.terminate()
        process.wait()
        log.close()


def _children_of(process_id: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()]


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("the status program did not start")


def _request(certificate: bytes, issuer: bytes) -> bytes:
    loaded = (x509.load_der_x509_certificate(der) for der in (certificate, issuer))
    builder = ocsp.OCSPRequestBuilder().add_certificate(*loaded, hashes.SHA1())
    return builder.build().public_bytes(Encoding.DER)


def _until(port: int, request: bytes, status: ocsp.OCSPCertStatus) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        answer = ocsp.load_der_ocsp_response(_ask(connection, request))
        if answer.certificate_status is status:
            return
        time.sleep(0.02)
    raise TimeoutError(f"the status did not become {status}")


def _asked(port: int, request: bytes, count: int, process_ids: Sequence[int]) -> tuple[float, float]:
    """CPU milliseconds an answer, and answers a second over one kept connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    _ask(connection, request)
    cpu, wall = cpu_seconds(process_ids), time.perf_counter()
    for _ in range(count):
        _ask(connection, request)
    wall = time.perf_counter() - wall
    return (cpu_seconds(process_ids) - cpu) / count * 1000, count / wall


def _ask(connection: http.client.HTTPConnection, request: bytes) -> bytes:
    connection.request("POST", "/ocsp", request, {"Content-Type": "application/ocsp-request"})
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"the status program answered {response.status}")
    return body


def _made_ahead(folder: Path, count: int) -> tuple[float, float]:
    """CPU milliseconds to make and keep one answer with a key in memory, and bytes of the store for one."""
    signer = _signer()
    store, begins = StatusStore(folder / "answers.db"), datetime.now(UTC).replace(microsecond=0)
    names = issuer_hashes(signer.responder.issuer, "sha1")
    cpu = time.process_time()
    for begin in range(0, count, 200):
        store.keep_answers(_batch(signer, names, range(begin, begin + 200), begins), begins)
    cpu = time.process_time() - cpu
    size = sum(path.stat().st_size for path in folder.iterdir())
    return cpu / count * 1000, size / count


def _batch(
    signer: AnswerSigner, names: tuple[bytes, bytes], numbers: range, begins: datetime
) -> AnswersAhead:
    ends = begins + timedelta(hours=12)
    answers = []
    for number in numbers:
        serial = (1 << 158) + number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 157)
        signed = signer.sign(Told(CertificateName("sha1", *names, serial), True, None, begins, ends))
        answers.append(
            PreparedAnswer("systems", "sha1", f"{serial:x}", begins, ends, begins + timedelta(730), signed)
        )
    return AnswersAhead(signer.certificate, answers)


def _signer() -> AnswerSigner:
    key, validity = ec_key(), Validity.beginning(datetime.now(UTC), timedelta(days=90))
    name = named_subject((("CN", "Bench"),))
    certificate = root_ca(name, key.public_key(), validity).sign(key, hashes.SHA256())
    return AnswerSigner(Responder(certificate, certificate, key), Linter(), 100)


def _openssl(folder: Path, count: int) -> PeerFigures:
    """``openssl ocsp`` as a responder of its own, signing each answer with a P-256 key in memory."""
    key = ec_key()
    validity = Validity.beginning(datetime.now(UTC) - timedelta(minutes=5), timedelta(days=30))
    certificate = root_ca(named_subject((("CN", "Peer"),)), key.public_key(), validity).sign(
        key, hashes.SHA256()
    )
    (folder / "peer.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "peer.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "index.txt").write_text("V\t361231235959Z\t\t0A\tunknown\t/CN=One\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            *("openssl", "ocsp", "-index", "index.txt", "-port", str(port), "-ndays", "1"),
            *("-rsigner", "peer.pem", "-rkey", "peer.key", "-CA", "peer.pem"),
        ],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=(folder / "peer.log").open("wb"),
    )
    try:
        # A connection that asks nothing would end it, so its own word is waited for.
        while "waiting for" not in (folder / "peer.log").read_text():
            time.sleep(0.1)
        return _asked_anew(port, certificate, count, process.pid)
    finally:
        process.kill()
        process.wait()


def _asked_anew(port: int, issuer: x509.Certificate, count: int, process_id: int) -> PeerFigures:
    """``openssl ocsp`` closes after each answer, so each is asked over a connection of its own."""
    names = issuer_hashes(issuer, "sha1")
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(*names, 10, hashes.SHA1())
    request = builder.build().public_bytes(Encoding.DER)

    length = f"Content-Length: {len(request)}"
    head = f"POST / HTTP/1.0\r\nContent-Type: application/ocsp-request\r\n{length}\r\n\r\n"

    def ask() -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(head.encode() + request)
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        ocsp.load_der_ocsp_response(answer.split(b"\r\n\r\n", 1)[1])

    ask()
    cpu = cpu_seconds([process_id])
    seconds = [_seconds(ask) for _ in range(count)]
    return PeerFigures((cpu_seconds([process_id]) - cpu) / count * 1000, 1 / statistics.fmean(seconds))


def _seconds(operation: Callable[[], None]) -> float:
    began = time.perf_counter()
    operation()
    return time.perf_counter() - began


def _tell(
    served: ServedFigures,
    signed_ms: float,
    stored_bytes: float,
    openssl: PeerFigures,
    peer: PeerFigures | None,
) -> None:
    words = {
        "CPU an OCSP answer served by the status program": f"{served.cpu_ms:.3f} ms (limit {LIMIT_MS})",
        "Answers a second over one connection": f"{served.per_second:.0f}",
        "From revoking at the authority until OCSP says so": f"{served.revoked_after_ms:.0f} ms",
        "CPU to make, lint and keep one answer ahead (key in memory)": f"{signed_ms:.3f} ms",
        "Size of the store for one answer": f"{stored_bytes:.0f} bytes",
        "The store for a nation of 2.6 million": f"{stored_bytes * NATION / 1e9:.2f} GB",
        "CPU an answer by openssl ocsp, signed each time": f"{openssl.cpu_ms:.3f} ms",
        "CPU an answer by django-ca, kept ahead": f"{peer.cpu_ms:.2f} ms" if peer else "not installed here",
    }
    figures = {
        "served_cpu_ms": served.cpu_ms,
        "served_per_second": served.per_second,
        "revoked_after_ms": served.revoked_after_ms,
        "made_ahead_cpu_ms": signed_ms,
        "store_bytes_per_answer": stored_bytes,
        "openssl_cpu_ms": openssl.cpu_ms,
    }
    ratios = {
        "served_to_limit": served.cpu_ms / LIMIT_MS,
        "served_to_openssl": served.cpu_ms / openssl.cpu_ms,
    }
    if peer:
        figures["django_ca_cpu_ms"] = peer.cpu_ms
        ratios["served_to_django_ca"] = served.cpu_ms / peer.cpu_ms
    tell("ocsp", words, figures, ratios)


if __name__ == "__main__":
    main()

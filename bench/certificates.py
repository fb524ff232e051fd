"""What a certificate costs: with lint and a key in a token, against a key in memory and other products.

``python -m bench.certificates [--quick]`` measures, all in one run: a certificate with the check of its CSR,
the lint and the signature by a key in a SoftHSM token; the same with a key in memory; with the whole linter
each time; the whole process with approvals, records and audit; django-ca and python-x509-pkcs11 installed
beside it. It prints figures in words and, last, one line of JSON.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.adapters.ca_keys import make_token, open_token_keys
from app.ca.ports import SigningKey
from app.domain.certificate_profile import KeyType
from app.settings import CaSettings
from bench.certificate_orders import CertificateFigures, certificate_ms, measure_certificates
from bench.peers import PeerFigures, django_ca, x509_pkcs11
from bench.report import tell
from tests.support.certificates import ec_key, settings_in

LIMIT_MS = 1.0


@dataclass(frozen=True)
class LintedFigures:
    """CPU milliseconds of a certificate: key in the token, in memory, with the whole linter each time."""

    token_ms: float
    memory_ms: float
    whole_ms: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.certificates", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer certificates: ends within a minute")
    count = 200 if parser.parse_args().quick else 2000
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_in(Path(folder)).ca
        with _key_in_a_token(settings) as key:
            linted = LintedFigures(
                certificate_ms(key, count),
                certificate_ms(ec_key(), count),
                certificate_ms(ec_key(), count // 20, whole_lint_one_in=1),
            )
        peer = x509_pkcs11(
            count // 10,
            settings.module,
            Path(folder) / "ca" / "softhsm2.conf",
            settings.token_label,
            settings.pin_file.read_text().strip(),
        )
    _tell(linted, measure_certificates(count // 20), django_ca("certificates", count // 4), peer)


@contextmanager
def _key_in_a_token(settings: CaSettings) -> Iterator[SigningKey]:
    make_token(settings)
    with open_token_keys(settings) as keys:
        yield keys.generate("bench", KeyType.EC_P256)


def _tell(
    linted: LintedFigures, process: CertificateFigures, django: PeerFigures | None, x509: PeerFigures | None
) -> None:
    absent = "not installed here"
    words = {
        "CPU a certificate: CSR, lint, P-256 key in a token": f"{linted.token_ms:.3f} ms (limit {LIMIT_MS})",
        "The same with a key in memory": f"{linted.memory_ms:.3f} ms",
        "The same with the whole linter each time": f"{linted.whole_ms:.2f} ms",
        "Only built and signed in memory": f"{process.bare_cpu_ms:.3f} ms",
        "By the CA process with approval, records, audit, receipt": f"{process.process_cpu_ms:.2f} ms",
        "Certificates a second by the CA process, in turn": f"{process.process_per_second:.0f}",
        "django-ca with a file key, no lint": f"{django.cpu_ms:.2f} ms" if django else absent,
        "python-x509-pkcs11 with a key in a token, no lint": f"{x509.cpu_ms:.2f} ms" if x509 else absent,
    }
    figures = {
        "token_cpu_ms": linted.token_ms,
        "memory_cpu_ms": linted.memory_ms,
        "whole_linter_cpu_ms": linted.whole_ms,
        "bare_cpu_ms": process.bare_cpu_ms,
        "process_cpu_ms": process.process_cpu_ms,
        "process_per_second": process.process_per_second,
    }
    ratios = {
        "token_to_limit": linted.token_ms / LIMIT_MS,
        "token_to_memory": linted.token_ms / linted.memory_ms,
        "token_to_whole_linter": linted.token_ms / linted.whole_ms,
    }
    for name, peer in (("django_ca", django), ("x509_pkcs11", x509)):
        if peer:
            figures[f"{name}_cpu_ms"] = peer.cpu_ms
            ratios[f"token_to_{name}"] = linted.token_ms / peer.cpu_ms
    tell("certificates", words, figures, ratios)


if __name__ == "__main__":
    main()

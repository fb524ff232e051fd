"""Peers that are measured beside us: each in an environment of its own, installed for the run alone.

Where a peer cannot be installed (no package index), its figures are left out, and the measurement says so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

_SCRIPTS = Path(__file__).parent / "peer_scripts"


@dataclass(frozen=True)
class PeerFigures:
    """CPU milliseconds for one, and how many a second."""

    cpu_ms: float
    per_second: float


def django_ca(what: str, count: int) -> PeerFigures | None:
    """django-ca: ``certificates`` issued or ``ocsp`` answers from its cache; None when it cannot be run."""
    return _measured("django-ca", "django_ca_peer.py", what, str(count))


def x509_pkcs11(count: int, module: Path, softhsm_conf: Path, token: str, pin: str) -> PeerFigures | None:
    """python-x509-pkcs11: certificates signed with a P-256 key in a token; None when it cannot be run."""
    environment = {
        "PKCS11_MODULE": str(module),
        "SOFTHSM2_CONF": str(softhsm_conf),
        "PKCS11_TOKEN": token,
        "PKCS11_PIN": pin,
    }
    return _measured("python-x509-pkcs11", "x509_pkcs11_peer.py", str(count), **environment)


def _measured(package: str, script: str, *arguments: str, **environment: str) -> PeerFigures | None:
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "venv" / "bin" / "python"
        try:
            _run(sys.executable, "-m", "venv", str(python.parents[1]))
            _run(str(python), "-m", "pip", "install", "-q", package)
            told = _run(str(python), str(_SCRIPTS / script), *arguments, cwd=folder, environment=environment)
        except (subprocess.SubprocessError, OSError) as fault:
            print(f"{package} could not be measured: {_reason(fault)}", file=sys.stderr)
            return None
    figures = json.loads(told.splitlines()[-1])
    return PeerFigures(figures["cpu_ms"], figures["per_second"])


def _run(*command: str, cwd: str | None = None, environment: dict[str, str] | None = None) -> str:
    variables = {**os.environ, **(environment or {})}
    done = subprocess.run(
        command, cwd=cwd, env=variables, capture_output=True, text=True, timeout=300, check=True
    )
    return done.stdout


def _reason(fault: Exception) -> str:
    stderr = getattr(fault, "stderr", "") or str(fault)
    return stderr.strip().splitlines()[-1] if stderr.strip() else type(fault).__name__

"""Where the files of the certificate authority lie; apart from the ceremony, which loads the linter."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from app.errors import InvalidInput

CONFIG: Final = Path(__file__).resolve().parents[1] / "config"
CEREMONY_FILE: Final = CONFIG / "ceremony.toml"
PROFILES_FILE: Final = CONFIG / "certificate_profiles.toml"
PROTOCOL: Final = "ceremony-protocol.txt"
PUBLIC_FOLDER: Final = "public"


def public_crl(folder: Path, name: str) -> Path:
    """Where the ceremony leaves a CA's CRL (DER): ``<folder>/public/root.crl``."""
    return folder / PUBLIC_FOLDER / f"{name}.crl"


def reviewed(file: Path, what: str) -> bytes:
    """The content of a reviewed file; ``what`` names it in a problem.

    Raises:
        InvalidInput: it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidInput({what: f"The file {file} cannot be read: {error.strerror}."}) from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file for everybody, complete or not at all."""
    path.parent.mkdir(mode=0o755, exist_ok=True)
    temporary = path.with_name(f"{path.name}.new")
    temporary.write_bytes(content)
    temporary.replace(path)

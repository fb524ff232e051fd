"""SoftHSM's folder: where its tokens lie and the configuration file that says so (softhsm2.conf(5))."""

from __future__ import annotations

from pathlib import Path
from typing import Final

DEFAULT_MODULE: Final = Path("/usr/lib/softhsm/libsofthsm2.so")


def prepare_softhsm_folder(folder: Path) -> Path:
    """Make ``folder`` (0700) ready to hold tokens and return its softhsm2.conf. Twice changes nothing.

    The file is written again when the folder has moved.
    """
    tokens = folder.resolve() / "tokens"
    for path in (folder, tokens):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
    conf = folder.resolve() / "softhsm2.conf"
    text = f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
    if not conf.exists() or conf.read_text() != text:
        conf.write_text(text)
    return conf

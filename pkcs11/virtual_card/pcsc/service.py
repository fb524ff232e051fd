"""The readers' program as a child of this process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from virtual_card.errors import ReadersNotRunning
from virtual_card.pcsc.program import READY, SOCKET_VARIABLE, pcscd_socket

_STOPPED_WITHIN_SECONDS: Final = 10


class PcscService:
    """The readers of the desk in ``folder``. They stop with this process, however it ends.

    Raises ReadersNotRunning with the program's own sentence when it does not start.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process = subprocess.Popen(  # noqa: S603  # a fixed command
            [sys.executable, "-m", "virtual_card", "readers", str(folder), "--until-input-ends"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != READY:
            _, told = self._process.communicate()
            raise ReadersNotRunning(f"The readers did not start. {told.strip()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def environment(self) -> dict[str, str]:
        """What a program's environment needs for its modules to use these readers."""
        return {SOCKET_VARIABLE: str(pcscd_socket(self.folder))}

    def use(self) -> None:
        """Have this process, and those that it starts, use these readers; before a module is loaded."""
        os.environ.update(self.environment)

    def close(self) -> None:
        """Stop the readers and the cards in them; the desk remembers where they lay."""
        try:
            self._process.communicate(timeout=_STOPPED_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

"""Ctrl-C, an ended session and a service manager all stop the service in the same good order."""

from __future__ import annotations

import signal
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """Whether somebody asked the service to stop.

    A signal interrupts whatever is being done with KeyboardInterrupt. Python drops such an exception when it
    comes while a destructor or callback runs, so it is remembered too, and looked at again between steps.
    """

    def __init__(self) -> None:
        self._is_asked = False

    def listen(self) -> None:
        """Take the signals from now on."""
        for number in STOP_SIGNALS:
            # nohup ignores SIGHUP and means it; a shell's background job ignores SIGINT for the shell's sake.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._interrupt)

    def check(self) -> None:
        """Stop here when it was asked for.

        Raises:
            KeyboardInterrupt
        """
        if self._is_asked:
            raise KeyboardInterrupt

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._is_asked = True
        raise KeyboardInterrupt

"""A network and a mount namespace of one's own (namespaces(7)), so that pcscd meets nobody else's.

pcscd has the path of its socket compiled in, and vpcd listens on every address. In a network of its own
nothing can reach vpcd's ports; with the socket's folder mounted from elsewhere, several pcscd live side by
side.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import socket
import struct
from pathlib import Path
from typing import Final

_CLONE_NEWNS: Final = 0x00020000
_CLONE_NEWNET: Final = 0x40000000
_MS_BIND: Final = 0x1000
_MS_REC: Final = 0x4000
_MS_PRIVATE: Final = 1 << 18
_PR_SET_PDEATHSIG: Final = 1
_SIOCGIFFLAGS: Final = 0x8913
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 0x1
_PCSCD_FOLDER: Final = Path("/run/pcscd")


class IsolationRefused(Exception):
    """The system does not allow a namespace: it takes root, or CAP_SYS_ADMIN in a container."""


def isolate(socket_folder: Path) -> None:
    """Give this process its own network with loopback only, and ``socket_folder`` as pcscd's folder.

    Raises IsolationRefused.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _PCSCD_FOLDER.mkdir(parents=True, exist_ok=True)
    _checked(libc.unshare(_CLONE_NEWNS | _CLONE_NEWNET))
    _checked(libc.mount(None, b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None))
    source, target = bytes(socket_folder), bytes(_PCSCD_FOLDER)
    _checked(libc.mount(source, target, None, ctypes.c_ulong(_MS_BIND), None))
    _loopback_up()


def die_with_parent() -> None:
    """Be killed when the parent ends, however it ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _checked(result: int) -> None:
    if result == 0:
        return
    if ctypes.get_errno() == errno.EINVAL:
        raise IsolationRefused(
            "The card readers need a root folder that is a mount point (mount(2)). "
            "Before chroot, mount the folder onto itself: mount --bind FOLDER FOLDER"
        )
    reason = os.strerror(ctypes.get_errno())
    raise IsolationRefused(f"The card readers need root, or CAP_SYS_ADMIN in a container ({reason}).")


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        answer = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request)
        (flags,) = struct.unpack_from("h", answer, 16)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))

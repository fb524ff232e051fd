"""What the tokens and sessions of one loaded module share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from cryptoki.key_spec import KeyTemplate
from cryptoki.native import NativeLibrary


@dataclass(frozen=True)
class ModuleState:
    """A loaded module.

    ``check`` raises when the module was finalised or belongs to the process from which this one was forked.
    ``objects`` is a reentrant lock, held while objects are searched for, made or destroyed: SoftHSM 2.6.1
    fails with CKR_GENERAL_ERROR or CKR_TEMPLATE_INCONSISTENT when one thread searches while another makes a
    key. Signing needs no lock.
    """

    native: NativeLibrary
    template: KeyTemplate
    check: Callable[[], None]
    objects: AbstractContextManager[bool]

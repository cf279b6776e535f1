"""Make system calls of this process fail for real, with the kernel's own means and without any privilege.

A filter of `seccomp` cannot be taken away again, so install it in a process that ends soon. Linux only.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERS = {
    "x86_64": {"write": 1, "pwrite64": 18, "writev": 20, "fsync": 74, "fdatasync": 75, "rename": 82},
    "aarch64": {"write": 64, "pwrite64": 68, "writev": 66, "fsync": 82, "fdatasync": 83, "renameat": 38},
}
_SET_SECCOMP, _SECCOMP_FILTER, _SET_NO_NEW_PRIVS = 22, 2, 38
_LOAD, _EQUAL, _GREATER, _RETURN = 0x20, 0x15, 0x25, 0x06
_NUMBER_AT, _FIRST_ARGUMENT_AT = 0, 16
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def fail_system_calls(names: Sequence[str], error: int) -> None:
    """From now on, let these system calls of this process and its children fail, save on stdin, stdout and stderr.

    Args:
        names: of `write`, `pwrite64`, `writev`, `fsync`, `fdatasync`, `rename`; those the machine does not have are
            left out.
        error: the `errno` that the calls set.

    Raises:
        OSError: the kernel does not allow filters.
    """
    known = _NUMBERS[platform.machine()]
    numbers = [known[name] for name in names if name in known]
    steps = [_step(_LOAD, _FIRST_ARGUMENT_AT), _step(_GREATER, 2, 0, len(numbers) + 1), _step(_LOAD, _NUMBER_AT)]
    steps += [_step(_EQUAL, number, len(numbers) - at, 0) for at, number in enumerate(numbers)]
    steps += [_step(_RETURN, _ALLOW), _step(_RETURN, _ERRNO | error)]
    program = _Program(len(steps), b"".join(steps))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (_SET_SECCOMP, _SECCOMP_FILTER, ctypes.byref(program), 0, 0)):
        if libc.prctl(*arguments):
            raise OSError(ctypes.get_errno(), f"no filter of system calls: {os.strerror(ctypes.get_errno())}")


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)

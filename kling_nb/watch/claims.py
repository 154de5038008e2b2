"""Who works on which task, among all processes of a user: locks that the system frees when their holder dies.

A claim is the lock of one byte in a file beside the ledger, at the place that the task's number gives. So it costs no
open file of its own, of which a process may have as few as 256, and `kill -9` frees it. A lease in a table would need a
heartbeat, and a laptop that slept or a kernel halted in a debugger would lose it while still at work.
"""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kling_nb.watch.files import TAKEN

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["give_up", "take"]


@dataclass(slots=True)
class _Opened:
    file: int
    numbers: set[int] = field(default_factory=set)


# POSIX frees all locks that a process has on a file as soon as it closes any descriptor of that file (fcntl(2)): so
# there is one of each in a process, and what the process itself has claimed is told by the set.
_opened: dict[Path, _Opened] = {}
_lock = threading.Lock()


def take(path: Path, number: int) -> bool:
    """Claim a number; False when this process or another has it.

    Parameters
    ----------
    path
        The file of locks; made when there is none.
    number
        From 0 to 2**31 - 1.

    Raises
    ------
    OSError
        When the file cannot be opened, or where there are no locks, as on some network and cloud drives.
    """
    path = path.resolve()
    with _lock:
        opened = _opened.get(path)
        if opened is None:
            opened = _Opened(os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o600))
        try:
            if number in opened.numbers or not _set(opened.file, number):
                return False
            opened.numbers.add(number)
            _opened[path] = opened
            return True
        finally:
            if not opened.numbers:
                os.close(opened.file)


def give_up(path: Path, number: int) -> None:
    """Free a number that this process has claimed."""
    path = path.resolve()
    with _lock:
        opened = _opened[path]
        opened.numbers.remove(number)
        if opened.numbers:
            _clear(opened.file, number)
        else:
            os.close(opened.file)
            del _opened[path]


def _set(file: int, number: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(file, number, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        raise
    return True


def _clear(file: int, number: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(file, number, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)
    else:
        import fcntl

        fcntl.lockf(file, fcntl.LOCK_UN, 1, number)


def _forget() -> None:
    """In a forked child, which inherits the descriptors but not the locks."""
    global _lock
    _lock = threading.Lock()
    for opened in _opened.values():
        os.close(opened.file)
    _opened.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)

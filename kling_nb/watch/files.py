"""Files in a folder that others use too: names that fit everywhere, locks, and places that are never taken twice.

A name is made from what a person typed and has to survive every file system it may be copied to. A lock belongs to
the process that holds it and is freed by the system when that process dies, `kill -9` included. A finished file gets
its name in one step, or another name, but never somebody else's place.
"""

from __future__ import annotations

import contextlib
import errno
import filecmp
import hashlib
import itertools
import os
import re
import sys
import unicodedata
import weakref
from datetime import datetime
from io import FileIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["TAKEN", "drop", "file_name", "locked", "place", "short_id"]

# What the systems say of a lock that is taken; Windows the last two.
TAKEN = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)

SLUG_CHARACTERS = 48  # long enough to tell two prompts apart in a list
# File systems take 255 bytes a name, encrypted home folders (eCryptfs) 143. With the date, the id, the ending, a
# number and what a download appends to it, a slug of 84 bytes stays below the smaller.
SLUG_BYTES = 84

# Marks that change how a letter is drawn, or nothing at all, but are letters' companions to Unicode.
_UNSEEN = re.compile("[\u034f\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def file_name(when: float, slug_from: str, short_id: str, index: int, suffix: str) -> str:
    """Name a file readably and safely: ``2026-11-24-a-red-panda-surfs-1a2b3c4d.mp4``.

    The same arguments give the same name, so that an interrupted download finds its beginning again. Letters and
    digits of every script are kept in lower case; all else becomes a hyphen. The date in front also keeps the name
    from being one that Windows reserves (``con``, ``nul``, ...), hidden, or taken for an option.

    Parameters
    ----------
    when
        Unix time in seconds; its local date is used.
    slug_from
        What to call it, usually the prompt; any text.
    short_id
        What makes it unique, cut to its last 12 letters and digits.
    index
        Place among the files of one task, from 0; the first goes without.
    suffix
        Ending such as ``.mp4``, or nothing.
    """
    try:
        date = f"{datetime.fromtimestamp(when):%Y-%m-%d}"  # the person's own date
    except (ValueError, OverflowError, OSError):
        date = "undated"  # a time that no calendar has
    parts = (date, _slug(slug_from), _slug(short_id).replace("-", "")[-12:], str(index + 1) if index else "")
    ending = re.sub(r"[^a-z0-9]", "", suffix.lower())[:8]
    return "-".join(filter(None, parts)) + (f".{ending}" if ending else "")


def short_id(external_task_id: str) -> str:
    """Eight letters and digits that tell one task's files from another's: the end of an id that was made here."""
    if re.fullmatch("knb-[0-9a-f]{32}", external_task_id):
        return external_task_id[-8:]
    return hashlib.sha256(external_task_id.encode(errors="surrogatepass")).hexdigest()[:8]


def _slug(text: str) -> str:
    """Lower-case letters and digits with hyphens between, cut at a word where one ends near the limit."""
    normal = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).lower())
    kept: list[str] = []
    for character in normal:
        category = unicodedata.category(character)[0]
        follows = bool(kept) and kept[-1] != "-"
        if category in "LN" or (category == "M" and follows):
            kept.append(character)
        elif follows:
            kept.append("-")
    whole = "".join(kept).strip("-")
    cut = whole[:SLUG_CHARACTERS].encode()[:SLUG_BYTES].decode(errors="ignore")
    if len(cut) < len(whole) and whole[len(cut)] != "-" and "-" in cut[len(cut) // 2 :]:
        cut = cut[: cut.rindex("-")]
    return cut.strip("-")


_locked: weakref.WeakSet[FileIO] = weakref.WeakSet()


def locked(path: Path) -> FileIO | None:
    """Open a file for reading and appending, with its exclusive lock; None when another holder has that.

    The file is made when there is none. The lock ends when it is closed, or with the process. It is a lock of the
    system and not a note somewhere, because a note cannot tell a slow holder from a dead one.

    Raises
    ------
    OSError
        When the file cannot be opened, or where there are no locks, as on some network and cloud drives.
    """
    while True:
        with contextlib.ExitStack() as opened:
            file = opened.enter_context(FileIO(path, "a+", opener=_open))
            if not _lock(file):
                return None
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    opened.pop_all()
                    _locked.add(file)
                    return file
        # The last holder removed the file between our opening and locking it: take the one that has its name now.


def drop(file: FileIO, path: Path) -> None:
    """Remove and close a locked file.

    In this order, or it could be the next holder's file that goes. Windows removes no open file, so neither that of
    the next holder.
    """
    if sys.platform == "win32":
        file.close()
    with contextlib.suppress(OSError):
        path.unlink()
    file.close()


def _open(path: str, flags: int) -> int:
    """Open without following a link that somebody may have put in the place."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _lock(file: FileIO) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        raise
    return True


def _let_go() -> None:
    """In a forked child: close its copies of locked files, which would hold the locks beyond the parent's death."""
    for file in list(_locked):
        file.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def place(finished: Path, wanted: Path) -> Path:
    """Give a finished file its name in one step; return the path it got.

    When the name is taken, the next free one of ``name_2.mp4``, ``name_3.mp4``, ... is used. When it is taken by a
    file of the very same bytes, that one is returned instead: a process that died after this step, before it could
    tell anybody, leaves no double.

    Parameters
    ----------
    finished
        The whole file, in the folder of ``wanted``; the name it has now is gone afterwards.
    wanted
        The path it should get.
    """
    path = wanted
    for number in itertools.count(2):
        try:
            _move(finished, path)
            break
        except FileExistsError:
            if _same(finished, path):
                finished.unlink()
                break
            path = wanted.with_name(f"{wanted.stem}_{number}{wanted.suffix}")
    _sync(path.parent)
    return path


def _move(source: Path, target: Path) -> None:
    """Rename, but fail with `FileExistsError` when the target exists."""
    if sys.platform == "win32":
        source.rename(target)  # does just that there
        return
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # no hard links here (exFAT, some network and FUSE drives): hold the name with an empty file
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        try:
            source.replace(target)
        except OSError:
            target.unlink()
            raise
    else:
        source.unlink()


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other) or (other.is_file() and filecmp.cmp(one, other, shallow=False))
    except OSError:  # a dangling link, or a file that may not be read: not ours
        return False


def _sync(folder: Path) -> None:
    """Make a new name outlast a power failure, where the system can: Windows opens no folders."""
    with contextlib.suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)

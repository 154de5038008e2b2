"""Fetching finished media so that a file is either whole under its name or not there at all.

The bytes go to ``NAME.part``, with what is known of their source in ``NAME.part.json`` beside it. A break, of the
network or of the process, is taken up where the file was last safe on disk, provided that the source is still the
same. Only a file of the announced length that begins like media gets its name.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import FileIO
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

import anyio
import httpx
from anyio import from_thread, to_thread
from anyio.lowlevel import checkpoint_if_cancelled

from kling_nb.api.errors import DownloadFailed, MediaExpired, MediaUnreachable
from kling_nb.api.media import decoded
from kling_nb.watch.files import drop, locked, place
from kling_nb.watch.signatures import HEAD_BYTES, Kind, cut_short, suffix_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

__all__ = ["download"]

LIMIT_BYTES = 4 * 1000**3  # Kling's longest video has 3 min; at 20 Mbit/s, much for its 1080p, that is under 0.5 GB
FURTHER = 2 * 1024**2  # bytes that count as progress, after which breaks are counted anew
SYNC_SECONDS = 0.5  # between two syncs: what a crash may cost
SYNC_BYTES = 16 * 1024**2  # after which it is synced sooner: what is left to the end is waited for there
WAITS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before each new try
CONNECT = 10.0  # seconds for connecting
SILENCE = 30.0  # seconds without a byte that count as a break
TELL_SECONDS = 0.1  # between two reports of progress
QUOTED = 120  # characters of what came instead of media
NOTE_BYTES = 400  # one length for all, so that it is written over in place, also when the disk is full

SAFE = "The media is made and paid for and stays at the service for 30 days: resume later, nothing is paid again."

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


async def download(
    client: httpx.Client,
    url: str,
    destination: Path,
    *,
    kind: Kind,
    limit_bytes: int = LIMIT_BYTES,
    progress: Callable[[int, int | None], None] | None = None,
    waits: Sequence[float] = WAITS,
) -> Path:
    """Fetch one finished file; return the path it got, whole and synced to disk.

    Called again with the same destination after any failure, in this process or a later one, it goes on where the
    last call came to, also with another URL of the same file.

    Parameters
    ----------
    client
        Must not hold the API key: media lies on hosts that have no business with it.
    url
        http or https, or a ``data:`` URL that is the file itself.
    destination
        Where it should go. The suffix becomes that of what the bytes are. When another file has the name, it gets a
        number (``name_2.mp4``); nothing is ever overwritten.
    kind
        What it has to be.
    limit_bytes
        Length at most.
    progress
        Called in the event loop with the bytes received and the total, which is None while unknown.
    waits
        Seconds before each new try after a break; counted anew whenever one got further.

    Raises
    ------
    MediaExpired
        The URL is no longer served (HTTP 403, 404 or 410): ask the task for a new one.
    MediaUnreachable
        The host could not be reached or broke off, and no try came further: later may do.
    DownloadFailed
        Any other failure; the message says what to do. The task can be resumed.
    """
    if not re.match("https?://|data:", url, re.IGNORECASE):
        raise DownloadFailed(f"The service gave {url[:60]!r} where an http or https URL should be. {SAFE}")
    wanted = _Wanted(client, url, kind, limit_bytes, progress)
    part = await _on_disk(destination, _Part, destination)
    try:
        if url.startswith("data:"):
            await _on_disk(destination, _take, part, url)
        furthest, tries = part.size, 0
        while not part.whole:
            try:
                await _receive(wanted, part)
            except _Broken as broken:
                tries = 0 if part.size >= furthest + FURTHER else tries
                furthest = max(furthest, part.size)
                if tries == len(waits):
                    raise MediaUnreachable(
                        f"The download of {destination.name} broke off ({broken}), and {tries} more tries came no "
                        f"further than {furthest:,} bytes{f' of {part.total:,}' if part.total else ''}. {SAFE}"
                    ) from broken.__cause__
                await anyio.sleep(waits[tries])
                tries += 1
        return await _on_disk(destination, part.finish, kind)
    finally:
        with anyio.CancelScope(shield=True):
            await _on_disk(destination, part.close)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be fetched, and within which bounds."""

    client: httpx.Client
    url: str
    kind: Kind
    limit_bytes: int
    progress: Callable[[int, int | None], None] | None


class _Broken(Exception):
    """This try got no further; another may."""


# -- the network -----------------------------------------------------------------------------------------------------


def _take(part: _Part, url: str) -> None:
    """Take the file from the URL itself, where the service sent it in the answer."""
    try:
        content = decoded(url)
    except ValueError as error:
        raise DownloadFailed(f"The service sent a file that cannot be read: {error} {SAFE}") from None
    part.begin(None, len(content))
    part.append(content)


async def _receive(wanted: _Wanted, part: _Part) -> None:
    """Ask once for what is missing, and take what comes.

    In a thread, from the socket to the disk in one go: to pass each piece through the event loop takes three times
    the CPU time, and the loop has others to serve.
    """
    call, failure = _Call(wanted, part), None
    async with anyio.create_task_group() as group:
        group.start_soon(call.hang_up_when_cancelled)
        try:
            await _on_disk(part.destination, call.run)
        except Exception as error:  # noqa: BLE001  raised below, where no group wraps it
            failure = error
        group.cancel_scope.cancel()
    await checkpoint_if_cancelled()
    if failure is not None:
        raise failure
    if wanted.progress is not None:
        wanted.progress(part.size, part.total)


class _Call:
    """One request and its answer."""

    def __init__(self, wanted: _Wanted, part: _Part) -> None:
        self._wanted = wanted
        self._part = part
        self._socket: socket.socket | None = None
        self._holding = threading.Lock()  # the socket: before it is let go of, or after, but not in between
        self._over = False
        self._next_sync = self._next_told = 0.0

    async def hang_up_when_cancelled(self) -> None:
        """Wake the thread from its wait for bytes."""
        try:
            await anyio.sleep_forever()
        finally:
            self._over = True
            with self._holding, contextlib.suppress(OSError):  # it may be closed
                if self._socket is not None:
                    # Not SSLSocket's own, which takes away what the thread is reading with.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    @contextlib.contextmanager
    def _held(self, response: httpx.Response) -> Iterator[None]:
        """Hold the answer's socket until it goes back to the pool, where it is the next download's."""
        self._socket = response.extensions["network_stream"].get_extra_info("socket")
        try:
            yield
        finally:
            with self._holding:
                self._socket = None

    def run(self) -> None:
        wanted, part = self._wanted, self._part
        headers = {"accept-encoding": "identity"}  # compressed bytes could neither be counted nor resumed
        if part.size and part.validator:
            headers |= {"range": f"bytes={part.size}-", "if-range": part.validator}
        timeout = httpx.Timeout(SILENCE, connect=CONNECT)
        try:
            request = wanted.client.build_request("GET", wanted.url, headers=headers, timeout=timeout)
            request.headers.pop("authorization", None)
            # An Auth that adds nothing, in place of the client's own and of what the URL may hold.
            response = wanted.client.send(request, stream=True, auth=httpx.Auth(), follow_redirects=True)
            with (
                contextlib.closing(response),
                ThreadPoolExecutor(1, "kling-nb-sync") as syncing,
                self._held(response),
            ):
                _accept(response, wanted, part)
                self._pour(response, syncing)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
            raise DownloadFailed(f"The media's URL leads nowhere: {error} {SAFE}") from error
        except httpx.RequestError as error:
            raise _Broken(str(error) or type(error).__name__) from error
        announced = "content-length" in response.headers or "transfer-encoding" in response.headers
        if not part.ended(announced):
            raise _Broken("it ended early")

    def _pour(self, response: httpx.Response, syncing: ThreadPoolExecutor) -> None:
        part, start = self._part, b""
        limit = self._wanted.limit_bytes if part.total is None else part.total
        synced: Future[None] | None = None
        for piece in response.iter_raw() if _plain(response) else response.iter_bytes():
            if self._over:
                raise _Broken("it is not wanted any more")
            if part.size + len(start) + len(piece) > limit:
                raise _too_long(self._wanted, part, f"more than the {limit:,} bytes that it may have")
            if part.size == 0 and len(start := start + piece) < HEAD_BYTES:
                continue  # too little to tell what it is
            self._take(start or piece)
            start = b""
            now = time.monotonic()
            due = now >= self._next_sync or part.size - part.synced >= SYNC_BYTES
            if due and (synced is None or synced.done()):
                if synced is not None:
                    synced.result()
                self._next_sync = now + SYNC_SECONDS
                synced = syncing.submit(part.sync)
            if self._wanted.progress is not None and now >= self._next_told:
                self._next_told = now + TELL_SECONDS
                from_thread.run_sync(self._wanted.progress, part.size, part.total)
        if start:
            self._take(start)

    def _take(self, piece: bytes) -> None:
        """Write it; the first bytes have to begin like media."""
        if self._part.size == 0 and suffix_of(piece[:HEAD_BYTES], self._wanted.kind) is None:
            self._part.spoiled = True
            raise _other(self._wanted.kind, piece)
        self._part.append(piece)


def _accept(response: httpx.Response, wanted: _Wanted, part: _Part) -> None:
    """Prepare the part for what an answer brings, or raise for what it says."""
    status = response.status_code
    if status in (403, 404, 410):
        raise MediaExpired(f"The media's URL is no longer served (HTTP {status}); its task may have a new one. {SAFE}")
    if status in (408, 425, 429) or status >= 500:
        raise _Broken(f"the media's host answered HTTP {status}")
    if status == 200:
        total = _number(response.headers.get("content-length")) if _plain(response) else None
        if total is not None and total > wanted.limit_bytes:
            raise _too_long(wanted, part, f"{total:,} bytes")
        part.begin(_validator(response) if _plain(response) else None, total)
    elif status == 206 and _continues(response, part):
        part.total = _number(_range(response)[1])
    elif status in (206, 416):
        # A host that knows no If-Range and has another file by now, or that sends other bytes than it was asked for.
        part.begin(None, None)
        raise _Broken("the file has changed on its host")
    else:
        for piece in response.iter_bytes():
            raise DownloadFailed(f"The media's host answered HTTP {status}: {_quoted(piece)}. {SAFE}")
        raise DownloadFailed(f"The media's host answered HTTP {status} and nothing else. {SAFE}")


def _too_long(wanted: _Wanted, part: _Part, how_long: str) -> DownloadFailed:
    part.spoiled = True
    return DownloadFailed(
        f"The media's host sends {how_long}, so it was not kept; at most {wanted.limit_bytes:,} bytes are taken. {SAFE}"
    )


def _other(kind: Kind, start: bytes) -> DownloadFailed:
    return DownloadFailed(f"The media's host sent something else than {_A[kind]}: {_quoted(start)}. {SAFE}")


_A = {"video": "a video", "image": "an image", "audio": "a sound"}


def _quoted(start: bytes) -> str:
    """A little of what came, fit for a message; whoever shows it as HTML has to escape it."""
    if not start:
        return "nothing at all"
    text = start[: QUOTED * 4].decode(errors="replace")
    if "\0" in text or "\ufffd" in text[:QUOTED]:
        return f"bytes that begin with {start[:16].hex(' ')}"
    return repr(" ".join(text.split())[:QUOTED])


def _plain(response: httpx.Response) -> bool:
    """Whether the bytes on the wire are the file's own, whatever was asked for."""
    return str(response.headers.get("content-encoding", "identity")).lower() == "identity"


def _validator(response: httpx.Response) -> str | None:
    """What tells this file from another at the same place (RFC 9110, 13.1.5): a strong ETag, else its date."""
    etag = response.headers.get("etag", "")
    validator = response.headers.get("last-modified", "") if etag[:1] != '"' else etag
    return validator if validator.isascii() and validator.isprintable() and validator else None


def _range(response: httpx.Response) -> tuple[str, str]:
    """First byte and total of a partial answer, as they stand in it."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("content-range", ""), re.ASCII)
    return (found[1], found[2]) if found else ("", "")


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() else None


def _continues(response: httpx.Response, part: _Part) -> bool:
    """Whether a partial answer brings the very bytes that are missing, of the same file."""
    start, total = map(_number, _range(response))
    return (
        _plain(response)
        and part.size > 0
        and start == part.size
        and (part.total is None or total == part.total)
        and _validator(response) in (None, part.validator)
    )


# -- the disk --------------------------------------------------------------------------------------------------------


async def _on_disk(destination: Path, work: Callable[[*_Ts], _T], *arguments: *_Ts) -> _T:
    """Do work on files in a thread, so that the event loop goes on."""
    try:
        return await to_thread.run_sync(work, *arguments)
    except OSError as error:
        raise DownloadFailed(f"{_trouble(error, destination)} {SAFE}") from error


def _trouble(error: OSError, destination: Path) -> str:
    """What to do about what the system says."""
    folder = destination.parent
    match errno.errorcode.get(error.errno or 0):
        case "ENOSPC" | "EDQUOT":
            return f"The disk with {folder} is full: free some space."
        case "EFBIG":
            return f"A file as large as {destination.name} may not be written in {folder}: choose another folder."
        case "EACCES" | "EPERM" | "EROFS":
            return f"{folder} may not be written to: make it writable, or choose another folder."
        case "ENOTDIR" | "EEXIST":
            return f"{folder} cannot be a folder, because a file has its name: choose another."
        case _:
            return f"{destination.name} cannot be written in {folder}: {error.strerror or error}."


class _Part:
    """The file being filled, and what is known of the one it is a copy of.

    Attributes
    ----------
    size
        Bytes written.
    synced
        Those of them that are safe on disk; a later process goes on from there.
    validator
        What the host calls this version of the file, or None: then nothing can be resumed.
    total
        Length of the whole, or None while unknown.
    spoiled
        Whether what was written is of no use.
    """

    def __init__(self, destination: Path) -> None:
        self.destination = destination
        self._path = destination.with_name(destination.name + ".part")
        self._note = destination.with_name(destination.name + ".part.json")
        self.size = self.synced = 0
        self.validator: str | None = None
        self.total: int | None = None
        self.spoiled = False
        destination.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open()
        self._recall()
        if not self.whole and os.fstat(self._file.fileno()).st_nlink > 1:
            # A crash in the middle of `place` left these bytes two names; the other one is not to be touched.
            drop(self._file, self._path)
            self._file = self._open()
            self.size = 0
        self._file.truncate(self.size)
        self.synced = self.size

    @property
    def whole(self) -> bool:
        return self.size == self.total

    def begin(self, validator: str | None, total: int | None) -> None:
        """Forget what there was, and make ready for a file of this length."""
        self._note.unlink(missing_ok=True)
        self._file.truncate(0)
        self.size = self.synced = 0
        self.validator, self.total = validator, total
        free = shutil.disk_usage(self.destination.parent).free
        if total is not None and total > free:
            raise DownloadFailed(
                f"{self.destination.name} needs {total:,} bytes, and the disk with {self.destination.parent} has only "
                f"{free:,} left: free some space. {SAFE}"
            )

    def append(self, piece: bytes) -> None:
        left = memoryview(piece)
        while left:
            written = self._file.write(left)
            self.size += written
            left = left[written:]

    def sync(self) -> None:
        """Make what is written safe, then note that it is."""
        size = self.size
        os.fsync(self._file.fileno())
        self.synced = size
        known = {"validator": self.validator, "total": self.total, "synced": size}
        with FileIO(self._note, "w", opener=_over) as note:
            note.write(json.dumps(known).encode().ljust(NOTE_BYTES))

    def ended(self, announced: bool) -> bool:
        """Take note of the end of an answer; False when the file cannot be whole with it."""
        if self.total is None and (announced or not cut_short(self._file)):
            self.total = self.size  # a compressed or chunked answer says where it ends, but not beforehand
        return self.whole

    def finish(self, kind: Kind) -> Path:
        """Give the whole file its name."""
        self.sync()
        self._file.seek(0)
        head = self._file.read(HEAD_BYTES)
        suffix = suffix_of(head, kind)
        if suffix is None:
            self.spoiled = True
            raise _other(kind, head)
        if sys.platform == "win32":
            self._file.close()  # it renames no open file; elsewhere the lock is kept until the name is given
        path = place(self._path, self.destination.with_suffix(suffix))
        self._note.unlink(missing_ok=True)
        self._file.close()
        return path

    def close(self) -> None:
        """Leave what can be resumed, and nothing else."""
        if self._file.closed:
            return
        with contextlib.suppress(OSError):
            if self.spoiled or not self.size:
                self._note.unlink(missing_ok=True)
                drop(self._file, self._path)
            elif self.synced < self.size:
                self.sync()
        self._file.close()

    def _open(self) -> FileIO:
        try:
            file = locked(self._path)
        except OSError as error:
            if errno.errorcode.get(error.errno or 0) not in ("ENOLCK", "ENOSYS", "EOPNOTSUPP", "ENOTSUP"):
                raise
            return FileIO(self._path, "a+")  # no locks on this drive; the ledger's claim keeps others away
        if file is None:
            raise DownloadFailed(f"Another process is downloading {self.destination.name} right now; let it finish.")
        return file

    def _recall(self) -> None:
        """Find out what an earlier process left; what cannot be read is as good as nothing."""
        with contextlib.suppress(OSError, ValueError):
            match json.loads(self._note.read_bytes()):
                case {"validator": str() | None as validator, "total": int() | None as total, "synced": int(synced)}:
                    self.size = max(0, min(synced, os.fstat(self._file.fileno()).st_size))
                    self.validator, self.total = validator, total


def _over(path: str, flags: int) -> int:
    """Open for writing over what is there, in place."""
    return os.open(path, flags & ~os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o666)

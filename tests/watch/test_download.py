"""Fetching finished media: whole under its name or not there at all, whatever its host does."""

from __future__ import annotations

import contextlib
import gzip
import os
import random
import resource
import socketserver
import struct
import threading
from base64 import b64encode
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from kling_nb.api.errors import DownloadFailed, MediaExpired
from kling_nb.watch import download as download_module
from kling_nb.watch.download import download

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from pathlib import Path

MB = 1_000_000


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def film(size: int, seed: int = 1) -> bytes:
    """An MP4 as far as its boxes go."""
    head = box(b"ftyp", b"isom\0\0\2\0isomiso2") + box(b"moov", b"\0" * 100)
    return head + box(b"mdat", random.Random(seed).randbytes(size - len(head) - 8))


class Asked:
    """One request that reached the host, and the connection to answer on."""

    def __init__(self, head: bytes, connection: socket.socket) -> None:
        first, *rest = head.decode("latin-1").split("\r\n")
        self.path = first.split(" ")[1]
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest if line)}
        self.connection = connection

    @property
    def start(self) -> int | None:
        """First byte asked for; None for all."""
        asked = self.headers.get("range")
        return int(asked.removeprefix("bytes=").rstrip("-")) if asked else None

    def send(self, content: bytes) -> None:
        self.connection.sendall(content)

    def head(self, status: str = "200 OK", **headers: object) -> None:
        lines = [f"HTTP/1.1 {status}", "connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "", ""]).encode())

    def serve(self, content: bytes, *, etag: str = '"1"', upto: int | None = None) -> None:
        """Answer as a storage host does, and break off before the byte ``upto`` of the file."""
        start = self.start if self.headers.get("if-range", etag) == etag else None
        if start is None:
            self.head(etag=etag, content_length=len(content), content_type="video/mp4")
        else:
            self.head(
                "206 Partial Content",
                etag=etag,
                content_length=len(content) - start,
                content_range=f"bytes {start}-{len(content) - 1}/{len(content)}",
            )
        self.send(content[start or 0 : upto])


class Host:
    """A host of media on this machine that answers as its script says, request by request; the last answer stays."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.script: list[Callable[[Asked], object]] = []
        self.asked: list[Asked] = []
        self.over = threading.Event()  # set when the test is


@pytest.fixture
def host() -> Iterator[Host]:
    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (more := self.request.recv(65536)):
                    return
                head += more
            asked = Asked(head.partition(b"\r\n\r\n")[0], self.request)
            made.asked.append(asked)
            answer = made.script.pop(0) if len(made.script) > 1 else made.script[0]
            with contextlib.suppress(OSError):  # whoever asked has hung up
                answer(asked)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Connection) as server:
        made = Host(f"http://127.0.0.1:{server.server_address[1]}/media/film.mp4")
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield made
        made.over.set()
        server.shutdown()


@pytest.fixture(autouse=True)
def _tell_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is told with every piece."""
    monkeypatch.setattr(download_module, "TELL_SECONDS", 0.0)


def fetch(host: Host, destination: Path, **given: Any) -> Path:
    async def run() -> Path:
        with httpx.Client(headers={"authorization": "Bearer sk-secret"}, trust_env=False) as client:
            given.setdefault("url", host.url)
            given.setdefault("kind", "video")
            given.setdefault("waits", [0.0] * 3)
            return await download(client, given.pop("url"), destination, **given)

    return anyio.run(run)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# -- whole files -----------------------------------------------------------------------------------------------------


def test_a_finished_file_has_its_name_and_leaves_nothing_beside(host: Host, tmp_path: Path) -> None:
    """The file is there byte for byte, in a folder made for it, its progress was told, and the key went nowhere."""
    content, told = film(5 * MB), []
    host.script = [lambda asked: asked.serve(content)]

    path = fetch(host, tmp_path / "new" / "a fox", progress=lambda *seen: told.append(seen))

    assert path == tmp_path / "new" / "a fox.mp4"
    assert path.read_bytes() == content
    assert names(tmp_path / "new") == ["a fox.mp4"]
    assert told[-1] == (len(content), len(content))
    assert told == sorted(told)
    assert "authorization" not in host.asked[0].headers


@pytest.mark.parametrize(
    ("kind", "content", "suffix"),
    [
        ("video", film(1000), ".mp4"),
        ("video", box(b"ftyp", b"qt  \0\0\0\0") + box(b"moov", b""), ".mov"),
        ("video", b"\x1a\x45\xdf\xa3" + b"\0" * 20 + b"webm", ".webm"),
        ("image", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, ".png"),
        ("image", b"\xff\xd8\xff\xe0" + b"\0" * 50, ".jpg"),
        ("image", b"RIFF\0\0\0\0WEBP", ".webp"),
        ("audio", b"ID3\4" + b"\0" * 50, ".mp3"),
        ("audio", b"\xff\xfb\x90\x64" + b"\0" * 50, ".mp3"),
        ("audio", b"RIFF\0\0\0\0WAVEfmt ", ".wav"),
        ("audio", box(b"ftyp", b"M4A \0\0\0\0"), ".m4a"),
    ],
)
def test_the_bytes_tell_the_suffix(host: Host, tmp_path: Path, kind: str, content: bytes, suffix: str) -> None:
    """Whatever its URL ends with, a file gets the suffix that players expect of it."""
    host.script = [lambda asked: asked.serve(content)]
    assert fetch(host, tmp_path / "a", kind=kind) == tmp_path / f"a{suffix}"


def test_nothing_is_overwritten(host: Host, tmp_path: Path) -> None:
    """A file of that name which is not this one stays, and the new one gets a number."""
    (tmp_path / "a.mp4").write_bytes(b"somebody's")
    host.script = [lambda asked: asked.serve(film(1000))]
    assert fetch(host, tmp_path / "a") == tmp_path / "a_2.mp4"
    assert (tmp_path / "a.mp4").read_bytes() == b"somebody's"


def test_a_file_sent_without_its_length_is_taken(host: Host, tmp_path: Path) -> None:
    """Chunked, compressed, or ended by closing the connection: a whole film is a whole film."""
    content = film(300_000)

    def chunked(asked: Asked) -> None:
        asked.head(transfer_encoding="chunked")
        for at in range(0, len(content), 70_000):
            piece = content[at : at + 70_000]
            asked.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        asked.send(b"0\r\n\r\n")

    def compressed(asked: Asked) -> None:
        squeezed = gzip.compress(content, 1)
        asked.head(content_encoding="gzip", content_length=len(squeezed), etag='"1"')
        asked.send(squeezed)

    def closed(asked: Asked) -> None:
        asked.head()
        asked.send(content)

    for number, answer in enumerate([chunked, compressed, closed]):
        host.script = [answer]
        assert fetch(host, tmp_path / f"{number}").read_bytes() == content


def test_a_redirect_is_followed(host: Host, tmp_path: Path) -> None:
    """The service may hand out an address that sends on to the file."""
    host.script = [lambda asked: asked.head("302 Found", location="/other"), lambda asked: asked.serve(film(1000))]
    assert fetch(host, tmp_path / "a").read_bytes() == film(1000)
    assert [asked.path for asked in host.asked] == ["/media/film.mp4", "/other"]


# -- breaks ----------------------------------------------------------------------------------------------------------


def test_a_break_is_taken_up_where_it_was(host: Host, tmp_path: Path) -> None:
    """After the connection breaks only what is missing is asked for, of the same version of the file."""
    content = film(5 * MB)
    host.script = [lambda asked: asked.serve(content, upto=3 * MB), lambda asked: asked.serve(content)]
    assert fetch(host, tmp_path / "a").read_bytes() == content
    assert [asked.start for asked in host.asked] == [None, 3 * MB]
    assert host.asked[1].headers["if-range"] == '"1"'


def test_breaks_at_any_byte_lose_nothing(host: Host, tmp_path: Path) -> None:
    """However often and wherever the connection breaks, the file is the host's, byte for byte."""
    content, chance = film(400_000), random.Random(7)
    places = [chance.randrange(chance.choice([80, len(content)])) for _ in range(40)]
    host.script = [partial(Asked.serve, content=content, upto=place) for place in places]
    host.script += [lambda asked: asked.serve(content)]
    assert fetch(host, tmp_path / "a", waits=[0.0] * 50).read_bytes() == content
    assert names(tmp_path) == ["a.mp4"]


def test_a_later_process_goes_on_where_an_earlier_one_died(host: Host, tmp_path: Path) -> None:
    """What was safe on disk is not fetched again, also under a new URL of the same file."""
    content = film(9 * MB)
    host.script = [lambda asked: (asked.serve(content, upto=6 * MB), host.over.wait()), lambda a: a.serve(content)]

    async def killed() -> None:
        with anyio.CancelScope() as scope, httpx.Client(trust_env=False) as client:

            def kill(received: int, _: int | None) -> None:
                if received >= 5 * MB:
                    scope.cancel()

            await download(client, host.url, tmp_path / "a", kind="video", progress=kill)
        assert scope.cancelled_caught

    anyio.run(killed)
    assert names(tmp_path) == ["a.part", "a.part.json"]
    assert fetch(host, tmp_path / "a", url=f"{host.url}?signature=new").read_bytes() == content
    assert host.asked[1].start is not None
    assert host.asked[1].start >= 2 * MB


def test_a_process_killed_before_the_last_step_fetches_nothing_again(host: Host, tmp_path: Path) -> None:
    """A file that was whole but had no name yet gets its name without a single request."""
    content = film(MB)
    host.script = [lambda asked: asked.serve(content)]
    whole = fetch(host, tmp_path / "a")
    whole.rename(tmp_path / "a.part")
    (tmp_path / "a.part.json").write_text(f'{{"validator": "\\"1\\"", "total": {MB}, "synced": {MB}}}')

    assert fetch(host, tmp_path / "a").read_bytes() == content
    assert len(host.asked) == 1


@pytest.mark.parametrize("note", ["", "{", "[]", '{"validator": 1, "total": "x", "synced": null}', "\udcff"])
def test_an_unreadable_note_is_as_good_as_none(host: Host, tmp_path: Path, note: str) -> None:
    """Bytes whose origin is not known are never built upon."""
    (tmp_path / "a.part").write_bytes(b"of something else")
    (tmp_path / "a.part.json").write_bytes(note.encode(errors="surrogateescape"))
    host.script = [lambda asked: asked.serve(film(1000))]
    assert fetch(host, tmp_path / "a").read_bytes() == film(1000)


def test_another_version_of_the_file_is_begun_anew(host: Host, tmp_path: Path) -> None:
    """Halves of two versions are never joined, whether or not the host knows If-Range."""
    old, new = film(5 * MB, seed=1), film(5 * MB, seed=2)

    def careless(asked: Asked) -> None:
        del asked.headers["if-range"]
        asked.serve(new, etag='"2"')

    for number, second in enumerate([lambda asked: asked.serve(new, etag='"2"'), careless]):
        host.script = [lambda a: a.serve(old, upto=3 * MB), second, lambda asked: asked.serve(new, etag='"2"')]
        assert fetch(host, tmp_path / f"{number}").read_bytes() == new


def test_a_host_that_names_no_version_is_asked_for_all(host: Host, tmp_path: Path) -> None:
    """Without an ETag or a date nobody can tell whether the rest is of the same file."""
    content = film(5 * MB)

    def nameless(asked: Asked, upto: int | None = None) -> None:
        asked.head(content_length=len(content))
        asked.send(content[:upto])

    host.script = [partial(nameless, upto=3 * MB), nameless]
    assert fetch(host, tmp_path / "a").read_bytes() == content
    assert [asked.start for asked in host.asked] == [None, None]


def test_a_host_that_cannot_go_on_there_is_asked_for_all(host: Host, tmp_path: Path) -> None:
    """416 (range not satisfiable) and bytes from another place do not end the download."""
    content = film(5 * MB)

    def elsewhere(asked: Asked) -> None:
        asked.head("206 Partial Content", etag='"1"', content_length=9, content_range=f"bytes 0-8/{len(content)}")
        asked.send(content[:9])

    for number, odd in enumerate([lambda asked: asked.head("416 Range Not Satisfiable"), elsewhere]):
        host.script = [lambda a: a.serve(content, upto=3 * MB), odd, lambda asked: asked.serve(content)]
        assert fetch(host, tmp_path / f"{number}").read_bytes() == content


def test_a_film_that_ends_early_is_not_taken_for_whole(host: Host, tmp_path: Path) -> None:
    """Where only the closed connection tells the end, the film itself tells whether that was all."""
    content = film(100_000)

    def closed(asked: Asked, upto: int | None = None) -> None:
        asked.head()
        asked.send(content[:upto])

    host.script = [partial(closed, upto=60_000), partial(closed, upto=len(content) - 1), closed]
    assert fetch(host, tmp_path / "a").read_bytes() == content
    assert len(host.asked) == 3


def test_a_host_that_stays_broken_ends_in_words(host: Host, tmp_path: Path) -> None:
    """After the last try the error says how far it came and that nothing is lost; what is there is kept for later."""
    content = film(5 * MB)
    host.script = [lambda a: a.serve(content, upto=3 * MB), lambda a: a.head("503 Service Unavailable")]
    with pytest.raises(DownloadFailed, match=r"HTTP 503.*3,000,000 bytes of 5,000,000.*resume later"):
        fetch(host, tmp_path / "a")
    assert len(host.asked) == 4
    assert names(tmp_path) == ["a.part", "a.part.json"]


def test_a_silent_host_counts_as_broken(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that stops in the middle of the file is not waited for without end."""
    monkeypatch.setattr(download_module, "SILENCE", 0.2)
    content = film(5 * MB)
    host.script = [lambda a: (a.serve(content, upto=3 * MB), host.over.wait()), lambda asked: asked.serve(content)]
    assert fetch(host, tmp_path / "a").read_bytes() == content


def test_nobody_there_ends_in_words(host: Host, tmp_path: Path) -> None:
    """A host that cannot be reached gives an error of ours, and leaves nothing."""
    with pytest.raises(DownloadFailed, match="resume later"):
        fetch(host, tmp_path / "a", url="http://127.0.0.1:9/film.mp4")
    assert names(tmp_path) == []


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found", "410 Gone"])
def test_an_expired_url_is_told_from_a_break(host: Host, tmp_path: Path, status: str) -> None:
    """The task has to be asked for a new URL; trying the old one again is no use."""
    host.script = [lambda asked: asked.head(status)]
    with pytest.raises(MediaExpired):
        fetch(host, tmp_path / "a")
    assert len(host.asked) == 1
    assert names(tmp_path) == []


def test_what_was_fetched_before_the_url_expired_is_kept(host: Host, tmp_path: Path) -> None:
    """The next URL of the file goes on where the expired one stopped."""
    content = film(5 * MB)
    host.script = [
        lambda asked: asked.serve(content, upto=3 * MB),
        lambda asked: asked.head("403 Forbidden"),
        lambda asked: asked.serve(content),
    ]
    with pytest.raises(MediaExpired):
        fetch(host, tmp_path / "a")
    assert fetch(host, tmp_path / "a").read_bytes() == content
    assert host.asked[2].start == 3 * MB


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html><h1>Oops</h1></html>", "<html><h1>Oops</h1></html>"),
        (b"", "nothing at all"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 9, "89 50 4e 47"),
        (b"ab", "'ab'"),
    ],
    ids=["a page", "nothing", "a picture", "two letters"],
)
def test_what_is_no_video_gets_no_name(host: Host, tmp_path: Path, content: bytes, said: str) -> None:
    """An error page with status 200 is quoted and thrown away."""
    host.script = [lambda asked: asked.serve(content)]
    with pytest.raises(DownloadFailed, match=said):
        fetch(host, tmp_path / "a")
    assert names(tmp_path) == []


def test_a_body_without_end_is_stopped(host: Host, tmp_path: Path) -> None:
    """Whether it announces too much or just never ends, it fills neither the disk nor the time."""

    def endless(asked: Asked) -> None:
        asked.head()
        asked.send(film(MB))
        while True:
            asked.send(b"\0" * MB)

    def announced(asked: Asked) -> None:
        asked.head(content_length=10**15)
        asked.send(film(MB))
        host.over.wait()

    for answer in (endless, announced):
        host.script = [answer]
        with pytest.raises(DownloadFailed, match="at most 20,000,000 bytes"):
            fetch(host, tmp_path / "a", limit_bytes=20 * MB)
        assert names(tmp_path) == []


def test_more_than_was_announced_is_not_taken(host: Host, tmp_path: Path) -> None:
    """A host that sends more than it said never makes a file of the wrong length."""
    host.script = [lambda a: (a.head(content_length=1000), a.send(film(5000)))]
    try:
        assert fetch(host, tmp_path / "a").stat().st_size == 1000
    except DownloadFailed:
        assert names(tmp_path) == []


def test_a_file_that_came_in_the_answer_is_kept(host: Host, tmp_path: Path) -> None:
    """A gateway may send the sound itself in place of its URL: it becomes a file all the same, or ends in words."""
    sound = b"ID3" + bytes(2000)
    path = fetch(host, tmp_path / "hello", url=f"data:audio/mpeg;base64,{b64encode(sound).decode()}", kind="audio")
    assert path.name == "hello.mp3"
    assert path.read_bytes() == sound
    with pytest.raises(DownloadFailed, match="cannot be read"):
        fetch(host, tmp_path / "broken", url="data:audio/mpeg;base64,!", kind="audio")
    assert names(tmp_path) == ["hello.mp3"]


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "film.mp4", "http://", "http://[", "javascript:alert(1)"])
def test_an_odd_url_ends_in_words(host: Host, tmp_path: Path, url: str) -> None:
    """What is no web address is refused, and no file of this machine is read for it."""
    with pytest.raises(DownloadFailed):
        fetch(host, tmp_path / "a", url=url)
    assert names(tmp_path) == []


def test_redirects_in_a_circle_end_in_words(host: Host, tmp_path: Path) -> None:
    """A host that sends from one address to the next and back is left."""
    host.script = [lambda asked: asked.head("302 Found", location="/again")]
    with pytest.raises(DownloadFailed, match="leads nowhere"):
        fetch(host, tmp_path / "a")


# -- the disk --------------------------------------------------------------------------------------------------------


def test_a_disk_that_takes_no_more_can_be_resumed(host: Host, tmp_path: Path) -> None:
    """The error says what to do, and once there is room the download goes on where it stopped."""
    content = film(9 * MB)
    host.script = [lambda asked: asked.serve(content)]
    with files_of_at_most(5 * MB), pytest.raises(DownloadFailed, match=r"may not be written in .*resume later"):
        fetch(host, tmp_path / "a")
    assert fetch(host, tmp_path / "a").read_bytes() == content
    assert host.asked[-1].start == 5 * MB


def test_a_file_larger_than_the_disk_is_refused_at_once(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that cannot fit is not begun."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=4000))
    host.script = [lambda asked: asked.serve(film(5000))]
    with pytest.raises(DownloadFailed, match=r"needs 5,000 bytes.*only 4,000.*free some space"):
        fetch(host, tmp_path / "a")
    assert names(tmp_path) == []


def test_a_folder_that_may_not_be_written_to_is_told(host: Host, tmp_path: Path) -> None:
    """A read-only folder, or a file in its place, is named together with what to do."""
    host.script = [lambda asked: asked.serve(film(1000))]
    (tmp_path / "file").write_text("here")
    with pytest.raises(DownloadFailed, match="a file has its name: choose another"):
        fetch(host, tmp_path / "file" / "a")

    folder = tmp_path / "read-only"
    folder.mkdir(mode=0o500)
    superuser = os.geteuid() == 0
    if superuser:  # who may write everywhere, so be somebody else for a moment
        os.seteuid(65534)
    try:
        with pytest.raises(DownloadFailed, match="may not be written to: make it writable"):
            fetch(host, folder / "a")
    finally:
        if superuser:
            os.seteuid(0)
    assert names(folder) == []


def test_two_downloads_of_one_file_do_not_mix(host: Host, tmp_path: Path) -> None:
    """Whoever comes second is told so, and the first one's file is whole."""
    content, begun = film(5 * MB), threading.Event()

    def slowly(asked: Asked) -> None:
        asked.serve(content, upto=3 * MB)
        begun.wait()
        asked.send(content[3 * MB :])

    host.script = [slowly]

    async def both() -> None:
        with httpx.Client(trust_env=False) as client:
            async with anyio.create_task_group() as group:
                started = anyio.Event()

                async def first() -> None:
                    told = lambda *_: started.set()  # noqa: E731
                    await download(client, host.url, tmp_path / "a", kind="video", progress=told, waits=[])

                group.start_soon(first)
                await started.wait()
                with pytest.raises(DownloadFailed, match="Another process is downloading a right now"):
                    await download(client, host.url, tmp_path / "a", kind="video", waits=[])
                begun.set()

    anyio.run(both)
    assert (tmp_path / "a.mp4").read_bytes() == content
    assert names(tmp_path) == ["a.mp4"]


def test_a_link_in_the_place_of_the_part_is_not_followed(host: Host, tmp_path: Path) -> None:
    """Somebody's link cannot make a download write into another file."""
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.part").symlink_to(tmp_path / "precious")
    host.script = [lambda asked: asked.serve(film(1000))]
    with pytest.raises(DownloadFailed):
        fetch(host, tmp_path / "folder" / "a")
    assert (tmp_path / "precious").read_text() == "precious"

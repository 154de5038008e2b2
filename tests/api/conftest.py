"""What the tests of the wire share: a server that answers with any bytes at all, over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from PIL import Image

from kling_nb.api.client import AsyncKling
from kling_nb.api.errors import RequestRefused
from kling_nb.api.requests import Call
from kling_nb.simulator import Simulator

T = TypeVar("T")

KEY = "sk-test-0123456789abcdef"


def reply(status: int = 200, body: Any = b"", kind: str = "application/json", **headers: str) -> bytes:
    """An HTTP answer; a body that is not bytes is written as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Word", f"content-length: {len(content)}", "connection: close"]
    lines += [f"content-type: {kind}"] if kind else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


@dataclass
class Asked:
    """One request as it came over the socket."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


RESET = b"RESET"
"""In place of an answer: the connection is reset."""


@dataclass
class Canned:
    """A server that gives the answers it was told, in order, whatever they are, and remembers what it was asked."""

    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    answers: list[bytes] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/kling/v1"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:  # closed: the test is over
                return
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            method, target, _ = stream.readline().decode().split(" ")
            headers = {}
            while line := stream.readline().decode().strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            body = stream.read(int(headers.get("content-length", 0)))
        self.asked.append(Asked(method, target, headers, body))
        answer = self.answers.pop(0)
        if answer == RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            with contextlib.suppress(OSError):  # a client may have heard enough
                connection.sendall(answer)

    def ask(self, question: Callable[[AsyncKling], Awaitable[T]], *answers: bytes) -> T:
        """Ask it something through a client of its own."""
        self.answers.extend(answers)

        async def asking() -> T:
            async with AsyncKling(KEY, base_url=self.base_url) as kling:
                return await question(kling)

        return asyncio.run(asking())


class Asking:
    """One client and one loop for many questions: a new client for each would take most of the time."""

    def __init__(self, api_key: str, base_url: str) -> None:
        self._runner = asyncio.Runner()
        self._kling = AsyncKling(api_key, base_url=base_url)

    def __call__(self, question: Callable[[AsyncKling], Coroutine[Any, Any, T]]) -> T:
        return self._runner.run(question(self._kling))

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._kling.close())
        self._runner.close()


@pytest.fixture(scope="module")
def quick() -> Iterator[Simulator]:
    """Kling on localhost for a whole module, so fast that nothing is waited for but the rendering."""
    with Simulator(speed=1000, seed=1) as running:
        yield running


@pytest.fixture(scope="module")
def ask(quick: Simulator) -> Iterator[Asking]:
    """Asks that Kling."""
    with Asking(quick.api_key, quick.base_url) as asking:
        yield asking


@pytest.fixture
def canned() -> Iterator[Canned]:
    server = Canned()
    threading.Thread(target=server.serve, daemon=True).start()
    yield server
    server.listener.shutdown(socket.SHUT_RDWR)
    server.listener.close()


# -- requests ------------------------------------------------------------------------------------------------------

URL = "https://example.com/media"


def picture(width: int = 400, height: int = 300) -> bytes:
    """A plain picture of a size."""
    written = io.BytesIO()
    Image.new("RGB", (width, height)).save(written, "PNG")
    return written.getvalue()


def refusal(cls: type[Call], **given: Any) -> str:
    """What is said when these arguments are refused."""
    with pytest.raises(RequestRefused) as caught:
        cls(**given)
    return str(caught.value)


@dataclass(frozen=True)
class Rule:
    """One rule of a workflow: arguments that keep to it, the change that breaks it, and what the refusal must say."""

    name: str
    cls: type[Call]
    good: dict[str, Any]
    bad: dict[str, Any]
    said: str

    def hold(self) -> None:
        """Check both sides."""
        assert self.cls(**self.good).wire()
        assert self.said in refusal(self.cls, **{**self.good, **self.bad})


def named(rule: Rule) -> str:
    """A sentence as the test's name."""
    return f"{rule.cls.title()}: {rule.name}".replace(" ", "-")

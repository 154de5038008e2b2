"""The fast way for questions changes nothing but the time they take, and no create ever goes over it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from kling_nb.api.client import AsyncKling
from kling_nb.api.errors import KlingError, ServiceUnavailable, Unconfirmed
from kling_nb.api.requests import Text2Video
from kling_nb.simulator import Fault

if TYPE_CHECKING:
    from kling_nb.simulator import Simulator

pytest.importorskip("httpx_aiohttp", reason="the extra `fast` is not installed")


@pytest.fixture(params=["fast", "httpx's own"])
def way(request: pytest.FixtureRequest) -> httpx.AsyncBaseTransport | None:
    return None if request.param == "fast" else httpx.AsyncHTTPTransport()


Way = httpx.AsyncBaseTransport | None


def ask(base_url: str, way: Way, what: Callable[[AsyncKling], Awaitable[Any]], timeout: float = 5.0) -> Any:
    async def once() -> Any:
        async with AsyncKling("sk-simulated", base_url=base_url, timeout=timeout, transport=way) as client:
            return await what(client)

    return asyncio.run(once())


def test_questions_are_answered_over_it(simulator: Simulator, way: Way) -> None:
    """A task is made one way and asked for the other, and the service sees the key and the answer is whole."""

    async def both(client: AsyncKling) -> None:
        task = await client.create(Text2Video("a red panda"))
        assert (await client.get("videos/text2video", task.task_id)).task_id == task.task_id
        assert [listed.task_id for listed in await client.list("videos/text2video")] == [task.task_id]

    ask(simulator.base_url, way, both)
    assert len(simulator.requests) == 3
    assert {asked.headers["authorization"] for asked in simulator.requests} == {f"Bearer {simulator.api_key}"}


@pytest.mark.parametrize("how", ["reset", "hang"])
def test_a_create_that_breaks_after_it_was_sent_is_never_taken_for_unsent(
    simulator: Simulator, way: Way, how: Any
) -> None:
    """The task was made and the connection broke: that is unconfirmed, for to send it again would be paid for twice."""
    simulator.faults.add(Fault("create", how, processed=True))
    with pytest.raises(Unconfirmed):
        ask(simulator.base_url, way, lambda client: client.create(Text2Video("a red panda")), timeout=0.5)
    assert len(simulator.tasks) == 1


@pytest.mark.parametrize("how", ["reset", "hang", "malformed"])
def test_a_question_that_breaks_may_be_asked_again(simulator: Simulator, way: Way, how: Any) -> None:
    """Whatever breaks below HTTP becomes the error that says that asking again is free."""
    simulator.faults.add(Fault("query", how, times=3))
    with pytest.raises(ServiceUnavailable):
        ask(simulator.base_url, way, lambda client: client.get("videos/text2video", "8123"), timeout=0.5)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="another-protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{", id="cut-short"),
        pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", id="broken-chunks"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc", id="no-gzip"),
        pytest.param(b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000 + b"\r\n\r\n", id="endless-header"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_an_answer_that_is_no_http_becomes_our_error(way: Way, answer: bytes) -> None:
    """No exception of the transport's reaches anybody, whatever comes over the wire."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async def once() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/v1"
        async with server, AsyncKling("sk-x", base_url=url, timeout=2.0, transport=way) as client:
            with pytest.raises(KlingError):
                await client.get("videos/text2video", "8123")

    asyncio.run(once())

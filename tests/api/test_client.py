"""The client sends what it was told, once, to where it was told, and keeps its key to itself."""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import Any

import pytest

from kling_nb.api.client import AsyncKling
from kling_nb.api.errors import (
    KlingError,
    MissingKey,
    RequestRefused,
    ServiceUnavailable,
    TaskNotFound,
    Unconfirmed,
)
from kling_nb.api.requests import Image2Video, KlingWarning, Text2Video

from .conftest import KEY, Canned, reply

TASK = {"task_id": "7", "task_status": "submitted", "created_at": 1722769557708, "updated_at": 1722769557708}
GOOD = reply(body={"code": 0, "message": "SUCCEED", "request_id": "r", "data": TASK})


def test_create_posts_the_request_with_the_key(canned: Canned) -> None:
    """The body is the request's own, the key is in the header, and the task is what came back."""
    request = Text2Video("a fox", duration=10)
    task = canned.ask(lambda kling: kling.create(request), GOOD)
    (asked,) = canned.asked
    assert (asked.method, asked.target) == ("POST", "/kling/v1/videos/text2video")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.json == request.wire()
    assert task.task_id == "7"


@pytest.mark.parametrize(
    ("workflow", "path"),
    [
        pytest.param("videos/text2video", "videos/text2video", id="a-path"),
        pytest.param("/videos/text2video/", "videos/text2video", id="a-path-with-slashes"),
        pytest.param("videos/avatar/image2video", "videos/avatar/image2video", id="a-path-of-three"),
        pytest.param("text2video", "videos/text2video", id="a-name"),
        pytest.param(Image2Video, "videos/image2video", id="a-class"),
        pytest.param(Text2Video("a fox"), "videos/text2video", id="a-request"),
        pytest.param("videos/of-next-year", "videos/of-next-year", id="a-path-that-nobody-knows"),
    ],
)
def test_get_asks_on_the_path_that_made_the_task(canned: Canned, workflow: Any, path: str) -> None:
    """Every way of naming a workflow leads to its query path."""
    canned.ask(lambda kling: kling.get(workflow, "7"), GOOD)
    assert canned.asked[0].target == f"/kling/v1/{path}/7"


def test_get_takes_our_own_id_too(canned: Canned) -> None:
    """The path takes either id."""
    canned.ask(lambda kling: kling.get("text2video", external_task_id="my id/1"), GOOD)
    assert canned.asked[0].target == "/kling/v1/videos/text2video/my%20id%2F1"


@pytest.mark.parametrize(
    "ids",
    [
        pytest.param({}, id="none"),
        pytest.param({"task_id": " "}, id="blank"),
        pytest.param({"task_id": ".."}, id="dots-that-would-leave-the-path"),
        pytest.param({"task_id": "7", "external_task_id": "8"}, id="both"),
    ],
)
def test_get_takes_exactly_one_id(canned: Canned, ids: dict[str, str]) -> None:
    """An empty id would ask for the list instead; nothing is sent."""
    with pytest.raises(RequestRefused, match="one id"):
        canned.ask(lambda kling: kling.get("text2video", **ids))
    assert canned.asked == []


def test_list_gives_tasks_and_sends_its_page(canned: Canned) -> None:
    """Page and size go as Kling names them."""
    tasks = canned.ask(
        lambda kling: kling.list("text2video", page=2, size=500), reply(body={"code": 0, "data": [TASK, TASK]})
    )
    assert canned.asked[0].target == "/kling/v1/videos/text2video?pageNum=2&pageSize=500"
    assert [task.task_id for task in tasks] == ["7", "7"]


def test_a_page_of_voices_may_be_longer(canned: Canned) -> None:
    """Kling gives up to 1,000 voices at once, and of nothing else more than 500."""
    canned.ask(lambda kling: kling.list("general/custom-voices", size=1000), reply(body={"code": 0, "data": []}))
    assert canned.asked[0].target == "/kling/v1/general/custom-voices?pageNum=1&pageSize=1000"


@pytest.mark.parametrize("given", [{"page": 0}, {"page": 1001}, {"size": 0}, {"size": 501}])
def test_list_refuses_pages_that_kling_refuses(canned: Canned, given: dict[str, int]) -> None:
    """Out of range is told here, with the range."""
    with pytest.raises(RequestRefused, match=r"it may be 1 to (1000|500)"):
        canned.ask(lambda kling: kling.list("text2video", **given))
    assert canned.asked == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(reply(301, b"", location="/"), RequestRefused, id="redirect"),
        pytest.param(reply(404, b"<html>no</html>", "text/html"), RequestRefused, id="html-404"),
        pytest.param(reply(body={"code": 0, "data": TASK}), ServiceUnavailable, id="one-task-in-place-of-a-list"),
        pytest.param(reply(404, {"code": 1203, "message": "?"}), TaskNotFound, id="kling-404"),
    ],
)
def test_a_service_without_lists_says_so(canned: Canned, answer: bytes, error: type[KlingError]) -> None:
    """The gateway documents no lists: whatever it answers is an error that the caller can tell apart."""
    with pytest.raises(error):
        canned.ask(lambda kling: kling.list("text2video"), answer)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="empty-object"),
        pytest.param([], id="a-list"),
        pytest.param("queued", id="a-word"),
        pytest.param({"task_status": "submitted"}, id="no-task-id"),
        pytest.param({"task_id": "7", "task_result": "soon"}, id="a-word-for-the-result"),
    ],
)
def test_a_good_looking_answer_without_a_task_is_unconfirmed(canned: Canned, data: Any) -> None:
    """Create was accepted, and what came back is no task: it may exist, and it is said so without a pydantic dump."""
    with pytest.raises(Unconfirmed, match="may exist and may be billed") as caught:
        canned.ask(lambda kling: kling.create(Text2Video("a fox")), reply(body={"code": 0, "data": data}))
    assert "pydantic" not in "".join(traceback.format_exception(caught.value))


def test_an_endless_answer_is_cut(canned: Canned, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that is too long is no answer, and fills no memory."""
    monkeypatch.setattr("kling_nb.api.client.ANSWER_BYTES", 1000)
    with pytest.raises(ServiceUnavailable, match="longer than"):
        canned.ask(lambda kling: kling.get("text2video", "7"), reply(body=b"x" * 5000))


def test_a_simulator_is_known_by_its_word(canned: Canned) -> None:
    """The header that every simulated answer has marks what comes back."""

    async def both(kling: AsyncKling) -> list[bool]:
        await kling.get("text2video", "7")
        before = kling.simulated
        await kling.get("text2video", "7")
        return [before, kling.simulated]

    marked = GOOD.replace(b"connection: close", b"x-kling-simulator: 1\r\nconnection: close")
    assert canned.ask(both, GOOD, marked) == [False, True]


def test_the_key_shows_nowhere(canned: Canned, caplog: pytest.LogCaptureFixture) -> None:
    """Not in a repr, a log down to DEBUG, an exception, its traceback, or the service's own words quoted back."""
    caplog.set_level(logging.DEBUG)
    shown = []

    async def trouble(kling: AsyncKling) -> None:
        shown.append(repr(kling))
        for _ in range(3):
            with pytest.raises(KlingError) as caught:
                await kling.create(Text2Video("a fox"))
            error: BaseException | None = caught.value
            while error is not None:
                shown.extend([str(error), repr(error), *traceback.format_exception(error)])
                shown.extend(repr(frame[0].f_locals) for frame in traceback.walk_tb(error.__traceback__))
                error = error.__context__

    echo = {"error": {"message": f"Incorrect API key provided: {KEY}", "type": "x", "code": "y"}}
    canned.ask(trouble, reply(401, echo), reply(502, f"<p>{KEY}</p>".encode()), b"")
    assert "HTTP 401" in "".join(shown)
    assert KEY not in "".join(shown)
    assert KEY not in caplog.text


def test_the_key_comes_from_the_environment(canned: Canned, monkeypatch: pytest.MonkeyPatch) -> None:
    """COMETAPI_KEY is the way to set it, and a newline at its end does no harm."""
    monkeypatch.setenv("COMETAPI_KEY", f"{KEY}\n")
    canned.answers.append(GOOD)

    async def asking() -> None:
        async with AsyncKling(base_url=canned.base_url) as kling:
            await kling.get("text2video", "7")

    asyncio.run(asking())
    assert canned.asked[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("key", [None, "", "  "])
def test_no_key_names_both_ways_out(key: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person without a key learns of the variable and of the simulator."""
    monkeypatch.delenv("COMETAPI_KEY", raising=False)
    with pytest.raises(MissingKey, match=r"COMETAPI_KEY.*simulator=True"):
        AsyncKling(key)


@pytest.mark.parametrize("key", ["sk-ключ", "sk-a\nb", "sk-\x00"])
def test_a_key_that_is_no_key_is_not_shown(key: str) -> None:
    """Pasted nonsense is refused before it becomes a header, without repeating it."""
    with pytest.raises(RequestRefused, match="copy it again") as caught:
        AsyncKling(key)
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "api.cometapi.com",
        "ftp://host/kling/v1",
        "https://",
        "http://host:port/v1",
        "https://host/v1?x=1",
        "https://[",
    ],
)
def test_a_base_url_that_leads_nowhere_is_refused(base_url: str) -> None:
    """A typo in the setting is told at once, with an example."""
    with pytest.raises(RequestRefused, match="base_url"):
        AsyncKling(KEY, base_url=base_url)


def test_a_password_in_the_base_url_is_refused_and_not_shown() -> None:
    """It would take the key's place, and show in every message."""
    with pytest.raises(RequestRefused, match="api_key") as caught:
        AsyncKling(KEY, base_url="https://user:secret@host/v1")
    assert "secret" not in str(caught.value)


def test_a_base_url_without_https_is_warned_of() -> None:
    """Beyond this machine the key would be readable on the way."""
    with pytest.warns(KlingWarning, match="without https"):
        AsyncKling(KEY, base_url="http://gateway.example/kling/v1")


def test_a_closed_client_says_so(canned: Canned) -> None:
    """Using it after closing is told plainly, and nothing is sent."""

    async def late() -> None:
        kling = AsyncKling(KEY, base_url=canned.base_url)
        await kling.close()
        await kling.create(Text2Video("a fox"))

    with pytest.raises(KlingError, match="this client is closed"):
        asyncio.run(late())
    assert canned.asked == []


def test_no_connection_means_nothing_was_sent() -> None:
    """A service that is not there cost nothing, and trying again is safe."""

    async def asking() -> None:
        async with AsyncKling(KEY, base_url="http://127.0.0.1:9/kling/v1") as kling:
            await kling.create(Text2Video("a fox"))

    with pytest.raises(ServiceUnavailable, match="Nothing was sent, nothing is billed"):
        asyncio.run(asking())

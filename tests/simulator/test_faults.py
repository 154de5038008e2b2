"""What can be made to go wrong, as a client sees it."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from kling_nb.simulator import Fault

from .conftest import Asker

PATH = "images/generations"
FOX = {"prompt": "a fox"}


@pytest.fixture
def task_id(ask: Asker) -> str:
    found: str = ask.finish(PATH, **FOX)["task_id"]
    return found


def test_an_error_of_klings_has_its_code_and_header(ask: Asker, task_id: str) -> None:
    """A status comes with the code that belongs to it, in Kling's envelope, with Retry-After where it is asked for."""
    ask.simulator.faults.add(Fault("query", "status", status=429, retry_after="7", message="slow down"))
    answer = ask.get(f"{PATH}/{task_id}")
    assert (answer.status_code, answer.json()["code"], answer.json()["message"]) == (429, 1302, "slow down")
    assert answer.headers["retry-after"] == "7"
    assert answer.json()["request_id"]
    assert ask.get(f"{PATH}/{task_id}").status_code == 200


def test_a_code_can_be_chosen(ask: Asker) -> None:
    """The content policy answers 400 like many others; which code it is decides."""
    ask.simulator.faults.add(Fault("create", "status", status=400, code=1301))
    answer = ask.post(PATH, FOX)
    assert (answer.status_code, answer.json()["code"]) == (400, 1301)


def test_the_gateways_words_can_be_chosen(ask: Asker, task_id: str) -> None:
    """A task that was only just made may not be known yet: the gateway says so in an envelope of its own."""
    ask.simulator.faults.add(Fault("query", "status", status=400, code="task_not_exist"))
    answer = ask.get(f"{PATH}/{task_id}")
    assert (answer.status_code, answer.json()["code"], answer.json()["data"]) == (400, "task_not_exist", None)
    assert ask.get(f"{PATH}/{task_id}").status_code == 200


def test_a_fault_hits_as_often_as_it_says(ask: Asker, task_id: str) -> None:
    """Two requests, or all of them until the faults are cleared; other requests are left alone."""
    ask.simulator.faults.add(Fault("query", "status", times=2))
    assert [ask.get(f"{PATH}/{task_id}").status_code for _ in range(3)] == [503, 503, 200]
    ask.simulator.faults.add(Fault("query", "status", status=500, times=None))
    assert {ask.get(f"{PATH}/{task_id}").status_code for _ in range(5)} == {500}
    assert ask.get(PATH).status_code == 200
    assert len(ask.simulator.faults) == 1
    ask.simulator.faults.clear()
    assert ask.get(f"{PATH}/{task_id}").status_code == 200


def test_a_proxys_page_and_half_an_answer(ask: Asker) -> None:
    """HTML where JSON belongs, and JSON that ends in the middle."""
    ask.simulator.faults.add(Fault("list", "html", status=502), Fault("list", "malformed"))
    page, half = ask.get(PATH), ask.get(PATH)
    assert page.status_code == 502
    assert page.headers["content-type"].startswith("text/html")
    assert half.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        half.json()


def test_a_reset_and_an_answer_that_never_comes(ask: Asker, task_id: str) -> None:
    """The connection is reset without a byte; or nothing comes until the client gives up. Neither has a status."""
    ask.simulator.faults.add(Fault("query", "reset"), Fault("query", "hang"))
    with pytest.raises(httpx.ReadError):
        ask.get(f"{PATH}/{task_id}")
    with pytest.raises(httpx.ReadTimeout):
        ask.http.get(f"/{PATH}/{task_id}", timeout=0.1)
    assert [asked.status for asked in ask.simulator.requests[-2:]] == [None, None]
    assert ask.get(f"{PATH}/{task_id}").status_code == 200


@pytest.mark.parametrize("how", ["status", "html", "malformed", "reset", "hang"])
@pytest.mark.parametrize("processed", [True, False], ids=["processed", "unprocessed"])
def test_an_answer_can_be_lost_after_the_task_was_made(ask: Asker, how: Any, processed: bool) -> None:
    """Whatever goes wrong with the answer, the task exists exactly when the fault says so."""
    name = f"{how}-{processed}"
    ask.simulator.faults.add(Fault("create", how, processed=processed))
    try:
        ask.http.post(f"/{PATH}", json={**FOX, "external_task_id": name}, timeout=0.5)
    except httpx.TransportError:
        assert how in ("reset", "hang")
    assert (ask.get(f"{PATH}/{name}").status_code == 200) is processed


def test_a_state_that_nobody_knows(ask: Asker, task_id: str) -> None:
    """A query may answer an unknown word, in an answer that is fine otherwise."""
    ask.simulator.faults.add(Fault("query", "unknown-status"))
    told = ask.task(PATH, task_id)
    assert told["task_status"] not in ("submitted", "processing", "succeed", "failed")
    assert told["task_id"] == task_id


# -- media ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def url(ask: Asker) -> str:
    found: str = ask.finish(PATH, **FOX)["task_result"]["images"][0]["url"]
    return found


def read(url: str, most: int = 10**7) -> tuple[int, int, str | None]:
    """Status, number of bytes that came before something broke or was enough, and the length that was promised."""
    got = 0
    with httpx.stream("GET", url, trust_env=False, timeout=5) as answer:
        try:
            for piece in answer.iter_raw():
                got += len(piece)
                if got >= most:
                    break
        except httpx.RemoteProtocolError:
            pass
        return answer.status_code, got, answer.headers.get("content-length")


def test_a_file_can_be_cut(ask: Asker, url: str) -> None:
    """The whole length is promised, and only a part of it comes."""
    whole = read(url)
    ask.simulator.faults.add(Fault("media", "truncated", after_bytes=700))
    assert read(url) == (200, 700, whole[2])
    assert read(url) == whole


def test_a_file_can_be_endless(ask: Asker, url: str) -> None:
    """No length is promised, and bytes come for as long as anybody reads."""
    ask.simulator.faults.add(Fault("media", "endless"))
    status, got, length = read(url, most=3_000_000)
    assert (status, length) == (200, None)
    assert got >= 3_000_000


def test_a_file_can_be_slow_and_whole(ask: Asker, url: str) -> None:
    """It comes piece by piece, a tenth of a second for each, and completely."""
    whole = read(url)
    ask.simulator.faults.add(Fault("media", "slow", after_bytes=whole[1] // 2))
    begun = time.monotonic()
    assert read(url) == whole
    assert time.monotonic() - begun > 0.15


def test_a_link_can_have_expired(ask: Asker, url: str) -> None:
    """A storage host's 403, which is no JSON."""
    ask.simulator.faults.add(Fault("media", "expired"))
    assert read(url)[0] == 403


@pytest.mark.parametrize(
    "given",
    [
        {"where": "create", "how": "truncated"},
        {"where": "media", "how": "failed"},
        {"where": "query", "how": "status", "times": 0},
    ],
)
def test_a_fault_that_cannot_be_is_refused(given: Any) -> None:
    """What does not fit together is said when the fault is made, not met with silence later."""
    with pytest.raises(ValueError, match=r"where =|times ="):
        Fault(**given)

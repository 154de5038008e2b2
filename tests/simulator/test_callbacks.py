"""Calls to a task's owner: really made, at every change, to this machine only."""

from __future__ import annotations

import http.server
import json
import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Asker

PATH = "images/generations"


class Owner(http.server.ThreadingHTTPServer):
    """Somebody who waits to be called."""

    def __init__(self) -> None:
        self.calls: queue.Queue[tuple[dict[str, str], Any]] = queue.Queue()
        calls = self.calls

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                calls.put(({name.lower(): value for name, value in self.headers.items()}, json.loads(body)))
                self.send_response(500 if self.path == "/broken" else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        super().__init__(("127.0.0.1", 0), Answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def owner() -> Iterator[Owner]:
    with Owner() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_the_owner_is_called_at_every_change(ask: Asker, owner: Owner) -> None:
    """What is sent is what a query answers, without any key; the last call has the result."""
    task_id = ask.create("videos/text2video", prompt="call me", callback_url=f"{owner.url}/")["task_id"]
    calls = [owner.calls.get(timeout=30) for _ in range(2)]
    assert [told["task_status"] for _, told in calls] == ["processing", "succeed"]
    assert calls[1][1] == ask.task("videos/text2video", task_id)
    assert all("authorization" not in headers for headers, _ in calls)


@pytest.mark.parametrize("path", ["/broken", None], ids=["answers-500", "is-not-there"])
def test_an_owner_who_does_not_answer_changes_nothing(ask: Asker, owner: Owner, path: str | None) -> None:
    """The task succeeds, and what became of the calls is on record."""
    url = f"{owner.url}{path}" if path else "http://127.0.0.1:9/"
    task = ask.finish(PATH, prompt=f"nobody is there {path}", callback_url=url)
    assert task["task_status"] == "succeed"
    made = ask.simulator.tasks[-1]
    while not made.callbacks or made.callbacks[-1][0] != "succeed":
        threading.Event().wait(0.01)
    outcome = made.callbacks[-1][1]
    assert outcome == 500 if path else "ConnectError" in str(outcome)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "http://127.0.0.1.example.com/",
        "http://user@10.0.0.1/",
        "http://[::2]/",
        "ftp://127.0.0.1/",
        "http://[not-an-address/",
        "127.0.0.1:80",
    ],
)
def test_nobody_else_is_called(ask: Asker, url: str) -> None:
    """An address that is not this machine's is refused before a task is made, and the refusal says why."""
    before = len(ask.simulator.tasks)
    answer = ask.post(PATH, {"prompt": "a fox", "callback_url": url})
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert "only addresses on this machine" in answer.json()["message"]
    assert len(ask.simulator.tasks) == before

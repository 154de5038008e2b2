"""The simulator's own routes, for a test in another process."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from .conftest import Asker


def control(ask: Asker, method: str, path: str, content: Any = None) -> httpx.Response:
    return ask.http.request(method, f"http://127.0.0.1:{ask.simulator.port}/simulator/{path}", json=content)


def test_faults_are_added_and_cleared_over_http(ask: Asker) -> None:
    """One fault or several, as in Python."""
    assert control(ask, "POST", "faults", {"where": "list", "how": "status", "status": 500}).json() == {"waiting": 1}
    more = [{"where": "list", "how": "html", "status": 502}, {"where": "list", "how": "reset"}]
    assert control(ask, "POST", "faults", more).json() == {"waiting": 3}
    assert [ask.get("images/generations").status_code for _ in range(2)] == [500, 502]
    assert control(ask, "DELETE", "faults").json() == {"waiting": 0}
    assert ask.get("images/generations").status_code == 200


@pytest.mark.parametrize(
    "fault", [{"where": "list"}, {"where": "list", "how": "status", "why": 1}, {"where": "list", "how": "failed"}, 5]
)
def test_a_fault_that_is_none_is_refused(ask: Asker, fault: Any) -> None:
    """What the simulator does not know is not silently ignored."""
    answer = control(ask, "POST", "faults", fault)
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)


def test_what_was_asked_is_told_without_the_key(ask: Asker) -> None:
    """Requests and tasks are listed as they came; the key is in neither."""
    ask.create("images/generations", prompt="over http", surplus=1)
    requests, tasks = control(ask, "GET", "requests"), control(ask, "GET", "tasks")
    asked = requests.json()[-2]
    assert (asked["method"], asked["path"], asked["status"]) == ("POST", "/kling/v1/images/generations", 200)
    assert ask.simulator.api_key not in requests.text
    last = tasks.json()[-1]
    assert (last["path"], last["request"]["prompt"], last["ignored"]) == (
        "images/generations",
        "over http",
        ["surplus"],
    )


def test_the_routes_want_the_key(ask: Asker) -> None:
    """Another page in the person's browser can neither break the simulator nor read what was asked."""
    del ask.http.headers["authorization"]
    assert control(ask, "GET", "requests").status_code == 401
    assert control(ask, "POST", "faults", {"where": "list", "how": "reset"}).status_code == 401


def test_there_are_no_other_routes(ask: Asker) -> None:
    """A typing error is answered, not ignored."""
    assert control(ask, "GET", "faultz").status_code == 404

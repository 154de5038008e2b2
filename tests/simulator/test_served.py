"""Media as it is served: whole, in parts, to anybody, and nothing else from this machine's disk."""

from __future__ import annotations

import httpx
import pytest

from kling_nb.simulator import Simulator

from .conftest import Asker


@pytest.fixture
def url(ask: Asker) -> str:
    found: str = ask.finish("images/generations", prompt="a fox")["task_result"]["images"][0]["url"]
    return found


def get(url: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.get(url, headers=named, trust_env=False)


def test_a_file_comes_whole_with_its_length_and_name_of_version(url: str) -> None:
    """Content-Length, ETag and the promise of ranges come with every file, and no key is needed."""
    answer = get(url)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.headers["accept-ranges"] == "bytes"
    assert get(url).headers["etag"] == answer.headers["etag"]


def test_a_download_is_resumed(url: str) -> None:
    """The rest of a file comes as such, and together with the first part it is the file."""
    whole = get(url).content
    first, rest = get(url, range="bytes=0-999"), get(url, range="bytes=1000-")
    assert (first.status_code, rest.status_code) == (206, 206)
    assert first.headers["content-range"] == f"bytes 0-999/{len(whole)}"
    assert first.content + rest.content == whole
    assert get(url, range=f"bytes={len(whole)}-").status_code == 416


def test_a_part_of_another_version_is_not_given(url: str) -> None:
    """With If-Range a part comes only while the file is the same; else it comes whole."""
    etag = get(url).headers["etag"]
    assert get(url, range="bytes=5-", if_range=etag).status_code == 206
    assert get(url, range="bytes=5-", if_range='"another"').status_code == 200


def test_a_link_takes_no_key(url: str, quick: Simulator) -> None:
    """A request for media that carries a key is refused, so that a client that leaks it is found out."""
    answer = get(url, authorization=f"Bearer {quick.api_key}")
    assert answer.status_code == 400
    assert quick.requests[-1].headers["authorization"] == f"Bearer {quick.api_key}"


@pytest.mark.parametrize(
    "name",
    ["", "nothing.png", "..", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%2f..%2f..%2fetc/passwd", "image-0.png%00", "."],
)
def test_nothing_else_is_served(url: str, name: str) -> None:
    """Names that are not those of a result lead nowhere."""
    answer = get(f"{url.rpartition('/')[0]}/{name}")
    assert answer.status_code in (400, 404)
    assert b"root:" not in answer.content


def test_a_file_is_not_served_before_it_is_finished(quick: Simulator, ask: Asker) -> None:
    """A guessed link to a task under way leads nowhere."""
    task_id = ask.create("videos/text2video", prompt="guess where I am", model_name="kling-v1-6")["task_id"]
    answer = get(f"http://127.0.0.1:{quick.port}/media/{task_id}/video.mp4")
    task = next(task for task in quick.tasks if task.task_id == task_id)
    assert answer.status_code == 404 or task.made.done()

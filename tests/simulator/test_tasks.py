"""Tasks by the clock: their states, ids, lists, limits, prices, and what the account may still refer to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from kling_nb.simulator import Fault, Simulator

from .conftest import Asker, picture

T2V, IMAGES = "videos/text2video", "images/generations"
DAY = 24 * 3600


class Clock:
    """A clock that only a test sets forward."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slow(clock: Clock) -> Iterator[Asker]:
    """A simulator at Kling's own speed, on a clock that stands still."""
    with Simulator(speed=1.0, seed=1, clock=clock) as simulator:
        asker = Asker(simulator)
        with asker.http:
            yield asker


def rendered(ask: Asker) -> None:
    """Wait until the files of all tasks are there."""
    for task in ask.simulator.tasks:
        done = threading.Event()
        task.made.add_done_callback(lambda _, done=done: done.set())
        assert done.wait(30)


def test_a_task_is_submitted_then_processing_then_succeeds(slow: Asker, clock: Clock) -> None:
    """States follow the clock in Kling's order, with the time of each change, and a result only at the end."""
    made = slow.create(IMAGES, prompt="a fox")
    assert (made["task_status"], made["created_at"]) == ("submitted", 1_800_000_000_000)
    rendered(slow)
    task = slow.simulator.tasks[0]
    assert 5 < task.takes < 80

    seen = []
    for share in (0.0, 0.5, 0.999, 1.001):
        clock.now = 1_800_000_000 + share * task.takes
        seen.append(slow.task(IMAGES, made["task_id"]))
    assert [one["task_status"] for one in seen] == ["submitted", "processing", "processing", "succeed"]
    assert [one["task_result"] for one in seen[:3]] == [{}, {}, {}]
    assert "final_unit_deduction" not in seen[1]
    assert seen[3]["final_unit_deduction"] == "0.025"
    assert seen[0]["updated_at"] == made["created_at"] < seen[1]["updated_at"] < seen[3]["updated_at"]
    assert seen[3]["updated_at"] == pytest.approx((1_800_000_000 + task.takes) * 1000, abs=1)


def test_a_task_does_not_end_before_its_file_is_there(ask: Asker) -> None:
    """However short its render time, a task is processing until there is something to fetch."""
    task_id = ask.create(T2V, prompt="never rendered before", model_name="kling-v1-6")["task_id"]
    told = ask.task(T2V, task_id)
    task = next(one for one in ask.simulator.tasks if one.task_id == task_id)
    assert told["task_status"] == "processing" or task.made.done()


def test_equal_requests_are_rendered_once(ask: Asker) -> None:
    """The same words and settings under another id are another task with the same file."""
    first = ask.finish(IMAGES, prompt="twins", external_task_id="twin-1")
    second = ask.finish(IMAGES, prompt="twins", external_task_id="twin-2")
    other = ask.finish(IMAGES, prompt="twins", resolution="2k")
    one, two, three = (
        next(task for task in ask.simulator.tasks if task.task_id == told["task_id"]).made
        for told in (first, second, other)
    )
    assert one is two is not three
    assert first["task_id"] != second["task_id"]
    assert first["task_result"]["images"][0]["url"] != second["task_result"]["images"][0]["url"]


def test_a_failed_task_says_why_and_costs_nothing(ask: Asker) -> None:
    """A task that is to fail is made, and ends with the reason."""
    ask.simulator.faults.add(Fault("create", "failed", message="the content was refused"))
    task = ask.finish(IMAGES, prompt="a fox")
    assert (task["task_status"], task["task_status_msg"]) == ("failed", "the content was refused")
    assert task["task_result"] == {}
    assert "final_unit_deduction" not in task


# -- ids and lists -------------------------------------------------------------------------------------------------


def test_a_task_is_found_by_both_ids_on_its_own_path_only(ask: Asker) -> None:
    """Kling's id and the owner's lead to the task, on the path that made it and on no other."""
    task_id = ask.create(IMAGES, prompt="a fox", external_task_id="mine/1 ü")["task_id"]
    for name in (task_id, "mine%2F1%20%C3%BC"):
        found = ask.task(IMAGES, name)
        assert (found["task_id"], found["task_info"]) == (task_id, {"external_task_id": "mine/1 ü"})
    answer = ask.get(f"images/omni-image/{task_id}")
    assert (answer.status_code, answer.json()["code"]) == (400, "task_not_exist")


def test_an_owners_id_is_taken_once(ask: Asker) -> None:
    """A second task under the same id is refused, whatever its path, and none is made."""
    ask.create(IMAGES, prompt="a fox", external_task_id="once")
    before = len(ask.simulator.tasks)
    answer = ask.post("images/omni-image", {"prompt": "a fox", "external_task_id": "once"})
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert "external_task_id" in answer.json()["message"]
    assert len(ask.simulator.tasks) == before


def test_lip_sync_tasks_are_not_found_by_the_owners_id(ask: Asker) -> None:
    """Kling's document gives no such way for advanced-lip-sync, so there is none here."""
    video = ask.finish(T2V, prompt="a fox")["task_result"]["videos"][0]["id"]
    session = ask.create("videos/identify-face", video_id=video)["session_id"]
    said = ask.create("audio/tts", text="Hello there, my old friend.", voice_id="AOT", voice_language="en")
    face = {"face_id": "0", "audio_id": said["task_result"]["audios"][0]["id"], "sound_start_time": 0}
    face |= {"sound_end_time": 2000, "sound_insert_time": 0}
    path = "videos/advanced-lip-sync"
    task_id = ask.create(path, session_id=session, face_choose=[face], external_task_id="lips")["task_id"]
    assert ask.get(f"{path}/{task_id}").status_code == 200
    assert ask.get(f"{path}/lips").status_code == 400


def test_lists_come_newest_first_in_pages(slow: Asker) -> None:
    """A page has the tasks of one path, the newest on the first, and an empty one comes after the last."""
    made = [slow.create(IMAGES, prompt=f"fox {number}")["task_id"] for number in range(5)]
    slow.create("images/omni-image", prompt="another path")
    pages = [
        [task["task_id"] for task in slow.get(IMAGES, pageNum=number, pageSize=2).json()["data"]]
        for number in (1, 2, 3, 4)
    ]
    assert pages == [made[:2:-1], made[2:0:-1], made[:1], []]
    assert len(slow.get(IMAGES).json()["data"]) == 5


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [("pageNum", 1, 0), ("pageNum", 1000, 1001), ("pageSize", 500, 501), ("pageSize", 1, "all"), ("pageSize", 1, -1)],
)
def test_pages_have_limits(ask: Asker, name: str, good: Any, bad: Any) -> None:
    """Pages are numbered 1 to 1000 and hold 1 to 500 tasks; anything else is refused by name."""
    assert ask.get(IMAGES, **{name: good}).status_code == 200
    answer = ask.get(IMAGES, **{name: bad})
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert name in answer.json()["message"]


# -- times, slots, units -------------------------------------------------------------------------------------------


def drawn(seed: int | None, speed: float = 1e3) -> list[float]:
    with Simulator(speed=speed, seed=seed, parallel=None) as simulator:
        ask = Asker(simulator)
        with ask.http:
            for _ in range(12):
                ask.create(IMAGES, prompt="a fox")
        return [task.takes * speed for task in simulator.tasks]


def test_render_times_belong_to_the_seed() -> None:
    """The same seed gives the same times at any speed, another one others; about half are above the median."""
    first, again, other = drawn(1), drawn(1, speed=1e4), drawn(2)
    assert first == pytest.approx(again)
    assert first != pytest.approx(other)
    assert 2 <= sum(takes > 20 for takes in first) <= 10


def test_longer_and_finer_videos_take_longer(clock: Clock) -> None:
    """With the same luck, pro takes longer than std, 10 s longer than 5 s, and a master longest."""
    takes = []
    for more in ({}, {"mode": "pro"}, {"duration": "10"}, {"model_name": "kling-v2-master"}):
        with Simulator(seed=1, clock=clock) as simulator:
            ask = Asker(simulator)
            with ask.http:
                ask.create(T2V, prompt="a fox", **more)
            takes.append(simulator.tasks[0].takes)
    assert takes[0] < takes[1] < takes[3]
    assert takes[0] < takes[2]


def test_tasks_in_flight_are_limited_by_kind(clock: Clock) -> None:
    """A picture counts once for each it makes; over the limit there is 1303 with 429, until a task has ended."""
    with Simulator(seed=1, clock=clock, parallel={"image": 4}) as simulator:
        ask = Asker(simulator)
        with ask.http:
            ask.create(IMAGES, prompt="a fox", n=3)
            over = ask.post(IMAGES, {"prompt": "a fox", "n": 2})
            assert (over.status_code, over.json()["code"]) == (429, 1303)
            assert over.json()["message"] == "parallel task over resource pack limit"
            ask.create(IMAGES, prompt="a fox", n=1)
            ask.create("audio/text-to-audio", prompt="rain", duration=3)
            rendered(ask)
            clock.now += 1000
            ask.create(IMAGES, prompt="a fox", n=4)
    assert len(simulator.tasks) == 4


@pytest.mark.parametrize(
    ("native", "status", "code"), [(True, 429, 1102), (False, 403, "insufficient_user_quota")], ids=["kling", "gateway"]
)
def test_what_is_spent_is_spent(native: bool, status: int, code: int | str) -> None:
    """A task that costs more than is left is refused, by Kling with its code, by the gateway in its own words."""
    with Simulator(speed=1e6, units=0.15) as simulator:
        ask = Asker(simulator, native=native)
        with ask.http:
            ask.create(IMAGES, prompt="a fox", n=4)
            over = ask.post(IMAGES, {"prompt": "a fox", "n": 4})
            assert over.status_code == status
            told = over.json()
            assert (told if native else told["error"])["code"] == code
            ask.create(IMAGES, prompt="a fox", n=2)


def test_costs_are_told_once_a_second(clock: Clock) -> None:
    """The account's pack shows what is left; asking again within the second is refused."""
    with Simulator(speed=1e6, units=100, clock=clock) as simulator:
        ask = Asker(simulator)
        with ask.http:
            ask.create(IMAGES, prompt="a fox", n=4)
            url = f"http://127.0.0.1:{simulator.port}/account/costs"
            pack = ask.http.get(url, params={"start_time": 1, "end_time": 2}).json()["data"]
            told = pack["resource_pack_subscribe_infos"][0]
            assert (told["total_quantity"], told["remaining_quantity"], told["status"]) == (100, 99.9, "online")
            again = ask.http.get(url, params={"start_time": 1, "end_time": 2})
            assert (again.status_code, again.json()["code"]) == (429, 1302)
            clock.now += 1
            lacking = ask.http.get(url, params={"start_time": 1})
            assert (lacking.status_code, lacking.json()["code"]) == (400, 1201)


# -- age -----------------------------------------------------------------------------------------------------------


def test_media_is_cleared_after_30_days(slow: Asker, clock: Clock) -> None:
    """A result's link answers 403 from then on, and what was made of it can no longer be extended."""
    slow.create(T2V, prompt="a fox")
    rendered(slow)
    clock.now += 1000
    video = slow.task(T2V, slow.simulator.tasks[0].task_id)["task_result"]["videos"][0]
    plain = slow.http.get(video["url"], headers={"Authorization": ""})
    assert plain.status_code == 400  # any Authorization at all is one too many for a link
    del slow.http.headers["authorization"]
    assert slow.http.get(video["url"]).status_code == 200
    clock.now += 30 * DAY
    assert slow.http.get(video["url"]).status_code == 403
    slow.http.headers["authorization"] = f"Bearer {slow.simulator.api_key}"
    refused = slow.post("videos/video-extend", {"video_id": video["id"]})
    assert (refused.status_code, refused.json()["code"]) == (400, 1201)
    assert "cleared" in refused.json()["message"]


def test_a_session_lasts_a_day(slow: Asker, clock: Clock) -> None:
    """Faces that were found 24 hours ago have to be found anew."""
    slow.create(T2V, prompt="a fox")
    rendered(slow)
    clock.now += 1000
    video = slow.task(T2V, slow.simulator.tasks[0].task_id)["task_result"]["videos"][0]
    session = slow.create("videos/multi-elements/init-selection", video_id=video["id"])["session_id"]
    clear = "videos/multi-elements/clear-selection"
    clock.now += DAY - 1
    assert slow.post(clear, {"session_id": session}).status_code == 200
    clock.now += 2
    refused = slow.post(clear, {"session_id": session})
    assert refused.status_code == 400
    assert "expired" in refused.json()["message"]


def test_a_video_under_way_cannot_be_used_yet(slow: Asker) -> None:
    """The id of a video that is not finished is as good as none."""
    task_id = slow.create(T2V, prompt="a fox")["task_id"]
    rendered(slow)
    assert slow.post("videos/video-extend", {"video_id": f"{task_id}00"}).status_code == 400


def test_videos_shorter_than_three_minutes_are_extended(ask: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would become longer than the longest video is refused."""
    from kling_nb.simulator.workflows import extend

    video = ask.finish(T2V, prompt="a fox", model_name="kling-v1-6")["task_result"]["videos"][0]["id"]
    monkeypatch.setattr(extend, "_LONGEST", 9.9)
    refused = ask.post("videos/video-extend", {"video_id": video})
    assert refused.status_code == 400
    assert "3 minutes" in refused.json()["message"]
    monkeypatch.setattr(extend, "_LONGEST", 10.0)
    assert ask.post("videos/video-extend", {"video_id": video}).status_code == 200


def test_the_record_of_tasks_is_as_they_came(ask: Asker) -> None:
    """What a test may look at: ids, path and the very JSON of the request, in order."""
    body = {"prompt": "a fox", "image": picture(), "external_task_id": "recorded"}
    task_id = ask.create("videos/image2video", **body)["task_id"]
    last = ask.simulator.tasks[-1]
    assert (last.task_id, last.external_task_id, last.path) == (task_id, "recorded", "videos/image2video")
    assert last.request == body

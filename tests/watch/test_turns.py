"""Whose turn it is: fair among jobs and among workflows, and calm after a sleep."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kling_nb.watch.following import Following
from kling_nb.watch.schedule import Kind
from kling_nb.watch.turns import SLEPT, SPREAD, Turns


class Clocks:
    """Two clocks that go only when told."""

    now = 1000.0
    wall = 1.7e9

    def pass_by(self, seconds: float, *, asleep: bool = False) -> None:
        self.wall += seconds
        self.now += 0 if asleep else seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def turns(clocks: Clocks) -> Turns:
    return Turns(lambda: clocks.now, lambda: clocks.wall)


def job(name: str = "a") -> Following:
    return Following(Kind("videos/text2video"), name, Path())


def taken(turns: Turns) -> list[str]:
    """Everybody whose turn it is now, in order."""
    names = []
    while turn := turns.take():
        names.append(turn[1].external_task_id)
    return names


def test_who_is_due_for_longest_comes_first(turns: Turns, clocks: Clocks) -> None:
    """A backlog is worked off in the order in which the jobs became due, whenever they were added."""
    for name, delay in (("late", 3.0), ("first", 1.0), ("middle", 2.0), ("not yet", 9.0)):
        turns.add(job(name), "video", delay)
    assert taken(turns) == []
    clocks.pass_by(5)
    assert taken(turns) == ["first", "middle", "late"]


def test_a_thousand_videos_do_not_starve_a_picture(turns: Turns) -> None:
    """Workflows take turns: a picture is asked for after one video, not after all of them."""
    for n in range(1000):
        turns.add(job(f"video {n}"), "video")
    turns.add(job("picture"), "image")
    first = [turns.take() for _ in range(2)]
    assert [turn and turn[1].external_task_id for turn in first] == ["video 0", "picture"]


def test_everybody_gets_a_turn_however_often_others_come_back(turns: Turns, clocks: Clocks) -> None:
    """With room for one request a second and jobs that want one each second, all are asked equally often."""
    jobs = [job(str(n)) for n in range(20)]
    counts = dict.fromkeys(jobs, 0)
    for each in jobs:
        turns.add(each, "video")
    for _ in range(200):
        clocks.pass_by(1)
        turn = turns.take()
        assert turn is not None
        counts[turn[1]] += 1
        turns.add(turn[1], "video", 1.0)
    assert set(counts.values()) == {10}


def test_a_job_waits_at_one_place_only(turns: Turns, clocks: Clocks) -> None:
    """Added again, put off or dropped, a job has the last of its turns and no other."""
    moved, put_off, dropped = job("moved"), job("put off"), job("dropped")
    for each in (moved, put_off, dropped):
        turns.add(each, "video", 1.0)
    turns.add(moved, "single")
    turns.put_off(put_off, 7.0)
    turns.drop(dropped)
    clocks.pass_by(2)
    assert taken(turns) == ["moved"]
    clocks.pass_by(6)
    assert taken(turns) == ["put off"]


def test_those_who_are_due_soon_come_along(turns: Turns, clocks: Clocks) -> None:
    """One request can ask for all that are due about now; the others stay."""
    for delay in (0.0, 0.5, 0.9, 5.0):
        turns.add(job(f"{delay:g}"), "video", delay)
    assert turns.take() is not None
    assert [each.external_task_id for each in turns.more("video", 1.0)] == ["0.5", "0.9"]
    clocks.pass_by(10)
    assert taken(turns) == ["5"]


def test_a_closed_lane_gets_no_turn(turns: Turns) -> None:
    """While one request asks for all videos, nobody asks for one of them besides."""
    turns.add(job("video"), "video")
    turns.closed.add("video")
    assert taken(turns) == []
    turns.reopen("video")
    assert taken(turns) == ["video"]


def test_after_a_sleep_everybody_is_asked_soon_but_not_at_once(turns: Turns, clocks: Clocks) -> None:
    """A laptop slept for an hour: 1,000 jobs are asked within a minute, spread over it."""
    for n in range(1000):
        turns.add(job(str(n)), "video", 300.0)
    assert taken(turns) == []
    clocks.pass_by(3600, asleep=True)
    seconds = []
    for _ in range(60):
        seconds.append(len(taken(turns)))
        clocks.pass_by(1)
    assert sum(seconds) == 1000
    assert max(seconds) < 4 / SPREAD
    assert SPREAD * 1000 < 60


def test_a_clock_that_counts_the_sleep_makes_no_burst_either(turns: Turns, clocks: Clocks) -> None:
    """Where the clock goes on during a sleep all jobs are overdue at once; they are spread all the same."""
    for n in range(1000):
        turns.add(job(str(n)), "video", 20.0)
    assert taken(turns) == []
    clocks.pass_by(SLEPT + 1)
    assert len(taken(turns)) < 4 / SPREAD


@pytest.mark.parametrize("jump", [-86400.0, -1.0, 1.0, SLEPT - 5])
def test_a_wall_clock_that_is_set_changes_no_turn(turns: Turns, clocks: Clocks, jump: float) -> None:
    """Setting the clock back, or forward a little, neither hurries nor holds up anybody."""
    turns.add(job("soon"), "video", 1.0)
    turns.add(job("later"), "video", 100.0)
    assert taken(turns) == []
    clocks.wall += jump
    clocks.pass_by(2)
    assert taken(turns) == ["soon"]
    clocks.pass_by(50)
    assert taken(turns) == []


def test_who_waits_longest_gets_the_next_turn() -> None:
    """Those who wait for a turn get one each, in order, as jobs become due, also sooner than what was waited for."""

    async def run() -> list[str]:
        turns, told = Turns(), list[str]()

        async def wait(name: str) -> None:
            lane, following = await turns.next()
            told.append(f"{name}: {lane} {following.external_task_id}")

        turns.add(job("much later"), "video", 3600.0)
        waiting = [asyncio.create_task(wait(name)) for name in ("first", "second", "third")]
        await asyncio.sleep(0)
        turns.add(job("now"), "video")
        turns.add(job("soon"), "image", 0.02)
        await asyncio.gather(*waiting[:2])
        waiting[2].cancel()
        return told

    assert asyncio.run(run()) == ["first: video now", "second: image soon"]


def test_a_turn_is_not_lost_with_who_was_to_have_it() -> None:
    """A turn given to one who stops waiting at that very moment is the next one's."""

    async def run() -> str:
        turns = Turns()
        waiting = asyncio.create_task(turns.next())
        await asyncio.sleep(0)
        turns.add(job("paid for"), "video")
        asyncio.get_running_loop().call_later(0, waiting.cancel)  # after the turn is given, before it is taken
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return (await asyncio.wait_for(turns.next(), 5))[1].external_task_id

    assert asyncio.run(run()) == "paid for"

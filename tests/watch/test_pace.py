"""The pace of requests: free until the service complains, then half of what was reached, then slowly more."""

from __future__ import annotations

import math

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from kling_nb.watch.pace import LONGEST_HOLD, RISE, SHORTEST_HOLD, SLOWEST, Pace


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(clock)


def send(pace: Pace, clock: Clock, seconds: float, most: float = 1000.0) -> list[float]:
    """Send as fast as the pace allows, at most so many a second, for some seconds; return the moments."""
    until, moments = clock.now + seconds, []
    while clock.now < until:
        clock.now = pace.reserve()
        moments.append(clock.now)
        clock.now += 1 / most
    clock.now = max(until, clock.now)
    return moments


def test_nothing_is_held_up_before_the_service_complains(pace: Pace, clock: Clock) -> None:
    """As long as all is well there is no limit but the connections."""
    assert len(send(pace, clock, 1.0, most=500)) == pytest.approx(500, abs=1)
    assert pace.rate == math.inf


def test_a_refusal_halves_the_rate_that_was_reached(pace: Pace, clock: Clock) -> None:
    """40 requests a second were too many: after a short silence it is 20."""
    send(pace, clock, 5.0, most=40)
    pace.refused()
    assert pace.rate == pytest.approx(20, rel=0.1)
    refused_at = clock.now
    moments = send(pace, clock, 11.0)
    assert moments[0] == pytest.approx(refused_at + SHORTEST_HOLD, abs=0.1)
    assert len(moments) == pytest.approx(200, rel=0.1)


def test_refusals_of_what_was_under_way_count_once(pace: Pace, clock: Clock) -> None:
    """Four requests were on their way when the limit was hit: the rate is halved, not divided by 16."""
    send(pace, clock, 5.0, most=40)
    for _ in range(4):
        pace.refused()
    assert pace.rate == pytest.approx(20, rel=0.1)


def test_the_rate_rises_little_by_little(pace: Pace, clock: Clock) -> None:
    """Each second without a complaint allows a little more, the same whatever the rate is."""
    send(pace, clock, 5.0, most=40)
    pace.refused()
    before = pace.rate
    clock.now += 60
    assert pace.rate == pytest.approx(before + 60 * RISE)


def test_it_finds_the_limit_that_nobody_told(pace: Pace, clock: Clock) -> None:
    """Against a service that takes 5 requests a second, most of those get through, and few are refused."""
    taken, refused, window = 0, 0, []
    until = clock.now + 600
    while clock.now < until:
        clock.now = pace.reserve()
        window = [moment for moment in window if moment > clock.now - 1]
        if len(window) < 5:
            window.append(clock.now)
            taken += 1
        else:
            refused += 1
            pace.refused()
        clock.now += 0.001
    assert taken > 0.6 * 5 * 600
    assert refused < 0.02 * taken


@pytest.mark.parametrize("seconds", [3.0, 90.0])
def test_retry_after_wins(pace: Pace, clock: Clock, seconds: float) -> None:
    """When the service names a time, nothing is sent before it."""
    send(pace, clock, 5.0, most=40)
    pace.refused(seconds)
    assert pace.reserve() >= clock.now + seconds


def test_a_senseless_retry_after_does_not_end_the_watching(pace: Pace, clock: Clock) -> None:
    """A service that asks for a year of silence is asked again after an hour."""
    pace.refused(3.2e7)
    assert pace.reserve() <= clock.now + LONGEST_HOLD


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.just("send"),
            st.tuples(st.just("wait"), st.floats(0, 1e4)),
            st.tuples(st.just("refused"), st.one_of(st.none(), st.floats(0, 1e9))),
        ),
        max_size=40,
    )
)
def test_whatever_happens_requests_go_on(events: list[object]) -> None:
    """No run of refusals stops it for good, and moments never go back."""
    clock = Clock()
    pace = Pace(clock)
    last = clock.now
    for event in events:
        match event:
            case "send":
                moment = pace.reserve()
                assert moment >= last
                last = moment
            case ("wait", float(seconds)):
                clock.now += seconds
            case ("refused", hint):
                pace.refused(hint)
    assert pace.rate >= SLOWEST
    assert pace.reserve() <= max(last, clock.now) + LONGEST_HOLD + 1 / SLOWEST


def test_who_waits_when_the_service_complains_waits_longer() -> None:
    """A request whose moment was near is held back by a refusal that comes before it."""

    async def measured() -> float:
        pace = Pace()
        for _ in range(20):
            pace.reserve()
        pace.refused()
        begun = anyio.current_time()
        async with anyio.create_task_group() as group:
            group.start_soon(pace.turn)
            await checkpoint()
            pace.refused(SHORTEST_HOLD + 0.2)
        return anyio.current_time() - begun

    assert anyio.run(measured) >= SHORTEST_HOLD + 0.2

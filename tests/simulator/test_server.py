"""Starting and stopping: in a notebook, twice, on a taken port, from the command line, without the extra."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from kling_nb.simulator import SIMULATED_KEY, Fault, Simulator
from kling_nb.simulator.server import serve

from .conftest import Asker


def alive(simulator: Simulator) -> bool:
    try:
        return httpx.get(f"{simulator.base_url}/videos/text2video", trust_env=False).status_code == 401
    except httpx.ConnectError:
        return False


def test_a_stopped_simulator_leaves_its_port_and_nothing_else() -> None:
    """After the stop the port is free at once, the files and the thread are gone, and the record is still there."""
    threads = set(threading.enumerate())
    with Simulator(speed=1e6) as simulator:
        ask = Asker(simulator)
        with ask.http:
            ask.finish("images/generations", prompt="a fox")
        folder = simulator.tasks[0].made.result()[0].files["url"].parent
        assert folder.exists()
    assert not alive(simulator)
    assert not folder.exists()
    assert [thread for thread in threading.enumerate() if thread not in threads] == []
    assert len(simulator.tasks) == 1
    assert simulator.requests[-1].method == "GET"
    with Simulator(port=simulator.port) as again:
        assert alive(again)
        assert again.tasks == []


def test_it_runs_beside_an_event_loop_that_is_busy() -> None:
    """As in a notebook's kernel: started from a coroutine, it answers while the loop is blocked."""

    async def cell() -> bool:
        with Simulator() as simulator:
            return alive(simulator)  # a blocking call: the loop of the cell stands still meanwhile

    assert asyncio.run(cell())


def test_two_run_side_by_side() -> None:
    """Each has its own port, key, tasks and faults."""
    with Simulator(api_key="sk-one") as one, Simulator(api_key="sk-two") as two:
        assert one.port != two.port
        one.faults.add(Fault("list", "status", times=None))
        first, second = Asker(one), Asker(two)
        with first.http, second.http:
            assert first.get("images/generations").status_code == 503
            assert second.get("images/generations").status_code == 200
            second.http.headers["authorization"] = "Bearer sk-one"
            assert second.get("images/generations").status_code == 401


def test_starting_and_stopping_twice_is_harmless() -> None:
    """A second start is the same simulator, a second stop is nothing."""
    simulator = Simulator()
    assert simulator.start() is simulator.start()
    port = simulator.port
    assert str(port) in repr(simulator)
    simulator.stop()
    simulator.stop()
    assert "not running" in repr(simulator)
    assert simulator.start().port == port
    simulator.stop()


def test_a_taken_port_is_an_error_at_once() -> None:
    """The start fails, and nothing is left running."""
    threads = threading.active_count()
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        Simulator(port=taken.getsockname()[1]).start()
    assert threading.active_count() == threads


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    """A simulator that never finishes would only waste an afternoon."""
    with pytest.raises(ValueError, match="speed"):
        Simulator(speed=speed)


def test_a_stop_waits_for_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    """Clients that still wait, and videos half rendered, hold up no stop; and nothing is printed about them."""
    simulator = Simulator(speed=1e6).start()
    simulator.faults.add(Fault("list", "hang"))
    ask = Asker(simulator)
    lost: list[Exception] = []

    def wait() -> None:
        try:
            ask.get("images/generations")
        except httpx.TransportError as error:
            lost.append(error)

    waiting = threading.Thread(target=wait)
    with ask.http:
        ask.create("videos/text2video", prompt="unfinished", duration="15", model_name="kling-v3", mode="pro")
        waiting.start()
        while len(simulator.requests) < 2:
            time.sleep(0.01)
        begun = time.monotonic()
        simulator.stop()
        took = time.monotonic() - begun
        waiting.join(5)
    assert took < 3  # rendering these 15 s alone takes longer
    assert len(lost) == 1
    assert capfd.readouterr() == ("", "")


def test_it_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """In a notebook that shows all log messages, starting and stopping shows none."""
    with caplog.at_level("DEBUG"), Simulator() as simulator:
        assert alive(simulator)
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """End a process that a failing test leaves behind."""
    try:
        yield
    finally:
        process.kill()


def test_the_command_line_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    """`serve` tells where it is, and leaves no file behind when it is asked to end."""
    code = (
        "from kling_nb.simulator import serve\n"
        "serve(speed=5, seed=1, started=lambda kling: print(kling.base_url, kling.api_key, flush=True))\n"
        "print('over', flush=True)\n"
    )
    for ending in (signal.SIGINT, signal.SIGTERM):
        with (
            subprocess.Popen(
                [sys.executable, "-c", code],
                stdout=subprocess.PIPE,
                text=True,
                env=os.environ | {"TMPDIR": str(tmp_path)},
            ) as process,
            ended(process),
        ):
            assert process.stdout is not None
            url, key = process.stdout.readline().split()
            assert key == SIMULATED_KEY
            assert httpx.get(f"{url}/videos/text2video", trust_env=False).status_code == 401
            assert list(tmp_path.glob("kling-simulator-*"))
            process.send_signal(ending)
            assert process.stdout.read() == "over\n"
            assert process.wait(10) == 0
        assert not list(tmp_path.glob("kling-simulator-*"))


def test_serve_says_that_a_port_is_taken() -> None:
    """The command line has an error to show, not a server that nobody reaches."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        serve(taken.getsockname()[1])


@pytest.mark.parametrize("lacking", ["av", "numpy", "PIL", "starlette", "uvicorn"])
def test_a_missing_extra_is_told_with_the_line_to_type(lacking: str) -> None:
    """Without what the simulator needs, faults and the key can be imported, and the simulator says what to install."""
    code = (
        f"import sys; sys.modules[{lacking!r}] = None\n"
        "from kling_nb.simulator import SIMULATED_KEY, Fault\n"
        "try:\n"
        "    from kling_nb.simulator import Simulator\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install 'kling-nb[simulator]'" in told
    assert lacking in told


def test_the_simulator_knows_nothing_of_the_client() -> None:
    """Its rules are its own: none of the client's modules is loaded with it."""
    code = (
        "import sys, kling_nb.simulator.server\n"
        "print([name for name in sys.modules if name.startswith('kling_nb.') and '.simulator' not in name])\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == "[]\n"

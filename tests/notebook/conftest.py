"""A real Jupyter kernel, driven as a front end drives it."""

from __future__ import annotations

import os
import queue
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_client.manager import start_new_kernel

import kling_nb as kling
from kling_nb.demo import use

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_client.blocking.client import BlockingKernelClient
    from jupyter_client.manager import KernelManager

    from kling_nb.simulator import Simulator

LONG = 60.0  # seconds at most that a cell may take


@pytest.fixture
def connected(simulator: Simulator) -> Iterator[Simulator]:
    """This process uses the simulator."""
    service = kling.connect(simulator=simulator)
    yield simulator
    service.close()


class Kernel:
    """A kernel whose outputs are gathered as a front end would show them.

    Attributes
    ----------
    shown
        What is displayed now, by display id: the newest MIME bundle.
    """

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self._manager = manager
        self._client = client
        self.shown: dict[str, dict[str, Any]] = {}
        self.updates = 0

    def run(self, code: str, *, fails: bool | None = False) -> str:
        """Run a cell to its end; return the text that it printed, or the error that ended it.

        Whether it fails has to be said beforehand; None is for either.
        """
        return self.finish(self.begin(code), fails=fails)

    def begin(self, code: str) -> str:
        """Start a cell; return the id of the request."""
        return str(self._client.execute(code))

    def finish(self, request: str, *, fails: bool | None = False) -> str:
        """Gather what a cell says until it has run."""
        text, failed = "", ""
        while True:
            kind, content = self._hear(request)
            if kind == "stream":
                text += content["text"]
            elif kind == "execute_result":
                text += content["data"]["text/plain"]
            elif kind == "error":
                failed = f"{content['ename']}: {content['evalue']}"
            elif kind == "status" and content["execution_state"] == "idle":
                assert fails in (None, bool(failed)), failed or text
                return failed or text

    def until_shown(self, marker: str) -> dict[str, Any]:
        """Wait until some display holds this text in its HTML; return its MIME bundle."""
        while True:
            for bundle in self.shown.values():
                if marker in bundle.get("text/html", ""):
                    return bundle
            self._hear(None)

    def until_said(self, text: str) -> None:
        """Wait until a cell has printed this."""
        while text not in self._hear(None)[1].get("text", ""):
            pass

    def interrupt(self) -> None:
        """Kernel > Interrupt."""
        self._manager.interrupt_kernel()

    def _hear(self, request: str | None) -> tuple[str, dict[str, Any]]:
        while True:
            try:
                message = self._client.get_iopub_msg(timeout=LONG)
            except queue.Empty:
                raise AssertionError(f"the kernel said nothing for {LONG:.0f} s") from None
            kind, content = message["msg_type"], message["content"]
            if kind in ("display_data", "update_display_data"):
                self.shown[content["transient"].get("display_id", message["header"]["msg_id"])] = content["data"]
                self.updates += kind == "update_display_data"
            if request is None or message["parent_header"].get("msg_id") == request:
                return kind, content


@pytest.fixture
def kernel(tmp_path: Path, simulator: Simulator) -> Iterator[Kernel]:
    """A kernel in a folder of its own, with the simulator as its Kling."""
    environment = (
        os.environ
        | use(simulator)
        | {
            "IPYTHONDIR": str(tmp_path / "ipython"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
    )
    manager, client = start_new_kernel(env=environment, cwd=str(tmp_path))
    made = Kernel(manager, client)
    made.run("import kling_nb as kling")
    yield made
    client.stop_channels()
    manager.shutdown_kernel(now=True)

"""What all tests share: a ledger of their own, and Kling on localhost."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from kling_nb.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the ledger, the key or the folder of the person who runs it."""
    for name in [name for name in os.environ if name.startswith("KLING_NB_")] + ["COMETAPI_KEY"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KLING_NB_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Kling on localhost, so fast that a render takes about half a second."""
    with Simulator(speed=200.0, seed=1) as running:
        yield running

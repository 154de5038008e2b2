"""Where orders become files: each is rendered once, in a worker thread, as soon as it is accepted."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from kling_nb.simulator.film import heed
from kling_nb.simulator.orders import Made, Order

__all__ = ["Studio"]

_WORKERS = 2
_MARKED = "watermark-"  # before the name of a file with a watermark

Make = Callable[[Order, Path], list[Made]]


class Studio:
    """Renders orders in threads of its own, into a temporary folder that goes with it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="kling-simulator-"))
        self._closed = threading.Event()
        self._workers = ThreadPoolExecutor(_WORKERS, "kling-simulator-render", heed, (self._closed,))
        self._lock = threading.Lock()
        self._begun: dict[str, Future[list[Made]]] = {}

    def begin(self, order: Order, make: Make) -> Future[list[Made]]:
        """Render an order, unless an equal one has been already."""
        key = order.key
        with self._lock:
            if key not in self._begun:
                self._begun[key] = self._workers.submit(_render, order, make, self.folder / key)
            return self._begun[key]

    def new_folder(self) -> Path:
        """A folder for files that belong to no order."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    def close(self) -> None:
        """Drop what is waiting or half done, and all files."""
        self._closed.set()
        self._workers.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def _render(order: Order, make: Make, folder: Path) -> list[Made]:
    folder.mkdir()
    made = make(order, folder)
    if not (order.body.get("watermark_info") or {}).get("enabled"):
        return made
    apart = folder / "watermark"
    apart.mkdir()
    marked = make(order.watermarked(), apart)
    return [_with_watermark(one, other, folder) for one, other in zip(made, marked, strict=True)]


def _with_watermark(made: Made, marked: Made, folder: Path) -> Made:
    if "url" not in made.files:
        return made
    file = folder / f"{_MARKED}{made.files['url'].name}"
    marked.files["url"].rename(file)
    return replace(made, files={**made.files, "watermark_url": file})

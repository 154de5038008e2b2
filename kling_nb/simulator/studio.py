"""Where requests become files: each is rendered once, in a worker thread, as soon as it is accepted."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from kling_nb.simulator.models import VIDEO
from kling_nb.simulator.render import Shot, image_video, probe, text_video
from kling_nb.simulator.rules import JSON

__all__ = ["Made", "Order", "Studio"]

_WORKERS = 2
_RATIOS = {"16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0}


@dataclass(frozen=True, slots=True)
class Order:
    """An accepted request: what was asked, with its defaults, and the media that came with it."""

    path: str
    body: JSON
    pictures: dict[str, Image.Image]
    digest: str  # of the bytes of that media

    @property
    def key(self) -> str:
        """Equal for equal requests; who asked, and how it is to be told, makes no difference."""
        names = ("external_task_id", "callback_url", *self.pictures)
        asked = {name: value for name, value in self.body.items() if name not in names}
        said = json.dumps([self.path, asked, self.digest], sort_keys=True)
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Made:
    """One finished file."""

    kind: str
    file: Path
    seconds: float = 0.0


class Studio:
    """Renders orders in threads of its own, into a temporary folder that goes with it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="kling-simulator-"))
        self._workers = ThreadPoolExecutor(_WORKERS, "kling-simulator-render")
        self._lock = threading.Lock()
        self._begun: dict[str, Future[list[Made]]] = {}

    def begin(self, order: Order) -> Future[list[Made]]:
        """Render an order unless an equal one has been already."""
        with self._lock:
            if order.key not in self._begun:
                folder = self.folder / order.key
                self._begun[order.key] = self._workers.submit(_render, order, folder)
            return self._begun[order.key]

    def close(self) -> None:
        """Drop what is waiting and all files."""
        self._workers.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def _render(order: Order, folder: Path) -> list[Made]:
    folder.mkdir(exist_ok=True)
    return _RENDERERS[order.path](order, folder)


def _label(body: JSON) -> str:
    return f"{body['model_name']} {body['mode']} {body['duration']} s"


def _shot(order: Order, ratio: float) -> Shot:
    body = order.body
    model, kind = VIDEO[body["model_name"]], order.path.removeprefix("videos/").partition("2")[0]
    short = model.short_side(body["mode"])
    long = round(short * max(ratio, 1 / ratio) / 2) * 2
    words = body.get("prompt") or " / ".join(shot["prompt"] for shot in body.get("multi_prompt") or ())
    return Shot(
        words,
        (long, short) if ratio >= 1 else (short, long),
        float(body["duration"]),
        fps=30 if model.thirty in (kind, "both") else 24,
        label=_label(body),
    )


def _film(path: Path) -> list[Made]:
    return [Made("video", path, probe(path).seconds)]


def _text2video(order: Order, folder: Path) -> list[Made]:
    path, body = folder / "video.mp4", order.body
    shot = _shot(order, _RATIOS[body["aspect_ratio"]])
    text_video(path, shot, sound=body["sound"] == "on", camera=body.get("camera_control"))
    return _film(path)


def _image2video(order: Order, folder: Path) -> list[Made]:
    path, pictures = folder / "video.mp4", order.pictures
    first, last = pictures.get("image"), pictures.get("image_tail")
    model = first or last
    assert model is not None  # a rule says so
    shot = _shot(order, model.width / model.height)
    image_video(path, shot, [first] if first else [], last=last, sound=order.body["sound"] == "on")
    return _film(path)


_RENDERERS: dict[str, Callable[[Order, Path], list[Made]]] = {
    "videos/text2video": _text2video,
    "videos/image2video": _image2video,
}

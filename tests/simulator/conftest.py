"""What the simulator's tests share: a client that is not ours, media of any size, and a server to fetch it from."""

from __future__ import annotations

import base64
import functools
import http.server
import io
import re
import threading
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from PIL import Image, ImageDraw

from kling_nb.simulator import Simulator


class Asker:
    """Kling's interface spoken plainly, by nothing but an HTTP client."""

    def __init__(self, simulator: Simulator, *, native: bool = False) -> None:
        self.simulator = simulator
        self.http = httpx.Client(
            base_url=simulator.native_url if native else simulator.base_url,
            headers={"Authorization": f"Bearer {simulator.api_key}"},
            trust_env=False,
            timeout=60,
        )

    def post(self, path: str, body: Any) -> httpx.Response:
        return self.http.post(f"/{path}", json=body)

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.http.get(f"/{path}", params=params)

    def create(self, path: str, **body: Any) -> dict[str, Any]:
        """The data of a good answer to a request."""
        answer = self.post(path, body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["code"] == 0
        data: dict[str, Any] = answer.json()["data"]
        return data

    def task(self, path: str, task_id: str) -> dict[str, Any]:
        data: dict[str, Any] = self.get(f"{path}/{task_id}").json()["data"]
        return data

    def finish(self, path: str, **body: Any) -> dict[str, Any]:
        """A task, asked for until it has ended."""
        task_id = self.create(path, **body)["task_id"]
        while (task := self.task(path, task_id))["task_status"] in ("submitted", "processing"):
            time.sleep(0.03)
        return task

    def fetch(self, url: str, folder: Path) -> Path:
        """A result's file, as anybody gets it: without a key."""
        answer = httpx.get(url, trust_env=False)
        assert answer.status_code == 200, url
        file = folder / url.rpartition("/")[2]
        file.write_bytes(answer.content)
        return file


@pytest.fixture(scope="session")
def quick() -> Iterator[Simulator]:
    """A simulator for all files to share: as good as no render times, and equal requests are rendered once."""
    with Simulator(speed=1e6, seed=1) as running:
        yield running


@pytest.fixture
def ask(quick: Simulator) -> Iterator[Asker]:
    asker = Asker(quick)
    with asker.http:
        yield asker
    quick.faults.clear()


# -- media ---------------------------------------------------------------------------------------------------------


@functools.cache
def picture_bytes(width: int = 480, height: int = 360, colour: str = "teal", kind: str = "PNG") -> bytes:
    """A picture with a bright disc on a plain ground."""
    image = Image.new("RGB", (width, height), colour)
    side = min(width, height)
    ImageDraw.Draw(image).ellipse((side * 0.2, side * 0.2, side * 0.6, side * 0.6), "gold")
    held = io.BytesIO()
    image.save(held, kind)
    return held.getvalue()


def picture(width: int = 480, height: int = 360, colour: str = "teal", kind: str = "PNG") -> str:
    """The same as Kling takes it: bare base64."""
    return base64.b64encode(picture_bytes(width, height, colour, kind)).decode()


@functools.cache
def sound_bytes(seconds: float) -> bytes:
    """A tone that comes and goes twice a second, as WAV."""
    rate = 8000
    time_of = np.arange(round(seconds * rate)) / rate
    tone = 90 * np.sin(2 * np.pi * 440 * time_of) * (np.sin(2 * np.pi * 2 * time_of) > 0) + 128
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(rate)
        file.writeframes(tone.astype(np.uint8).tobytes())
    return held.getvalue()


def sound(seconds: float) -> str:
    return base64.b64encode(sound_bytes(seconds)).decode()


@functools.cache
def film_bytes(width: int, height: int, seconds: float, fps: int, kind: str = "mp4") -> bytes:
    """A plain grey film."""
    held = io.BytesIO()
    with av.open(held, "w", format=kind) as file:
        stream = file.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(round(seconds * fps)):
            frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 90, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return held.getvalue()


class _Shop(http.server.BaseHTTPRequestHandler):
    """Serves any media by its name, such as /film-1280x720-5s-24fps.mp4."""

    def do_GET(self) -> None:
        if found := re.fullmatch(r"/film-(\d+)x(\d+)-([\d.]+)s-(\d+)fps\.(mp4|mov|avi)", self.path):
            body = film_bytes(int(found[1]), int(found[2]), float(found[3]), int(found[4]), found[5])
        elif found := re.fullmatch(r"/picture-(\d+)x(\d+)\.png", self.path):
            body = picture_bytes(int(found[1]), int(found[2]))
        elif found := re.fullmatch(r"/sound-([\d.]+)s\.wav", self.path):
            body = sound_bytes(float(found[1]))
        elif self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("location", "https://example.com/picture.png")
            self.end_headers()
            return
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="session")
def shop() -> Iterator[str]:
    """Where to fetch media of any size by its name."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Shop) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def film(size: str, seconds: float, fps: int = 24, kind: str = "mp4") -> str:
    """A film of the shop, in a table that does not know yet where the shop is."""
    return f"shop:film-{size}-{seconds}s-{fps}fps.{kind}"


# -- looking at media ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Film:
    """What is in a video file."""

    seconds: float
    size: tuple[int, int]
    fps: float
    codecs: tuple[str, ...]
    frames: list[np.ndarray[Any, Any]]  # first, middle and last

    @classmethod
    def of(cls, file: Path) -> Film:
        with av.open(str(file)) as opened:
            video = opened.streams.video[0]
            pictures = [frame.to_ndarray(format="rgb24") for frame in opened.decode(video)]
            return cls(
                (opened.duration or 0) / av.time_base,
                (video.width, video.height),
                float(video.average_rate or 0),
                tuple(stream.codec_context.name for stream in opened.streams),
                [pictures[0], pictures[len(pictures) // 2], pictures[-1]],
            )

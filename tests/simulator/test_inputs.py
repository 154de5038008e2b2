"""Media that requests bring along, beyond the rules in test_rules: sizes, orientation, traps."""

from __future__ import annotations

import base64
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kling_nb.simulator.loopback import is_loopback

from .conftest import Asker, Film, picture_bytes

PATH = "videos/image2video"


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def refused(ask: Asker, image: str) -> str:
    answer = ask.post(PATH, {"prompt": "a fox", "image": image})
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    message: str = answer.json()["message"]
    return message


def test_a_picture_of_more_than_10_mb_is_refused(ask: Asker) -> None:
    """Noise cannot be compressed: 12 MB of it is a picture that is too large as a file."""
    held = io.BytesIO()
    Image.frombytes("RGB", (2000, 2000), os.urandom(12_000_000)).save(held, "PNG", compress_level=0)
    assert "10MB" in refused(ask, encoded(held.getvalue()))


def test_a_picture_that_unpacks_to_gigabytes_is_refused(ask: Asker) -> None:
    """A few bytes that claim 100,000 pixels each way are not decoded."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    assert "not an image" in refused(ask, encoded(bomb))


@pytest.mark.parametrize("cut", [10, 100, -200])
def test_half_a_picture_is_refused(ask: Asker, cut: int) -> None:
    """A file that ends in the middle is no picture."""
    assert "not an image" in refused(ask, encoded(picture_bytes()[:cut]))


def test_a_picture_is_shown_upright(ask: Asker, tmp_path: Path) -> None:
    """A phone's photograph, stored lying with a note how to turn it, becomes an upright video."""
    image = Image.new("RGB", (600, 400), "navy")
    image.paste("gold", (0, 0, 600, 100))
    exif = image.getexif()
    exif[0x0112] = 6  # turn it by 90 degrees clockwise to see it
    held = io.BytesIO()
    image.save(held, "JPEG", exif=exif)
    task = ask.finish(PATH, prompt="upright", image=encoded(held.getvalue()))
    found = Film.of(ask.fetch(task["task_result"]["videos"][0]["url"], tmp_path))
    assert found.size == (720, 1080)
    first = found.frames[0].astype(int)
    right, left = first[400, -60], first[400, 60]
    assert right[0] > 180 > 80 > left[0]  # the stripe that was stored on top is on the right


def test_an_earlier_result_is_taken_by_its_link(ask: Asker, tmp_path: Path) -> None:
    """A picture that was made here is moved by its URL, and asking for it goes through no socket."""
    url = ask.finish("images/generations", prompt="a fox")["task_result"]["images"][0]["url"]
    before = len(ask.simulator.requests)
    task = ask.finish(PATH, prompt="move it", image=url)
    assert not [asked for asked in ask.simulator.requests[before:] if asked.path.startswith("/media")]
    still = np.asarray(Image.open(ask.fetch(url, tmp_path)).convert("RGB"), int)
    assert task["task_status"] == "succeed"
    assert Film.of(ask.fetch(task["task_result"]["videos"][0]["url"], tmp_path)).size[0] == pytest.approx(
        720 * still.shape[1] / still.shape[0], abs=2
    )


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8000/a.png", True),
        ("http://localhost/a.png", True),
        ("https://[::1]/a.png", True),
        ("http://127.8.0.3/", True),
        ("http://0.0.0.0/", False),
        ("http://127.0.0.1.example.com/", False),
        ("http://localhost.example.com/", False),
        ("http://example.com/?127.0.0.1", False),
        ("http://127.0.0.1@example.com/", False),
        ("http://[broken/", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_what_counts_as_this_machine(url: str, here: bool) -> None:
    """Only addresses that cannot lead anywhere else do."""
    assert is_loopback(url) is here

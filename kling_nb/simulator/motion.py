"""What moves in a film: a `Show` is the picture at a share (0 to 1) of a shot, and shows can be put together.

A picture is kept finer than it is shown and moved by cropping it to whole pixels of that finer picture, which is
smooth to the eye and left to swscale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import av
import numpy as np
from PIL import Image, ImageFilter, ImageOps

from kling_nb.simulator.film import Scaler, Shot, planes
from kling_nb.simulator.scene import Scene, View, chance, ease

__all__ = ["Show", "Still", "blend", "drift", "fade", "fit", "run", "scenery", "sequence"]

_SCENE_SCALE = 4  # a scene is drawn at a quarter of width and height: crisp enough when enlarged, and quick
_STILL_SIDE = 2880  # pixels, the long side that a picture is kept at
_APPROACH = 0.16  # by how much a drifting picture is enlarged in the end
_FADE = 0.3  # share of a picture's time that it takes to fade into the next
_MOST_CUT = 1.6  # a picture is cut to the frame's proportions up to this ratio between the two

Show = Callable[[float], av.VideoFrame]


def run(show: Show, shot: Shot) -> Iterator[av.VideoFrame]:
    """The frames of a show, first and last included."""
    last = max(1, shot.frames - 1)
    return (show(number / last) for number in range(shot.frames))


def scenery(shot: Shot, camera: Mapping[str, Any] | None = None) -> Show:
    """The scene of the shot's prompt, seen through a Kling ``camera_control`` where given."""
    scene, enlarge = Scene(shot.prompt, shot.seed), Scaler(shot.area)
    size = max(16, shot.area[0] // _SCENE_SCALE), max(16, shot.area[1] // _SCENE_SCALE)
    return lambda share: enlarge(scene.draw(size, share * shot.seconds, View.at(camera, share)))


class Still:
    """A given picture, to be seen from nearer or farther."""

    def __init__(self, image: Image.Image, size: tuple[int, int]) -> None:
        finer = min(2.0, _STILL_SIDE / max(size))
        self._pixels = np.asarray(fit(image, (round(size[0] * finer), round(size[1] * finer))))
        self._crop = Scaler(size)

    def at(self, zoom: float, x: float = 0.5, y: float = 0.5) -> av.VideoFrame:
        """The picture enlarged (1: whole), around a place between 0 and 1 each way."""
        height, width = self._pixels.shape[:2]
        left, top = width * (1 - 1 / zoom) * x, height * (1 - 1 / zoom) * y
        across, down = (round(left), round(left + width / zoom)), (round(top), round(top + height / zoom))
        return self._crop(self._pixels[slice(*down), slice(*across)])


def drift(image: Image.Image, shot: Shot, number: int = 0) -> Show:
    """A picture, whole at first and slowly approached; the prompt's hash and the picture's number say where."""
    still, (x, y) = Still(image, shot.area), chance("drift", shot.prompt, shot.seed, number).uniform(0, 1, 2)
    return lambda share: still.at(1 + _APPROACH * share, x, y)


def sequence(shows: Sequence[Show]) -> Show:
    """One after another for the same time each, faded into one another."""

    def show(share: float) -> av.VideoFrame:
        place = share * len(shows)
        number = min(int(place), len(shows) - 1)
        begun = max(0.0, number - _FADE)
        now = shows[number]((place - begun) / (number + 1 - begun))
        fading = (place - number - 1 + _FADE) / _FADE
        if fading <= 0 or number + 1 == len(shows):
            return now
        return blend(now, shows[number + 1]((place - number - 1 + _FADE) / (1 + _FADE)), ease(fading))

    return show


def fade(first: Show, second: Show, mixture: Callable[[float], float]) -> Show:
    """Two at once; the mixture says how much of the second is seen at every share of the shot."""

    def show(share: float) -> av.VideoFrame:
        much = mixture(share)
        if much <= 0:
            return first(share)
        return second(share) if much >= 1 else blend(first(share), second(share), much)

    return show


def blend(first: av.VideoFrame, second: av.VideoFrame, share: float) -> av.VideoFrame:
    """Two frames of one size mixed: this share of the second."""
    mixed, part = av.VideoFrame(first.width, first.height, "yuv420p"), round(256 * share)
    for whole, one, other in zip(planes(mixed), planes(first), planes(second), strict=True):
        whole[:] = (one * np.uint16(256 - part) + other * np.uint16(part)) >> 8
    return mixed


def fit(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture filling this size; where that would cut much of it, whole in front of a blurred view of itself."""
    image = image.convert("RGB")
    filled = ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    ratio = image.width / image.height / (size[0] / size[1])
    if max(ratio, 1 / ratio) < _MOST_CUT:
        return filled
    small = filled.resize((max(1, size[0] // 16), max(1, size[1] // 16))).filter(ImageFilter.GaussianBlur(3))
    behind = small.point(lambda value: value * 0.55).resize(size, Image.Resampling.BICUBIC)
    whole = ImageOps.contain(image, size, Image.Resampling.LANCZOS)
    behind.paste(whole, ((size[0] - whole.width) // 2, (size[1] - whole.height) // 2))
    return behind

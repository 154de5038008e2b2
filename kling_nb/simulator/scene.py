"""A prompt, seen: a calm landscape of light and moving layers, the same for the same prompt and seed.

The prompt is not understood. Its hash chooses the colours (in OKLCH, so that any hue is as bright as any other), the
kind of ground (sea, hills or peaks), where the sun stands and how everything moves; two prompts look different, and one
prompt always looks the same. Every element is a function of place and time, so a scene is drawn at any size, at any
moment, and through any camera; one drawn small and smoothly enlarged costs next to nothing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Colour", "Palette", "Picture", "Scene", "View", "chance", "ease", "oklch", "rgb"]

Picture = NDArray[np.uint8]  # height x width x 3, RGB
Field = NDArray[np.floating[Any]]  # kept in 32 bits throughout, which halves the time of drawing
Colour = Field  # red, green, blue, 0 to 1


def chance(*parts: object) -> np.random.Generator:
    """The random numbers that belong to these words: always the same for the same words."""
    words = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return np.random.default_rng(int.from_bytes(hashlib.blake2b(words, digest_size=16).digest(), "big"))


def oklch(lightness: float, chroma: float, hue: float) -> Field:
    """An OKLCH colour (hue in turns) as gamma-encoded sRGB, 0 to 1 (Ottosson's matrices, 2020)."""
    a, b = chroma * math.cos(math.tau * hue), chroma * math.sin(math.tau * hue)
    cone = np.array(
        [
            lightness + 0.3963377774 * a + 0.2158037573 * b,
            lightness - 0.1055613458 * a - 0.0638541728 * b,
            lightness - 0.0894841775 * a - 1.2914855480 * b,
        ]
    )
    linear = np.clip(
        np.array(
            [
                [4.0767416621, -3.3077115913, 0.2309699292],
                [-1.2684380046, 2.6097574011, -0.3413193965],
                [-0.0041960863, -0.7034186147, 1.7076147010],
            ]
        )
        @ cone**3,
        0,
        1,
    )
    encoded: Field = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return encoded.astype(np.float32)


def rgb(colour: Colour) -> tuple[int, int, int]:
    """A colour as Pillow takes it."""
    red, green, blue = (round(float(value) * 255) for value in colour)
    return red, green, blue


def ease(share: float) -> float:
    """From 0 to 1, starting and ending gently; what is outside counts as the nearer end."""
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one prompt: sky from the zenith down, light, ground from far to near, and those of the caption."""

    zenith: Field
    middle: Field
    horizon: Field
    light: Field
    far: Field
    near: Field
    bar: Field
    accent: Field

    @classmethod
    def of(cls, prompt: str, seed: int = 0) -> Palette:
        """The palette that belongs to a prompt and a seed."""
        dice = chance("palette", prompt, seed)
        hue = dice.uniform(0.50, 0.98)  # cyan over blue and purple to pink: dark yellows and greens look like mud
        warm = dice.choice(
            [dice.uniform(0.95, 1.24), dice.uniform(0.50, 0.64)], p=[0.75, 0.25]
        )  # pink to gold, or cyan
        turn = warm - hue
        zenith, horizon = [(0.36, 0.74), (0.50, 0.82), (0.66, 0.90), (0.27, 0.58)][
            dice.integers(4)
        ]  # dusk, dawn, day, night
        return cls(
            zenith=oklch(zenith, 0.10, hue),
            middle=oklch((zenith + horizon) / 2, 0.11, hue + turn * 0.45),
            horizon=oklch(horizon, 0.11, warm),
            light=oklch(min(0.97, max(0.86, horizon + 0.2)), 0.07, warm),
            far=oklch(horizon - 0.16, 0.08, hue + turn * 0.7),
            near=oklch(0.22, 0.06, hue),
            bar=oklch(0.20, 0.025, hue),
            accent=oklch(0.83, 0.11, warm),
        )


@dataclass(frozen=True, slots=True)
class View:
    """Where the camera is: offsets in heights of the picture, `turn` for all alike, `travel` more for what is near."""

    turn: tuple[float, float] = (0.0, 0.0)
    travel: tuple[float, float] = (0.0, 0.0)
    zoom: float = 1.0
    roll: float = 0.0  # radians

    @classmethod
    def at(cls, camera: Mapping[str, Any] | None, share: float) -> View:
        """The view when this share (0 to 1) of a Kling ``camera_control`` has been carried out."""
        if not camera:
            return cls()
        config = _PRESETS.get(camera.get("type", "simple")) or camera.get("config") or {}
        given = {name: share * float(config.get(name) or 0) / 10 for name in _AXES}  # Kling: -10 to 10 each
        return cls(
            turn=(given["pan"] * 0.9, given["tilt"] * -0.5),
            travel=(given["horizontal"] * 1.2, given["vertical"] * -0.5),
            zoom=2.2 ** given["zoom"],
            roll=given["roll"] * math.pi / 4,
        )


_AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
_PRESETS = {
    "down_back": {"vertical": -7, "zoom": -5},
    "forward_up": {"vertical": 7, "zoom": 6},
    "right_turn_forward": {"pan": 7, "zoom": 5},
    "left_turn_forward": {"pan": -7, "zoom": 5},
}
_LAYERS = 5


class Scene:
    """The landscape of one prompt; `draw` shows it at any moment and size."""

    def __init__(self, prompt: str, seed: int = 0) -> None:
        dice = chance("scene", prompt, seed)
        self.palette = Palette.of(prompt, seed)
        self.ground = ("sea", "hills", "peaks")[dice.integers(3)]
        self.horizon = dice.uniform(0.46, 0.62)  # from the top, in heights
        self.sun = (dice.uniform(-0.55, 0.55), self.horizon - dice.uniform(0.08, 0.34))  # x from the middle
        self.sun_size = dice.uniform(0.07, 0.15)
        self.wind = dice.choice([-1, 1]) * dice.uniform(0.05, 0.09)  # heights a second, for the nearest layer
        self.waves = dice.uniform([1.6, 0.0, 3.4, 0.0], [2.6, math.tau, 5.2, math.tau], (_LAYERS, 4))
        self.motes = dice.uniform([-1.3, 0.0, 0.008, 0.01, 0.0], [1.3, 1.0, 0.035, 0.05, math.tau], (14, 5))

    def draw(self, size: tuple[int, int], seconds: float, view: View | None = None) -> Picture:
        """The scene after some seconds, as RGB of this size (width, height)."""
        width, height = size
        view = view or View()
        colours = self.palette
        scale = math.sqrt(width / height / (16 / 9)) if width < height else 1.0  # keeps the sun inside a narrow picture
        x = ((np.arange(width, dtype=np.float32) + 0.5 - width / 2) / height / view.zoom)[None, :] / np.float32(scale)
        y = ((np.arange(height, dtype=np.float32) + 0.5) / height - 0.5)[:, None] / np.float32(view.zoom)
        if view.roll:
            turned = np.float32(math.cos(view.roll)), np.float32(math.sin(view.roll))
            x, y = x * turned[0] - y * turned[1], x * turned[1] + y * turned[0]
        x, y = x + np.float32(view.turn[0]), y + np.float32(0.5 + view.turn[1])
        crisp = np.float32(height * view.zoom)  # pixels a unit, for edges one pixel soft

        up = np.clip(y / np.float32(self.horizon), 0, 1)
        canvas = np.empty((3, height, width), np.float32)
        canvas[:] = _mix(colours.zenith, _mix(colours.middle, colours.horizon, up), up)

        sun_x = self.sun[0] + 0.012 * seconds + view.travel[0] * 0.05
        sun_y = self.sun[1] - 0.006 * seconds + view.travel[1] * 0.05
        away = np.sqrt((x - np.float32(sun_x)) ** 2 + (y - np.float32(sun_y)) ** 2)
        _lay(canvas, colours.light, np.float32(0.55) * np.exp(away * np.float32(-4.5)))
        _lay(canvas, colours.light, np.clip((np.float32(self.sun_size) - away) * crisp, 0, 0.95))

        for layer in range(_LAYERS):
            near = layer / (_LAYERS - 1)
            ridge = self._ridge(layer, near, x + np.float32(view.travel[0] * (0.15 + near)), seconds)
            ridge += np.float32(view.travel[1] * (0.15 + near))
            top = max(0, int(np.searchsorted(y[:, 0], ridge.min())) - 1) if x.shape[0] == 1 else 0
            ground = y[top:]
            shade = np.clip((ground - np.float32(self._level(near))) * np.float32(2.2), 0, 1) * np.float32(0.4)
            colour = _mix(_mix(colours.far, colours.near, np.float32(near)), colours.near, shade)
            _lay(canvas[:, top:], colour, np.clip((ground - ridge) * crisp, 0, 1))

        for mote_x, mote_y, radius, speed, phase in self.motes:
            there_x = mote_x + 0.03 * math.sin(seconds * 0.9 + phase) + view.turn[0]
            there_y = (mote_y - speed * seconds) % 1.1 - 0.05
            _dot(canvas, x, y, (there_x, there_y, radius), colours.light, 0.16 + 0.12 * math.sin(seconds * 1.7 + phase))

        canvas *= 255
        return np.ascontiguousarray(canvas.astype(np.uint8).transpose(1, 2, 0))

    def _level(self, near: float) -> float:
        """How far down a layer lies on the whole, in heights."""
        return self.horizon + (1.0 - self.horizon) * 0.86 * float(near**1.15)

    def _ridge(self, layer: int, near: float, x: Field, seconds: float) -> Field:
        """How far down a layer begins, in heights, for every place x."""
        slow, slow_phase, fast, fast_phase = self.waves[layer].astype(np.float32)
        level = np.float32(self._level(near))
        drift = np.float32(self.wind * seconds * (0.25 + near))
        if self.ground == "sea":
            swell = np.float32(seconds * (0.5 + 0.9 * near))
            rise = 0.016 * np.sin(x * slow * 2 + swell + slow_phase) + 0.012 * np.sin(
                x * fast * 2 - swell * 1.4 + fast_phase
            )
            sea: Field = level + rise * np.float32(0.45 + near)
            return sea
        place = x + drift
        if self.ground == "hills":
            hills: Field = level - 0.055 * np.sin(place * slow + slow_phase)
            hills -= 0.022 * np.sin(place * fast + fast_phase)
            return hills
        tall = 1 - np.abs(np.sin(place * slow + slow_phase))
        tall += 0.35 * (1 - np.abs(np.sin(place * fast * 1.7 + fast_phase)))
        peaks: Field = level + 0.03 - tall * np.float32(0.15 * (1.1 - 0.6 * near))
        return peaks


def _mix(first: Field, second: Field, share: Field | np.float32) -> Field:
    """From the first colour to the second; a colour is three numbers, or three fields where it varies."""
    if np.ndim(share):
        first, second = (colour if colour.ndim == 3 else colour[:, None, None] for colour in (first, second))
    return first + (second - first) * share


def _lay(canvas: Field, colour: Field, cover: Field) -> None:
    """Lay a colour over the canvas where `cover` is above 0; plane by plane, which keeps the work in the cache."""
    for plane, value in zip(canvas, colour, strict=True):
        step = value - plane
        step *= cover
        plane += step


def _dot(canvas: Field, x: Field, y: Field, place: tuple[float, float, float], colour: Field, cover: float) -> None:
    """A soft round light, drawn only where it is."""
    there_x, there_y, radius = place
    if x.shape[0] > 1:
        return  # a rolling camera has no rows and columns to look them up in, and loses nothing by it
    columns = slice(*np.searchsorted(x[0], (there_x - radius, there_x + radius)))
    rows = slice(*np.searchsorted(y[:, 0], (there_y - radius, there_y + radius)))
    part = canvas[:, rows, columns]
    away = ((x[:, columns] - there_x) ** 2 + (y[rows] - there_y) ** 2) / radius**2
    _lay(part, colour, np.clip((1 - away) * 2.5, 0, 1).astype(np.float32) * np.float32(cover))

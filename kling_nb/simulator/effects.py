"""Effects: a picture bent, tinted and strewn with things, differently for every scene's name.

Kling has hundreds of scenes and adds more every month, so none is imitated: the name's hash chooses how the picture is
bent, in which colour it is bathed and what flies through it. The eight of Kling's own document get what they promise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from kling_nb.simulator.scene import Colour, chance, ease, oklch, rgb

__all__ = ["Effect"]

Field = NDArray[np.float64]
Bend = Callable[[Field, Field, float, float], tuple[Field, Field]]  # x, y (middle 0, upper edge -1), seconds, strength

_MESH = (20, 12)  # cells across and down in which a bent picture is drawn
_BEGINS = 0.3, 1.4  # seconds: until when the picture is as it was given, and from when on the effect is in full swing
_FLYING = 22


def _swirl(x: Field, y: Field, seconds: float, strength: float) -> tuple[Field, Field]:
    turn = strength * 1.5 * math.sin(seconds * 1.8) * np.exp(-1.3 * (x * x + y * y))
    return x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)


def _bulge(x: Field, y: Field, seconds: float, strength: float) -> tuple[Field, Field]:
    shrink = 1 - strength * (0.42 + 0.13 * math.sin(seconds * 3)) * np.exp(-1.6 * (x * x + y * y))
    return x * shrink, y * shrink


def _squeeze(x: Field, y: Field, seconds: float, strength: float) -> tuple[Field, Field]:
    press = strength * (0.5 - 0.5 * math.cos(seconds * 3.2))
    return x / (1 + 0.35 * press), 1 - (1 - y) * (1 + 0.8 * press)


def _ripple(x: Field, y: Field, seconds: float, strength: float) -> tuple[Field, Field]:
    return (
        x + strength * 0.05 * np.sin(6 * y + 4 * seconds),
        y + strength * 0.06 * np.sin(7 * x + 5 * seconds),
    )


def _sway(x: Field, y: Field, seconds: float, strength: float) -> tuple[Field, Field]:
    return x + strength * 0.22 * math.sin(2.6 * seconds) * (1 - y), y + strength * 0.03 * math.sin(5.2 * seconds)


def _pulse(x: Field, y: Field, seconds: float, strength: float) -> tuple[Field, Field]:
    nearer = 1 - strength * 0.22 * abs(math.sin(math.pi * seconds)) ** 3
    return x * nearer, y * nearer


def _mirror(x: Field, y: Field, seconds: float, strength: float) -> tuple[Field, Field]:
    return x + (np.abs(x) - 0.25 * math.sin(seconds) - x) * strength, y


_BENDS: dict[str, Bend] = {
    "swirl": _swirl, "bulge": _bulge, "squeeze": _squeeze, "ripple": _ripple, "sway": _sway, "pulse": _pulse,
    "mirror": _mirror,
}  # fmt: skip
_RISING = {"hearts", "bubbles"}
_THINGS = ("hearts", "stars", "petals", "bubbles", "flakes")
_KNOWN = {
    "bloombloom": ("sway", "petals"), "dizzydizzy": ("swirl", "stars"), "expansion": ("bulge", "bubbles"),
    "fuzzyfuzzy": ("ripple", "flakes"), "squish": ("squeeze", "bubbles"), "heart_gesture": ("pulse", "hearts"),
    "hug": ("sway", "hearts"), "kiss": ("bulge", "hearts"),
}  # fmt: skip


class Effect:
    """One scene's effect on one picture, or on two that come together; all pictures are of one size."""

    def __init__(self, scene: str, images: Sequence[Image.Image]) -> None:
        dice = chance("effect", scene)
        bend, things = _KNOWN.get(scene, (dice.choice(list(_BENDS)), dice.choice(_THINGS)))
        self.images = images
        self.bend = _BENDS[bend]
        self.rising = things in _RISING
        hue = dice.uniform()
        self.tint = rgb(oklch(0.62, 0.17, hue))
        colours = [oklch(0.86, 0.12, hue), oklch(0.76, 0.16, hue + 0.06), oklch(0.93, 0.05, hue)]
        height = images[0].height
        self.things = [_thing(things, round(height * dice.uniform(0.05, 0.14)), colours[n % 3]) for n in range(_FLYING)]
        self.paths = dice.uniform([0, 0, 0.10, 0], [1, 1, 0.28, math.tau], (_FLYING, 4))

    def draw(self, seconds: float) -> Image.Image:
        """The picture after some seconds."""
        strength = ease((seconds - _BEGINS[0]) / (_BEGINS[1] - _BEGINS[0]))
        picture = self._together(strength)
        if not strength:
            return picture.copy()
        picture = self._bent(picture, seconds - _BEGINS[0], strength)
        picture = Image.blend(picture, Image.new("RGB", picture.size, self.tint), 0.24 * strength)
        width, height = picture.size
        for thing, (x, late, speed, phase) in zip(self.things, self.paths, strict=True):
            flown = speed * (seconds - _BEGINS[0]) - 0.4 * late
            if flown < 0:
                continue
            down = (1 - flown % 1 if self.rising else flown % 1) * (height + 2 * thing.height) - 1.5 * thing.height
            across = x * width + 0.03 * width * math.sin(seconds * 2 + phase) - thing.width / 2
            picture.paste(thing, (round(across), round(down)), thing)
        return picture

    def _together(self, strength: float) -> Image.Image:
        """The one picture, or the middle of two side by side, apart at first."""
        if len(self.images) == 1:
            return self.images[0]
        width, height = self.images[0].size
        picture = Image.new("RGB", (width, height), self.tint)
        gap = round(width * 0.04 * (1 - strength))
        for image, left in zip(self.images, (-gap, width // 2 + gap), strict=False):
            picture.paste(image.crop((width // 4, 0, width // 4 + width // 2, height)), (left, 0))
        return picture

    def _bent(self, picture: Image.Image, seconds: float, strength: float) -> Image.Image:
        width, height = picture.size
        columns, rows = (
            np.linspace(0, side, count + 1).round() for side, count in zip(picture.size, _MESH, strict=True)
        )
        x, y = np.meshgrid((columns * 2 - width) / height, rows * 2 / height - 1)
        x, y = self.bend(x, y, seconds, strength)
        x = np.clip((x * height + width) / 2, 0, width - 1)
        y = np.clip((y + 1) * height / 2, 0, height - 1)
        corners = np.stack([x, y], axis=-1)
        quads = np.concatenate(
            [corners[:-1, :-1], corners[1:, :-1], corners[1:, 1:], corners[:-1, 1:]], axis=-1
        ).tolist()
        across, down = columns.astype(int).tolist(), rows.astype(int).tolist()
        mesh = [
            ((across[column], down[row], across[column + 1], down[row + 1]), tuple(quads[row][column]))
            for row in range(_MESH[1])
            for column in range(_MESH[0])
        ]
        return picture.transform(picture.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)


def _thing(kind: str, size: int, colour: Colour) -> Image.Image:
    """One of the things that fly through a picture, on a transparent ground."""
    fine = 4 * max(6, size)  # drawn large and reduced, for smooth edges
    image = Image.new("RGBA", (fine, fine), (*rgb(colour), 0))
    draw = ImageDraw.Draw(image)
    ink = (*rgb(colour), 225)
    turn = np.linspace(0, math.tau, 60)
    middle = fine / 2
    if kind == "hearts":  # the well-known curve of sines
        x, y = (
            16 * np.sin(turn) ** 3,
            13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn),
        )
        draw.polygon(list(zip((middle + x * fine / 34).tolist(), (middle - y * fine / 34).tolist(), strict=True)), ink)
    elif kind == "stars":
        draw.regular_polygon((middle, middle, middle * 0.55), 5, fill=ink)
        for point in range(5):
            angle = math.tau * point / 5
            tip = middle + middle * math.sin(angle), middle - middle * math.cos(angle)
            sides = [
                (middle + middle * 0.4 * math.sin(angle + t), middle - middle * 0.4 * math.cos(angle + t))
                for t in (-0.63, 0.63)
            ]
            draw.polygon([tip, *sides], ink)
    elif kind == "petals":
        draw.ellipse((fine * 0.28, 0, fine * 0.72, fine - 1), ink)
        image = image.rotate(35)
    elif kind == "bubbles":
        draw.ellipse((0, 0, fine - 1, fine - 1), (*rgb(colour), 60), ink, fine // 16)
        draw.ellipse((fine * 0.25, fine * 0.2, fine * 0.42, fine * 0.37), ink)
    else:
        for arm in range(3):
            across, down = middle * math.cos(math.pi * arm / 3), middle * math.sin(math.pi * arm / 3)
            draw.line((middle - across, middle - down, middle + across, middle + down), ink, fine // 10)
    return image.resize((fine // 4, fine // 4), Image.Resampling.LANCZOS)

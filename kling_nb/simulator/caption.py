"""The caption below every picture: the word SIMULATED, the prompt in any script, a line that runs with time.

It is an opaque bar of a height that depends only on the frame's size. So the picture above it stays whole, the words
are legible in every frame, and a video that is continued or changed simply gets a new bar in place of its old one.
No font is needed: those found are used glyph by glyph, and Pillow's own is the last resort.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import groupby

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kling_nb.simulator.scene import Colour, Palette, Picture, rgb

__all__ = ["MARK", "bar_height", "caption", "mark_box", "stamp"]

MARK = "SIMULATED"
# Looked for by name, as Pillow finds them on Linux, macOS and Windows: what reads best, then what fills the gaps.
_PLAIN = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial.ttf", "Helvetica.ttc")
_BOLD = ("DejaVuSans-Bold.ttf", "NotoSans-Bold.ttf", "LiberationSans-Bold.ttf", "Arial Bold.ttf", "arialbd.ttf")
_OTHER_SCRIPTS = (
    "NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "DroidSansFallbackFull.ttf", "wqy-microhei.ttc",
    "wqy-zenhei.ttc", "PingFang.ttc", "Hiragino Sans GB.ttc", "msyh.ttc", "malgun.ttf", "Arial Unicode.ttf",
    "NotoSansDevanagari-Regular.ttf", "NotoSansThai-Regular.ttf", "NotoSansSymbols2-Regular.ttf",
    "NotoEmoji-Regular.ttf", "Symbola.ttf", "seguisym.ttf",
)  # fmt: skip
_NO_GLYPH = "\U0010fffe"  # a code point that never has one: what a font draws for it, it draws for all that it lacks
_LONGEST = 600  # characters of a prompt that are looked at; fewer fit into the bar
_WHITE: Colour = np.ones(3, np.float32)


def bar_height(size: tuple[int, int]) -> int:
    """Height in pixels of the caption in a frame of this size; even, as H.264's colour planes need it."""
    return max(2, round(min(size) * 0.17 / 2) * 2)


def mark_box(size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Where in a frame of this size the word SIMULATED stands: left, upper, right, lower."""
    bar = bar_height(size)
    left, top = round(bar * 0.22), size[1] - round(bar * 0.80)
    return left, top, left + round(bar * 1.75), top + round(bar * 0.36)


def caption(size: tuple[int, int], prompt: str, label: str, palette: Palette) -> tuple[Picture, Picture]:
    """The bar for a frame of this size, twice: its upper edge dim, and lit. How much of it is lit tells the time."""
    width, height = size
    bar = bar_height(size)
    frame = Image.new("RGB", (width, bar), rgb(palette.bar))
    draw = ImageDraw.Draw(frame)
    left, top, right, bottom = mark_box(size)
    top, bottom = top - (height - bar), bottom - (height - bar)
    _pill(draw, (left, top, right, bottom), palette)

    small = Letters(bar * 0.14)
    for number, line in enumerate(small.lines(_readable(label), right - left, 2)):
        place = left, bottom + bar * (0.19 + 0.17 * number)
        small.write(draw, place, line, rgb(palette.bar + (_WHITE - palette.bar) * 0.62))

    start, room = right + left, width - right - 2 * left
    for share, most in ((0.25, 2), (0.19, 3)):  # the larger letters where the whole prompt fits
        letters = Letters(round(bar * share))
        lines = list(letters.lines(_readable(prompt), room, most))
        if not lines or not lines[-1].endswith("…"):
            break
    pitch = bar * share * 1.35
    baseline = (bar - pitch * (len(lines) - 1)) / 2 + bar * share * 0.36
    for number, line in enumerate(lines):
        letters.write(draw, (start, baseline + number * pitch), line, rgb(_WHITE * 0.96))

    edge = max(2, round(bar * 0.02) * 2)
    dim, lit = np.array(frame), np.array(frame)
    dim[:edge], lit[:edge] = rgb(palette.bar + (palette.accent - palette.bar) * 0.25), rgb(palette.accent)
    return dim, lit


def stamp(image: Image.Image, palette: Palette, label: str = "") -> None:
    """Write the word SIMULATED, and a label, into the lower left corner of a picture that has no caption."""
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = mark_box(image.size)
    _pill(draw, (left, top, right, bottom), palette)
    letters = Letters((bottom - top) * 0.5)
    for line in letters.lines(_readable(label), image.width - right - 2 * left, 1):
        end = right + left + letters.width(line)
        draw.rounded_rectangle((right + left // 2, top, end, bottom - 1), (bottom - top) // 5, rgb(palette.bar))
        letters.write(draw, (right + left * 0.75, bottom - (bottom - top) * 0.32), line, rgb(palette.accent))


def _pill(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], palette: Palette) -> None:
    left, top, right, bottom = box
    draw.rounded_rectangle((left, top, right - 1, bottom - 1), (bottom - top) // 5, rgb(palette.accent))
    letters = Letters((bottom - top) * 0.66, bold=True)
    fitting = min(1.0, (right - left) * 0.88 / letters.width(MARK))
    letters = Letters((bottom - top) * 0.66 * fitting, bold=True)
    x0, y0, x1, y1 = letters.fonts[0].getbbox(MARK, anchor="ls")
    letters.write(draw, ((left + right - x0 - x1) / 2, (top + bottom - y0 - y1) / 2), MARK, rgb(palette.bar))


def _readable(text: str) -> str:
    """The text on one line, without what cannot be drawn: control characters, lone surrogates, emoji variations."""
    drawn = (mark if mark.isprintable() and not "\ufe00" <= mark <= "\ufe0f" else " " * mark.isspace() for mark in text)
    return " ".join("".join(drawn).split())


class Letters:
    """Letters of one size: several fonts used as one, each glyph from the first that has it."""

    def __init__(self, pixels: float, *, bold: bool = False) -> None:
        size = max(5.0, pixels)
        names = _found(_BOLD if bold else _PLAIN)[:1] + _found(_OTHER_SCRIPTS)
        self.fonts = [ImageFont.truetype(name, size) for name in names]
        if not self.fonts:
            default = ImageFont.load_default(size)
            assert isinstance(default, ImageFont.FreeTypeFont)  # it is one whenever a size is given
            self.fonts = [default]
        self._missing = [_drawn(font, _NO_GLYPH) for font in self.fonts]
        self._font_of: dict[str, int] = {}

    def width(self, text: str) -> float:
        """Width of one line of text, in pixels."""
        return sum(font.getlength(run) for run, font in self._runs(text))

    def write(self, draw: ImageDraw.ImageDraw, start: tuple[float, float], text: str, ink: tuple[int, ...]) -> None:
        """Write one line; it starts at the left end of its baseline."""
        x, y = start
        for run, font in self._runs(text):
            draw.text((x, y), run, fill=ink, font=font, anchor="ls")
            x += font.getlength(run)

    def lines(self, text: str, room: float, most: int) -> Iterator[str]:
        """The text in at most so many lines no wider than `room`; the last ends in … when there is more to say."""
        rest = text[:_LONGEST]
        for left in range(most - 1, -1, -1):
            if self.width(rest) <= room:
                if rest:
                    yield rest
                return
            if not left:
                yield rest[: self._fitting(rest, room - self.width("…"))].rstrip() + "…"
                return
            fitting = self._fitting(rest, room)
            space = rest.rfind(" ", 1, fitting + 1)
            line = rest[: space if space > 0 else fitting]  # without spaces, as in Chinese, between any two characters
            yield line
            rest = rest[len(line) :].lstrip()

    def _fitting(self, text: str, room: float) -> int:
        """How many characters fit; at least one, so that breaking lines always ends."""
        low, high = 1, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.width(text[:middle]) <= room else (low, middle - 1)
        return low

    def _runs(self, text: str) -> Iterator[tuple[str, ImageFont.FreeTypeFont]]:
        for number, run in groupby(text, self._choose):
            yield "".join(run), self.fonts[number]

    def _choose(self, mark: str) -> int:
        if mark not in self._font_of:
            having = (n for n, font in enumerate(self.fonts) if _drawn(font, mark) != self._missing[n])
            self._font_of[mark] = next(having, 0)
        return self._font_of[mark]


def _drawn(font: ImageFont.FreeTypeFont, mark: str) -> tuple[tuple[int, int], bytes]:
    image = font.getmask(mark)
    return image.size, bytes(image)


@cache
def _found(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the named fonts that this machine has."""
    found = []
    for name in names:
        try:
            ImageFont.truetype(name)
        except OSError:
            continue
        found.append(name)
    return tuple(found)

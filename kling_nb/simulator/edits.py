"""What is laid over a video's pictures or taken out of them: edits, functions of the picture and the seconds passed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw, ImageFilter

from kling_nb.simulator.motion import fit
from kling_nb.simulator.scene import ease

__all__ = ["Edit", "Spot", "cards", "removal", "swap", "tint"]

Edit = Callable[[Image.Image, float], None]  # changes a picture in place, at so many seconds
Spot = tuple[float, float]  # where the middle of something is, as shares of width and height

_MIDDLE = (0.5, 0.5)
_TINT = (116, 255, 82)  # the green of Kling's sample code for selections


def removal(area: tuple[int, int], spot: Spot = _MIDDLE) -> Edit:
    """What is around a spot, blurred away within a second."""
    mask, place = _oval(area, spot)
    coarse = max(1, mask.width // 12), max(1, mask.height // 12)

    def edit(picture: Image.Image, seconds: float) -> None:
        middle = picture.crop((*place, place[0] + mask.width, place[1] + mask.height))
        blurred = middle.resize(coarse, Image.Resampling.BOX).resize(mask.size, Image.Resampling.BICUBIC)
        picture.paste(Image.blend(middle, blurred, ease(seconds)), place, mask)

    return edit


def swap(area: tuple[int, int], image: Image.Image, spot: Spot = _MIDDLE) -> Edit:
    """The picture in a soft oval over a spot, swaying."""
    mask, (left, top) = _oval(area, spot)
    inserted = fit(image, mask.size)

    def edit(picture: Image.Image, seconds: float) -> None:
        picture.paste(inserted, (left + round(area[0] * 0.02 * math.sin(seconds * 2)), top), mask)

    return edit


def _oval(area: tuple[int, int], spot: Spot) -> tuple[Image.Image, tuple[int, int]]:
    """A soft-edged oval as a mask, and where its upper left corner belongs to have it around the spot."""
    side = min(area)
    mask = Image.new("L", (round(side * 0.62), round(side * 0.82)))
    soft = max(1, side // 40)
    ImageDraw.Draw(mask).ellipse((2 * soft, 2 * soft, mask.width - 2 * soft, mask.height - 2 * soft), 255)
    left, top = (
        min(max(0, round(whole * share - part / 2)), whole - part)
        for whole, share, part in zip(area, spot, mask.size, strict=True)
    )
    return mask.filter(ImageFilter.GaussianBlur(soft)), (left, top)


def cards(area: tuple[int, int], images: Sequence[Image.Image]) -> Edit:
    """The pictures side by side as cards that float a little; a single one stands right of the middle."""
    width, height = area
    high = 0.56 if len(images) < 3 else 0.46
    made = []
    for number, image in enumerate(images):
        ratio = min(1.7, max(0.62, image.width / image.height))
        tall = min(height * high, width * 0.86 / len(images) / ratio)
        middle = 0.7 if len(images) == 1 else 0.03 + 0.94 * (number + 0.5) / len(images)
        made.append((_card(image, (round(tall * ratio), round(tall))), middle))

    def edit(picture: Image.Image, seconds: float) -> None:
        for number, (card, middle) in enumerate(made):
            floating = 0.5 + 0.025 * math.sin(seconds * 1.6 + number * 1.3)
            place = round(width * middle - card.width / 2), round(height * floating - card.height / 2)
            picture.paste(card, place, card)

    return edit


def _card(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A picture in a white frame with a soft shadow, on a transparent ground."""
    frame = max(2, min(size) // 40)
    margin = 3 * frame
    card = Image.new("RGBA", (size[0] + 2 * margin, size[1] + 2 * margin))
    box = margin - frame, margin - frame, size[0] + margin + frame - 1, size[1] + margin + frame - 1
    ImageDraw.Draw(card).rounded_rectangle(box, frame, (0, 0, 0, 150))
    card = card.filter(ImageFilter.GaussianBlur(frame))
    ImageDraw.Draw(card).rounded_rectangle(box, frame, (250, 250, 250, 255))
    card.paste(fit(image, size), (margin, margin))
    return card


def tint(mask: Image.Image) -> Edit:
    """What a mask covers, tinted as selections are shown."""
    veil = mask.point(lambda value: value * 163 // 255)

    def edit(picture: Image.Image, _: float) -> None:
        picture.paste(_TINT, mask=veil)

    return edit

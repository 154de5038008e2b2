"""Pictures: scenes of a prompt, more around a picture, cut-outs, and a person in other clothes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from kling_nb.simulator.caption import caption, stamp
from kling_nb.simulator.edits import cards
from kling_nb.simulator.motion import fit
from kling_nb.simulator.scene import Palette, Scene

__all__ = ["expand_picture", "face_picture", "pictures", "segment_pictures", "try_on_picture"]

_EXPANDED_SIDE = 4096  # pixels; bounds what an expanded picture may take
# Where in a picture of a person things mostly are: left, upper, right, lower, as shares of its width and height.
_PARTS = {
    "object_seg": (0.18, 0.06, 0.82, 0.98),
    "head_seg": (0.34, 0.06, 0.66, 0.46),
    "face_seg": (0.39, 0.14, 0.61, 0.43),
    "cloth_seg": (0.27, 0.46, 0.73, 0.97),
}


def pictures(
    folder: Path,
    prompt: str,
    *,
    count: int,
    size: tuple[int, int],
    stem: str,
    label: str = "",
    references: Sequence[Image.Image] = (),
) -> list[Path]:
    """So many scenes of the prompt as ``<stem>-<number>.png``, with the references set into them."""
    made = []
    for number in range(count):
        scene = Scene(prompt, number)
        bar, _ = caption(size, prompt, label, scene.palette)
        area = size[0], size[1] - len(bar)
        image = Image.fromarray(scene.draw(area, 0.0))
        cards(area, references)(image, 0.0)
        whole = Image.new("RGB", size)
        whole.paste(image)
        whole.paste(Image.fromarray(bar), (0, area[1]))
        made.append(folder / f"{stem}-{number}.png")
        whole.save(made[-1], compress_level=4)
    return made


def expand_picture(
    path: Path, image: Image.Image, up: float, down: float, left: float, right: float, label: str = ""
) -> None:
    """The picture with more around it, mirrored and blurred; the ratios are of its own height and width."""
    image = image.convert("RGB")
    longest = max(image.width * (1 + left + right), image.height * (1 + up + down))
    if longest > _EXPANDED_SIDE:
        image = ImageOps.scale(image, _EXPANDED_SIDE / longest, Image.Resampling.LANCZOS)
    width, height = image.size
    rows, columns = (round(up * height), round(down * height)), (round(left * width), round(right * width))
    mirrored = Image.fromarray(np.pad(np.asarray(image), (rows, columns, (0, 0)), mode="symmetric"))
    around = mirrored.filter(ImageFilter.GaussianBlur(max(2, min(image.size) // 40)))
    around.paste(image, (columns[0], rows[0]))
    stamp(around, Palette.of(label), label)
    around.save(path, "PNG", compress_level=4)


def segment_pictures(folder: Path, image: Image.Image, stem: str) -> dict[str, Path]:
    """Cut-outs as image-recognize makes them, taken from where such things mostly are, by Kling's name for each."""
    made = {}
    for kind, shares in _PARTS.items():
        mask = Image.new("L", image.size)
        left, top, right, bottom = (share * side for share, side in zip(shares, image.size * 2, strict=True))
        draw = ImageDraw.Draw(mask)
        if kind == "cloth_seg":
            draw.rounded_rectangle((left, top, right, bottom), (right - left) / 4, 255)
        else:
            draw.ellipse((left, top, right, bottom), 255)
        cut = image.convert("RGBA")
        cut.putalpha(mask.filter(ImageFilter.GaussianBlur(max(1, min(image.size) // 300))))
        stamp(cut, Palette.of(kind))
        made[kind] = folder / f"{stem}-{kind}.png"
        cut.save(made[kind], compress_level=4)
    return made


def face_picture(path: Path, frame: Image.Image) -> None:
    """The part of a video's picture where a face mostly is."""
    left, top, right, bottom = (share * side for share, side in zip(_PARTS["head_seg"], frame.size * 2, strict=True))
    face = frame.crop((round(left), round(top), round(right), round(bottom)))
    stamp(face, Palette.of("face"))
    face.save(path, "PNG", compress_level=4)


def try_on_picture(path: Path, person: Image.Image, cloth: Image.Image, label: str = "") -> None:
    """The person, with the piece of clothing where the body mostly is."""
    person = person.convert("RGB")
    shares = _PARTS["cloth_seg"]
    left, top, right, bottom = (round(share * side) for share, side in zip(shares, person.size * 2, strict=True))
    size = right - left, bottom - top
    mask = Image.new("L", size)
    soft = max(1, min(size) // 30)
    ImageDraw.Draw(mask).rounded_rectangle((soft, soft, size[0] - soft, size[1] - soft), size[0] / 4, 255)
    person.paste(fit(cloth, size), (left, top), mask.filter(ImageFilter.GaussianBlur(soft)))
    stamp(person, Palette.of(label), label)
    person.save(path, "PNG", compress_level=4)

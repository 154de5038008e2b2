"""The simulator's media: playable videos, pictures and sounds that a person recognises as what was asked for.

One function for each thing that Kling makes. All write their files completely before they return, need no network and
no font, and give the same result for the same prompt, seed and pictures. The word SIMULATED is in every frame.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from kling_nb.simulator.caption import caption, stamp
from kling_nb.simulator.effects import Effect
from kling_nb.simulator.film import (
    Planes,
    Probe,
    Scaler,
    Shot,
    join,
    last_picture,
    pictures_of,
    planes,
    probe,
    write,
)
from kling_nb.simulator.motion import Still, blend, drift, fade, fit, run, scenery, sequence
from kling_nb.simulator.scene import Palette, Picture, Scene, ease
from kling_nb.simulator.sound import RATE, Mix, Part, read_sound, sound_effect, soundscape, speech

__all__ = [
    "Probe",
    "Shot",
    "edit_video",
    "effect_video",
    "expand_picture",
    "extend_video",
    "image_video",
    "pictures",
    "probe",
    "segment_pictures",
    "sound_effect",
    "speech",
    "text_video",
    "voiced_video",
]

_EXPANDED_SIDE = 4096  # pixels; bounds what an expanded picture may take
# Where in a picture of a person things mostly are: left, upper, right, lower, as shares of its width and height.
_PARTS = {
    "object_seg": (0.18, 0.06, 0.82, 0.98),
    "head_seg": (0.34, 0.06, 0.66, 0.46),
    "face_seg": (0.39, 0.14, 0.61, 0.43),
    "cloth_seg": (0.27, 0.46, 0.73, 0.97),
}
_BARS = 41  # in the meter that shows how loud a video is, with now in the middle

Edit = Callable[[Image.Image, float], None]  # changes a picture in place, at so many seconds
Levels = NDArray[np.float32]  # loudness of each frame, 0 to 1


# Videos


def text_video(path: Path, shot: Shot, *, sound: bool = False, camera: Mapping[str, Any] | None = None) -> None:
    """The prompt's scene, seen through a Kling ``camera_control`` where given."""
    write(path, shot, run(scenery(shot, camera), shot), _own_sound(shot) if sound else None)


def image_video(
    path: Path, shot: Shot, images: Sequence[Image.Image], *, last: Image.Image | None = None, sound: bool = False
) -> None:
    """The pictures, slowly moved and faded into one another; the first frame is the first picture, the last is `last`.

    With no picture but `last`, the prompt's scene turns into it.
    """
    show = sequence([drift(image, shot, number) for number, image in enumerate(images)] or [scenery(shot)])
    if last is not None:
        end = drift(last, shot, len(images))
        show = fade(show, lambda share: end(1 - share), lambda share: ease((share - 0.4) / 0.5))
    write(path, shot, run(show, shot), _own_sound(shot) if sound else None)


def effect_video(path: Path, shot: Shot, images: Sequence[Image.Image], scene: str) -> None:
    """The picture, or two side by side, taken over by an effect that belongs to the scene's name."""
    half = shot.area[0] // 2, shot.area[1] // 2
    effect, enlarge = Effect(scene, [fit(image, half) for image in images]), Scaler(shot.area)
    write(path, shot, run(lambda share: enlarge(np.asarray(effect.draw(share * shot.seconds))), shot))


def extend_video(path: Path, shot: Shot, source: Path) -> None:
    """The source as it is, then `shot.seconds` more: its last picture moves on and becomes the prompt's scene.

    Size and frame rate are the source's, whatever the shot says, and its sound is kept.

    Raises
    ------
    ValueError
        When the source is no video made here.
    """
    known = probe(source)
    shot = replace(shot, size=(known.width, known.height), fps=round(known.fps))
    still = drift(Image.fromarray(last_picture(source)), shot)
    show = fade(still, scenery(shot), lambda share: 0.8 * ease(share))
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        more = Path(folder, "more.mp4")
        write(more, shot, run(show, shot))
        join(path, source, more)


def edit_video(
    path: Path,
    shot: Shot,
    source: Path,
    images: Sequence[Image.Image] = (),
    mode: str = "swap",
    *,
    keep_sound: bool = True,
) -> None:
    """The source with something done to its pictures; one that is too short stays on its last picture.

    Parameters
    ----------
    path, shot
        What to write.
    source
        The video to change, of any kind.
    images
        Pictures to put into it.
    mode
        ``"removal"`` blurs the middle away, ``"swap"`` lays the first picture over the middle, ``"motion"`` moves the
        first picture, with the source small in a corner; anything else, such as ``"addition"``, sets all pictures into
        the video. Without a picture to use, the video is mingled with the prompt's scene.
    keep_sound
        Whether the source's sound is carried over.

    Raises
    ------
    av.FFmpegError
        When the source cannot be decoded.
    """
    shown = pictures_of(source, shot)
    if mode == "removal":
        frames = _edited(shown, shot, _removal(shot.area))
    elif not images:
        frames = _mingled(shown, shot)
    elif mode == "motion":
        frames = _led(shown, shot, images[0])
    else:
        frames = _edited(shown, shot, _swap(shot.area, images[0]) if mode == "swap" else _cards(shot.area, images))
    kept = read_sound(source, seconds=shot.seconds) if keep_sound else ()
    write(path, shot, frames, Mix([Part(kept)]) if len(kept) else None)


def voiced_video(
    path: Path,
    shot: Shot,
    picture: Path | Image.Image,
    sound: bytes,
    *,
    insert_at: float = 0.0,
    sound_range: tuple[float, float] | None = None,
    volume: float = 1.0,
    original_volume: float = 1.0,
) -> None:
    """A video or a still that carries a given sound, and shows how loud it is.

    Parameters
    ----------
    path, shot
        What to write.
    picture
        A video file of any kind (its last picture stays when it is too short), or a picture, which nods with the sound.
    sound
        An audio or video file of any kind.
    insert_at
        Seconds into the video at which the sound begins.
    sound_range
        Seconds of the sound to take, from and to; all of it by default.
    volume, original_volume
        Loudness of the given sound, and of the one the video has: 1 leaves it, 0 mutes it.

    Raises
    ------
    av.FFmpegError
        When the sound or the video cannot be decoded.
    """
    start, stop = sound_range or (0.0, math.inf)
    length = max(0.0, min(stop - start, shot.seconds - insert_at))
    given = Part(read_sound(sound, start=start, seconds=length), insert_at, volume)
    levels, parts = _loudness(Mix([given]), shot), [given]
    if isinstance(picture, Image.Image):
        still = Still(picture, shot.area)
        frames = (still.at(1.04 + 0.05 * float(level)) for level in levels)
    else:
        enlarge = Scaler(shot.area)
        frames = (enlarge(shown) for shown in pictures_of(picture, shot))
        parts.append(Part(read_sound(picture, seconds=shot.seconds), 0.0, original_volume))
    write(path, shot, frames, Mix(parts), lambda number, drawn: _meter(drawn, levels, number))


# Pictures


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
        _cards(area, references)(image, 0.0)
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


# What is done to pictures and heard with them


def _own_sound(shot: Shot) -> Mix:
    return Mix([Part(soundscape(shot.prompt, shot.seconds, shot.seed))])


def _edited(shown: Iterator[Picture], shot: Shot, edit: Edit) -> Iterator[av.VideoFrame]:
    scale = Scaler(shot.area)
    for number, picture in enumerate(islice(shown, shot.frames)):
        image = Image.fromarray(picture)
        if image.size != shot.area:
            image = image.resize(shot.area, Image.Resampling.BILINEAR)
        edit(image, number / shot.fps)
        yield scale(np.asarray(image))


def _mingled(shown: Iterator[Picture], shot: Shot) -> Iterator[av.VideoFrame]:
    scale = Scaler(shot.area)
    return (blend(scale(picture), scene, 0.45) for scene, picture in zip(run(scenery(shot), shot), shown, strict=False))


def _led(shown: Iterator[Picture], shot: Shot, image: Image.Image) -> Iterator[av.VideoFrame]:
    """The picture, swaying, with the video that leads it in the upper right corner."""
    still = Still(image, shot.area)
    width, height = (side * 3 // 20 * 2 for side in shot.area)  # even, as the colour planes need it
    left, top = shot.area[0] - width - width // 20 * 2, width // 20 * 2
    scale = Scaler((width, height))
    for number, picture in enumerate(islice(shown, shot.frames)):
        seconds = number / shot.fps
        frame = still.at(1.2, 0.5 + 0.5 * math.sin(seconds * 2.1), 0.5 + 0.4 * math.sin(seconds * 3.3))
        for whole, small in zip(planes(frame), planes(scale(picture)), strict=True):
            part = shot.area[0] // whole.shape[1]  # the colour planes are half as wide and high
            whole[top // part :, left // part :][: len(small), : small.shape[1]] = small
        yield frame


def _removal(area: tuple[int, int]) -> Edit:
    """The middle blurred away, within a second."""
    mask, place = _oval(area)
    coarse = max(1, mask.width // 12), max(1, mask.height // 12)

    def edit(picture: Image.Image, seconds: float) -> None:
        middle = picture.crop((*place, place[0] + mask.width, place[1] + mask.height))
        blurred = middle.resize(coarse, Image.Resampling.BOX).resize(mask.size, Image.Resampling.BICUBIC)
        picture.paste(Image.blend(middle, blurred, ease(seconds)), place, mask)

    return edit


def _swap(area: tuple[int, int], image: Image.Image) -> Edit:
    """The picture in a soft oval over the middle, swaying."""
    mask, (left, top) = _oval(area)
    inserted = fit(image, mask.size)

    def edit(picture: Image.Image, seconds: float) -> None:
        picture.paste(inserted, (left + round(area[0] * 0.02 * math.sin(seconds * 2)), top), mask)

    return edit


def _oval(area: tuple[int, int]) -> tuple[Image.Image, tuple[int, int]]:
    """A soft-edged oval as a mask, and where its upper left corner belongs to stand in the middle."""
    side = min(area)
    mask = Image.new("L", (round(side * 0.62), round(side * 0.82)))
    soft = max(1, side // 40)
    ImageDraw.Draw(mask).ellipse((2 * soft, 2 * soft, mask.width - 2 * soft, mask.height - 2 * soft), 255)
    return mask.filter(ImageFilter.GaussianBlur(soft)), ((area[0] - mask.width) // 2, (area[1] - mask.height) // 2)


def _cards(area: tuple[int, int], images: Sequence[Image.Image]) -> Edit:
    """The pictures side by side as cards that float a little; a single one stands right of the middle."""
    width, height = area
    high = 0.56 if len(images) < 3 else 0.46
    cards = []
    for number, image in enumerate(images):
        ratio = min(1.7, max(0.62, image.width / image.height))
        tall = min(height * high, width * 0.86 / len(images) / ratio)
        middle = 0.7 if len(images) == 1 else 0.03 + 0.94 * (number + 0.5) / len(images)
        cards.append((_card(image, (round(tall * ratio), round(tall))), middle))

    def edit(picture: Image.Image, seconds: float) -> None:
        for number, (card, middle) in enumerate(cards):
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


def _loudness(sound: Mix, shot: Shot) -> Levels:
    bounds = [round(number * RATE / shot.fps) for number in range(shot.frames + 1)]
    power = [np.square(sound.piece(*pair), dtype=np.float32).mean() for pair in pairwise(bounds)]
    levels = np.convolve(np.sqrt(power), [0.25, 0.5, 0.25], "same")
    return (levels / max(1.0, levels.max())).astype(np.float32)


def _meter(drawn: Planes, levels: Levels, number: int) -> None:
    """A row of white bars across the lower part of the picture: the loudness that was, is and will be heard."""
    height, width = drawn[0].shape
    pitch, middle, reach = width * 0.6 / _BARS, height * 0.86, height * 0.08
    for bar in range(_BARS):
        heard = number + bar - _BARS // 2
        level = float(levels[heard]) if 0 <= heard < len(levels) else 0.0
        left, high = width * 0.2 + bar * pitch, max(height * 0.004, reach * level)
        for plane, white in zip(drawn, (235, 128, 128), strict=True):
            part = width // plane.shape[1]  # the colour planes are half as wide and high
            rows = slice(round((middle - high) / part), max(1, round((middle + high) / part)))
            columns = slice(round(left / part), round((left + pitch * 0.55) / part))
            plane[rows, columns] = plane[rows, columns] // 4 + (white * 3 // 4)

"""The simulator's videos: playable, and such that a person recognises what was asked for.

One function for each kind that Kling makes. All write their files completely before they return, need no network and
no font, and give the same result for the same prompt, seed and pictures. The word SIMULATED is in every frame.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kling_nb.simulator.edits import Edit, Spot, cards, removal, swap, tint
from kling_nb.simulator.effects import Effect
from kling_nb.simulator.film import (
    Planes,
    Scaler,
    Shot,
    above_caption,
    join,
    last_picture,
    pictures_of,
    planes,
    probe,
    write,
)
from kling_nb.simulator.motion import Still, blend, drift, fade, fit, run, scenery, sequence
from kling_nb.simulator.scene import Picture, ease
from kling_nb.simulator.sound import RATE, Mix, Part, read_sound, soundscape

__all__ = [
    "edit_video",
    "effect_video",
    "extend_video",
    "image_video",
    "marked_video",
    "text_video",
    "voiced_video",
]

_BARS = 41  # in the meter that shows how loud a video is, with now in the middle

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
    spot: Spot = (0.5, 0.5),
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
        ``"removal"`` blurs the spot away, ``"swap"`` lays the first picture over the spot, ``"motion"`` moves the
        first picture, with the source small in a corner; anything else, such as ``"addition"``, sets all pictures into
        the video. Without a picture to use, the video is mingled with the prompt's scene.
    keep_sound
        Whether the source's sound is carried over.
    spot
        Where in the picture something is taken out or put in.

    Raises
    ------
    av.FFmpegError
        When the source cannot be decoded.
    """
    shown = pictures_of(source, shot)
    if mode == "removal":
        frames = _edited(shown, shot, removal(shot.area, spot))
    elif not images:
        frames = _mingled(shown, shot)
    elif mode == "motion":
        frames = _led(shown, shot, images[0])
    else:
        frames = _edited(shown, shot, swap(shot.area, images[0], spot) if mode == "swap" else cards(shot.area, images))
    write(path, shot, frames, _sound_of(source, shot) if keep_sound else None)


def marked_video(path: Path, shot: Shot, source: Path, mask: Image.Image) -> None:
    """The source with what a mask covers tinted; the mask is of the source's size."""
    write(path, shot, _edited(pictures_of(source, shot), shot, tint(above_caption(mask, source, shot.area))))


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


# What is heard and seen


def _own_sound(shot: Shot) -> Mix:
    return Mix([Part(soundscape(shot.prompt, shot.seconds, shot.seed))])


def _sound_of(source: Path, shot: Shot) -> Mix | None:
    kept = read_sound(source, seconds=shot.seconds)
    return Mix([Part(kept)]) if len(kept) else None


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


def _loudness(sound: Mix, shot: Shot) -> Levels:
    bounds = [round(number * RATE / shot.fps) for number in range(shot.frames + 1)]
    power = [np.square(sound.piece(*pair), dtype=np.float32).mean() for pair in pairwise(bounds)]
    levels = np.convolve(np.sqrt(power), [0.25, 0.5, 0.25], "same")
    relative: Levels = (levels / max(1.0, levels.max())).astype(np.float32)
    return relative


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

"""Films: pictures in, a file out that browsers play at once, and the way back.

Every frame is a picture above one caption (see `caption`). Films are written and read frame by frame, so that length
costs time but no memory; encoding and scaling are done in C and outside the interpreter's lock. All films of one size
and frame rate have the same H.264 headers, which is how one is joined to another without encoding it anew.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import av
import av.container
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray
from PIL import Image

from kling_nb.simulator.caption import bar_height, caption
from kling_nb.simulator.scene import Palette, Picture
from kling_nb.simulator.sound import RATE, Mix, audio_frame

__all__ = [
    "Abandoned",
    "Planes",
    "Probe",
    "Scaler",
    "Shot",
    "above_caption",
    "first_picture",
    "heed",
    "join",
    "last_picture",
    "pictures_of",
    "planes",
    "probe",
    "uncaptioned",
    "write",
]

_MADE_HERE = "SIMULATED by kling_nb"  # the comment in every film's metadata
_QUALITY = "25"  # x264's constant rate factor
_BIT_RATE = 1.75  # bits a second and pixel, at most: 5 s of 720p stay below 1.1 MB even where everything moves
_SOUND_BIT_RATE = 96_000  # bits a second
_KEY_FRAMES = 2  # seconds from one to the next: what a seek has to decode

_heeded = threading.local()  # whether the films that this thread writes are still wanted

Planes = list[NDArray[np.uint8]]  # luma, and two of colour at half the width and height


class Abandoned(Exception):
    """A film that nobody wants any more was not finished."""


def heed(unwanted: threading.Event) -> None:
    """Let this thread finish no film once the event is set."""
    _heeded.unwanted = unwanted


@dataclass(frozen=True, slots=True)
class Shot:
    """What every moving picture needs to know.

    Parameters
    ----------
    prompt
        Written below the picture; its hash, with the seed, chooses all that is not given.
    size
        Width and height in pixels, both even.
    seconds
        Length; rounded to whole frames.
    fps
        Frames a second.
    label
        Shown small in every frame, such as ``"kling-v1 std 5 s"``.
    seed
        Another seed is another look of the same prompt.
    """

    prompt: str
    size: tuple[int, int]
    seconds: float
    fps: int = 24
    label: str = ""
    seed: int = 0

    @property
    def frames(self) -> int:
        """Number of frames; at least one."""
        return max(1, round(self.seconds * self.fps))

    @property
    def area(self) -> tuple[int, int]:
        """Width and height of the picture above the caption."""
        return self.size[0], self.size[1] - bar_height(self.size)


@dataclass(frozen=True, slots=True)
class Probe:
    """What a media file holds; sizes are 0 and names empty where it has no such stream."""

    seconds: float
    width: int = 0
    height: int = 0
    fps: float = 0.0
    video: bool = False
    audio: bool = False
    video_codec: str = ""
    audio_codec: str = ""


def probe(source: Path | bytes) -> Probe:
    """Look into a video or audio file; the cover picture of a song is no video.

    Raises
    ------
    av.FFmpegError
        When it is neither.
    """
    with av.open(io.BytesIO(source) if isinstance(source, bytes) else str(source), "r") as file:
        found = Probe(file.duration / av.time_base if file.duration else 0.0)
        moving = [one for one in file.streams.video if not one.disposition & av.stream.Disposition.attached_pic]
        for video in moving[:1]:
            found = replace(found, width=video.width, height=video.height, fps=float(video.average_rate or 0))
            found = replace(found, video=True, video_codec=video.codec_context.name)
        for audio in file.streams.audio[:1]:
            found = replace(found, audio=True, audio_codec=audio.codec_context.name)
        return found


class Scaler:
    """RGB pictures of any size as video frames of one size, in the colours of HD video."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._width, self._height = size
        self._swscale = VideoReformatter()

    def __call__(self, picture: Picture) -> av.VideoFrame:
        return self._swscale.reformat(
            av.VideoFrame.from_numpy_buffer(picture, format="rgb24"),
            width=self._width,
            height=self._height,
            format="yuv420p",
            interpolation="BICUBIC",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )


def planes(frame: av.VideoFrame) -> Planes:
    """The planes of a frame, to read and to write."""
    return [
        np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        for plane in frame.planes
    ]


def write(
    path: Path,
    shot: Shot,
    pictures: Iterable[av.VideoFrame],
    sound: Mix | None = None,
    overlay: Callable[[int, Planes], None] | None = None,
) -> None:
    """Encode a film: H.264, with AAC where there is sound, and the index in front so that browsers play at once.

    Parameters
    ----------
    path, shot
        Where and what; the shot says how many pictures are taken.
    pictures
        Frames of the size of `shot.area`, made by a `Scaler`.
    sound
        What is heard.
    overlay
        Called with each frame's number and planes, to draw over it.

    Raises
    ------
    Abandoned
        When the thread was told in between that nobody wants its films any more.
    """
    width, height = shot.size
    top = shot.area[1]
    captions = caption(shot.size, shot.prompt, shot.label, Palette.of(shot.prompt, shot.seed))
    to_bar = Scaler((width, height - top))
    dim, lit = (planes(to_bar(picture)) for picture in captions)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as file:
        file.metadata["comment"] = _MADE_HERE
        video = file.add_stream("libx264", rate=shot.fps)
        _set_up(video.codec_context, shot)
        audio = file.add_stream("aac", rate=RATE, layout="stereo", bit_rate=_SOUND_BIT_RATE) if sound else None
        for number, picture in enumerate(islice(pictures, shot.frames)):
            if (unwanted := getattr(_heeded, "unwanted", None)) and unwanted.is_set():
                raise Abandoned
            frame = av.VideoFrame(width, height, "yuv420p")
            frame.pts = number
            frame.time_base = Fraction(1, shot.fps)
            drawn = planes(frame)
            passed = width * (number + 1) // shot.frames
            for whole, above, before, after in zip(drawn, planes(picture), lit, dim, strict=True):
                now = passed * whole.shape[1] // width
                whole[: len(above)] = above
                whole[len(above) :, :now] = before[:, :now]
                whole[len(above) :, now:] = after[:, now:]
            if overlay:
                overlay(number, [whole[: len(above)] for whole, above in zip(drawn, planes(picture), strict=True)])
            file.mux(video.encode(frame))
            if sound and audio:
                heard, next_heard = (round(count * RATE / shot.fps) for count in (number, number + 1))
                file.mux(audio.encode(audio_frame(sound.piece(heard, next_heard), heard)))
        file.mux(video.encode(None))
        if audio:
            file.mux(audio.encode(None))


def _set_up(encoder: av.VideoCodecContext, shot: Shot) -> None:
    encoder.width, encoder.height = shot.size
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, shot.fps)
    encoder.gop_size = _KEY_FRAMES * shot.fps
    encoder.thread_count = 2
    encoder.colorspace = encoder.color_primaries = encoder.color_trc = Colorspace.ITU709  # 1 in all three lists
    encoder.color_range = ColorRange.MPEG
    peak = round(_BIT_RATE * shot.size[0] * shot.size[1])
    encoder.options = {
        "preset": "veryfast",
        "crf": _QUALITY,
        "maxrate": str(peak),
        "bufsize": str(peak),
        "x264-params": "stitchable=1",
    }


def pictures_of(source: Path, shot: Shot) -> Iterator[Picture]:
    """A video's pictures at the shot's frame rate, cut to its proportions, without end: the last one stays.

    Of a film made here only what is above the caption is taken.
    """
    width, height = shot.area
    number, picture = 0, None
    with av.open(str(source)) as file:
        made_here = file.metadata.get("comment") == _MADE_HERE
        for frame in file.decode(video=0):
            due = round(((frame.time or 0.0) - (file.start_time or 0) / av.time_base) * shot.fps)
            if picture is not None:
                yield from repeat(picture, max(0, due - number))
                number = max(number, due)
            picture = _rgb(frame)
            if made_here:
                picture = picture[: -bar_height((frame.width, frame.height))]
            picture = _cut(picture, width / height)
    if picture is not None:
        yield from repeat(picture)


def above_caption(mask: Image.Image, source: Path, area: tuple[int, int]) -> Image.Image:
    """A mask of a whole frame of the source as one for the picture without caption, in another size."""
    return mask.crop((0, 0, mask.width, round(mask.height * uncaptioned(source)))).resize(area)


def uncaptioned(source: Path) -> float:
    """The share of a video's height that is picture; all of it, unless it was made here."""
    with av.open(str(source)) as file:
        video = file.streams.video[0]
        made_here = file.metadata.get("comment") == _MADE_HERE
        return 1 - bar_height((video.width, video.height)) / video.height if made_here else 1.0


def _cut(picture: Picture, ratio: float) -> Picture:
    """The middle of a picture that has this ratio of width to height."""
    height, width = picture.shape[:2]
    wide, high = min(width, round(height * ratio)), min(height, round(width / ratio))
    left, top = (width - wide) // 2, (height - high) // 2
    return picture[top : top + high, left : left + wide]


def _rgb(frame: av.VideoFrame) -> Picture:
    return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)


def first_picture(source: Path) -> Picture:
    """The first picture of a video of any kind."""
    with av.open(str(source)) as file:
        return _rgb(next(file.decode(video=0)))


def last_picture(film: Path) -> Picture:
    """The last picture of a film made here, without its caption."""
    with av.open(str(film)) as file:
        video = file.streams.video[0]
        file.seek(video.duration or 0, stream=video)  # to the key frame before
        *_, frame = file.decode(video)
        return _rgb(frame)[: -bar_height((frame.width, frame.height))]


def join(path: Path, first: Path, second: Path) -> None:
    """One film after another, both made here and of one size and frame rate; only the first one's sound is kept.

    Raises
    ------
    ValueError
        When the two were encoded differently, so that no player could show both.
    """
    with (
        av.open(str(first)) as begun,
        av.open(str(second)) as more,
        av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as file,
    ):
        if begun.streams.video[0].codec_context.extradata != more.streams.video[0].codec_context.extradata:
            raise ValueError(f"{first.name} was not made by this simulator, so it cannot be extended.")
        file.metadata["comment"] = _MADE_HERE
        streams = [*begun.streams.video, *begun.streams.audio]
        joined = {stream.index: file.add_stream_from_template(stream) for stream in streams}
        _copy(begun.demux(streams), file, joined)
        shift = begun.streams.video[0].duration or 0
        _copy(more.demux(video=0), file, {0: joined[streams[0].index]}, shift)


def _copy(
    packets: Iterable[av.Packet[Any]], file: av.container.OutputContainer, streams: dict[int, Any], shift: int = 0
) -> None:
    """Packets into the streams that belong to theirs, by so many ticks later."""
    for packet in packets:
        if packet.pts is not None and packet.dts is not None:  # the last one of each stream is empty
            packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            packet.stream = streams[packet.stream_index]
            file.mux(packet)

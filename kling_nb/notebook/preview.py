"""Small copies of large media, to be carried inside a notebook: H.264 and AAC by PyAV, JPEG for pictures and posters.

A copy is for where the file itself is not: an exported page, another machine. It is made once for each file, in about
the time that decoding takes.
"""

import io
import threading
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import av
    from av.container import InputContainer, OutputContainer

__all__ = ["INSTALL", "Copy", "able", "small_copy", "thumbnail"]

INSTALL = "pip install 'kling-nb[simulator]'"

HEIGHT = 480  # pixels of a film, at most
POSTER = (360, 0.1)  # of what a player shows before it plays: pixels of height, bytes a pixel (23 kB), at most
PICTURE = (720, 0.3)  # of a picture that is to be looked at for itself: the same
THUMBNAIL = (72, 0.5)  # of a row in a table: the same
# With a poster of 20 kB, and base64's third on top, 5 s stay below 400 kB even where every pixel moves.
BIT_RATE = 340_000  # bits a second of a film, at most; what moves little needs a fraction
SOUND_BIT_RATE = 48_000  # bits a second
QUALITY = "28"  # x264's constant rate factor; fine at this size
PRESET = "veryfast"  # of x264; a slower one takes longer than decoding 1080p and saves little
JPEG_SCALES = (4, 8, 16, 31)  # of 2 (best) to 31: the first with which a picture gets small enough
KEPT = 32  # copies kept in memory: to show a job twice must not encode it twice

_encoding = threading.Lock()  # one film at a time uses all cores, and nobody makes the same copy twice

What = Literal["video", "poster", "image", "audio"]


@dataclass(frozen=True, slots=True)
class Copy:
    """The bytes of a file, and what they are."""

    data: bytes
    mimetype: str


def able() -> bool:
    """Whether PyAV is here, which makes the copies."""
    try:
        import av  # noqa: F401
    except ImportError:
        return False
    return True


def small_copy(path: Path, what: What) -> Copy | None:
    """Return a small copy of a file, or None: without PyAV, and for what it cannot decode.

    Parameters
    ----------
    path
        The file.
    what
        "video" for a film of at most 480 pixels height, with its sound; "poster" for its first picture; "image" for a
        picture of at most 720 pixels height; "audio" for a sound.
    """
    if not able():
        return None
    import av

    try:
        with _encoding:
            return _made(path, path.stat().st_mtime_ns, what)
    except (av.FFmpegError, OSError, IndexError, StopIteration):  # not there (any more), or without such a stream
        return None


def thumbnail(path: Path) -> bytes | None:
    """Return a JPEG of the first picture of a film or of a picture, fit for a table; None as for `small_copy`."""
    if not able():
        return None
    import av

    try:
        with av.open(str(path)) as source:
            return _picture(source, *THUMBNAIL).data
    except (av.FFmpegError, OSError, IndexError, StopIteration):
        return None


@lru_cache(KEPT)
def _made(path: Path, _changed: int, what: What) -> Copy:
    import av

    with av.open(str(path)) as source:
        match what:
            case "poster":
                return _picture(source, *POSTER)
            case "image":
                return _picture(source, *PICTURE)
            case "video":
                return _film(source)
            case "audio":
                return _sound(source)


def _film(source: "InputContainer") -> Copy:
    import av

    moving = source.streams.video[0]
    moving.thread_type = "AUTO"  # frames in parallel; a second thread nearly halves the time
    heard = source.streams.audio[:1]
    size = _fitted(moving, HEIGHT)
    written = io.BytesIO()
    with av.open(written, "w", format="mp4") as target:
        rate = {"crf": QUALITY, "maxrate": str(BIT_RATE), "bufsize": str(BIT_RATE), "preset": PRESET}
        film = target.add_stream("libx264", rate=moving.average_rate or 24, options=rate)
        film.width, film.height, film.pix_fmt = *size, "yuv420p"
        film.codec_context.time_base = moving.time_base or Fraction(1, 90_000)  # frames need not be evenly spaced
        sounds = [_sound_stream(target, one) for one in heard]
        for frame in source.decode(moving, *heard):
            if isinstance(frame, av.VideoFrame):
                small = frame.reformat(*size, "yuv420p", interpolation="FAST_BILINEAR")
                small.pict_type = av.video.frame.PictureType.NONE  # the encoder's choice, not the source's
                target.mux(film.encode(small))
            else:
                for stream in sounds:
                    target.mux(stream.encode(frame))
        for stream in (film, *sounds):
            target.mux(stream.encode(None))
    return Copy(written.getvalue(), "video/mp4")


def _sound(source: "InputContainer") -> Copy:
    import av

    written = io.BytesIO()
    with av.open(written, "w", format="mp4") as target:
        stream = _sound_stream(target, source.streams.audio[0])
        for frame in source.decode(audio=0):
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return Copy(written.getvalue(), "audio/mp4")


def _sound_stream(target: "OutputContainer", source: Any) -> Any:
    stream = target.add_stream("aac", rate=source.rate)
    stream.bit_rate = SOUND_BIT_RATE
    stream.layout = source.layout
    return stream


def _picture(source: "InputContainer", height: int, bytes_a_pixel: float) -> Copy:
    stream = source.streams.video[0]
    width, height = _fitted(stream, height)
    small = next(source.decode(stream)).reformat(width, height, "yuvj420p")
    made = (_jpeg(small, scale) for scale in JPEG_SCALES)
    most = width * height * bytes_a_pixel
    return Copy(next((jpeg for jpeg in made if len(jpeg) <= most), _jpeg(small, JPEG_SCALES[-1])), "image/jpeg")


def _jpeg(frame: "av.VideoFrame", scale: int) -> bytes:
    import av

    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "yuvj420p"
    encoder.time_base = Fraction(1, 25)  # a codec wants one, a picture needs none
    encoder.qmin = encoder.qmax = scale
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


def _fitted(stream: Any, height: int) -> tuple[int, int]:
    """Width and height of the same shape, even and not above this height."""
    height = min(height, stream.height)
    return max(2, round(stream.width * height / stream.height / 2) * 2), max(2, height // 2 * 2)

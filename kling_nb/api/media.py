"""Media as input: what a person has in hand goes in, what the wire takes comes out.

Kling takes pictures and sounds as a URL or as bare base64 (no ``data:`` prefix), and videos as a URL or as the id of
one that it made. Whatever is given is looked at before anything is sent: what the service would refuse costs an
answer in milliseconds here, and nothing else.

=========== ===========================================================================================
picture     path, URL, bytes, Pillow image, numpy array, or an earlier image
sound       path, URL, bytes, or an earlier sound
video       URL or an earlier video; Kling takes no uploads of videos
=========== ===========================================================================================
"""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes, urlsplit

from pydantic import BeforeValidator, PlainSerializer, SerializationInfo

from kling_nb.api.earlier import Range, check_length, finished
from kling_nb.api.fields import Loose
from kling_nb.api.pictures import drawn, look, upright
from kling_nb.api.sounds import sound_format, sound_seconds

__all__ = ["Given", "ImageInput", "SoundInput", "SoundOnWire", "WebUrl", "by_url", "decoded", "sound"]

IMAGE_BYTES = 10_000_000  # Kling: at most 10 MB, taken as decimal to stay on the safe side
IMAGE_SIDE = 300  # pixels, each side at least
IMAGE_RATIO = 2.5  # long side to short side at most
SOUND_BYTES = 5_000_000  # at most 5 MB


@dataclass(frozen=True, slots=True)
class Given:
    """A picture, sound or video that a person gave.

    Attributes
    ----------
    origin
        Where it came from, for people and records.
    url, data
        One of the two: where it lies, or its bytes.
    size
        Width and height in pixels, where known.
    seconds
        Length, where known.
    """

    origin: str
    url: str | None = None
    data: bytes | None = field(default=None, repr=False)
    size: tuple[int, int] | None = None
    seconds: float | None = None

    def wire(self) -> str:
        """What Kling takes: the URL, or bare base64."""
        if self.url is not None:
            return self.url
        return base64.b64encode(self.data or b"").decode("ascii")


def _written(given: Given, info: SerializationInfo) -> str:
    return given.origin if (info.context or {}).get("described") else given.wire()


def decoded(url: str) -> bytes:
    """Return what a ``data:`` URL holds.

    Raises
    ------
    ValueError
        When it is malformed.
    """
    head, comma, body = url.partition(",")
    if not comma:
        raise ValueError("a data: URL without data.")
    raw = unquote_to_bytes(body)
    try:
        return base64.b64decode(raw, validate=True) if head.endswith(";base64") else raw
    except binascii.Error as error:
        raise ValueError(f"a data: URL with broken base64 ({error}).") from None


def _is_url(value: object) -> bool:
    return isinstance(value, str) and value.lower().startswith(("http://", "https://"))


def _url(value: str) -> str:
    """Check a URL as far as that goes without asking for it."""
    if not urlsplit(value).hostname or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(f"{value!r} is no complete URL.")
    return value


def _from_file(path: Path, most: int) -> Given:
    data = _file(path, most)
    # A record may be read from another folder; and a name on disk need not be Unicode, which a record must be.
    return Given(os.fsencode(path.expanduser().absolute()).decode(errors="backslashreplace"), data=data)


def _file(path: Path, most: int) -> bytes:
    try:
        path = path.expanduser()
        if not path.is_file():
            shown = _short(str(path))
            raise ValueError(f"{shown} is no file." if path.exists() else f"there is no file {shown}.")
        if (size := path.stat().st_size) > most:
            raise ValueError(_too_large(_short(str(path)), size, most))
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {_short(str(path))}: {error.strerror or error}.") from None
    except RuntimeError as error:  # no home folder for ~
        raise ValueError(f"cannot read {path}: {error}.") from None


def _too_large(name: str, size: int, most: int) -> str:
    return f"{name} has {size / 1e6:.1f} MB; Kling takes {most / 1e6:g} MB at most."


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]}… ({len(text)} characters)"


def _bytes(data: bytes, what: str = "") -> Given:
    return Given(f"{what or f'{len(data)} bytes'}, sha256 {hashlib.sha256(data).hexdigest()[:16]}", data=data)


def _taken(value: Any, kind: str, most: int) -> Given:
    """Anything a person may give, as a `Given` that is not looked into yet."""
    value = finished(value, Given("the result of an unfinished job", url="https://unfinished.invalid/"))
    if isinstance(value, Given):
        return value
    if hasattr(value, "task_result"):
        having = [medium for medium in value.media if medium.kind == kind]
        if len(having) != 1:
            raise ValueError(f"this task yielded {len(having)} results of kind {kind}: choose one.")
        value = having[0]
    if getattr(value, "kind", kind) != kind:
        raise ValueError(f"a result of kind {value.kind} is no {kind}.")
    if _is_url(value):
        return Given(value, url=_url(value))
    if isinstance(value, str) and value.startswith("data:"):
        return _bytes(decoded(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _bytes(bytes(value))
    if isinstance(value, (str, os.PathLike)):
        return _from_file(Path(value), most)
    if kind == "image" and (data := drawn(value, most)) is not None:
        return _bytes(data, f"{type(value).__module__.partition('.')[0]} {type(value).__name__}")
    # An earlier result: its file is there and can be looked into; its URL may have expired.
    path, url = getattr(value, "path", None), getattr(value, "url", None)
    if isinstance(path, os.PathLike) and Path(path).is_file():
        return _from_file(Path(path), most)
    if isinstance(url, str):
        return _taken(url, kind, most)
    allowed = "a path, URL, bytes, Pillow image, numpy array" if kind == "image" else "a path, URL, bytes"
    raise ValueError(f"this {type(value).__name__} is no {kind}; give {allowed} or an earlier {kind}.")


def _picture(value: Any) -> Given:
    given = _taken(value, "image", IMAGE_BYTES)
    if given.data is None:
        return given
    try:
        data, picture = upright(given.data, look(given.data))
    except ValueError as error:
        raise ValueError(f"{given.origin}: {error}") from None
    width, height = picture.width, picture.height
    if len(data) > IMAGE_BYTES:
        raise ValueError(_too_large(given.origin, len(data), IMAGE_BYTES))
    if min(width, height) < IMAGE_SIDE:
        raise ValueError(f"{given.origin} has {width}x{height} pixels; each side must have at least {IMAGE_SIDE}.")
    if max(width, height) > IMAGE_RATIO * min(width, height):
        raise ValueError(f"{given.origin} has {width}x{height} pixels; the ratio may be 1:2.5 to 2.5:1.")
    return replace(given, data=data, size=(width, height))


def sound(shortest: float | None = None, longest: float | None = None) -> BeforeValidator:
    """Make the check of a field that takes a sound.

    Parameters
    ----------
    shortest, longest
        Length in seconds that the workflow takes; None where none is documented.
    """

    def take(value: Any) -> Given:
        given = _taken(value, "audio", SOUND_BYTES)
        if given.data is None:
            return given
        if len(given.data) > SOUND_BYTES:
            raise ValueError(_too_large(given.origin, len(given.data), SOUND_BYTES))
        if sound_format(given.data) is None:
            raise ValueError(f"{given.origin} is no MP3, WAV, M4A or AAC; Kling takes only these.")
        try:
            seconds = sound_seconds(given.data)
        except ValueError as error:
            raise ValueError(f"{given.origin}: {error}") from None
        if shortest and longest and seconds is not None and not shortest <= seconds <= longest:
            raise ValueError(f"{given.origin} lasts {seconds:.1f} s; it may last {shortest:g} to {longest:g} s.")
        return replace(given, seconds=seconds)

    return BeforeValidator(take)


def by_url(*lengths: Range) -> BeforeValidator:
    """Make the check of a field that takes a video by URL, of these lengths in seconds where it knows its own."""

    def take(value: Any) -> str:
        value = finished(value, "https://unfinished.invalid/")
        if hasattr(value, "task_result"):
            videos = [medium for medium in value.media if medium.kind == "video"]
            value = videos[0] if len(videos) == 1 else value
        if getattr(value, "kind", "video") != "video":
            raise ValueError(f"a result of kind {value.kind} is no video.")
        check_length(value, lengths)
        url = value if isinstance(value, str) else getattr(value, "url", None)
        if _is_url(url):
            return _url(str(url))
        raise ValueError(_no_video(value))

    return BeforeValidator(take)


def _no_video(value: Any) -> str:
    if not isinstance(value, (str, os.PathLike, bytes, bytearray)):
        return f"this {type(value).__name__} is no video; give a URL or an earlier video."
    shown = f"{len(value)} bytes" if isinstance(value, (bytes, bytearray)) else _short(str(value))
    return (
        f"{shown}: Kling takes videos only by URL; put the file where it can be fetched. For a video that Kling made, "
        "give the video itself."
    )


def _web_url(value: Any) -> str:
    value = finished(value, "https://unfinished.invalid/")
    url = value if isinstance(value, str) else getattr(value, "url", None)
    if _is_url(url):
        return _url(str(url))
    raise ValueError(f"{_short(str(value))}: it must be a URL (http:// or https://).")


ImageInput = Annotated[Loose[Given], BeforeValidator(_picture), PlainSerializer(_written, return_type=str)]
WebUrl = Annotated[str, BeforeValidator(_web_url)]
SoundOnWire = PlainSerializer(_written, return_type=str)
SoundInput = Annotated[Loose[Given], sound(), SoundOnWire]

"""Media that a request brings along: base64 is decoded, URLs are fetched (from this machine only), and looked at."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import av
from PIL import Image, ImageOps

from kling_nb.simulator.film import Probe, probe
from kling_nb.simulator.loopback import Unreachable, get, is_loopback
from kling_nb.simulator.refusals import Refused

__all__ = ["Film", "Given", "Inputs", "Limits", "Picture", "Sound"]

MB = 1_000_000
_LEEWAY = 1.05  # a megabyte may be decimal or binary, and the document does not say which
_MOMENT = 0.1  # seconds by which a length may be off: files round to whole frames and packets
_TIMEOUT = 10.0  # seconds for fetching an input


@dataclass(frozen=True, slots=True)
class Given:
    """One input, looked at: a picture as such, a sound or video as its file and what is in it."""

    file: Path
    image: Image.Image | None = None
    probe: Probe | None = None
    url: str = ""

    @property
    def picture(self) -> Image.Image:
        """The picture that it is."""
        assert self.image is not None
        return self.image

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.probe.seconds if self.probe else 0.0


class Limits(Protocol):
    """What an input has to be."""

    def look(self, where: str, file: Path) -> Given:
        """Look at a file.

        Raises
        ------
        Refused
            When it is none that Kling takes.
        """
        ...

    @property
    def inline(self) -> bool:
        """Whether it may come as base64, not only as a URL."""
        ...


def _weigh(where: str, file: Path, most: float) -> None:
    if (size := file.stat().st_size) > most * MB * _LEEWAY:
        raise Refused(1201, f"{where}: file size must not exceed {most:g}MB, it is {size / MB:.1f}MB")


def _time(where: str, seconds: float, least: float, most: float) -> None:
    if not least - _MOMENT <= seconds <= most + _MOMENT:
        raise Refused(1201, f"{where}: duration must be from {least:g}s to {most:g}s, it is {seconds:.1f}s")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture: at most so many MB, sides of so many pixels, long side to short side."""

    megabytes: float = 10
    least: int = 300
    most: int | None = None
    ratio: float = 2.5
    inline: bool = True

    def look(self, where: str, file: Path) -> Given:
        _weigh(where, file, self.megabytes)
        try:
            with Image.open(file, formats=("JPEG", "PNG")) as opened:
                image = ImageOps.exif_transpose(opened)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            raise Refused(1201, f"{where}: not an image of format jpg, jpeg or png") from None
        short, long = sorted(image.size)
        size = f"it is {image.width}x{image.height}"
        if short < self.least:
            raise Refused(1201, f"{where}: image sides must be at least {self.least}px, {size}")
        if self.most and long > self.most:
            raise Refused(1201, f"{where}: image sides must be at most {self.most}px, {size}")
        if long / short > self.ratio:
            raise Refused(1201, f"{where}: image aspect ratio must be from 1:2.5 to 2.5:1, {size}")
        return Given(file, image=image)


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound of so many seconds: mp3, wav, m4a or aac; with `films`, the sound of a video too."""

    least: float
    most: float
    megabytes: float = 5
    films: bool = False
    inline: bool = True

    def look(self, where: str, file: Path) -> Given:
        _weigh(where, file, self.megabytes)
        kinds = {"mp3", "wav", "aac", "mov,mp4,m4a,3gp,3g2,mj2"}
        held = _probe(file, kinds)
        if held is None or not held.audio or (held.video and not self.films):
            raise Refused(1201, f"{where}: not an audio file of format mp3, wav, m4a or aac")
        _time(where, held.seconds, self.least, self.most)
        return Given(file, probe=held)


@dataclass(frozen=True, slots=True)
class Film:
    """A video of so many seconds: mp4 or mov, sides of so many pixels, one of these frame rates or in a range."""

    least: float
    most: float
    megabytes: float = 100
    sides: tuple[int, int] = (1, 100_000)
    rates: tuple[float, float] | frozenset[int] = (1, 240)
    also: tuple[float, float] | None = None  # other lengths that are fine as well
    inline: bool = False

    def look(self, where: str, file: Path) -> Given:
        _weigh(where, file, self.megabytes)
        held = _probe(file, {"mov,mp4,m4a,3gp,3g2,mj2"})
        if held is None or not held.video:
            raise Refused(1201, f"{where}: not a video of format mp4 or mov")
        self.measure(where, held)
        return Given(file, probe=held)

    def measure(self, where: str, held: Probe) -> None:
        """Refuse what is too long or short, large or small, quick or slow."""
        if self.also is None or not self.also[0] - _MOMENT <= held.seconds <= self.also[1] + _MOMENT:
            _time(where, held.seconds, self.least, self.most)
        least, most = self.sides
        if not least <= min(held.width, held.height) <= max(held.width, held.height) <= most:
            size = f"{held.width}x{held.height}"
            raise Refused(1201, f"{where}: video width and height must be from {least}px to {most}px, it is {size}")
        rates = self.rates
        within = round(held.fps) in rates if isinstance(rates, frozenset) else rates[0] - 0.1 <= held.fps <= rates[1]
        if not within:
            raise Refused(1201, f"{where}: video frame rate of {held.fps:g} is not supported")


def _probe(file: Path, kinds: set[str]) -> Probe | None:
    try:
        with av.open(str(file)) as opened:
            if opened.format.name not in kinds:
                return None
        return probe(file)
    except (av.FFmpegError, ValueError, OSError):
        return None


class Inputs:
    """Brings the inputs of requests into files.

    Parameters
    ----------
    folder
        Where they are kept.
    own
        Knows the file behind a URL of the simulator's own media, which then need not go over the network.
    """

    def __init__(self, folder: Path, own: Callable[[str], Path | None]) -> None:
        self._folder, self._own = folder, own

    async def bring(self, where: str, given: str, limits: Limits) -> tuple[Given, str]:
        """One input, looked at, and a digest of its bytes.

        Raises
        ------
        Refused
            When it cannot be had, or is none that Kling takes.
        """
        if given.startswith(("http://", "https://")):
            file = self._own(given) or await self._fetch(where, given)
        elif limits.inline:
            file = await asyncio.to_thread(self._decode, where, given)
        else:
            raise Refused(1201, f"{where}: must be a URL")
        digest = hashlib.sha256(await asyncio.to_thread(file.read_bytes)).hexdigest()
        looked = await asyncio.to_thread(limits.look, where, file)
        return Given(looked.file, looked.image, looked.probe, given if not limits.inline else ""), digest

    async def _fetch(self, where: str, url: str) -> Path:
        if not is_loopback(url):
            raise Refused(1201, f"{where}: the simulator fetches only from this machine (127.0.0.1), not {url[:200]}")
        try:
            status, body = await get(url, _TIMEOUT)
        except Unreachable as error:
            raise Refused(1201, f"{where}: cannot fetch {url[:200]} ({error})") from None
        if status != 200:
            raise Refused(1201, f"{where}: cannot fetch {url[:200]} (HTTP {status})")
        return await asyncio.to_thread(self._keep, body)

    def _decode(self, where: str, given: str) -> Path:
        if given.startswith("data:"):
            raise Refused(1201, f"{where}: base64 must come without a prefix such as 'data:image/png;base64,'")
        try:
            return self._keep(base64.b64decode(given, validate=True))
        except (binascii.Error, ValueError):
            raise Refused(1201, f"{where}: neither a URL nor base64") from None

    def _keep(self, data: bytes) -> Path:
        file = self._folder / hashlib.sha256(data).hexdigest()[:32]
        if not file.exists():
            half = file.with_suffix(f".{uuid.uuid4().hex}")
            half.write_bytes(data)
            half.replace(file)
        return file

"""Media that a request brings along: base64 is decoded, URLs are fetched (from this machine only), and looked at."""

from __future__ import annotations

import base64
import binascii
import io
import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from PIL import Image, ImageOps

from kling_nb.simulator.refusals import Refused

__all__ = ["Picture", "fetch", "loopback"]

MB = 1_000_000
_TIMEOUT = 10.0  # seconds for fetching an input


@dataclass(frozen=True, slots=True)
class Picture:
    """What Kling asks of a picture: at most so many bytes, sides of so many pixels, long to short side."""

    most_bytes: int = 10 * MB + MB // 2  # 10 MB, decimal or binary
    least_side: int = 300
    most_side: int | None = None
    ratio: float | None = 2.5

    def look(self, where: str, data: bytes) -> Image.Image:
        """The picture, upright.

        Raises
        ------
        Refused
            When it is none that Kling takes.
        """
        if len(data) > self.most_bytes:
            raise Refused(1201, f"{where}: image file size must not exceed 10MB, it has {len(data) / MB:.1f}MB")
        try:
            image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG"))
            image.load()
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            raise Refused(1201, f"{where}: not an image of format jpg, jpeg or png") from None
        short, long = sorted(image.size)
        if short < self.least_side:
            raise Refused(1201, f"{where}: image side must be at least {self.least_side}px, it is {_size(image)}")
        if self.most_side and long > self.most_side:
            raise Refused(1201, f"{where}: image side must be at most {self.most_side}px, it is {_size(image)}")
        if self.ratio and long / short > self.ratio:
            raise Refused(1201, f"{where}: image aspect ratio must be within 1:2.5 and 2.5:1, it is {_size(image)}")
        return ImageOps.exif_transpose(image)


def _size(image: Image.Image) -> str:
    return f"{image.width}x{image.height}"


def loopback(url: str) -> bool:
    """Whether a URL leads to this machine itself."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def fetch(where: str, given: str) -> bytes:
    """The bytes of what was given as base64 or URL.

    Raises
    ------
    Refused
        When it is neither, or a URL that leads away from this machine or to nothing.
    """
    if not given.startswith(("http://", "https://")):
        if given.startswith("data:"):
            raise Refused(1201, f"{where}: base64 must come without the prefix 'data:...;base64,'")
        try:
            return base64.b64decode(given, validate=True)
        except (binascii.Error, ValueError):
            raise Refused(1201, f"{where}: neither a URL nor base64") from None
    if not loopback(given):
        raise Refused(1201, f"{where}: the simulator fetches only from this machine (127.0.0.1), not {given[:200]}")
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=_TIMEOUT) as http:
            answer = await http.get(given)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Refused(1201, f"{where}: cannot fetch {given[:200]} ({type(error).__name__})") from None
    if answer.status_code != 200:
        raise Refused(1201, f"{where}: cannot fetch {given[:200]} (HTTP {answer.status_code})")
    return answer.content

"""Media as input: path, URL, bytes or Pillow image in; what the wire takes out.

Kling takes a URL or bare base64 (no ``data:`` prefix). Whatever is given is looked at before anything is sent: a
picture that the service would refuse costs an answer in milliseconds here instead of a round trip.
"""

import base64
import hashlib
import io
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, SerializationInfo

__all__ = ["Given", "ImageInput"]

IMAGE_BYTES = 10 * 1000 * 1000  # Kling: at most 10 MB, taken as decimal to stay on the safe side
IMAGE_SIDE = 300  # pixels, each side at least
IMAGE_RATIO = 2.5  # long side to short side at most


@dataclass(frozen=True, slots=True)
class Given:
    """A picture, video or sound that a person gave: where it came from, and its bytes or URL."""

    origin: str
    url: str | None = None
    data: bytes | None = field(default=None, repr=False)

    def wire(self) -> str:
        """What Kling takes: the URL, or bare base64."""
        if self.url is not None:
            return self.url
        return base64.b64encode(self.data or b"").decode("ascii")


def _written(given: Given, info: SerializationInfo) -> str:
    return given.origin if (info.context or {}).get("described") else given.wire()


def _taken(value: Any) -> Given:
    """Anything a person may give, as a `Given`."""
    if isinstance(value, Given):
        return value
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        return Given(value, url=value)
    if isinstance(value, str) and value.startswith("data:"):
        raise ValueError("a data: URI is not taken; give the bytes, a path or a URL.")
    if isinstance(value, (bytes, bytearray)):
        data = bytes(value)
        return Given(f"{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()[:16]}", data=data)
    if isinstance(value, (str, os.PathLike)):
        path = Path(value).expanduser()
        try:
            return Given(str(path), data=path.read_bytes())
        except OSError as error:
            raise ValueError(f"cannot read {path}: {error.strerror or error}.") from None
    if hasattr(value, "save") and hasattr(value, "size"):
        held = io.BytesIO()
        (value if value.mode in ("RGB", "L") else value.convert("RGB")).save(held, "PNG")
        return Given(f"Pillow image {value.size[0]}x{value.size[1]}", data=held.getvalue())
    raise ValueError(f"a {type(value).__name__} is no picture; give a path, URL, bytes or Pillow image.")


def _picture(value: Any) -> Given:
    given = _taken(value)
    if given.data is not None:
        if not given.data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")):
            raise ValueError(f"{given.origin} is no JPEG or PNG; Kling takes only these.")
        if len(given.data) > IMAGE_BYTES:
            raise ValueError(f"{given.origin} has {len(given.data) / 1e6:.1f} MB; Kling takes 10 MB at most.")
    return given


ImageInput = Annotated[Given, BeforeValidator(_picture), PlainSerializer(_written, return_type=str)]

"""Looking into pictures before they are sent: format, size, rotation; and making PNG of what is not a file yet.

The headers are read here, so that sizes are checked without Pillow too. Pillow, where it is installed, also finds
damaged files, turns pictures upright that a camera stored rotated, and writes PNG.
"""

import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kling_nb.api.advice import advise

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Picture", "drawn", "look", "upright"]

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
ORIENTATION = 0x0112  # EXIF's tag; 1 is upright, 5 to 8 swap the sides
DECODED = 50_000_000  # pixels; larger pictures are not decoded here, their headers are believed
INSTALL = "pip install 'kling-nb[simulator]'"
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG segments that give the size


@dataclass(frozen=True, slots=True)
class Picture:
    """What a picture's header says: sides in pixels as stored, and EXIF's orientation (1 to 8)."""

    width: int
    height: int
    orientation: int = 1


def look(data: bytes) -> Picture:
    """Read the header of a JPEG or PNG.

    Raises
    ------
    ValueError
        When it is neither, or damaged.
    """
    try:
        if data.startswith(PNG):
            return _png(data)
        if data.startswith(JPEG):
            return _jpeg(data)
    except (struct.error, IndexError):
        raise ValueError("it is cut short or damaged.") from None
    raise ValueError("it is no JPEG or PNG; Kling takes only these.")


def _png(data: bytes) -> Picture:
    width, height = struct.unpack_from(">II", data, 16)
    at, orientation = 8, 1
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"eXIf":
            orientation = _orientation(data[at + 8 : at + 8 + length])
        if name == b"IDAT":
            break
        at += length + 12
    return Picture(width, height, orientation)


def _jpeg(data: bytes) -> Picture:
    at, orientation = 2, 1
    while True:
        while data[at] == 0xFF and data[at + 1] == 0xFF:  # fill bytes
            at += 1
        marker, length = struct.unpack_from(">xBH", data, at)
        if marker in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return Picture(width, height, orientation)
        if marker == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            orientation = _orientation(data[at + 10 : at + 2 + length])
        at += 2 + length


def _orientation(exif: bytes) -> int:
    """Find the orientation in an EXIF block; 1 when it tells none or makes no sense."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    try:
        if order is None:
            return 1
        (at,) = struct.unpack_from(f"{order}I", exif, 4)
        (entries,) = struct.unpack_from(f"{order}H", exif, at)
        for entry in range(entries):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", exif, at + 2 + 12 * entry)
            if tag == ORIENTATION:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def upright(data: bytes, picture: Picture) -> tuple[bytes, Picture]:
    """Return the picture as a person sees it: stored upright, and whole.

    A picture that is upright already keeps its bytes. Without Pillow a rotated one does too, and a warning says so.

    Raises
    ------
    ValueError
        When Pillow cannot decode it.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError:
        if picture.orientation != 1:
            advise(
                "The picture is stored rotated (EXIF) and, without Pillow, sent as it is: Kling may show it lying. "
                f"To have it turned upright: {INSTALL}"
            )
        return data, picture
    if picture.width * picture.height > DECODED:
        return data, picture
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            if picture.orientation == 1:
                return data, picture
            turned = ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        raise ValueError(f"it is damaged ({error}).") from None
    written = io.BytesIO()
    turned.save(written, "PNG" if data.startswith(PNG) else "JPEG", quality=95)
    return written.getvalue(), Picture(*turned.size)


def drawn(value: Any, most: int) -> bytes | None:
    """Write a Pillow image or a numpy array as PNG (as JPEG when a PNG would have more than ``most`` bytes).

    Arrays have the shape (height, width), (height, width, 3) or (height, width, 4) and hold uint8, bool, or floats
    from 0 to 1. Anything else returns None.

    Raises
    ------
    ValueError
        When an array has another shape or other values, or Pillow is needed and missing.
    """
    array = hasattr(value, "__array_interface__") and hasattr(value, "dtype")
    if not array and not (hasattr(value, "getexif") and hasattr(value, "save")):
        return None
    try:
        from PIL import ImageOps
    except ImportError:
        raise ValueError(f"an array needs Pillow to become a picture: {INSTALL}") from None
    image = _from_array(value) if array else ImageOps.exif_transpose(value)
    transparent = "A" in image.getbands() or "transparency" in image.info
    if image.mode not in ("RGB", "RGBA", "L", "LA"):
        image = image.convert("RGBA" if transparent else "RGB")
    written = io.BytesIO()
    image.save(written, "PNG")
    if written.tell() > most and not transparent:
        written = io.BytesIO()
        image.save(written, "JPEG", quality=95)
    return written.getvalue()


def _from_array(array: Any) -> "Image":
    from PIL import Image

    shape, kind = tuple(array.shape), array.dtype.kind
    if not (len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))) or 0 in shape:
        raise ValueError(
            f"an array of shape {shape}: it may be (height, width), (height, width, 3) or (height, width, 4)."
        )
    if kind == "b":
        array = array.astype("uint8") * 255
    elif kind == "f":
        if not (array.min() >= 0 and array.max() <= 1):  # also refuses NaN
            raise ValueError(f"an array of floats from {array.min():g} to {array.max():g}: they may go from 0 to 1.")
        array = (array * 255).round().astype("uint8")
    elif array.dtype.name != "uint8":
        raise ValueError(f"an array of {array.dtype.name}: it may hold uint8, bool, or floats from 0 to 1.")
    return Image.fromarray(array)

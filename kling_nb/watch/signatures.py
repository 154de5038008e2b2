"""What a media file is, told by its own bytes: URLs and content types are guesses, and an error page has both too."""

from __future__ import annotations

from typing import IO, Literal

__all__ = ["HEAD_BYTES", "Kind", "cut_short", "suffix_of"]

Kind = Literal["video", "image", "audio"]

HEAD_BYTES = 64  # from the beginning of a file; enough for every signature here

_IMAGE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")  # of the family that MP4 belongs to
_AUDIO_BRANDS = (b"M4A ", b"M4B ")


def suffix_of(head: bytes, kind: Kind) -> str | None:
    """Return the suffix that fits a file, such as ``.mp4``; None when it is not of this kind.

    Parameters
    ----------
    head
        Its first `HEAD_BYTES` bytes, or all of it.
    kind
        What it has to be.
    """
    match kind:
        case "video":
            return _video(head)
        case "image":
            return _image(head)
        case "audio":
            return _audio(head)


def _video(head: bytes) -> str | None:
    if head[4:8] == b"ftyp" and head[8:12] not in _IMAGE_BRANDS + _AUDIO_BRANDS:
        return ".mov" if head[8:12] == b"qt  " else ".mp4"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return ".webm" if b"webm" in head else ".mkv"
    return None


def _image(head: bytes) -> str | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return ".png"
    if head.startswith(b"\xff\xd8\xff"):
        return ".jpg"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return ".webp"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return ".gif"
    return None


def _audio(head: bytes) -> str | None:
    if head.startswith(b"ID3"):
        return ".mp3"
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return ".wav"
    if head.startswith(b"OggS"):
        return ".ogg"
    if head[4:8] == b"ftyp" and head[8:12] not in _IMAGE_BRANDS:
        return ".m4a"
    # An MPEG frame begins with eleven set bits; then come two of the version and two of the layer, 01 for III.
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2:
        return ".mp3"
    return None


def cut_short(file: IO[bytes]) -> bool:
    """Whether an MP4 or MOV lacks its end, by the lengths that its boxes give; False for what does not tell."""
    size = file.seek(0, 2)
    at, indexed = 0, False
    while at + 8 <= size:
        file.seek(at)
        header = file.read(16)
        length, name = int.from_bytes(header[:4], "big"), header[4:8]
        if at == 0 and name != b"ftyp":
            return False
        if length == 1:  # the real length follows in 64 bits
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:  # up to the end of the file
            length = size - at
        indexed = indexed or name == b"moov"
        at += max(length, 8)
    return at != size or not indexed

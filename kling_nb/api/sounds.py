"""Looking into sounds before they are sent: the format by its own bytes, the length where it can be told."""

import io
import wave

from kling_nb.api.advice import advise
from kling_nb.api.pictures import INSTALL

__all__ = ["sound_format", "sound_seconds"]


def sound_format(data: bytes) -> str | None:
    """Return "mp3", "wav", "m4a" or "aac"; None when it is none of those that Kling takes."""
    head = data[:12]
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "wav"
    if head.startswith(b"ID3"):
        return "mp3"
    if head[4:8] == b"ftyp":
        return "m4a"
    if head.startswith(b"ADIF"):
        return "aac"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:  # an MPEG frame begins with eleven set bits
        return "aac" if head[1] & 0x06 == 0 else "mp3"  # ADTS writes layer 0, MP3 has layer III
    return None


def sound_seconds(data: bytes) -> float | None:
    """Return the length in seconds; None, with a warning, where only PyAV could tell and it is not installed.

    Raises
    ------
    ValueError
        When PyAV cannot read it.
    """
    if sound_format(data) == "wav":
        try:
            with wave.open(io.BytesIO(data)) as file:
                return float(file.getnframes() / file.getframerate())
        except (wave.Error, EOFError, ZeroDivisionError):
            pass  # a compressed or odd one: PyAV may know it
    try:
        import av
    except ImportError:
        advise(f"The sound's length was not checked: that needs PyAV ({INSTALL}).")
        return None
    try:
        with av.open(io.BytesIO(data), "r") as container:
            if not container.streams.audio:
                raise ValueError("it has no sound.")
            return container.duration / av.time_base if container.duration else None
    except av.FFmpegError as error:
        raise ValueError(f"it is damaged ({error.strerror}).") from None

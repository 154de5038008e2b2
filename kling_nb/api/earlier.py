"""Earlier results as input: which id a field takes from them, and jobs that are not finished yet.

A field that wants the id of something made before takes the thing itself: the video, the sound, the answer with the
session, or the whole task. It also takes a job, by one small protocol: awaitable, with a ``result`` that is None
until it is finished. `unfinished` says which jobs a request would have to wait for.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from typing import Annotated, Any

from pydantic import BeforeValidator

from kling_nb.api.fields import Loose

__all__ = [
    "ElementId",
    "FaceId",
    "Range",
    "SessionId",
    "VoiceId",
    "check_length",
    "checking",
    "earlier_audio",
    "earlier_video",
    "finished",
    "unfinished",
]

Range = tuple[float, float]  # least and most, both included
ABOUT = 0.2  # seconds; a video of 5 s is reported, and taken, as one of 5.1

_waiting: ContextVar[list[Any] | None] = ContextVar("waiting", default=None)


@contextmanager
def unfinished() -> Iterator[list[Any]]:
    """Let unfinished jobs stand for their results within the block, and collect them in the list."""
    found: list[Any] = []
    token = _waiting.set(found)
    try:
        yield found
    finally:
        _waiting.reset(token)


def checking() -> bool:
    """Whether a request is only looked at, not made."""
    return _waiting.get() is not None


def finished(value: Any, placeholder: Any) -> Any:
    """Return the result of a finished job, and anything else as it is.

    Raises
    ------
    ValueError
        When the job has failed, or is not finished; within `unfinished` a placeholder stands for its result.
    """
    if not hasattr(type(value), "__await__"):
        return value
    if (error := getattr(value, "error", None)) is not None:
        raise ValueError(f"{value!r} has failed: {error}")
    result = getattr(value, "result", None)
    if result is not None and not callable(result):
        return result
    waiting = _waiting.get()
    if waiting is None:
        raise ValueError(f"{value!r} is not finished: wait for it first.")
    waiting.append(value)
    return placeholder


def _takes(what: str, attribute: str, kind: str | None = None, lengths: tuple[Range, ...] = ()) -> Callable[[Any], str]:
    """Make the check of a field that takes an id: a plain one, or that of an earlier result.

    Parameters
    ----------
    what
        Name of the id, for messages.
    attribute
        Where a result has it.
    kind
        What the result has to be, "video" or "audio", where only one kind has such an id.
    lengths
        Lengths in seconds that the workflow takes, checked where the result knows its own.
    """

    def take(value: Any) -> str:
        value = finished(value, "0")
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            return _plain(what, str(value).strip())
        if getattr(value, "recognised", True) is False:
            raise ValueError(f"nothing was recognised there (status {value.status}): mark something else first.")
        results = [*value.media, *value.voices, *value.elements] if hasattr(value, "task_result") else [value]
        having = [
            result
            for result in results
            if getattr(result, attribute, None) not in (None, "")
            and (not kind or getattr(result, "kind", kind) == kind)
        ]
        if len(having) != 1:
            said = f"has {len(having)}: choose one" if having else "has none"
            raise ValueError(f"it takes a {what}, or a result that has one; this {type(value).__name__} {said}.")
        check_length(having[0], lengths)
        return str(getattr(having[0], attribute))

    return take


def _plain(what: str, given: str) -> str:
    if not given:
        raise ValueError(f"the {what} is empty.")
    if given.startswith(("http://", "https://")):
        raise ValueError(f"{given!r} is a URL, not a {what}; where a URL does as well, there is a field for it.")
    return given


def check_length(value: Any, lengths: tuple[Range, ...]) -> None:
    """Refuse what knows its length, as ``duration`` in seconds, and has quite another than these."""
    length = getattr(value, "duration", None)
    if not lengths or length is None:
        return
    if not any(least - ABOUT <= length <= most + ABOUT for least, most in lengths):
        allowed = " or ".join(
            f"{least:g} to {most:g}" if most < inf else f"at least {least:g}" for least, most in lengths
        )
        raise ValueError(f"a length of {length:g} s: it may be {allowed} s.")


def earlier_video(*lengths: Range) -> BeforeValidator:
    """Make the check of a field that takes the id of a video of these lengths, in seconds."""
    return BeforeValidator(_takes("video_id", "id", "video", lengths))


def earlier_audio(*lengths: Range) -> BeforeValidator:
    """Make the check of a field that takes the id of a sound of these lengths, in seconds."""
    return BeforeValidator(_takes("audio_id", "id", "audio", lengths))


SessionId = Annotated[Loose[str], BeforeValidator(_takes("session_id", "session_id"))]
FaceId = Annotated[Loose[str], BeforeValidator(_takes("face_id", "face_id"))]
VoiceId = Annotated[Loose[str], BeforeValidator(_takes("voice_id", "voice_id"))]
ElementId = Annotated[Loose[int], BeforeValidator(_takes("element_id", "element_id"))]

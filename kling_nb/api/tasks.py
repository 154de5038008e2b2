"""Tasks and what they yield, as the service returns them.

Unknown fields are kept: Kling adds some every month, and what a notebook saved must not lose them. A detail that
makes no sense is dropped rather than the whole: nothing that was paid for is lost for a length of "unknown".
"""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from kling_nb.api.media import decoded

__all__ = [
    "Answer",
    "Audio",
    "Image",
    "MadeElement",
    "MadeVoice",
    "Media",
    "Task",
    "TaskStatus",
    "Video",
]

T = TypeVar("T")


def _or_none(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError:
        return None


Detail = Annotated[T | None, WrapValidator(_or_none)]
"""A detail that is None when the service leaves it out or writes nonsense."""

Length = Annotated[float, Field(ge=0, allow_inf_nan=False)]  # seconds


class TaskStatus(StrEnum):
    """Where a task is in its life; an unknown word from the service counts as still running."""

    SUBMITTED = "submitted"
    PROCESSING = "processing"
    SUCCEED = "succeed"
    FAILED = "failed"

    @property
    def done(self) -> bool:
        """Whether nothing more will happen to the task."""
        return self in (TaskStatus.SUCCEED, TaskStatus.FAILED)


# Kling documents `succeed`. The gateway has its own words for omni tasks: SUCCESS was seen, FAILURE is documented.
_SPELLINGS = {
    "submitted": TaskStatus.SUBMITTED,
    "processing": TaskStatus.PROCESSING,
    "in_progress": TaskStatus.PROCESSING,
    "succeed": TaskStatus.SUCCEED,
    "succeeded": TaskStatus.SUCCEED,
    "success": TaskStatus.SUCCEED,
    "completed": TaskStatus.SUCCEED,
    "failed": TaskStatus.FAILED,
    "failure": TaskStatus.FAILED,
}


def _meaning(word: object) -> TaskStatus | None:
    return _SPELLINGS.get(str(word).strip().lower())


class Answer(BaseModel):
    """Something that the service said, with every field it had."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)


class Media(Answer):
    """One finished file at the service. Its URL is served for 30 days at most.

    Attributes
    ----------
    url
        Where it can be fetched; a ``data:`` URL when the service sent the file itself.
    watermark_url
        The same with Kling's watermark, when that was asked for.
    """

    kind: ClassVar[Literal["video", "image", "audio"]]
    id: Detail[str] = None
    url: Annotated[str, Field(min_length=1)]
    watermark_url: Detail[str] = None

    @property
    def urls(self) -> dict[str, str]:
        """Every file there is of it: the main one as "", then "watermark", and a sound's other formats."""
        return {"": self.url} | ({"watermark": self.watermark_url} if self.watermark_url else {})

    @property
    def content(self) -> bytes | None:
        """The file itself when the service sent it in place of a URL, else None."""
        return decoded(self.url) if self.url.startswith("data:") else None


class Video(Media):
    """A finished video.

    Attributes
    ----------
    id
        Kling's id of the video, which ``video_extend`` and lip-sync take.
    url
        Where it can be fetched, for 30 days at most.
    watermark_url
        The same with Kling's watermark, when that was asked for.
    duration
        Length in seconds, or None when the service did not say.
    session_id
        The editing session it comes from (multi-elements).
    """

    kind: ClassVar[Literal["video", "image", "audio"]] = "video"
    duration: Detail[Length] = None
    session_id: Detail[str] = None


class Image(Media):
    """A finished picture; ``index`` is its place in the series."""

    kind: ClassVar[Literal["video", "image", "audio"]] = "image"
    index: Detail[int] = None


class Audio(Media):
    """A finished sound; ``url`` is the best format given, ``duration`` its length in seconds."""

    kind: ClassVar[Literal["video", "image", "audio"]] = "audio"
    duration: Detail[Length] = None
    url_mp3: Detail[str] = None
    url_wav: Detail[str] = None

    @model_validator(mode="before")
    @classmethod
    def _best_format(cls, given: Any) -> Any:
        """Text-to-audio answers ``url_mp3`` and ``url_wav`` (with lengths of their own), speech just ``url``."""
        if not isinstance(given, dict):
            return given
        url = given.get("url") or given.get("url_wav") or given.get("url_mp3")
        duration = given.get("duration") or given.get("duration_wav") or given.get("duration_mp3")
        return {**given, "url": url, "duration": duration}

    @property
    def urls(self) -> dict[str, str]:
        others = {"wav": self.url_wav, "mp3": self.url_mp3}
        return super().urls | {name: url for name, url in others.items() if url and url != self.url}


class MadeVoice(Answer):
    """A voice in Kling's library: ``voice_id`` goes into ``voice_list``, ``trial_url`` lets it be heard."""

    voice_id: str
    voice_name: Detail[str] = None
    trial_url: Detail[str] = None
    owned_by: Detail[str] = None


class MadeElement(Answer):
    """A character or object in Kling's library: ``element_id`` goes into ``element_list``.

    ``status`` is "succeed", or "deleted" once it is removed.
    """

    element_id: int
    element_name: Detail[str] = None
    element_description: Detail[str] = None
    reference_type: Detail[str] = None
    owned_by: Detail[str] = None
    status: Detail[str] = None


A = TypeVar("A", bound=Answer)


class Task(Answer):
    """One task as the service last described it.

    Attributes
    ----------
    task_id
        Kling's id.
    task_status
        The service's own word; `status` is what it means.
    task_status_msg
        The reason, when it failed.
    task_info
        What the service says of the request: ``external_task_id``, ``parent_video``.
    task_result
        What it yielded, as the service writes it; `media`, `voices` and `elements` read it.
    created_at, updated_at
        Unix time in milliseconds.
    final_unit_deduction
        What it cost, as the service writes it (e.g. "5" or "0.25" units), after success.
    final_balance_deduction
        What it cost in money, in newer answers: ``quota`` and ``list_price``.
    """

    task_id: Annotated[str, Field(min_length=1)]
    task_status: str = "submitted"
    task_status_msg: Detail[str] = None
    task_info: dict[str, Any] = Field(default_factory=dict)
    task_result: dict[str, Any] = Field(default_factory=dict)
    created_at: Detail[int] = None
    updated_at: Detail[int] = None
    final_unit_deduction: Detail[str] = None
    final_balance_deduction: Detail[dict[str, Any]] = None

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        given = {name: value for name, value in _unwrapped(given).items() if value is not None}
        for name in ("task_info", "task_result"):
            if not given.get(name):  # null, "" and [] were seen for "nothing yet"
                given.pop(name, None)
        return given

    @property
    def status(self) -> TaskStatus:
        """What `task_status` means; a word nobody knows counts as still running."""
        return _meaning(self.task_status) or TaskStatus.PROCESSING

    @property
    def status_is_known(self) -> bool:
        """Whether the service's word for the status is one of the documented or seen ones."""
        return _meaning(self.task_status) is not None

    @property
    def external_task_id(self) -> str | None:
        """The id that the task was created under by its owner."""
        return self.task_info.get("external_task_id") or (self.model_extra or {}).get("external_task_id")

    @property
    def seconds(self) -> float | None:
        """How long the service worked on it, from creation to its last update, in seconds."""
        if self.created_at is None or self.updated_at is None:
            return None
        return max(0.0, (self.updated_at - self.created_at) / 1000)

    @property
    def parent_video(self) -> Video | None:
        """The video it was made from (extension, lip-sync, video-to-audio), where the service names it."""
        return next(iter(_read(Video, [self.task_info.get("parent_video")])), None)

    @property
    def media(self) -> list[Media]:
        """Everything the task yielded: videos, then images in the order of their series, then audios."""
        images = _read(Image, self.task_result.get("images")) + _read(Image, self.task_result.get("series_images"))
        if all(image.index is not None for image in images):
            images.sort(key=lambda image: image.index or 0)
        return [
            *_read(Video, self.task_result.get("videos")),
            *images,
            *_read(Audio, self.task_result.get("audios")),
        ]

    @property
    def voices(self) -> list[MadeVoice]:
        """The voices that it made."""
        return _read(MadeVoice, self.task_result.get("voices"))

    @property
    def elements(self) -> list[MadeElement]:
        """The elements that it made."""
        return _read(MadeElement, self.task_result.get("elements"))


def _unwrapped(given: dict[str, Any]) -> dict[str, Any]:
    """The task within the gateway's own wrapper.

    Omni tasks were seen as ``{task_id, action, status: "SUCCESS", progress, fail_reason, data: <Kling's answer>}``,
    where Kling's answer may or may not have its envelope. The wrapper's word counts once it is final: the gateway
    may have given up on a task that Kling still shows as running.
    """
    if "task_status" in given:
        return given
    inner = given.get("data")
    while isinstance(inner, dict) and "task_status" not in inner and isinstance(inner.get("data"), dict):
        inner = inner["data"]
    task = inner if isinstance(inner, dict) else {}
    outer = {name: value for name, value in given.items() if name != "data"}
    word = given.get("status")
    final = _meaning(word)
    return {
        **outer,
        **task,
        "task_id": given.get("task_id") or task.get("task_id"),
        "task_status": word if final and final.done else task.get("task_status") or word,
        "task_status_msg": task.get("task_status_msg") or given.get("fail_reason") or None,
    }


def _read(kind: type[A], given: object) -> list[A]:
    """Read a list of the service's; what cannot be read stays in the answer and is left out here."""
    found = []
    for item in given if isinstance(given, list) else []:
        try:
            found.append(kind.model_validate(item))
        except ValidationError:
            continue
    return found

"""Tasks and what they yield, as the service returns them.

Unknown fields are kept: Kling adds some every month, and what a notebook saved must not lose them.
"""

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = ["Audio", "Image", "Media", "Task", "TaskStatus", "Video"]


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


# Kling documents `succeed`; the gateway has answered `SUCCESS` for an omni task; others are seen in the wild.
_SPELLINGS = {
    "submitted": TaskStatus.SUBMITTED,
    "processing": TaskStatus.PROCESSING,
    "succeed": TaskStatus.SUCCEED,
    "succeeded": TaskStatus.SUCCEED,
    "success": TaskStatus.SUCCEED,
    "completed": TaskStatus.SUCCEED,
    "failed": TaskStatus.FAILED,
    "failure": TaskStatus.FAILED,
}


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)


class Media(_Answer):
    """One finished file at the service. Its URL is served for 30 days at most."""

    kind: Literal["video", "image", "audio"] = Field(exclude=True, repr=False)
    id: str | None = None
    url: str
    watermark_url: str | None = None


class Video(Media):
    """A finished video.

    Attributes
    ----------
    id
        Kling's id of the video, which ``video_extend`` and lip-sync take.
    url
        Where it can be fetched, for 30 days at most.
    duration
        Length in seconds, or None when the service did not say.
    """

    kind: Literal["video"] = Field("video", exclude=True, repr=False)
    duration: float | None = None


class Image(Media):
    """A finished picture; ``index`` is its place in the series."""

    kind: Literal["image"] = Field("image", exclude=True, repr=False)
    index: int | None = None


class Audio(Media):
    """A finished sound; ``url`` is the best format given, ``duration`` its length in seconds."""

    kind: Literal["audio"] = Field("audio", exclude=True, repr=False)
    duration: float | None = None
    url_mp3: str | None = None
    url_wav: str | None = None


def _audio(given: dict[str, Any]) -> Audio:
    """Text-to-audio answers ``url_mp3`` and ``url_wav`` (with lengths of their own), speech just ``url``."""
    url = given.get("url") or given.get("url_wav") or given.get("url_mp3")
    duration = given.get("duration") or given.get("duration_wav") or given.get("duration_mp3")
    return Audio.model_validate({**given, "url": url, "duration": duration})


class Task(_Answer):
    """One task as the service last described it.

    Attributes
    ----------
    task_id
        Kling's id.
    task_status
        The service's own word; `status` is what it means.
    task_status_msg
        The reason, when it failed.
    created_at, updated_at
        Unix time in milliseconds.
    final_unit_deduction
        What it cost, as the service writes it (e.g. "5" or "0.25" units), after success.
    """

    task_id: str
    task_status: str = "submitted"
    task_status_msg: str | None = None
    task_info: dict[str, Any] = Field(default_factory=dict)
    task_result: dict[str, Any] = Field(default_factory=dict)
    created_at: int | None = None
    updated_at: int | None = None
    final_unit_deduction: str | None = None

    @field_validator("task_info", "task_result", mode="before")
    @classmethod
    def _null_is_empty(cls, value: object) -> object:
        return {} if value is None else value

    @property
    def status(self) -> TaskStatus:
        """What `task_status` means; a word nobody knows counts as still running."""
        return _SPELLINGS.get(self.task_status.strip().lower(), TaskStatus.PROCESSING)

    @property
    def status_is_known(self) -> bool:
        """Whether the service's word for the status is one of the documented or seen ones."""
        return self.task_status.strip().lower() in _SPELLINGS

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
    def media(self) -> list[Media]:
        """Everything the task yielded: videos, then images, then audios."""
        found: list[Media] = [Video.model_validate(video) for video in self._given("videos")]
        found += [Image.model_validate(image) for image in self._given("images")]
        found += [_audio(audio) for audio in self._given("audios")]
        return found

    def _given(self, name: str) -> list[dict[str, Any]]:
        given = self.task_result.get(name)
        return [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []

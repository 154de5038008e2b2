"""Sounds: from words, for a video, and speech."""

import base64
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import Field

from kling_nb.api.earlier import earlier_video
from kling_nb.api.errors import TaskFailed
from kling_nb.api.fields import Loose
from kling_nb.api.media import by_url
from kling_nb.api.results import Speech
from kling_nb.api.sounds import sound_format
from kling_nb.api.speech import Language, OneDecimal, Speed, advise_voice, spoken_language
from kling_nb.api.tasks import Task, TaskStatus
from kling_nb.api.workflow import Immediate, Request

__all__ = ["TextToAudio", "Tts", "VideoToAudio"]

_TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav", "m4a": "audio/mp4", "aac": "audio/aac"}


class TextToAudio(Request):
    """Make a sound from words: footsteps, fireworks, rain.

    Parameters
    ----------
    prompt
        What is heard, at most 200 characters.
    duration
        Seconds, 3.0 to 10.0, one decimal.
    external_task_id, callback_url, extra
        See `Request`.

    Notes
    -----
    POST audio/text-to-audio. Source: Kling's v1 document, text to audio; CometAPI, "Text To Audio".
    """

    path: ClassVar[str] = "audio/text-to-audio"
    yields: ClassVar[str] = "audio"

    prompt: str = Field(min_length=1, max_length=200, kw_only=False)
    duration: Annotated[OneDecimal, Field(ge=3, le=10)]


class VideoToAudio(Request):
    """Make the sound of a video: what happens in it, music, or both.

    Parameters
    ----------
    video_id
        The video, or its id: made by Kling less than 30 days ago, 3 to 20 s.
    video_url
        Or the URL of one: MP4 or MOV, at most 100 MB, 3 to 20 s.
    sound_effect_prompt, bgm_prompt
        What is heard, and which music, at most 200 characters each.
    asmr_mode
        True for detailed sounds, as if very near.
    external_task_id, callback_url, extra
        See `Request`.

    Notes
    -----
    POST audio/video-to-audio; yields the video with its sound, and the sound. Source: Kling's v1 document, video to
    audio; CometAPI, "Video To Audio".
    """

    path: ClassVar[str] = "audio/video-to-audio"
    yields: ClassVar[str] = "video and audio"

    video_id: Annotated[Loose[str], earlier_video((3, 20))] | None = Field(default=None, kw_only=False)
    video_url: Annotated[Loose[str], by_url((3, 20))] | None = None
    sound_effect_prompt: str | None = Field(default=None, max_length=200)
    bgm_prompt: str | None = Field(default=None, max_length=200)
    asmr_mode: bool | None = None

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        yield from self.exactly_one("video_id", "video_url")


class Tts(Immediate):
    """Speak a text; answers at once.

    Parameters
    ----------
    text
        What is said, at most 1,000 characters.
    voice_id
        Who says it; `kling_nb.api.names.VOICES` has those of early 2026. Not one of the custom voices.
    voice_language
        "zh" or "en"; that of the voice when it is known and left out, else "zh".
    voice_speed
        0.8 to 2.0, one decimal (the service takes 1).
    extra
        See `Request`.

    Returns
    -------
    Speech
        The sound; its ``id`` is what avatar and advanced_lip_sync take.

    Raises
    ------
    TaskFailed
        When the service answers that it could not; the message has its reason.

    Notes
    -----
    POST audio/tts. Source: Kling's v1 document, TTS; CometAPI, "TTS". A client reports that the gateway answers with
    the sound itself: then its ``url`` is a ``data:`` URL and it has no id.
    """

    path: ClassVar[str] = "audio/tts"
    yields: ClassVar[str] = "audio"

    text: str = Field(min_length=1, max_length=1000, kw_only=False)
    voice_id: str = Field(min_length=1, kw_only=False)
    voice_language: Language | None = None
    voice_speed: Speed | None = None

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        advise_voice(self.voice_id, self.voice_language)

    def body(self) -> dict[str, Any]:
        return super().body() | {"voice_language": spoken_language(self.voice_id, self.voice_language)}

    def answer(self, data: Any) -> Speech:
        task = Task.model_validate({"task_id": "tts", **data} if isinstance(data, dict) else data)
        if task.status is TaskStatus.FAILED:
            raise TaskFailed(f"The text was not spoken: {task.task_status_msg or 'no reason given'}.", task=task)
        spoken = next((medium for medium in task.media if medium.kind == "audio"), None)
        cost = {"final_unit_deduction": task.final_unit_deduction}
        return Speech.model_validate(cost | spoken.model_dump() if spoken else None)

    def raw_answer(self, content: bytes) -> Speech | None:
        kind = sound_format(content)
        if kind is None:
            return None
        return Speech(url=f"data:{_TYPES[kind]};base64,{base64.b64encode(content).decode()}")

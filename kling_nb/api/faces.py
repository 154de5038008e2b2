"""Faces that speak: identify_face and advanced_lip_sync, the older lip_sync, and avatar."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import Field

from kling_nb.api.earlier import FaceId, SessionId, earlier_audio, earlier_video
from kling_nb.api.fields import Loose
from kling_nb.api.media import Given, ImageInput, SoundOnWire, WebUrl, by_url, sound
from kling_nb.api.parts import Mode, Prompt, VideoRequest
from kling_nb.api.results import Faces
from kling_nb.api.speech import Language, Speed, advise_voice, spoken_language
from kling_nb.api.workflow import Immediate

__all__ = ["AdvancedLipSync", "Avatar", "IdentifyFace", "LipSync"]

_FACE = (
    "face_id",
    "audio_id",
    "sound_file",
    "sound_start_time",
    "sound_end_time",
    "sound_insert_time",
    "sound_volume",
    "original_audio_volume",
)  # fields that the wire keeps in `face_choose`
LEAST = 2000  # milliseconds of sound that must be kept


class IdentifyFace(Immediate):
    """Find the faces in a video that can be made to speak; answers at once.

    Parameters
    ----------
    video_id
        The video, or its id: made by Kling less than 30 days ago, at most 60 s.
    video_url
        Or the URL of one: MP4 or MOV, at most 100 MB, 2 to 60 s, 720p or 1080p, sides of 512 to 2160 px.
    extra
        See `Request`.

    Returns
    -------
    Faces
        With the ``session_id`` (24 hours) and the faces, which `AdvancedLipSync` takes.

    Notes
    -----
    POST videos/identify-face. Source: Kling's v1 document, lip-sync; CometAPI, "Identify Face".
    """

    path: ClassVar[str] = "videos/identify-face"
    yields: ClassVar[str] = "faces"

    video_id: Annotated[Loose[str], earlier_video((0, 60))] | None = Field(default=None, kw_only=False)
    video_url: Annotated[Loose[str], by_url((2, 60))] | None = None

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        yield from self.exactly_one("video_id", "video_url")

    def answer(self, data: Any) -> Faces:
        return Faces.model_validate(data)


class AdvancedLipSync(VideoRequest):
    """Let a face that was found with identify_face speak a sound.

    Parameters
    ----------
    session_id
        The answer of identify_face, or its session id.
    face_id
        The face, or its id; the answer of identify_face will do where it has just one.
    audio_id
        The sound: an earlier one (tts), or its id; 2 to 60 s, less than 30 days old.
    sound_file
        Or any other: a path, URL or bytes; MP3, WAV, M4A or AAC, at most 5 MB, 2 to 60 s.
    sound_start_time, sound_end_time
        What is kept of the sound, in milliseconds of it: at least 2000. From 0 to its end when left out, where its
        length is known.
    sound_insert_time
        When it begins, in milliseconds of the video (0). It must overlap the face's time by at least 2000.
    sound_volume, original_audio_volume
        Loudness of the sound and of the video's own, 0 to 2 (the service takes 1).
    watermark_info, external_task_id, callback_url, extra
        As in `Text2Video`. Kling does not say that these tasks are found by ``external_task_id``. On the wire the
        fields of the face stand in ``face_choose``.

    Notes
    -----
    POST videos/advanced-lip-sync. Source: Kling's v1 document, lip-sync; CometAPI, "Advanced Lip Sync", whose example
    calls original_audio_volume original_sound_volume.
    """

    path: ClassVar[str] = "videos/advanced-lip-sync"
    found_by_own_id: ClassVar[bool] = False

    session_id: SessionId = Field(kw_only=False)
    face_id: FaceId = Field(kw_only=False)
    audio_id: Annotated[Loose[str], earlier_audio((2, 60))] | None = None
    sound_file: Annotated[Loose[Given], sound(2, 60), SoundOnWire] | None = None
    sound_start_time: int = Field(default=0, ge=0)
    sound_end_time: int | None = Field(default=None, ge=LEAST)
    sound_insert_time: int = Field(default=0, ge=0)
    sound_volume: float | None = Field(default=None, ge=0, le=2)
    original_audio_volume: float | None = Field(default=None, ge=0, le=2)

    @property
    def _end(self) -> int | None:
        if self.sound_end_time is not None:
            return self.sound_end_time
        return int(self.sound_file.seconds * 1000) if self.sound_file and self.sound_file.seconds else None

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        yield from self.exactly_one("audio_id", "sound_file")
        end = self._end
        if end is None:
            yield "sound_end_time is required: the length of the sound is not known here (milliseconds)."
        elif end - self.sound_start_time < LEAST:
            yield (
                f"sound_start_time = {self.sound_start_time}, sound_end_time = {end}: at least {LEAST} milliseconds "
                "of the sound must be kept."
            )
        length = self.sound_file.seconds if self.sound_file else None
        if length is not None and self.sound_end_time is not None and self.sound_end_time > length * 1000 + 1:
            yield f"sound_end_time = {self.sound_end_time}: the sound ends at {length * 1000:.0f}."

    def body(self) -> dict[str, Any]:
        flat = super().body() | {"sound_end_time": self._end}
        face = {name: flat.pop(name) for name in _FACE if name in flat}
        return flat | {"face_choose": [face]}


class LipSync(VideoRequest):
    """Let the face of a video speak a text or a sound: the older generation, without choosing the face.

    Parameters
    ----------
    video_id
        The video, or its id: made by Kling.
    video_url
        Or the URL of one: MP4 or MOV, at most 100 MB, 2 to 10 s, sides of 720 to 1920 px.
    text
        What is said, at most 120 characters; needs ``voice_id``.
    voice_id
        Who says it; `kling_nb.api.names.VOICES` has those of early 2026.
    voice_language
        "zh" or "en"; that of the voice when it is known and left out.
    voice_speed
        0.8 to 2.0, one decimal (the service takes 1).
    audio_file
        Or a sound in place of text: a path or bytes; MP3, WAV, M4A or AAC, at most 5 MB, 2 to 60 s.
    audio_url
        Or its URL.
    external_task_id, callback_url, watermark_info, extra
        As in `Text2Video`. On the wire the fields stand in ``input``, with the ``mode`` and ``audio_type`` that follow
        from them.

    Notes
    -----
    POST videos/lip-sync. Source: CometAPI's list of query paths; fields from third-party clients.
    """

    path: ClassVar[str] = "videos/lip-sync"

    video_id: Annotated[Loose[str], earlier_video((2, 10))] | None = Field(default=None, kw_only=False)
    video_url: Annotated[Loose[str], by_url((2, 10))] | None = None
    text: str | None = Field(default=None, min_length=1, max_length=120)
    voice_id: str | None = Field(default=None, min_length=1)
    voice_language: Language | None = None
    voice_speed: Speed | None = None
    audio_file: Annotated[Loose[Given], sound(2, 60), SoundOnWire] | None = None
    audio_url: WebUrl | None = None

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        yield from self.exactly_one("video_id", "video_url")
        yield from self.exactly_one("text", "audio_file", "audio_url")
        if self.text is not None and self.voice_id is None:
            yield "voice_id is required with text: who says it?"
        if self.text is None:
            for name in ("voice_id", "voice_language", "voice_speed"):
                if getattr(self, name) is not None:
                    yield f"{name} = {getattr(self, name)!r}: only with text."
        elif self.voice_id is not None:
            advise_voice(self.voice_id, self.voice_language)

    def body(self) -> dict[str, Any]:
        flat = super().body()
        common = {
            name: flat.pop(name) for name in ("external_task_id", "callback_url", "watermark_info") if name in flat
        }
        if self.text is not None:
            flat["voice_language"] = spoken_language(self.voice_id or "", self.voice_language)
            flat["mode"] = "text2video"
        else:
            file = self.audio_file
            by_address = file is None or file.url is not None
            flat |= {"mode": "audio2video", "audio_type": "url" if by_address else "file"}
            if file is not None and by_address:
                flat["audio_url"] = flat.pop("audio_file")
        return common | {"input": flat}


class Avatar(VideoRequest):
    """Let the person of a picture speak a sound.

    Parameters
    ----------
    image
        The picture (path, URL, bytes, Pillow image, array, earlier image): JPEG or PNG, at most 10 MB, sides of at
        least 300 px, ratio between 1:2.5 and 2.5:1.
    audio_id
        The sound: an earlier one (tts), or its id; 2 to 300 s, less than 30 days old.
    sound_file
        Or any other: a path, URL or bytes; MP3, WAV, M4A or AAC, at most 5 MB, 2 to 300 s.
    prompt
        What the person does and how the camera moves, at most 2,500 characters.
    mode
        "std" (default) or "pro".
    watermark_info, external_task_id, callback_url, extra
        As in `Text2Video`.

    Notes
    -----
    POST videos/avatar/image2video. Source: Kling's v1 document, avatar; CometAPI, "Avatar".
    """

    path: ClassVar[str] = "videos/avatar/image2video"

    image: ImageInput = Field(kw_only=False)
    audio_id: Annotated[Loose[str], earlier_audio((2, 300))] | None = None
    sound_file: Annotated[Loose[Given], sound(2, 300), SoundOnWire] | None = None
    prompt: Prompt | None = None
    mode: Mode = "std"

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        yield from self.exactly_one("audio_id", "sound_file")

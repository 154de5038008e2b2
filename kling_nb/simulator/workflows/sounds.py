"""Sounds: made from words, added to a video, and speech."""

from __future__ import annotations

from pathlib import Path

from kling_nb.simulator.account import Account
from kling_nb.simulator.film import probe
from kling_nb.simulator.inputs import Film
from kling_nb.simulator.orders import Made, Order, written
from kling_nb.simulator.render import voiced_video
from kling_nb.simulator.rules import JSON, Fields, film, flag, number, one_of, text
from kling_nb.simulator.sound import sound_effect, speech
from kling_nb.simulator.workflows.base import COMMON, Workflow, made_video
from kling_nb.simulator.workflows.talking import as_source, check_voice

__all__ = ["WORKFLOWS"]

_MEDIAN = 25.0  # seconds
_ABOUT = 200  # characters that a sound is described in
_SLOWEST, _FASTEST = 0.8, 2.0


def _effect(folder: Path, prompt: str, seconds: float) -> Made:
    mp3, wav = sound_effect(folder, prompt, seconds, stem="sound")
    lengths = {"duration_mp3": written(probe(mp3).seconds), "duration_wav": written(probe(wav).seconds)}
    return Made("audios", {"url_mp3": mp3, "url_wav": wav}, lengths)


def _from_text(order: Order, folder: Path) -> list[Made]:
    return [_effect(folder, order.prompt, float(order.body["duration"]))]


def _judge_video(order: Order, account: Account) -> None:
    account.source(order, Film(3, 20))


def _from_video(order: Order, folder: Path) -> list[Made]:
    file, source = folder / "video.mp4", order.media["video"]
    made = _effect(folder, order.prompt, source.seconds)
    heard = made.files["url_wav"].read_bytes()
    voiced_video(file, as_source(order, source.file), source.file, heard, original_volume=0)
    return [*made_video(file), made]


def _voice(body: JSON) -> None:
    check_voice(body)


def _speed(body: JSON) -> float:
    """The rate of speech: what is out of range is brought into it, as Kling does."""
    return round(min(_FASTEST, max(_SLOWEST, float(body.get("voice_speed", 1.0)))), 1)


def _speak(order: Order, folder: Path) -> list[Made]:
    file, body = folder / "speech.mp3", order.body
    speech(file, body["text"], voice=body["voice_id"], speed=_speed(body))
    return [Made("audios", {"url": file}, {"duration": written(probe(file).seconds)})]


WORKFLOWS = [
    Workflow(
        "audio/text-to-audio",
        Fields(
            {**COMMON, "prompt": text(_ABOUT), "duration": number(3, 10, decimals=1)},
            ("prompt", "duration"),
        ),
        _from_text,
        lambda _: _MEDIAN,
        lambda _: 0.25,
        kind="audio",
    ),
    Workflow(
        "audio/video-to-audio",
        Fields(
            {
                **COMMON,
                "video_id": text(),
                "video_url": film(3, 20),
                "sound_effect_prompt": text(_ABOUT),
                "bgm_prompt": text(_ABOUT),
                "asmr_mode": flag,
            }
        ),
        _from_video,
        lambda _: 2 * _MEDIAN,
        lambda _: 0.25,
        judge=_judge_video,
        kind="audio",
    ),
    Workflow(
        "audio/tts",
        Fields(
            {
                **COMMON,
                "text": text(1000),
                "voice_id": text(),
                "voice_language": one_of("zh", "en"),
                "voice_speed": number(0, 100),
            },
            ("text", "voice_id", "voice_language"),
        ),
        _speak,
        lambda _: 0.0,
        lambda _: 0.05,
        between=_voice,
        kind="audio",
        at_once=True,
    ),
]

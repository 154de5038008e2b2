"""People who talk: faces found in a video, lips moved to a sound, and pictures that speak."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from kling_nb.simulator.account import Account
from kling_nb.simulator.film import Shot, first_picture, probe
from kling_nb.simulator.inputs import Film
from kling_nb.simulator.names import VOICES
from kling_nb.simulator.orders import Made, Order
from kling_nb.simulator.render import voiced_video
from kling_nb.simulator.rules import (
    JSON,
    Fields,
    exclude,
    film,
    given,
    listing,
    milliseconds,
    number,
    one_of,
    picture,
    record,
    refuse,
    require,
    sound,
    text,
)
from kling_nb.simulator.sound import speech
from kling_nb.simulator.stills import face_picture
from kling_nb.simulator.workflows.base import (
    COMMON,
    MODE,
    PROMPT,
    WATERMARK,
    Call,
    Workflow,
    length,
    made_video,
    shot,
)

__all__ = ["CALLS", "WORKFLOWS", "as_source", "check_voice"]

_FACE = "0"  # the simulator finds one face, and it is always there
_LEAST = 2000  # ms of sound that must be kept, and must fall together with the face
_SPEAKING = {"least": 2, "most": 60}


def check_voice(body: JSON, where: str = "") -> None:
    """Refuse a voice that does not exist in its language."""
    voice, language = body["voice_id"], body["voice_language"]
    if voice not in VOICES[language]:
        raise refuse(f"{where}voice_id", f"{voice!r:.80} does not exist in {language!r}")


# Faces, then lips


def _judge_faces(order: Order, account: Account) -> None:
    account.source(order, Film(2, 60, sides=(512, 2160)))


def _identify(order: Order, account: Account, folder: Path) -> JSON:
    session = account.begin(order)
    face_picture(folder / "face.png", Image.fromarray(first_picture(session.source.file)))
    face = {"face_id": _FACE, "face_image": f"{account.shelve(folder)}/face.png", "start_time": 0}
    face["end_time"] = round(session.source.seconds * 1000)
    return {"session_id": session.id, "final_unit_deduction": "0.05", "face_data": [face]}


def _one_sound(body: JSON) -> None:
    exclude(body["face_choose"][0], ("audio_id",), ("sound_file",), one=True)


def _judge_lips(order: Order, account: Account) -> None:
    choice, where = order.body["face_choose"][0], "face_choose[0]."
    session = account.session(order.body["session_id"])
    if choice["face_id"] != _FACE:
        raise refuse(f"{where}face_id", f"{choice['face_id']!r:.80} is not one of the session's")
    if given(choice, "audio_id"):
        order.media["sound"] = account.audio(f"{where}audio_id", choice["audio_id"], **_SPEAKING)
    else:
        order.media["sound"] = order.media[f"{where}sound_file"]
    start, end, insert = (int(choice[f"sound_{name}_time"]) for name in ("start", "end", "insert"))
    heard, shown = round(order.media["sound"].seconds * 1000), round(session.source.seconds * 1000)
    if end - start < _LEAST:
        raise refuse(f"{where}sound_end_time", "must be at least 2000 ms after sound_start_time")
    if end > heard + 50:  # compressed sound has packets of some 25 ms, and players differ by one or two of them
        raise refuse(f"{where}sound_end_time", f"must not be later than the end of the sound ({heard} ms)")
    if insert + end - start > shown + 50:
        raise refuse(f"{where}sound_insert_time", f"the sound must end with the video ({shown} ms) at the latest")
    order.media["video"] = session.source
    order.info["parent_video"] = session.parent


def _make_lips(order: Order, folder: Path) -> list[Made]:
    file, source, choice = folder / "video.mp4", order.media["video"], order.body["face_choose"][0]
    start, end, insert = (int(choice[f"sound_{name}_time"]) / 1000 for name in ("start", "end", "insert"))
    voiced_video(
        file,
        as_source(order, source.file),
        source.file,
        order.media["sound"].file.read_bytes(),
        insert_at=insert,
        sound_range=(start, end),
        volume=choice.get("sound_volume", 1),
        original_volume=choice.get("original_audio_volume", 1),
    )
    return made_video(file)


def as_source(order: Order, source: Path) -> Shot:
    """A shot like the source."""
    held = probe(source)
    short = min(held.width, held.height) // 2 * 2
    return shot(order, held.width / held.height, held.seconds, short=short, fps=round(held.fps) or 24)


# The older way: one request

_OLD = record(
    "mode",
    video_id=text(),
    video_url=film(2, 10, sides=(720, 1920)),
    mode=one_of("text2video", "audio2video"),
    text=text(120),
    voice_id=text(),
    voice_language=one_of("zh", "en"),
    voice_speed=number(0.8, 2.0, decimals=1),
    audio_type=one_of("file", "url"),
    audio_file=sound(2, 60),
    audio_url=sound(2, 60),
)


def _old(body: JSON) -> None:
    asked = body["input"]
    exclude(asked, ("video_id",), ("video_url",), one=True)
    needed = ("text", "voice_id", "voice_language") if asked["mode"] == "text2video" else ("audio_type",)
    for name in needed:
        require(asked, name, f"when mode is {asked['mode']!r}")
    if asked["mode"] == "text2video":
        check_voice(asked, "input.")
    else:
        name = f"audio_{asked['audio_type']}"
        require(asked, name, f"when audio_type is {asked['audio_type']!r}")
        if name == "audio_url" and not asked[name].startswith(("http://", "https://")):
            raise refuse("input.audio_url", "must be a URL")


def _judge_old(order: Order, account: Account) -> None:
    account.source(order, Film(2, 10, sides=(720, 1920)), "input")


def _make_old(order: Order, folder: Path) -> list[Made]:
    file, source, asked = folder / "video.mp4", order.media["video"], order.body["input"]
    if asked["mode"] == "text2video":
        said = folder / "speech.mp3"
        speech(said, asked["text"], voice=asked["voice_id"], speed=asked.get("voice_speed", 1.0))
    else:
        said = order.media[f"input.audio_{asked['audio_type']}"].file
    voiced_video(file, as_source(order, source.file), source.file, said.read_bytes(), original_volume=0)
    return made_video(file)


# A picture that speaks


def _avatar(body: JSON) -> None:
    exclude(body, ("audio_id",), ("sound_file",), one=True)


def _judge_avatar(order: Order, account: Account) -> None:
    if given(order.body, "audio_id"):
        order.media["sound"] = account.audio("audio_id", order.body["audio_id"], 2, 300)
    else:
        order.media["sound"] = order.media["sound_file"]


def _make_avatar(order: Order, folder: Path) -> list[Made]:
    file, image, heard = folder / "video.mp4", order.media["image"].picture, order.media["sound"]
    voiced_video(file, shot(order, image.width / image.height, heard.seconds), image, heard.file.read_bytes())
    return made_video(file)


CALLS = [
    Call(
        "videos/identify-face",
        Fields({"video_id": text(), "video_url": film(2, 60, sides=(512, 2160))}),
        _identify,
        _judge_faces,
    )
]
WORKFLOWS = [
    Workflow(
        "videos/advanced-lip-sync",
        Fields(
            {
                **COMMON,
                **WATERMARK,
                "session_id": text(),
                "face_choose": listing(
                    record(
                        "face_id",
                        "sound_start_time",
                        "sound_end_time",
                        "sound_insert_time",
                        face_id=text(),
                        audio_id=text(),
                        sound_file=sound(2, 60),
                        sound_start_time=milliseconds,
                        sound_end_time=milliseconds,
                        sound_insert_time=milliseconds,
                        sound_volume=number(0, 2),
                        original_audio_volume=number(0, 2),
                    ),
                    1,
                    1,
                ),
            },
            ("session_id", "face_choose"),
        ),
        _make_lips,
        lambda order: length(order.media["video"].seconds, order, 60),
        lambda order: max(1, round(order.media["video"].seconds / 5)) * 0.5,
        between=_one_sound,
        judge=_judge_lips,
        by_own_id=False,
    ),
    Workflow(
        "videos/lip-sync",
        Fields({**COMMON, "input": _OLD}, ("input",)),
        _make_old,
        lambda order: length(order.media["video"].seconds, order, 60),
        lambda order: max(1, round(order.media["video"].seconds / 5)) * 0.5,
        between=_old,
        judge=_judge_old,
    ),
    Workflow(
        "videos/avatar/image2video",
        Fields(
            {
                **COMMON,
                **WATERMARK,
                "image": picture(),
                "audio_id": text(),
                "sound_file": sound(2, 300),
                "prompt": text(PROMPT),
                "mode": MODE,
            },
            ("image",),
        ),
        _make_avatar,
        lambda order: length(order.media["sound"].seconds, order, 120),
        lambda order: (0.4, 0.8)[order.body["mode"] == "pro"] * order.media["sound"].seconds,
        defaults={"mode": "std"},
        between=_avatar,
        judge=_judge_avatar,
    ),
]

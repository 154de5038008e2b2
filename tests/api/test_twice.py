"""The rules that are stated twice: what the client refuses, the simulator refuses when it is sent all the same.

Each rule of the tables is sent unchecked, through ``extra``, and must come back as a refusal of the service's. The few
that only one of the two states are listed here with the reason.
"""

from __future__ import annotations

import base64
import contextlib
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from kling_nb.api.client import AsyncKling
from kling_nb.api.errors import RequestRefused, TaskFailed
from kling_nb.api.requests import AddSelection, Call, ClearSelection, Immediate, PresetVoices, Text2Video, Tts
from kling_nb.api.tasks import Video
from kling_nb.simulator import Fault, Simulator

from .conftest import URL, Asking, Rule, named, picture
from .test_agreement import marked, speech, video_of
from .test_clips import RULES as CLIPS
from .test_workflows import RULES as OTHERS

pytestmark = pytest.mark.filterwarnings("ignore::kling_nb.api.advice.KlingWarning")

NOT_COMPARED = {
    "effects": "its fields are nested on the wire: test_agreement draws them",
    "lip_sync": "its fields are nested on the wire: test_agreement draws them",
    "advanced_lip_sync": "its fields are nested on the wire: test_agreement draws them",
    "preset_voices": "a question whose numbers Kling cuts to size",
    "preset_elements": "a question whose numbers Kling cuts to size",
    "account_costs": "a question that may be asked once a second",
}

ONLY_HERE = {
    "a shot type needs multi-shot": "Kling ignores it then; a person meant something else",
    "shots need multi-shot": "Kling ignores them then; a person meant something else",
    "intelligence takes no shots": "Kling ignores them then; a person meant something else",
    "every shot has its own number": "no document says what Kling makes of two shots of one number",
    "an own id has something in it": "Kling's own examples send empty text for none",
    "fidelity needs a picture": "Kling ignores it then; a person meant something else",
    "some side grows": "no document says so; it would pay for the same picture",
    "a speech has a speed of 0.8": "Kling rounds it to the range",
    "10 pictures and elements": "from other gateways' pages; the reference has no number",
    "an element is one or the other": "Kling ignores the other then; a person meant something else",
    "an edit lasts 5 or 10 s": "the simulator compares it with the video, and there is none of 10 s here",
}

ONLY_IN_IMAGES = ("two voices at most", "voices need sound", "voices are for v2-6")
"""Kling's list of text2video's fields has no voices: the simulator ignores them there, as Kling would."""


@dataclass
class There:
    """What the examples refer to, as it is called at the simulator."""

    silent: Video
    spoken: Video
    audio_id: str
    mark_session: str
    edit_session: str
    voice_id: str

    def put_in(self, cls: type[Call], value: Any, key: str = "") -> Any:
        """The same JSON, with the examples' stand-ins replaced by what is there."""
        if isinstance(value, dict):
            return {name: self.put_in(cls, item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.put_in(cls, item, key) for item in value]
        video = self.spoken if cls.title().startswith("custom") else self.silent
        match key, value:
            case (("video_url" | "voice_url"), str()) if value == URL:
                return video.url
            case "callback_url", str() if value == URL:
                return f"{self.silent.url}/called"
            case (("sound_file" | "audio_url"), str()) if value == URL:
                return SOUND
            case _, str() if value == URL:
                return PICTURE
            case "video_id", ("v" | "v1"):
                return video.id
            case "audio_id", "a":
                return self.audio_id
            case "session_id", "s":
                return self.mark_session if cls is AddSelection else self.edit_session
            case (("voice_id" | "element_voice_id"), ("1" | "2" | "3" | "7")):
                return self.voice_id
            case "element_id", int():
                return ELEMENT
            case _:
                return value


PICTURE = base64.b64encode(picture(800, 600)).decode()
SOUND = base64.b64encode(speech(6)).decode()
ELEMENT = 829836802793406551  # one of the simulator's own


@pytest.fixture(scope="module")
def there(quick: Simulator, ask: Asking) -> There:
    made = ask(_make)
    quick.faults.add(Fault(where="create", how="failed", times=None))  # nothing has to be rendered any more
    return made


async def _make(kling: AsyncKling) -> There:
    silent = await video_of(kling, Text2Video("a fox", model_name="kling-v1-6"))
    spoken = await video_of(kling, Text2Video("a fox", model_name="kling-v2-6", mode="pro", sound=True))
    speech_ = await kling.call(Tts("well, hello there, and welcome to the lighthouse", "oversea_male1"))
    voice = (await kling.call(PresetVoices()))[0]
    mark, edit = [(await marked(kling, silent)).session_id for _ in range(2)]
    return There(silent, spoken, speech_.id or "", mark, edit, voice.voice_id)


def on_wire(cls: type[Call], name: str, value: Any) -> Any:
    """A field's value as it would be sent, whether it may be or not."""
    if name in cls.model_fields and value is not None:
        try:
            kind = TypeAdapter(cls.model_fields[name].rebuild_annotation())
            return kind.dump_python(kind.validate_python(value), mode="json", exclude_none=True)
        except (ValidationError, RequestRefused):
            pass
    if isinstance(value, list) and len(value) > 1:  # too many of what is good one by one
        return [item for one in value for item in on_wire(cls, name, [one])]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value) if name == "duration" and isinstance(value, int) else value


def compared(rule: Rule) -> bool:
    """Whether the rule can be put to the simulator, and is one of its own too."""
    lengths = "Video(" in repr(rule.bad) or "Audio(" in repr(rule.bad)  # known to the thing itself, not to its JSON
    voices = rule.cls is Text2Video and rule.name in ONLY_IN_IMAGES
    return not (lengths or voices or rule.name in ONLY_HERE or rule.cls.title() in NOT_COMPARED)


@pytest.mark.parametrize("rule", [rule for rule in [*CLIPS, *OTHERS] if compared(rule)], ids=named)
def test_what_the_client_refuses_the_simulator_refuses(rule: Rule, ask: Asking, there: There) -> None:
    """The good example is taken by both, and the bad one by neither."""
    good = rule.cls(**rule.good).wire()
    good.pop("external_task_id", None)
    bad = {**good, **{name: on_wire(rule.cls, name, value) for name, value in rule.bad.items()}}
    ask(lambda kling: _send(kling, rule.cls, there.put_in(rule.cls, good)))
    with pytest.raises(RequestRefused):
        ask(lambda kling: _send(kling, rule.cls, there.put_in(rule.cls, bad)))


async def _send(kling: AsyncKling, cls: type[Call], body: dict[str, Any]) -> None:
    """Send a body that nobody has checked, in the place of this workflow's own."""
    unchecked = type("Unchecked", (cls,), {"body": lambda _: {}})
    request: Any = unchecked.model_construct(extra=body)
    if cls is AddSelection:  # what is marked stays marked
        await kling.call(ClearSelection(body["session_id"]))
    with contextlib.suppress(TaskFailed):  # taken, and failed as it was told to
        await (kling.call(request) if isinstance(request, Immediate) else kling.create(request))


def test_the_exceptions_are_rules() -> None:
    """A reason given for a rule that is no more would hide the next one of its name."""
    names = {rule.name for rule in [*CLIPS, *OTHERS]}
    assert ONLY_HERE.keys() | set(ONLY_IN_IMAGES) <= names
    assert NOT_COMPARED.keys() <= {rule.cls.title() for rule in OTHERS}

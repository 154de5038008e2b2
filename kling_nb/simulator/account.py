"""What the account has: results of earlier tasks, sessions, voices and elements, which later requests name by id."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kling_nb.simulator.film import probe
from kling_nb.simulator.inputs import Film, Given
from kling_nb.simulator.orders import Order, written
from kling_nb.simulator.rules import JSON, exclude, given, refuse
from kling_nb.simulator.tasks import Clock, Task, Tasks

__all__ = ["KEPT", "Account", "Session"]

KEPT = 30 * 24 * 3600  # seconds that media stays, as at Kling
_SESSION = 24 * 3600  # seconds that a session stays
PRESET_VOICES = {"829824295735410756": "Calm narrator", "829826751244537879": "Bright host"}
PRESET_ELEMENTS = {829836802793406551: "Red panda", 829836802793406552: "Old lighthouse"}


@dataclass(slots=True)
class Session:
    """A video that is looked at step by step: to find faces in, or to select things in."""

    id: str
    source: Given
    parent: JSON
    began: float
    points: dict[int, list[tuple[float, float]]] = field(default_factory=dict)  # clicked, by number of frame


class Account:
    """What requests may refer to.

    Parameters
    ----------
    tasks, clock
        Its tasks, and what time it is.
    origin
        Where the simulator's media is, for URLs.
    """

    def __init__(self, tasks: Tasks, clock: Clock, origin: str) -> None:
        self.tasks, self._clock, self.origin = tasks, clock, origin
        self._sessions: dict[str, Session] = {}
        self.shelves: dict[str, tuple[Path, float]] = {}  # folders that are served besides those of tasks

    @property
    def now(self) -> float:
        """Seconds since 1970."""
        return self._clock()

    def shelve(self, folder: Path) -> str:
        """Serve the files of a folder; returns where they are."""
        name = f"7{secrets.randbelow(10**17):017}"
        self.shelves[name] = folder, self.now
        return f"{self.origin}/{name}"

    # Results of earlier tasks

    def video(self, where: str, video_id: str, limits: Film | None = None) -> tuple[Task, Given]:
        """A video that the account made, at most 30 days ago."""
        task, files, _ = self._result(where, video_id, "videos")
        held = probe(files["url"])
        if limits:
            limits.measure(where, held)
        return task, Given(files["url"], probe=held)

    def audio(self, where: str, audio_id: str, least: float, most: float) -> Given:
        """A sound that the account made with speech, of so many seconds."""
        task, files, _ = self._result(where, audio_id, "audios")
        if task.path != "audio/tts":
            raise refuse(where, "must be the id of an audio made with tts")
        held = probe(files["url"])
        if not least <= held.seconds <= most:
            raise refuse(where, f"duration must be from {least:g}s to {most:g}s, it is {held.seconds:.1f}s")
        return Given(files["url"], probe=held)

    def _result(self, where: str, result_id: str, kind: str) -> tuple[Task, Any, JSON]:
        task = self.tasks.find(result_id[:18])
        number = result_id[18:]
        if task is None or not number.isdigit() or not task.done(self.now) or task.failure:
            raise refuse(where, f"{result_id!r:.80} does not exist")
        if self.now > task.created_at / 1000 + KEPT:
            raise refuse(where, f"{result_id!r:.80} was cleared 30 days after it was made")
        made = task.made.result()
        if int(number) >= len(made) or made[int(number)].kind != kind:
            raise refuse(where, f"{result_id!r:.80} does not exist")
        return task, made[int(number)].files, made[int(number)].facts

    def source(self, order: Order, limits: Film, inside: str = "") -> Given:
        """The video that a request names by exactly one of ``video_id`` and ``video_url``; told as the parent."""
        body, where = (order.body[inside], f"{inside}.") if inside else (order.body, "")
        exclude(body, ("video_id",), ("video_url",), one=True)
        if given(body, "video_id"):
            video_id = body["video_id"]
            _, found = self.video(f"{where}video_id", video_id, limits)
            url = f"{self.origin}/{video_id[:18]}/{found.file.name}"
        else:
            video_id, found = "", order.media[f"{where}video_url"]
            url = found.url
        order.media["video"] = found
        order.info["parent_video"] = {"id": video_id, "url": url, "duration": written(found.seconds)}
        return found

    # Sessions

    def begin(self, order: Order) -> Session:
        """A session about the source of an order."""
        name = f"8{secrets.randbelow(10**17):017}"
        self._sessions[name] = Session(name, order.media["video"], order.info["parent_video"], self.now)
        return self._sessions[name]

    def session(self, session_id: str) -> Session:
        """A session that is not older than a day."""
        session = self._sessions.get(session_id)
        if session is None:
            raise refuse("session_id", f"{session_id!r:.80} does not exist")
        if self.now > session.began + _SESSION:
            raise refuse("session_id", f"{session_id!r:.80} has expired after 24 hours")
        return session

    # Voices and elements

    def voice(self, where: str, voice_id: str) -> None:
        """Refuse a voice that is neither a preset nor one of the account's."""
        if voice_id not in PRESET_VOICES:
            self.own(where, voice_id, "general/custom-voices")

    def element(self, where: str, element_id: int) -> JSON:
        """An element as the account has it, or a preset."""
        if element_id in PRESET_ELEMENTS:
            return {"reference_type": "image_refer", "element_name": PRESET_ELEMENTS[element_id]}
        return self.own(where, str(element_id), "general/advanced-custom-elements").made.result()[0].facts

    def own(self, where: str, own_id: str, path: str) -> Task:
        """The task that made a voice or an element of the account's, unless it was deleted."""
        task = self.tasks.find(own_id, path)
        if task is None or not task.done(self.now) or task.failure or task.deleted:
            raise refuse(where, f"{own_id!r:.80} does not exist")
        return task

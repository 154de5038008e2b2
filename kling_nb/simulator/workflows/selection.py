"""Editing a video: what is in it is selected click by click, then taken out, replaced or added to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from kling_nb.simulator.account import Account, Session
from kling_nb.simulator.film import Probe, Shot, first_picture, uncaptioned
from kling_nb.simulator.inputs import Film
from kling_nb.simulator.masks import mask_of, run_lengths, told
from kling_nb.simulator.orders import Made, Order, written
from kling_nb.simulator.render import edit_video, marked_video
from kling_nb.simulator.rules import JSON, Fields, film, listing, number, one_of, record, refuse, text
from kling_nb.simulator.workflows.base import (
    COMMON,
    MODE,
    PROMPT,
    WATERMARK,
    Call,
    Workflow,
    images,
    length,
    made_video,
    shot,
)

__all__ = ["CALLS", "WORKFLOWS"]

_LENGTHS: dict[str, Any] = {
    "least": 2,
    "most": 5,
    "also": (7, 10),
    "sides": (720, 2160),
    "rates": frozenset({24, 30, 60}),
}
_FRAMES = 10  # frames at most that may be marked
_CLICKS = 10  # points at most on one of them
_UNITS = "0.05"
_POINT = record("x", "y", x=number(0, 1), y=number(0, 1))
_SESSION = {"session_id": text()}


def _probe(session: Session) -> Probe:
    assert session.source.probe is not None  # a video always has it
    return session.source.probe


def _size(session: Session) -> tuple[int, int]:
    held = _probe(session)
    return held.width, held.height


def _answer(session: Session, **more: object) -> JSON:
    return {"status": 0, "session_id": session.id, "final_unit_deduction": _UNITS, **more}


def _judge_begin(order: Order, account: Account) -> None:
    account.source(order, Film(**_LENGTHS))


def _begin(order: Order, account: Account, _: Path) -> JSON:
    session = account.begin(order)
    held = _probe(session)
    return _answer(
        session,
        fps=held.fps,
        original_duration=round(held.seconds * 1000),
        width=held.width,
        height=held.height,
        total_frame=round(held.seconds * held.fps),
        normalized_video=session.parent["url"],
    )


def _clicks(order: Order) -> list[tuple[float, float]]:
    return [(float(point["x"]), float(point["y"])) for point in order.body["points"]]


def _judge_add(order: Order, account: Account) -> None:
    session, frame = account.session(order.body["session_id"]), order.body["frame_index"]
    held = _probe(session)
    if frame >= round(held.seconds * held.fps):
        raise refuse("frame_index", f"value {frame} is beyond the last frame")
    if frame not in session.points and len(session.points) >= _FRAMES:
        raise refuse("frame_index", f"at most {_FRAMES} frames can be marked")
    if len(session.points.get(frame, [])) + len(order.body["points"]) > _CLICKS:
        raise refuse("points", f"at most {_CLICKS} points can be marked on one frame")


def _add(order: Order, account: Account, _: Path) -> JSON:
    session, frame = account.session(order.body["session_id"]), order.body["frame_index"]
    session.points.setdefault(frame, []).extend(_clicks(order))
    return _marked(session, frame)


def _judge_delete(order: Order, account: Account) -> None:
    there = account.session(order.body["session_id"]).points.get(order.body["frame_index"], [])
    if any(point not in there for point in _clicks(order)):
        raise refuse("points", "must be exactly those that were added on this frame")


def _delete(order: Order, account: Account, _: Path) -> JSON:
    session, frame = account.session(order.body["session_id"]), order.body["frame_index"]
    left = [point for point in session.points[frame] if point not in _clicks(order)]
    session.points[frame] = left
    if not left:
        del session.points[frame]
    return _marked(session, frame)


def _marked(session: Session, frame: int) -> JSON:
    points = session.points.get(frame)
    masks = [told(mask_of(_size(session), points))] if points else []
    return _answer(session, res={"frame_index": frame, "rle_mask_list": masks})


def _judge_session(order: Order, account: Account) -> None:
    account.session(order.body["session_id"])


def _clear(order: Order, account: Account, _: Path) -> JSON:
    session = account.session(order.body["session_id"])
    session.points.clear()
    return _answer(session)


def _judge_preview(order: Order, account: Account) -> None:
    if not account.session(order.body["session_id"]).points:
        raise refuse("session_id", "has no selection yet")


def _preview(order: Order, account: Account, folder: Path) -> JSON:
    session = account.session(order.body["session_id"])
    held, mask = _probe(session), _whole(session)
    plan = Shot("selection", _even(_size(session)), held.seconds, fps=round(held.fps), label="preview")
    marked_video(folder / "preview.mp4", plan, session.source.file, mask)
    Image.fromarray(first_picture(folder / "preview.mp4")).save(folder / "cover.png")
    tracked = {"size": [held.height, held.width], "counts": run_lengths(mask)}
    frames = [{"frame_index": frame, "object_id": 0, "rle_mask": tracked} for frame in range(plan.frames)]
    (folder / "tracking.json").write_text(json.dumps(frames))
    where = account.shelve(folder)
    urls = {"video": "preview.mp4", "video_cover": "cover.png", "tracking_output": "tracking.json"}
    return _answer(session, res={name: f"{where}/{file}" for name, file in urls.items()})


def _whole(session: Session) -> Image.Image:
    """All that is selected, on whichever frame: the simulator follows nothing, what is selected stays where it is."""
    return mask_of(_size(session), [point for points in session.points.values() for point in points])


def _even(size: tuple[int, int]) -> tuple[int, int]:
    return size[0] // 2 * 2, size[1] // 2 * 2


# The task


def _edit(body: JSON) -> None:
    mode, count = body["edit_mode"], len(body.get("image_list") or [])
    least, most = {"addition": (1, 2), "swap": (1, 1), "removal": (0, 0)}[mode]
    if not least <= count <= most:
        raise refuse("image_list", f"must have {least} to {most} items when edit_mode is {mode!r}, it has {count}")


def _judge_edit(order: Order, account: Account) -> None:
    session = account.session(order.body["session_id"])
    if order.body["edit_mode"] != "addition" and not session.points:
        raise refuse("session_id", "has no selection: what is replaced or removed must be marked before")
    fitting = "5" if session.source.seconds < 6 else "10"
    if order.body["duration"] != fitting:
        raise refuse("duration", f"must be {fitting!r} for a video of {written(session.source.seconds)}s")
    order.media["video"] = session.source
    order.body["points"] = sorted(point for points in session.points.values() for point in points)


def _make(order: Order, folder: Path) -> list[Made]:
    file, source, points = folder / "video.mp4", order.media["video"], order.body["points"]
    assert source.probe is not None
    plan = shot(order, source.probe.width / source.probe.height, float(order.body["duration"]))
    x, y = (sum(place) / len(points) for place in zip(*points, strict=True)) if points else (0.5, 0.5)
    spot = x, min(1.0, y / uncaptioned(source.file))
    edit_video(file, plan, source.file, order.pictures("image_list"), order.body["edit_mode"], spot=spot)
    return made_video(file, session_id=order.body["session_id"])


_SELECT = Fields(
    {**_SESSION, "frame_index": number(0, 10**6, whole=True), "points": listing(_POINT, 1, _CLICKS)},
    ("session_id", "frame_index", "points"),
)
CALLS = [
    Call(
        "videos/multi-elements/init-selection",
        Fields({"video_id": text(), "video_url": film(**_LENGTHS)}),
        _begin,
        _judge_begin,
    ),
    Call("videos/multi-elements/add-selection", _SELECT, _add, _judge_add),
    Call("videos/multi-elements/delete-selection", _SELECT, _delete, _judge_delete),
    Call("videos/multi-elements/clear-selection", Fields(_SESSION, ("session_id",)), _clear, _judge_session),
    Call("videos/multi-elements/preview-selection", Fields(_SESSION, ("session_id",)), _preview, _judge_preview),
]
WORKFLOWS = [
    Workflow(
        "videos/multi-elements",
        Fields(
            {
                **COMMON,
                **WATERMARK,
                **_SESSION,
                "model_name": text(),
                "edit_mode": one_of("addition", "swap", "removal"),
                "image_list": images(1, 2),
                "prompt": text(PROMPT),
                "negative_prompt": text(PROMPT),
                "mode": MODE,
                "duration": one_of("5", "10"),
            },
            ("session_id", "edit_mode", "prompt"),
        ),
        _make,
        lambda order: length(float(order.body["duration"]), order, 120),
        lambda order: (3, 5)[order.body["mode"] == "pro"] * float(order.body["duration"]) / 5,
        ("kling-v1-6",),
        {"mode": "std", "duration": "5"},
        _edit,
        _judge_edit,
    )
]

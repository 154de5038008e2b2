"""More of a video that the account has made."""

from __future__ import annotations

from pathlib import Path

from kling_nb.simulator.account import Account
from kling_nb.simulator.film import probe
from kling_nb.simulator.orders import Made, Order, written
from kling_nb.simulator.render import extend_video
from kling_nb.simulator.rules import Fields, given, number, refuse, text
from kling_nb.simulator.workflows.base import COMMON, PROMPT, WATERMARK, Workflow, label, length, made_video, shot

__all__ = ["WORKFLOWS"]

_ADDED = 5.0  # seconds; Kling adds 4 to 5
_LONGEST = 180.0  # seconds, the source and what is added
_ABLE = ("videos/text2video", "videos/image2video", "videos/video-extend")
_MODELS = ("kling-v1", "kling-v1-5", "kling-v1-6")


def _judge(order: Order, account: Account) -> None:
    body = order.body
    task, source = account.video("video_id", body["video_id"])
    if task.path not in _ABLE or task.body["model_name"] not in _MODELS:
        raise refuse("video_id", "must be a video of text2video, image2video or video-extend, by v1, v1-5 or v1-6")
    if task.body["model_name"] == "kling-v1" and (used := given(body, "negative_prompt", "cfg_scale")):
        raise refuse(used[0], "is not supported when the video was made by kling-v1")
    if source.seconds + _ADDED > _LONGEST:
        raise refuse("video_id", "cannot be extended: the total duration must not exceed 3 minutes")
    body["model_name"], body["mode"] = task.body["model_name"], task.body["mode"]  # the source decides
    order.media["video"], order.label = source, f"{label(body)} extended"
    url = f"{account.origin}/{task.task_id}/{source.file.name}"
    order.info["parent_video"] = {"id": body["video_id"], "url": url, "duration": written(source.seconds)}


def _make(order: Order, folder: Path) -> list[Made]:
    file, source = folder / "video.mp4", order.media["video"].file
    held = probe(source)
    plan = shot(order, held.width / held.height, _ADDED, short=min(held.width, held.height), fps=round(held.fps))
    extend_video(file, plan, source)
    return made_video(file)


WORKFLOWS = [
    Workflow(
        "videos/video-extend",
        Fields(
            {
                **COMMON,
                **WATERMARK,
                "video_id": text(),
                "prompt": text(PROMPT),
                "negative_prompt": text(PROMPT),
                "cfg_scale": number(0, 1),
            },
            ("video_id",),
        ),
        _make,
        lambda order: length(_ADDED, order),
        lambda order: {"kling-v1": (1.0, 3.5)}.get(order.body["model_name"], (2.0, 3.5))[order.body["mode"] == "pro"],
        judge=_judge,
    ),
]

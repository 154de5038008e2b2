"""A job as input: the next one starts by itself when it is finished, and is never paid for when it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import kling_nb as kling
from kling_nb.simulator import Fault

if TYPE_CHECKING:
    from kling_nb.simulator import Simulator

PROMPT = "a red panda surfs a wave at sunset"
IMAGE = "a red panda on a beach"


def test_an_extension_starts_when_its_video_is_there(connected: Simulator) -> None:
    """The id of the finished video is taken from the job, and the next task is made only then."""
    first = kling.text2video(PROMPT)
    second = kling.video_extend(first, prompt="the wave breaks")
    assert second.status is kling.State.WAITING
    assert second.task_id is None
    video = second.wait()
    assert video.duration > first.wait().duration
    _, two = connected.tasks
    assert two.request["video_id"] == first.result.id
    assert two.external_task_id == second.external_task_id


def test_a_picture_that_is_being_made_can_be_the_first_frame(connected: Simulator) -> None:
    """An image job goes into image2video, as a whole chain of three started at once."""
    image = kling.image_generation(IMAGE)
    video = kling.image2video(image, "it waves", model_name="kling-v1-6")
    longer = kling.video_extend(video)
    assert longer.wait().path.exists()
    assert [task.path.rpartition("/")[2] for task in connected.tasks] == ["generations", "image2video", "video-extend"]


def test_a_finished_job_is_as_good_as_its_result(connected: Simulator) -> None:
    """Nothing waits when there is nothing to wait for."""
    first = kling.text2video(PROMPT)
    first.wait()
    assert kling.video_extend(first).status is not kling.State.WAITING


def test_a_failed_job_takes_the_next_ones_with_it_unpaid(connected: Simulator) -> None:
    """What builds on a failure says so, and no task is made of it."""
    connected.faults.add(Fault(where="create", how="failed", message="content policy"))
    first = kling.text2video(PROMPT)
    third = kling.video_extend(kling.video_extend(first))
    with pytest.raises(kling.RequestRefused, match=r"Never sent, nothing is billed.*content policy"):
        third.wait()
    assert len(connected.tasks) == 1


def test_a_wrong_value_is_refused_before_anything_is_waited_for(connected: Simulator) -> None:
    """What is wrong whatever the first job yields is said at once."""
    first = kling.text2video(PROMPT)
    with pytest.raises(kling.RequestRefused, match="cfg_scale = 7"):
        kling.video_extend(first, cfg_scale=7)


def test_stopping_a_job_that_waits_sends_nothing(connected: Simulator) -> None:
    """A job stopped before its turn costs nothing and says so; the first one is not touched."""
    first = kling.text2video(PROMPT)
    second = kling.video_extend(first)
    second.stop()
    with pytest.raises(kling.Stopped, match="nothing is billed"):
        second.wait()
    first.wait()
    assert len(connected.tasks) == 1


def test_a_video_can_be_continued_and_made_to_speak(connected: Simulator) -> None:
    """What comes next reads as a sentence: `video.extend(...)`, `video.lip_sync(...)`."""
    video = kling.text2video(PROMPT).wait()
    longer = video.extend("the wave breaks").wait()
    spoken = video.lip_sync(text="hello", voice_id="oversea_male1").wait()
    assert longer.duration > video.duration
    assert [task.path.rpartition("/")[2] for task in connected.tasks] == ["text2video", "video-extend", "lip-sync"]
    assert spoken.path != video.path

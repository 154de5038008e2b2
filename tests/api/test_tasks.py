"""What the service returns is read for what it means, and nothing of it is lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kling_nb.api.tasks import Task, TaskStatus


def done(**result: Any) -> Task:
    return Task.model_validate({"task_id": "7", "task_status": "succeed", "task_result": result})


VIDEO = {"id": "v1", "url": "https://m/v.mp4", "watermark_url": "https://m/w.mp4", "duration": "5.1"}


@pytest.mark.parametrize(
    ("word", "status", "known"),
    [
        ("submitted", TaskStatus.SUBMITTED, True),
        ("processing", TaskStatus.PROCESSING, True),
        ("succeed", TaskStatus.SUCCEED, True),
        ("succeeded", TaskStatus.SUCCEED, True),
        ("SUCCESS", TaskStatus.SUCCEED, True),
        ("Completed", TaskStatus.SUCCEED, True),
        (" succeed ", TaskStatus.SUCCEED, True),
        ("failed", TaskStatus.FAILED, True),
        ("FAILURE", TaskStatus.FAILED, True),
        ("queueing", TaskStatus.PROCESSING, False),
        ("", TaskStatus.PROCESSING, False),
        (3, TaskStatus.PROCESSING, False),
    ],
)
def test_a_status_is_read_however_it_is_spelled(word: object, status: TaskStatus, known: bool) -> None:
    """Every spelling that was seen counts, and a word that nobody knows is still running."""
    task = Task.model_validate({"task_id": "7", "task_status": word})
    assert task.status is status
    assert task.status_is_known is known


def test_a_video_has_its_length_its_watermarked_copy_and_its_id() -> None:
    """Lengths are numbers here, whatever they are on the wire."""
    (video,) = done(videos=[VIDEO]).media
    assert (video.kind, video.id, video.duration) == ("video", "v1", 5.1)  # type: ignore[attr-defined]
    assert video.urls == {"": "https://m/v.mp4", "watermark": "https://m/w.mp4"}


def test_a_series_of_images_is_complete_and_in_order() -> None:
    """All images of a series come, in the order of their index, which may be text."""
    task = done(
        images=[{"index": "2", "url": "https://m/2"}, {"index": 0, "url": "https://m/0"}, {"index": 1, "url": "u"}]
    )
    assert [image.url for image in task.media] == ["https://m/0", "u", "https://m/2"]


def test_a_series_that_is_called_so_is_one() -> None:
    """Another gateway's pages name the list of a series series_images."""
    assert [image.url for image in done(series_images=[{"index": 0, "url": "a"}, {"index": 1, "url": "b"}]).media] == [
        "a",
        "b",
    ]


def test_images_without_an_index_keep_their_order() -> None:
    """Where the service does not number them, its order is the order."""
    task = done(images=[{"url": "b"}, {"url": "a", "index": 1}])
    assert [image.url for image in task.media] == ["b", "a"]


def test_a_sound_has_every_format() -> None:
    """Text-to-audio gives two formats with lengths of their own; the better one comes first."""
    (sound,) = done(
        audios=[{"id": "a1", "url_mp3": "m", "url_wav": "w", "duration_mp3": "3.1", "duration_wav": "3.0"}]
    ).media
    assert (sound.url, sound.duration) == ("w", 3.0)  # type: ignore[attr-defined]
    assert sound.urls == {"": "w", "mp3": "m"}


def test_speech_has_one_url() -> None:
    """Tts answers with a plain url and duration."""
    (sound,) = done(audios=[{"id": "a1", "url": "https://m/s.mp3", "duration": "2"}]).media
    assert (sound.id, sound.url, sound.duration) == ("a1", "https://m/s.mp3", 2.0)  # type: ignore[attr-defined]


def test_a_video_with_its_sound_gives_both() -> None:
    """video-to-audio yields a video and an audio."""
    assert [medium.kind for medium in done(videos=[VIDEO], audios=[{"url_wav": "w"}]).media] == ["video", "audio"]


def test_voices_and_elements_are_read() -> None:
    """What the library's workflows make is there by its name and id."""
    task = done(
        voices=[{"voice_id": 850, "voice_name": "Ann", "trial_url": "t", "owned_by": "kling"}],
        elements=[{"element_id": 829836802793406551, "element_name": "Rex", "status": "succeed"}],
    )
    assert (task.voices[0].voice_id, task.voices[0].voice_name) == ("850", "Ann")
    assert task.elements[0].element_id == 829836802793406551
    assert task.media == []


def test_the_parent_of_an_extension_is_named() -> None:
    """task_info.parent_video says what was extended."""
    task = Task.model_validate({"task_id": "7", "task_info": {"parent_video": VIDEO, "external_task_id": "mine"}})
    assert task.parent_video is not None
    assert task.parent_video.id == "v1"
    assert task.external_task_id == "mine"


def test_the_cost_is_kept_as_the_service_writes_it() -> None:
    """Units as text, money as the newer object."""
    task = Task.model_validate(
        {
            "task_id": 7,
            "final_unit_deduction": 0.25,
            "final_balance_deduction": {"quota": 10, "list_price": "0.14"},
        }
    )
    assert task.task_id == "7"
    assert task.final_unit_deduction == "0.25"
    assert task.final_balance_deduction == {"quota": 10, "list_price": "0.14"}


def test_unknown_fields_are_kept_everywhere() -> None:
    """What Kling adds next month is in the saved answer."""
    given = {
        "task_id": "7",
        "task_status": "succeed",
        "new": {"a": 1},
        "task_result": {"videos": [{**VIDEO, "fps": 24, "kind": "portrait"}], "scores": [1]},
    }
    task = Task.model_validate(given)
    assert task.model_dump()["new"] == {"a": 1}
    assert task.task_result == given["task_result"]
    assert task.media[0].model_dump()["fps"] == 24


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"created_at": "1722769557708"}, id="time-as-text"),
        pytest.param({"created_at": "yesterday"}, id="time-as-nonsense"),
        pytest.param({"task_info": None, "task_result": None}, id="null-objects"),
        pytest.param({"task_info": [], "task_result": ""}, id="empty-things-for-objects"),
        pytest.param({"task_status_msg": None, "final_unit_deduction": None}, id="null-details"),
        pytest.param({"task_status_msg": {"text": "x"}}, id="an-object-for-a-word"),
        pytest.param({"task_status": None}, id="null-status"),
    ],
)
def test_an_odd_detail_does_not_hide_the_task(odd: dict[str, Any]) -> None:
    """A paid task stays readable whatever its details are."""
    task = Task.model_validate({"task_id": "7", **odd})
    assert task.task_id == "7"
    assert not task.status.done
    assert task.media == []


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param({"id": "v2"}, id="no-url"),
        pytest.param({"id": "v2", "url": ""}, id="empty-url"),
        pytest.param({"id": "v2", "url": None}, id="null-url"),
        pytest.param("https://m/x", id="no-object"),
        pytest.param(None, id="null"),
    ],
)
def test_one_bad_item_does_not_hide_the_others(bad: object) -> None:
    """The video that is there is there, whatever stands beside it."""
    assert [video.id for video in done(videos=[bad, VIDEO]).media] == ["v1"]


@pytest.mark.parametrize("length", ["", "unknown", "nan", "inf", "-1", None, []])
def test_a_senseless_length_does_not_hide_a_video(length: object) -> None:
    """A length that is no length is no length; the video is paid for and comes."""
    (video,) = done(videos=[{**VIDEO, "duration": length}]).media
    assert video.duration is None  # type: ignore[attr-defined]


@pytest.mark.parametrize("given", [{}, {"task_id": ""}, {"task_id": None}, {"task_id": {}}, [], "7", None])
def test_what_has_no_task_id_is_no_task(given: object) -> None:
    """Without an id there is nothing to come back to."""
    with pytest.raises(ValidationError):
        Task.model_validate(given)


KLING = {"task_id": "inner", "task_status": "succeed", "task_result": {"videos": [VIDEO]}}


@pytest.mark.parametrize(
    "inside",
    [
        pytest.param(KLING, id="the-task"),
        pytest.param({"code": 0, "message": "SUCCEED", "data": KLING}, id="the-whole-answer"),
    ],
)
def test_the_gateways_wrapper_is_taken_off(inside: object) -> None:
    """Omni tasks came back wrapped in the gateway's own object; its id, Kling's result."""
    task = Task.model_validate(
        {"task_id": "outer", "action": "OMNI_VIDEO", "status": "SUCCESS", "progress": "100%", "data": inside}
    )
    assert task.task_id == "outer"
    assert task.status is TaskStatus.SUCCEED
    assert [video.id for video in task.media] == ["v1"]
    assert task.model_dump()["progress"] == "100%"


def test_a_task_beside_its_own_id_is_found() -> None:
    """An envelope that repeats the id, and no status of its own, hides nothing."""
    assert Task.model_validate({"task_id": "inner", "code": 0, "data": KLING}).status is TaskStatus.SUCCEED


@pytest.mark.parametrize(
    ("outer", "inner", "status"),
    [
        pytest.param("FAILURE", {"task_status": "processing"}, TaskStatus.FAILED, id="the-gateway-gave-up"),
        pytest.param("FAILURE", None, TaskStatus.FAILED, id="failed-before-kling-had-it"),
        pytest.param("IN_PROGRESS", {"task_status": "submitted"}, TaskStatus.SUBMITTED, id="kling-says-more"),
        pytest.param("QUEUED", "", TaskStatus.PROCESSING, id="nothing-from-kling-yet"),
    ],
)
def test_the_wrappers_word_counts_once_it_is_final(outer: str, inner: object, status: TaskStatus) -> None:
    """The gateway's failure ends a task that Kling's old answer still shows as running."""
    task = Task.model_validate({"task_id": "7", "status": outer, "fail_reason": "no quota", "data": inner})
    assert task.status is status
    assert task.task_status_msg == "no quota"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["task_id", "status", "task_status", "data", "task_result", "videos", "audios", "url", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(values)
@settings(max_examples=300, deadline=None)
def test_no_answer_breaks_the_reading(given: object) -> None:
    """Anything is a task or no task; a task can always be asked for everything."""
    try:
        task = Task.model_validate(given)
    except ValidationError:
        return
    assert isinstance(task.status, TaskStatus)
    assert [*task.media, *task.voices, *task.elements, task.seconds, task.external_task_id, task.parent_video]

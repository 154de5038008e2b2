"""One function a workflow: ``kling.text2video(...)`` starts a job, ``kling.tts(...)`` answers at once.

Arguments, help and checks are those of the workflow's class in ``kling_nb.api``. A job among the arguments that is not
finished yet makes a job that waits for it; one that is finished stands for what it yielded.
"""

import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from kling_nb.api import requests
from kling_nb.api.earlier import unfinished
from kling_nb.api.requests import Call, Request
from kling_nb.api.workflow import Answering
from kling_nb.notebook.job import Job, start
from kling_nb.notebook.media import Audio
from kling_nb.watch.service import service

P = ParamSpec("P")
R = TypeVar("R")


def _starter(request: Callable[P, Request]) -> Callable[P, Job]:
    """Make the function that starts a workflow's jobs."""

    def begin(*positional: P.args, **given: P.kwargs) -> Job:
        if any(map(_unfinished, (*positional, *given.values()))):
            return _start_after(request, *positional, **given)
        return start(request(*positional, **given))

    return _dressed(begin, request, Job)


def _asker(request: Callable[P, Answering[R]]) -> Callable[P, R]:
    """Make the function of a workflow that is answered at once."""

    def ask(*positional: P.args, **given: P.kwargs) -> R:
        return service().ask(request(*positional, **given))

    return _dressed(ask, request, None)


def _speaker(request: Callable[P, requests.Tts]) -> Callable[P, Audio]:
    """Make the function that has a text spoken: answered at once, and the sound fetched like a job's."""

    def speak(*positional: P.args, **given: P.kwargs) -> Audio:
        at = service()
        spoken = Job(at.speak(request(*positional, **given)), at).wait()
        assert isinstance(spoken, Audio)
        return spoken

    return _dressed(speak, request, Audio)


def _dressed(function: Callable[P, R], request: Any, returns: Any) -> Callable[P, R]:
    """Give a function the name, the help and the arguments of its workflow."""
    assert issubclass(request, Call)
    function.__name__ = function.__qualname__ = request.title()
    function.__doc__ = request.__doc__
    function.__signature__ = _signature(request, returns)  # type: ignore[attr-defined]  # what Shift-Tab shows
    return function


def _signature(request: type[Call], returns: Any) -> inspect.Signature:
    """The arguments as a person reads them: the ones without a name first, the workflow's own before the common."""
    positional = request.positional()
    own = [
        name for cls in request.__mro__ for name in getattr(cls, "__annotations__", ()) if name in request.model_fields
    ]
    parameters = []
    for name in dict.fromkeys([*positional, *own]):
        field = request.model_fields[name]
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD if name in positional else inspect.Parameter.KEYWORD_ONLY
        default = None if field.default_factory else field.default
        parameters.append(
            inspect.Parameter(name, kind, default=inspect.Parameter.empty if field.is_required() else default)
        )
    return inspect.Signature(parameters, return_annotation=inspect.Signature.empty if returns is None else returns)


def _unfinished(argument: object) -> bool:
    """Whether an argument is, or holds, a job that has nothing to give yet."""
    if isinstance(argument, dict):
        argument = list(argument.values())
    if isinstance(argument, (list, tuple)):
        return any(map(_unfinished, argument))
    return isinstance(argument, Job) and argument.result is None


def _start_after(request: Any, *positional: Any, **given: Any) -> Job:
    """Start a request that is made of jobs' results, when they have them."""
    at = service()
    with unfinished() as jobs:
        draft = request(*positional, **given)
    given["external_task_id"] = draft.external_task_id
    needs = [job._following for job in jobs]
    return Job(at.start_after(needs, draft, lambda: request(*positional, **given)), at)


text2video = _starter(requests.Text2Video)
image2video = _starter(requests.Image2Video)
multi_image2video = _starter(requests.MultiImage2Video)
video_extend = _starter(requests.VideoExtend)
effects = _starter(requests.Effects)
lip_sync = _starter(requests.LipSync)
identify_face = _asker(requests.IdentifyFace)
advanced_lip_sync = _starter(requests.AdvancedLipSync)
avatar = _starter(requests.Avatar)
omni_video = _starter(requests.OmniVideo)
motion_control = _starter(requests.MotionControl)

init_selection = _asker(requests.InitSelection)
add_selection = _asker(requests.AddSelection)
delete_selection = _asker(requests.DeleteSelection)
clear_selection = _asker(requests.ClearSelection)
preview_selection = _asker(requests.PreviewSelection)
multi_elements = _starter(requests.MultiElements)

image_generation = _starter(requests.ImageGeneration)
multi_image2image = _starter(requests.MultiImage2Image)
omni_image = _starter(requests.OmniImage)
expand_image = _starter(requests.ExpandImage)
virtual_try_on = _starter(requests.VirtualTryOn)
image_recognize = _asker(requests.ImageRecognize)

tts = _speaker(requests.Tts)
text_to_audio = _starter(requests.TextToAudio)
video_to_audio = _starter(requests.VideoToAudio)

custom_voice = _starter(requests.CustomVoice)
preset_voices = _asker(requests.PresetVoices)
delete_voice = _asker(requests.DeleteVoice)
custom_element = _starter(requests.CustomElement)
preset_elements = _asker(requests.PresetElements)
delete_element = _asker(requests.DeleteElement)
account_costs = _asker(requests.AccountCosts)

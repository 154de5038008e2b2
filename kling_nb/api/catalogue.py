"""What each of Kling's models can do: one table, dated early 2026, from Kling's capability map.

Names come and go every month. A name that is not here is sent with a warning, never refused.
"""

from dataclasses import dataclass

__all__ = ["VIDEO_MODELS", "VideoModel", "When"]

STD, PRO = "std", "pro"
BOTH = (STD, PRO)
SHORT = (5, 10)  # seconds


@dataclass(frozen=True, slots=True)
class When:
    """Under which conditions a model offers something: in these modes, at these lengths, with or without sound."""

    modes: tuple[str, ...] = BOTH
    lengths: tuple[int, ...] | None = None
    silent: bool = False
    kinds: tuple[str, ...] | None = None

    def __str__(self) -> str:
        said = []
        if self.modes != BOTH:
            said.append(f"in mode {' or '.join(self.modes)}")
        if self.lengths:
            said.append(f"at {' or '.join(map(str, self.lengths))} s")
        if self.silent:
            said.append("without sound")
        if self.kinds:
            said.append(f"of type {' or '.join(self.kinds)}")
        return " ".join(said) or "always"

    def holds(self, *, mode: str, seconds: int, sound: bool = False, kind: str | None = None) -> bool:
        """Whether the conditions are met."""
        return (
            mode in self.modes
            and (self.lengths is None or seconds in self.lengths)
            and not (self.silent and sound)
            and (self.kinds is None or kind in self.kinds)
        )


@dataclass(frozen=True, slots=True)
class VideoModel:
    """What one video model offers. A field that is None means: not at all."""

    text2video: bool
    image2video: bool
    lengths: tuple[int, ...] = SHORT
    end_frame: When | None = None
    end_frame_alone: bool = False
    cfg_scale: bool = False
    sound: When | None = None
    text_camera: When | None = None
    image_camera: When | None = None
    motion_brush: When | None = None
    voices: When | None = None
    multi_shot: bool = False
    elements: bool = False


VIDEO_MODELS: dict[str, VideoModel] = {
    "kling-v1": VideoModel(
        True,
        True,
        end_frame=When(lengths=(5,)),
        cfg_scale=True,
        text_camera=When((STD,), (5,)),
        motion_brush=When(lengths=(5,)),
    ),
    "kling-v1-5": VideoModel(
        False,
        True,
        end_frame=When((PRO,)),
        end_frame_alone=True,
        cfg_scale=True,
        image_camera=When((PRO,), (5,), kinds=("simple",)),
        motion_brush=When((PRO,), (5,)),
    ),
    "kling-v1-6": VideoModel(True, True, end_frame=When((PRO,)), end_frame_alone=True, cfg_scale=True),
    "kling-v2-master": VideoModel(True, True),
    "kling-v2-1": VideoModel(False, True, end_frame=When((PRO,))),
    "kling-v2-1-master": VideoModel(True, True),
    "kling-v2-5-turbo": VideoModel(True, True, end_frame=When((PRO,))),
    "kling-v2-6": VideoModel(True, True, end_frame=When((PRO,), silent=True), sound=When((PRO,)), voices=When((PRO,))),
    # Whether v3 heeds cfg_scale is not documented anywhere seen: it is sent when asked for.
    "kling-v3": VideoModel(
        True,
        True,
        lengths=tuple(range(3, 16)),
        end_frame=When(),
        cfg_scale=True,
        sound=When(),
        multi_shot=True,
        elements=True,
    ),
}

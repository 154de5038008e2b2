"""What each video model can do, as the simulator reads Kling's capability map (early 2026)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["SIDES", "VIDEO", "Model"]

STD, PRO = frozenset({"std"}), frozenset({"pro"})
BOTH, NEVER = STD | PRO, frozenset[str]()
SIDES = 720, 1080  # pixels of the short side in std and pro


@dataclass(frozen=True, slots=True)
class Model:
    """One model; sets are of the modes in which it has something.

    Attributes
    ----------
    units
        What 5 seconds cost in std and pro, in Kling's units.
    thirty
        Where it makes 30 frames a second; elsewhere it is 24.
    """

    units: tuple[float, float]
    text: bool = True
    image: bool = True
    seconds: tuple[int, ...] = (5, 10)
    sides: tuple[int, int] = SIDES
    cfg_scale: bool = False
    tail: frozenset[str] = NEVER
    sound: frozenset[str] = NEVER
    brush: frozenset[str] = NEVER
    voices: bool = False
    shots: bool = False
    elements: bool = False
    thirty: Literal["", "image", "both"] = ""


VIDEO = {
    "kling-v1": Model((1, 3.5), cfg_scale=True, sides=(720, 720), tail=BOTH, brush=BOTH, thirty="both"),
    "kling-v1-5": Model((2, 3.5), text=False, cfg_scale=True, tail=PRO, brush=PRO, thirty="both"),
    "kling-v1-6": Model((2, 3.5), cfg_scale=True, tail=PRO, thirty="image"),
    "kling-v2-master": Model((10, 10), sides=(720, 720)),
    "kling-v2-1": Model((2, 3.5), text=False, tail=PRO),
    "kling-v2-1-master": Model((10, 10), sides=(1080, 1080)),
    "kling-v2-5-turbo": Model((1.5, 2.5), tail=PRO),
    "kling-v2-6": Model((1.5, 2.5), tail=PRO, sound=PRO, voices=True),
    "kling-v3": Model(
        (3, 4), seconds=tuple(range(3, 16)), cfg_scale=True, tail=BOTH, sound=BOTH, shots=True, elements=True
    ),
}

"""What a task probably costs on CometAPI's gateway: one dated table.

Prices change without notice. An estimate is for the order of magnitude before a sweep of fifty; the bill is in the
gateway's own log. Where nothing is known, nothing is guessed.
"""

from dataclasses import dataclass

__all__ = ["DATED", "Estimate", "image_price", "video_price"]

DATED = "early 2026"

# US dollars a task, by model and mode, for 5 and for 10 seconds. A model with one mode stands under None.
VIDEO: dict[tuple[str, str | None], dict[int, float]] = {
    ("kling-v1", "std"): {5: 0.13, 10: 0.26},
    ("kling-v1", "pro"): {5: 0.46, 10: 0.92},
    ("kling-v1-5", "std"): {5: 0.26, 10: 0.53},
    ("kling-v1-5", "pro"): {5: 0.46, 10: 0.92},
    ("kling-v1-6", "std"): {5: 0.26, 10: 0.53},
    ("kling-v1-6", "pro"): {5: 0.46, 10: 0.92},
    ("kling-v2-1", "std"): {5: 0.26, 10: 0.53},
    ("kling-v2-1", "pro"): {5: 0.46, 10: 0.92},
    ("kling-v2-master", None): {5: 1.32, 10: 2.64},
    ("kling-v2-1-master", None): {5: 1.32, 10: 2.64},
    ("kling-v2-5-turbo", "pro"): {5: 0.33, 10: 0.66},
}

# US dollars an image, by model: from words, and with a reference image.
IMAGE: dict[str, tuple[float | None, float | None]] = {
    "kling-v1": (0.003325, None),
    "kling-v1-5": (0.0133, 0.0266),
    "kling-v2": (0.0133, 0.0266),
    "kling-v2-1": (0.0133, 0.0266),
}
MULTI_IMAGE = 0.0133  # US dollars an image of multi-image2image
EXPANSION = 0.0266  # US dollars an expanded image


@dataclass(frozen=True, slots=True)
class Estimate:
    """A guess at a price in US dollars, from a dated table."""

    dollars: float
    dated: str = DATED

    def __str__(self) -> str:
        digits = 2 if self.dollars >= 0.1 else 4
        return f"about ${self.dollars:.{digits}f} (estimate, from CometAPI's prices of {self.dated})"


def video_price(model: str, mode: str, seconds: int) -> Estimate | None:
    """Estimate a video from words or a picture; None where no price is known."""
    lengths = VIDEO.get((model, mode)) or VIDEO.get((model, None)) or {}
    return Estimate(lengths[seconds]) if seconds in lengths else None


def image_price(model: str, reference: bool, count: int) -> Estimate | None:
    """Estimate a series of images; None where no price is known."""
    each = IMAGE.get(model, (None, None))[reference]
    return None if each is None else Estimate(each * count)

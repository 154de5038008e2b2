"""Masks of what was clicked at in a video, as Kling gives them: COCO's compressed run lengths, and PNG."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from kling_nb.simulator.rules import JSON

__all__ = ["mask_of", "run_lengths", "told"]

_REACH = 0.11  # radius of what a click selects, as a share of the frame's short side


def mask_of(size: tuple[int, int], points: Sequence[tuple[float, float]]) -> Image.Image:
    """What clicks at these points select, joined into one: white on black."""
    mask = Image.new("L", size)
    draw, reach = ImageDraw.Draw(mask), _REACH * min(size)
    places = [(x * size[0], y * size[1]) for x, y in points]
    for x, y in places:
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), 255)
    for pair in pairwise(places):
        draw.line(pair, 255, round(reach))
    return mask


def run_lengths(mask: Image.Image) -> str:
    """A mask as COCO's compressed run lengths: column by column, nothing first (pycocotools' maskApi, rleToString)."""
    flat = np.asarray(mask).T.ravel() > 127
    changes = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()
    if flat[0]:
        runs.insert(0, 0)
    letters = []
    for place, run in enumerate(runs):
        left = run - runs[place - 2] if place > 2 else run  # from the fourth on, the change since the one but last
        more = True
        while more:
            bits = left & 0x1F
            left >>= 5
            more = left != (-1 if bits & 0x10 else 0)
            letters.append(chr(48 + bits + (0x20 if more else 0)))
    return "".join(letters)


def told(mask: Image.Image, number: int = 0) -> JSON:
    """One object's mask as Kling describes it."""
    held = io.BytesIO()
    mask.save(held, "PNG")
    size = [mask.height, mask.width]
    return {
        "object_id": number,
        "rle_mask": {"size": size, "counts": run_lengths(mask)},
        "png_mask": {"size": size, "base64": base64.b64encode(held.getvalue()).decode("ascii")},
    }

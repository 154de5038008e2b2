"""Masks as Kling gives them, read back with the decoder of its own sample code."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kling_nb.simulator.masks import mask_of, run_lengths, told


def decoded(size: tuple[int, int], counts: str) -> Any:
    """The steps of the decoder in Kling's document: numbers of five bits a letter, then runs, column by column."""
    numbers: list[int] = []
    place = 0
    while place < len(counts):
        number, shift, more = 0, 0, True
        while more:
            letter = ord(counts[place]) - 48
            number |= (letter & 0x1F) << shift
            more = bool(letter & 0x20)
            place, shift = place + 1, shift + 5
            if not more and letter & 0x10:
                number |= -1 << shift
        if len(numbers) > 2:
            number += numbers[-2]
        numbers.append(number)
    flat = np.concatenate([np.full(run, count % 2, bool) for count, run in enumerate(numbers)] or [np.zeros(0, bool)])
    return flat.reshape(size[1], size[0]).T


@given(st.integers(1, 40), st.integers(1, 40), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_any_mask_survives(width: int, height: int, dice: Any) -> None:
    """Whatever is selected, the decoder finds the same pixels, and all of them."""
    shown = np.array([[dice.random() < 0.5 for _ in range(width)] for _ in range(height)])
    mask = Image.fromarray(np.where(shown, 255, 0).astype(np.uint8))
    assert (decoded((height, width), run_lengths(mask)) == shown).all()


@pytest.mark.parametrize("value", [0, 255])
def test_nothing_and_everything(value: int) -> None:
    """A mask of one colour is one run, whose place in the list says which."""
    mask = Image.new("L", (1280, 720), value)
    assert decoded((720, 1280), run_lengths(mask)).mean() == (value > 0)


def test_a_known_mask() -> None:
    """Three pixels of a column of five, in the letters that COCO's own tool writes: runs 1, 3, 1."""
    mask = Image.fromarray(np.array([[0], [255], [255], [255], [0]], np.uint8))
    assert run_lengths(mask) == "131"


def test_both_forms_show_the_same() -> None:
    """The PNG and the run lengths of one object are of the frame's size and cover the same pixels around the click."""
    one = told(mask_of((1280, 720), [(0.25, 0.5)]))
    rle, png = one["rle_mask"], one["png_mask"]
    assert rle["size"] == png["size"] == [720, 1280]
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(png["base64"])))) > 127
    assert (decoded((720, 1280), rle["counts"]) == shown).all()
    assert shown[360, 320]
    assert not shown[360, 960]
    assert 0.005 < shown.mean() < 0.1

"""What a person recognises in the simulator's media: the given pictures, the course of time, the given sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from kling_nb.simulator import film, render, stills
from kling_nb.simulator.caption import Letters, bar_height, caption, mark_box
from kling_nb.simulator.film import Shot, probe
from kling_nb.simulator.scene import Palette, Scene
from kling_nb.simulator.sound import RATE, read_sound, sound_effect, speech

from .conftest import film_bytes, sound_bytes

SIZE = (480, 270)


def shot(prompt: str = "a fox", seconds: float = 2, **more: Any) -> Shot:
    return Shot(prompt, SIZE, seconds, fps=12, **more)


def striped(colour: str) -> Image.Image:
    """A picture that is easy to tell from any other: two halves."""
    image = Image.new("RGB", (640, 360), colour)
    image.paste("white", (0, 0, 320, 360))
    return image


def frames(file: Path) -> list[Any]:
    """All pictures of a film, without the caption."""
    with av.open(str(file)) as opened:
        pictures = [frame.to_ndarray(format="rgb24").astype(int) for frame in opened.decode(video=0)]
    return [picture[: -bar_height(SIZE)] for picture in pictures]


def apart(one: Any, other: Any) -> float:
    """Mean difference of two pictures, a channel and pixel."""
    return float(np.abs(one - other).mean())


def as_shown(image: Image.Image) -> Any:
    """A picture as a film of this size shows it whole."""
    return np.asarray(image.resize((SIZE[0], SIZE[1] - bar_height(SIZE))), int)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A film of two seconds."""
    render.text_video(tmp_path / "made.mp4", shot())
    return tmp_path / "made.mp4"


# -- words ---------------------------------------------------------------------------------------------------------


def test_a_prompt_always_looks_the_same_and_unlike_another(tmp_path: Path) -> None:
    """Equal words give the same film; other words, or another seed, another picture."""
    for name, plan in {"one": shot(), "same": shot(), "other": shot("a whale"), "seed": shot(seed=2)}.items():
        render.text_video(tmp_path / name, plan)
    films = {name: frames(tmp_path / name) for name in ("one", "same", "other", "seed")}
    assert max(apart(*pair) for pair in zip(films["one"], films["same"], strict=True)) < 1  # encoders are not exact
    one, other, seed = (films[name][0] for name in ("one", "other", "seed"))
    assert min(apart(one, other), apart(one, seed), apart(other, seed)) > 8


def test_a_scene_moves(made: Path) -> None:
    """It is seen to move within a second, and every film ends as long as it was asked for."""
    pictures = frames(made)
    assert len(pictures) == 24
    assert apart(pictures[0], pictures[12]) > 0.4
    assert probe(made).seconds == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize(
    "camera",
    [
        {"type": "simple", "config": {"zoom": 8}},
        {"type": "simple", "config": {"pan": 8}},
        {"type": "simple", "config": {"roll": 8}},
        {"type": "down_back"},
    ],
    ids=lambda camera: str(camera.get("config", camera["type"])),
)
def test_a_camera_goes_its_way(made: Path, tmp_path: Path, camera: dict[str, Any]) -> None:
    """It starts where the still camera is, and ends elsewhere."""
    render.text_video(tmp_path / "moved.mp4", shot(), camera=camera)
    still, moved = frames(made), frames(tmp_path / "moved.mp4")
    assert apart(still[0], moved[0]) < 3
    assert apart(still[-1], moved[-1]) > 4


@pytest.mark.parametrize("ground", ["sea", "hills", "peaks"])
@pytest.mark.parametrize("size", [(160, 90), (90, 160), (64, 64)])
def test_every_ground_fills_every_size(ground: str, size: tuple[int, int]) -> None:
    """A scene of any kind is drawn at any size, with a bright sky above a darker ground."""
    scene = Scene("a fox", 1)
    scene.ground = ground
    picture = scene.draw(size, 1.0).astype(int)
    assert picture.shape == (size[1], size[0], 3)
    assert picture[: size[1] // 8].mean() > picture[-size[1] // 8 :].mean()


# -- pictures ------------------------------------------------------------------------------------------------------


def test_a_picture_is_where_a_film_starts_and_another_where_it_ends(tmp_path: Path) -> None:
    """The first frame is the first picture, the last one the last; between them it changes."""
    first, last = striped("navy"), striped("darkred").rotate(180)
    render.image_video(tmp_path / "a.mp4", shot(), [first], last=last)
    pictures = frames(tmp_path / "a.mp4")
    assert apart(pictures[0], as_shown(first)) < 8
    assert apart(pictures[-1], as_shown(last)) < 8
    assert apart(pictures[0], pictures[-1]) > 60


def test_several_pictures_are_shown_in_turn(tmp_path: Path) -> None:
    """Each of three is seen in its third of the time."""
    images = [striped("navy"), striped("darkred"), striped("darkgreen")]
    render.image_video(tmp_path / "a.mp4", shot(seconds=3), images)
    pictures = frames(tmp_path / "a.mp4")
    for number, channel in ((4, 2), (17, 0), (32, 1)):
        right = pictures[number][:, -80:].mean(axis=(0, 1))
        assert right.argmax() == channel, number


def test_an_effect_begins_with_the_picture_and_changes_it(tmp_path: Path) -> None:
    """At first the picture is as it was given; then it is visibly changed, by each scene in another way."""
    image, ends = striped("navy"), []
    for scene in ("squish", "dizzydizzy", "some_new_scene"):
        render.effect_video(tmp_path / "a.mp4", shot(scene), [image], scene)
        pictures = frames(tmp_path / "a.mp4")
        assert apart(pictures[0], as_shown(image)) < 8
        assert apart(pictures[0], pictures[-1]) > 15
        ends.append(pictures[-1])
    assert min(apart(ends[0], ends[1]), apart(ends[1], ends[2]), apart(ends[0], ends[2])) > 8


def test_two_people_come_together(tmp_path: Path) -> None:
    """Both pictures are seen side by side from the first frame on."""
    render.effect_video(
        tmp_path / "a.mp4", shot("hug"), [Image.new("RGB", (400, 400), c) for c in ("navy", "darkred")], "hug"
    )
    first = frames(tmp_path / "a.mp4")[0]
    assert first[:, :100].mean(axis=(0, 1)).argmax() == 2
    assert first[:, -100:].mean(axis=(0, 1)).argmax() == 0


# -- films from films ----------------------------------------------------------------------------------------------


def test_an_extended_film_goes_on_where_it_ended(made: Path, tmp_path: Path) -> None:
    """The source is unchanged, the next frame follows its last one, and then it becomes something else."""
    render.extend_video(tmp_path / "longer.mp4", shot("a whale", 2), made)
    before, after = frames(made), frames(tmp_path / "longer.mp4")
    assert len(after) == 48
    assert max(apart(one, other) for one, other in zip(before, after, strict=False)) < 1
    assert apart(after[23], after[24]) < 4
    assert apart(after[24], after[-1]) > 8
    assert probe(tmp_path / "longer.mp4").seconds == pytest.approx(4, abs=0.01)


def test_a_foreign_film_cannot_be_extended(tmp_path: Path) -> None:
    """Joining what was encoded otherwise would make a file that no player shows: it is an error."""
    (tmp_path / "foreign.mp4").write_bytes(film_bytes(*SIZE, 2, 12))
    with pytest.raises(ValueError, match="not made by this simulator"):
        render.extend_video(tmp_path / "longer.mp4", shot(), tmp_path / "foreign.mp4")


@pytest.mark.parametrize("mode", ["swap", "removal", "addition", "motion"])
def test_an_edit_is_seen_where_it_belongs(made: Path, tmp_path: Path, mode: str) -> None:
    """Something changes at the spot; the corner opposite to it stays, unless the picture takes the film's place."""
    images = [] if mode == "removal" else [striped("darkred")]
    spot = (0.7, 0.6)
    render.edit_video(tmp_path / "edited.mp4", shot(), made, images, mode, spot=spot)
    before, after = frames(made)[20], frames(tmp_path / "edited.mp4")[20]
    height, width = before.shape[:2]
    there = np.s_[int(height * 0.5) : int(height * 0.7), int(width * 0.65) : int(width * 0.75)]
    corner = np.s_[: height // 6, : width // 6]
    assert apart(before[there], after[there]) > (1.5 if mode == "removal" else 15)
    assert (apart(before[corner], after[corner]) > 15) is (mode == "motion")


def test_a_film_that_is_too_short_stays_on_its_last_picture(tmp_path: Path, made: Path) -> None:
    """A source of 2 s in a film of 3 s: the last second shows its end."""
    render.edit_video(tmp_path / "edited.mp4", shot(seconds=3), made, [striped("darkred")], "addition")
    assert len(frames(tmp_path / "edited.mp4")) == 36


# -- sound ---------------------------------------------------------------------------------------------------------


def loudness(file: Path, start: float, seconds: float) -> float:
    heard = read_sound(file, start=start, seconds=seconds).astype(float)
    return float(np.sqrt((heard**2).mean())) if heard.size else 0.0


def test_a_given_sound_is_heard_where_it_was_put(made: Path, tmp_path: Path) -> None:
    """Half a second of it, a second into the film: silence before and after."""
    given = sound_bytes(2)
    render.voiced_video(tmp_path / "a.mp4", shot(), made, given, insert_at=1.0, sound_range=(0.0, 0.25))
    assert loudness(tmp_path / "a.mp4", 0, 0.9) < 60
    assert loudness(tmp_path / "a.mp4", 1.05, 0.15) > 2000
    assert loudness(tmp_path / "a.mp4", 1.4, 0.5) < 200


@pytest.mark.parametrize(("volume", "original", "loud"), [(0, 0, False), (1, 0, True), (0, 1, True)])
def test_volumes_are_kept(tmp_path: Path, volume: float, original: float, loud: bool) -> None:
    """The given sound and the film's own can each be turned off."""
    render.text_video(tmp_path / "own.mp4", shot(), sound=True)
    render.voiced_video(
        tmp_path / "a.mp4", shot(), tmp_path / "own.mp4", sound_bytes(2), volume=volume, original_volume=original
    )
    assert (loudness(tmp_path / "a.mp4", 0, 2) > 100) is loud


def test_a_picture_that_speaks_moves_with_its_sound(tmp_path: Path) -> None:
    """It is larger while something is heard, and still while nothing is."""
    board = Image.fromarray(np.kron(np.indices((9, 16)).sum(axis=0) % 2, np.full((40, 40), 255)).astype(np.uint8))
    render.voiced_video(tmp_path / "a.mp4", shot(), board.convert("RGB"), sound_bytes(2))
    pictures = [picture[: SIZE[1] // 2] for picture in frames(tmp_path / "a.mp4")]  # without the meter below
    heard, silent = pictures[1], pictures[4]  # the tone comes and goes four times a second
    assert apart(heard, silent) > 0.5


def test_sounds_last_as_long_as_asked_for_and_differ(tmp_path: Path) -> None:
    """WAV to the sample, MP3 within a packet; another prompt is another sound, the same is the same."""
    mp3, wav = sound_effect(tmp_path, "rain", 3.5, stem="a")
    assert probe(wav).seconds == pytest.approx(3.5, abs=1 / RATE)
    assert probe(mp3).seconds == pytest.approx(3.5, abs=0.06)
    again, other = sound_effect(tmp_path, "rain", 3.5, stem="b")[1], sound_effect(tmp_path, "fire", 3.5, stem="c")[1]
    assert wav.read_bytes() == again.read_bytes() != other.read_bytes()


def test_speech_is_as_long_as_its_text(tmp_path: Path) -> None:
    """More syllables take longer, in any script; a quicker voice is shorter."""

    def length(text: str, speed: float = 1.0) -> float:
        return speech(tmp_path / "a.mp3", text, voice="AOT", speed=speed)

    assert length("hello") < length("hello there, my friend") < length("hello there, my friend. " * 3)
    assert length("你好世界你好世界") > length("你好")
    assert length("hello there, my friend", 2.0) < 0.7 * length("hello there, my friend")


# -- stills --------------------------------------------------------------------------------------------------------


def test_an_expanded_picture_has_the_old_one_inside(tmp_path: Path) -> None:
    """It grows by the ratios of its own sides, and the picture itself stays as it was."""
    image = striped("navy")
    stills.expand_picture(tmp_path / "a.png", image, 0.5, 0.25, 0.25, 0.125)
    with Image.open(tmp_path / "a.png") as opened:
        wide = np.asarray(opened.convert("RGB"), int)
    assert wide.shape[:2] == (round(360 * 1.75), round(640 * 1.375))
    inside = wide[180:400, 160:800]
    assert apart(inside, np.asarray(image, int)[:220]) < 1


def test_a_series_differs(tmp_path: Path) -> None:
    """Nine pictures of one prompt are nine pictures, in the size asked for."""
    files = stills.pictures(tmp_path, "a fox", count=3, size=(320, 192), stem="a", references=[striped("darkred")])
    made = []
    for file in files:
        with Image.open(file) as opened:
            made.append(np.asarray(opened, int))
    assert {one.shape for one in made} == {(192, 320, 3)}
    assert min(apart(made[0], made[1]), apart(made[1], made[2]), apart(made[0], made[2])) > 5


def test_cloth_is_put_on(tmp_path: Path) -> None:
    """The piece of clothing covers the body, not the head."""
    person, cloth = Image.new("RGB", (400, 600), "white"), Image.new("RGB", (400, 400), "darkred")
    stills.try_on_picture(tmp_path / "a.png", person, cloth)
    with Image.open(tmp_path / "a.png") as opened:
        assert opened.getpixel((200, 430))[0] > 100 > opened.getpixel((200, 430))[1]
        assert opened.getpixel((200, 100)) == (255, 255, 255)


# -- the caption ---------------------------------------------------------------------------------------------------

ODD = [
    "",
    "a" * 3000,
    "word " * 800,
    "小熊猫在冲浪",
    "हिन्दी ไทย العربية",
    "🐼🏄 emoji ❤️",
    "half \ud83d a pair",
    "\x00\x1b[31m control\r\n",
    "a\u202eb right to left",
]


@pytest.mark.parametrize("prompt", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (300, 300)])
def test_any_prompt_can_be_written(prompt: str, size: tuple[int, int]) -> None:
    """Whatever the words are, the bar has its height and its label, and the same label for all."""
    palette = Palette.of("a fox")
    dim, lit = caption(size, prompt, "kling-v1 std 5 s", palette)
    plain, _ = caption(size, "plain", "kling-v1 std 5 s", palette)
    assert dim.shape == lit.shape == (bar_height(size), size[0], 3)
    left, top, right, bottom = mark_box(size)
    top, bottom = top - size[1] + bar_height(size), bottom - size[1] + bar_height(size)
    assert (dim[top:bottom, left:right] == plain[top:bottom, left:right]).all()


def test_words_are_broken_and_cut() -> None:
    """No line is wider than its room, and a text that does not fit ends in an ellipsis."""
    letters = Letters(20)
    lines = list(letters.lines("the quick brown fox jumps over the lazy dog " * 5, 200, 3))
    assert len(lines) == 3
    assert all(letters.width(line) <= 200 for line in lines)
    assert lines[-1].endswith("…")
    assert list(letters.lines("short", 200, 3)) == ["short"]


def test_time_runs_along_the_caption(made: Path) -> None:
    """How much of the line above the caption is lit is how much of the film has passed."""
    with av.open(str(made)) as opened:
        pictures = [frame.to_ndarray(format="rgb24").astype(int) for frame in opened.decode(video=0)]
    line = SIZE[1] - bar_height(SIZE) + 1
    bright = [(picture[line].mean(axis=1) > 110).mean() for picture in pictures]
    assert bright[0] < 0.1
    assert bright[11] == pytest.approx(0.5, abs=0.06)
    assert bright[-1] > 0.95


def test_files_play_at_once(made: Path) -> None:
    """The index is in front of the pictures, so that a browser plays before it has all."""
    data = made.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    assert film.uncaptioned(made) == pytest.approx(1 - bar_height(SIZE) / SIZE[1])

"""Names that fit everywhere, and places that are never taken twice."""

from __future__ import annotations

import errno
import os
import unicodedata
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kling_nb.watch.files import file_name, place

WHEN = datetime(2026, 11, 24, 12, 0).timestamp()

ODD = [
    pytest.param("con", "2026-11-24-con-1a2b3c4d.mp4", id="reserved-on-windows"),
    pytest.param("NUL.txt", "2026-11-24-nul-txt-1a2b3c4d.mp4", id="reserved-with-a-suffix"),
    pytest.param("a fox. ", "2026-11-24-a-fox-1a2b3c4d.mp4", id="trailing-dot-and-space"),
    pytest.param("../../etc/passwd", "2026-11-24-etc-passwd-1a2b3c4d.mp4", id="parent-folders"),
    pytest.param("C:\\Windows\\a", "2026-11-24-c-windows-a-1a2b3c4d.mp4", id="drive-and-backslashes"),
    pytest.param("\x00a\x1bb\nc\x7f", "2026-11-24-a-b-c-1a2b3c4d.mp4", id="nul-and-control-characters"),
    pytest.param("", "2026-11-24-1a2b3c4d.mp4", id="empty"),
    pytest.param("🐼🏄❤️", "2026-11-24-1a2b3c4d.mp4", id="only-emoji"),
    pytest.param("a 🐼 surfs", "2026-11-24-a-surfs-1a2b3c4d.mp4", id="emoji-between-words"),
    pytest.param("gpj\u202e.exe", "2026-11-24-gpj-exe-1a2b3c4d.mp4", id="right-to-left-override"),
    pytest.param("\ud83d half", "2026-11-24-half-1a2b3c4d.mp4", id="half-a-surrogate-pair"),
    pytest.param("-rf *", "2026-11-24-rf-1a2b3c4d.mp4", id="looks-like-an-option"),
    pytest.param("<b>\"'`$(x)|&;", "2026-11-24-b-x-1a2b3c4d.mp4", id="shell-and-html"),
    pytest.param("Éclair à Zürich", "2026-11-24-éclair-à-zürich-1a2b3c4d.mp4", id="accents-stay"),
    pytest.param("小熊猫在冲浪", "2026-11-24-小熊猫在冲浪-1a2b3c4d.mp4", id="chinese-stays"),
    pytest.param("हिन्दी", "2026-11-24-हिन्दी-1a2b3c4d.mp4", id="marks-of-a-script-stay"),
    pytest.param("ＦＵＬＬ　Ｗｉｄｔｈ", "2026-11-24-full-width-1a2b3c4d.mp4", id="full-width-letters"),
    pytest.param("%2e%2e%2f", "2026-11-24-2e-2e-2f-1a2b3c4d.mp4", id="escaped-path"),
]


@pytest.mark.parametrize(("prompt", "name"), ODD)
def test_an_odd_prompt_gives_a_plain_name(prompt: str, name: str) -> None:
    """Whatever the prompt is, the name is readable and holds nothing that a file system objects to."""
    assert file_name(WHEN, prompt, "1a2b3c4d", 0, ".mp4") == name


def test_a_long_prompt_is_cut_between_words() -> None:
    """300 characters become a name that a list can show, ending with a whole word."""
    name = file_name(WHEN, "a red panda surfs a wave at sunset while gulls watch " * 6, "1a2b3c4d", 0, ".mp4")
    assert name == "2026-11-24-a-red-panda-surfs-a-wave-at-sunset-while-gulls-1a2b3c4d.mp4"


def test_files_of_one_task_are_numbered_from_the_second() -> None:
    """Nine images of one task get nine names that sort together."""
    names = [file_name(WHEN, "fog", "1a2b3c4d", index, ".png") for index in range(9)]
    assert names[:2] == ["2026-11-24-fog-1a2b3c4d.png", "2026-11-24-fog-1a2b3c4d-2.png"]
    assert len(set(names)) == 9


@pytest.mark.parametrize("when", [float("nan"), float("inf"), 1e18, -1e18])
def test_a_time_no_calendar_has_still_gives_a_name(when: float) -> None:
    """A service that sends nonsense as the time of a task does not keep its file from being saved."""
    assert file_name(when, "fog", "1a2b3c4d", 0, ".mp4") == "undated-fog-1a2b3c4d.mp4"


@given(st.text(st.characters(), max_size=400), st.text(max_size=40), st.integers(0, 99), st.sampled_from(["", ".mp4"]))
def test_any_text_gives_a_name_for_every_file_system(prompt: str, short_id: str, index: int, suffix: str) -> None:
    """No text at all can leave the folder, be hidden, be reserved, be too long, or look like another name."""
    name = file_name(WHEN, prompt, short_id, index, suffix)
    assert name.startswith("2026-11-24")
    assert Path(name).name == name
    assert not set(name) & set('<>:"/\\|?*\0 ')
    assert all(unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn") for character in name)
    assert name.removesuffix(".mp4").count(".") == 0
    assert len(f"{name}_99.part.json".encode()) <= 143
    assert name == file_name(WHEN, prompt, short_id, index, suffix)


def test_a_taken_name_is_left_alone(tmp_path: Path) -> None:
    """Another file, a folder and a broken link of the wanted name stay what they were; the next number is used."""
    (tmp_path / "a.mp4").write_bytes(b"somebody's")
    (tmp_path / "a_2.mp4").mkdir()
    (tmp_path / "a_3.mp4").symlink_to(tmp_path / "nowhere")
    (tmp_path / "a.part").write_bytes(b"ours")

    assert place(tmp_path / "a.part", tmp_path / "a.mp4") == tmp_path / "a_4.mp4"
    assert (tmp_path / "a_4.mp4").read_bytes() == b"ours"
    assert (tmp_path / "a.mp4").read_bytes() == b"somebody's"
    assert not (tmp_path / "nowhere").exists()
    assert not (tmp_path / "a.part").exists()


def test_the_same_bytes_under_the_name_are_the_same_file(tmp_path: Path) -> None:
    """A process that died after it had saved the file, before it could tell anybody, leaves no double."""
    (tmp_path / "a.mp4").write_bytes(b"ours")
    (tmp_path / "a.part").write_bytes(b"ours")

    assert place(tmp_path / "a.part", tmp_path / "a.mp4") == tmp_path / "a.mp4"
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_a_drive_without_hard_links_is_no_reason_to_overwrite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On exFAT and some network drives a finished file gets its name too, and a taken one is left alone."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "a.mp4").write_bytes(b"somebody's")
    (tmp_path / "a.part").write_bytes(b"ours")

    assert place(tmp_path / "a.part", tmp_path / "a.mp4") == tmp_path / "a_2.mp4"
    assert (tmp_path / "a.mp4").read_bytes() == b"somebody's"
    assert (tmp_path / "a_2.mp4").read_bytes() == b"ours"
    with pytest.raises(FileNotFoundError):
        place(tmp_path / "gone.part", tmp_path / "b.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "a_2.mp4"]

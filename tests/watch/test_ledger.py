"""The record of paid tasks: nothing written is lost, whoever else writes, dies or tampers."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kling_nb.api.errors import LedgerError
from kling_nb.watch.ledger import Entry, Ledger
from kling_nb.watch.schedule import Kind, Past

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICE = "https://kling.example/v1"


def entry(external_task_id: str, **known: Any) -> Entry:
    given: dict[str, Any] = {
        "workflow": "videos/text2video",
        "service": SERVICE,
        "simulated": False,
        "folder": "/home/ada/kling-videos",
        "created": 1000.0,
        "request": {"prompt": "fog"},
        "prompt": "fog",
    }
    return Entry(external_task_id=external_task_id, **(given | known))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "home" / "ledger.sqlite3") as made:
        yield made


def python(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Run a script in a process of its own, which tells what it does on its standard output."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def output(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


# -- what is written -------------------------------------------------------------------------------------------------


def test_everything_known_of_a_task_is_there_after_a_restart(ledger: Ledger) -> None:
    """What was recorded in pieces is read back whole by the next process, strange paths and texts included."""
    ledger.intend(entry("knb-1", prompt="a fox \ud83e", folder="/home/\udcff", model_name="kling-v1", seconds=5.0))
    ledger.update("knb-1", state="submitted", task_id="87", sent=1001.0, submitted=1002.0)
    ledger.update("knb-1", state="downloading", result={"videos": [{"url": "https://x"}]}, cost="0.25")
    ledger.update("knb-1", state="succeed", files=("/home/\udcff/a.mp4",), finished=1100.0)
    ledger.close()

    with Ledger(ledger.path) as later:
        assert later.get("knb-1") == entry(
            "knb-1",
            prompt="a fox ?",  # half of a surrogate pair is no text
            folder="/home/\udcff",
            model_name="kling-v1",
            seconds=5.0,
            state="succeed",
            task_id="87",
            sent=1001.0,
            submitted=1002.0,
            result={"videos": [{"url": "https://x"}]},
            cost="0.25",
            files=("/home/\udcff/a.mp4",),
            finished=1100.0,
        )
        assert later.find("87") == later.get("knb-1")
        assert later.find("87", service="https://other") is None


def test_an_id_is_recorded_once(ledger: Ledger) -> None:
    """A second request under an id that the ledger has is refused, and the first one's record stays."""
    ledger.intend(entry("knb-1", prompt="first"))
    with pytest.raises(LedgerError, match="knb-1 is in the ledger already"):
        ledger.intend(entry("knb-1", prompt="second"))
    assert [found.prompt for found in ledger.entries()] == ["first"]


def test_nothing_is_recorded_of_a_task_that_is_not_there(ledger: Ledger) -> None:
    """A step of a task that the ledger does not know is an error and not a silent nothing."""
    with pytest.raises(LedgerError, match="has no task knb-9"):
        ledger.update("knb-9", state="succeed")
    with pytest.raises(LedgerError, match="has no task knb-9"):
        ledger.claim("knb-9")


def test_history_narrows(ledger: Ledger) -> None:
    """Each argument leaves only what fits it; the newest is first; signs of SQL are just signs."""
    now = time.time()
    ledger.intend(entry("a", prompt="100% Fog_bank", created=now - 7200))
    ledger.intend(entry("b", prompt="FOG'; DROP TABLE tasks; --", created=now - 60, workflow="images/generations"))
    ledger.intend(entry("c", prompt=None, created=now, service="http://127.0.0.1:1/kling/v1"))
    ledger.update("a", state="succeed")
    ledger.update("b", state="processing")

    def found(**narrowing: Any) -> str:
        return "".join(entry.external_task_id for entry in ledger.entries(**narrowing))

    assert found() == "cba"
    assert found(limit=2) == "cb"
    assert found(state="succeed") == "a"
    assert found(state=("succeed", "intent")) == "ca"
    assert found(state=()) == ""
    assert found(workflow="images/generations") == "b"
    assert found(service=SERVICE) == "ba"
    assert found(unfinished=True) == "cb"
    assert found(since=timedelta(hours=1)) == "cb"
    assert found(since=datetime.fromtimestamp(now - 61)) == "cb"
    assert found(since=now - 59) == "c"
    assert found(text="fog") == "ba"
    assert found(text="%") == "a"
    assert found(text="_") == "a"
    assert found(text="'; DROP") == "b"


def test_past_durations_are_those_of_one_service(ledger: Ledger) -> None:
    """What is learned from past tasks is told newest first, and a simulator's times say nothing of a real service."""
    ledger.intend(entry("a", model_name="kling-v1", mode="std", seconds=5.0))
    ledger.intend(entry("b", created=3000.0))
    ledger.intend(entry("c", service="http://127.0.0.1:1/kling/v1"))
    ledger.intend(entry("unfinished"))
    ledger.update("a", lower=88.0, upper=92.5, finished=1100.0)
    ledger.update("b", lower=60.0, upper=60.0)
    ledger.update("c", lower=1.0, upper=1.0)

    assert ledger.durations(service=SERVICE) == [
        Past(Kind("videos/text2video", None, None, None), 60.0, 60.0, 3060.0),
        Past(Kind("videos/text2video", "kling-v1", "std", 5.0), 88.0, 92.5, 1100.0),
    ]
    assert len(ledger.durations(service=SERVICE, limit=1)) == 1
    assert ledger.durations("images/generations") == []


# -- many at once ----------------------------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from kling_nb.watch.ledger import Entry, Ledger

path, name = Path(sys.argv[1]), sys.argv[2]
print(flush=True)
sys.stdin.readline()
for n in range(20):
    with Ledger(path) as ledger:  # opened anew each time: opening and closing are where processes meet
        ledger.intend(Entry(external_task_id=f"{name}-{n}", workflow="w", service="s", simulated=True, folder="/f",
                            created=n, request={}))
        ledger.update(f"{name}-{n}", state="submitted", task_id=f"task {name} {n}")
"""


def test_processes_share_a_ledger_that_none_of_them_found(tmp_path: Path) -> None:
    """Six kernels that start at the same time make one ledger, and none loses a record or meets an error."""
    path = tmp_path / "home" / "ledger.sqlite3"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), f"p{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(6)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        output(process)

    with Ledger(path) as ledger:
        entries = ledger.entries()
        assert {found.external_task_id for found in entries} == {f"p{p}-{n}" for p in range(6) for n in range(20)}
        assert all(found.task_id for found in entries)


def test_a_forked_child_writes_beside_its_parent(ledger: Ledger) -> None:
    """After a fork both sides go on with the ledger, and neither has what the other claimed."""
    ledger.intend(entry("parent's"))
    assert ledger.claim("parent's")
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(BaseException):
            ledger.intend(entry("child's"))
            ledger.release("parent's")  # it has no such claim
            status = 2 if ledger.claim("parent's") else 0
        os._exit(status)
    ledger.intend(entry("parent's second"))
    assert os.waitpid(child, 0)[1] == 0
    assert {found.external_task_id for found in ledger.entries()} == {"parent's", "parent's second", "child's"}
    assert python_claims(ledger, "parent's") == "False"


# -- claims ----------------------------------------------------------------------------------------------------------

CLAIMER = """
import sys, time
from pathlib import Path
from kling_nb.watch.ledger import Ledger

print(Ledger(Path(sys.argv[1])).claim(sys.argv[2]), flush=True)
sys.stdin.readline()
"""


def python_claims(ledger: Ledger, external_task_id: str) -> str:
    return output(python(CLAIMER, ledger.path, external_task_id)).strip()


def test_one_process_at_a_time_works_on_a_task(ledger: Ledger) -> None:
    """A claim keeps out this process's other ledgers and other processes, until it is released."""
    ledger.intend(entry("a"))
    ledger.intend(entry("b"))
    with Ledger(ledger.path) as second:
        assert ledger.claim("a")
        assert not ledger.claim("a")
        assert not second.claim("a")
        assert python_claims(ledger, "a") == "False"
        assert second.claim("b")
        second.release("a")  # not its own
        assert not second.claim("a")
        ledger.release("a")
        assert second.claim("a")
    assert python_claims(ledger, "a") == "True"
    assert python_claims(ledger, "b") == "True"


def test_a_killed_process_holds_no_claim(ledger: Ledger) -> None:
    """What a kernel was working on when it was killed can be taken up at once."""
    ledger.intend(entry("a"))
    holder = subprocess.Popen(
        [sys.executable, "-c", CLAIMER, str(ledger.path), "a"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "True"
        assert not ledger.claim("a")
        holder.send_signal(signal.SIGKILL)
    assert ledger.claim("a")


def test_a_thousand_claims_need_no_thousand_open_files(ledger: Ledger) -> None:
    """A sweep larger than the number of files that a process may open is worked on all the same."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    ids = [str(number) for number in range(1, 300)]
    for external_task_id in ids:
        ledger.intend(entry(external_task_id))
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(200, soft), hard))
    try:
        assert all(ledger.claim(external_task_id) for external_task_id in ids)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# -- the file --------------------------------------------------------------------------------------------------------

VERSION_1 = """
CREATE TABLE tasks (
    number INTEGER PRIMARY KEY, external_task_id TEXT NOT NULL UNIQUE, workflow TEXT NOT NULL, service TEXT NOT NULL,
    simulated INTEGER NOT NULL, model_name TEXT, mode TEXT, seconds REAL, prompt TEXT, request TEXT NOT NULL,
    folder TEXT NOT NULL, created REAL NOT NULL, state TEXT NOT NULL, task_id TEXT, message TEXT, cost TEXT,
    result TEXT, files TEXT NOT NULL, finished REAL
);
INSERT INTO tasks VALUES (1, 'knb-1', 'videos/text2video', 'https://kling.example/v1', 0, 'kling-v1', 'std', 5.0,
    'fog', '{"prompt": "fog"}', '"/home/ada/kling-videos"', 1000.0, 'succeed', '87', NULL, '0.25', '{"videos": []}',
    '["/home/ada/kling-videos/fog.mp4"]', 1100.0);
PRAGMA application_id = 0x6B6C6E62;
PRAGMA user_version = 1;
"""


def build(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def test_a_ledger_of_the_first_version_is_taken_over(ledger: Ledger) -> None:
    """A file from the first release keeps all it tells, and takes what later releases record."""
    build(ledger.path, VERSION_1)
    (old,) = ledger.entries()
    assert old == entry(
        "knb-1",
        model_name="kling-v1",
        mode="std",
        seconds=5.0,
        state="succeed",
        task_id="87",
        cost="0.25",
        result={"videos": []},
        files=("/home/ada/kling-videos/fog.mp4",),
        finished=1100.0,
    )
    ledger.update("knb-1", lower=88.0, upper=92.0)
    assert len(ledger.durations()) == 1


def damaged(path: Path) -> None:
    """A ledger with a page overwritten, as by a failing disk."""
    with Ledger(path) as ledger:
        for number in range(40):
            ledger.intend(entry(f"knb-{number}", prompt="fog " * 50))
    held = bytearray(path.read_bytes())
    held[8192:12288] = b"\x5a" * 4096
    path.write_bytes(held)


def truncated(path: Path) -> None:
    """A ledger of which only the beginning was copied."""
    with Ledger(path) as ledger:
        for number in range(40):
            ledger.intend(entry(f"knb-{number}", prompt="fog " * 50))
    path.write_bytes(path.read_bytes()[:6000])


def newer(path: Path) -> None:
    build(path, VERSION_1 + "PRAGMA user_version = 99;")


def strangers(path: Path) -> None:
    build(path, "CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('https://x')")


def no_database(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"Dear diary, " * 1000)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(newer, "newer kling-nb.*pip install -U", id="of-a-newer-release"),
        pytest.param(damaged, "is damaged.*Move it aside", id="with-a-bad-page"),
        pytest.param(truncated, "is damaged.*Move it aside", id="cut-short"),
        pytest.param(no_database, "is damaged.*Move it aside", id="no-database-at-all"),
        pytest.param(strangers, "another application's.*Move it aside", id="another-application's"),
    ],
)
def test_a_file_that_cannot_be_used_is_left_as_it_was(ledger: Ledger, make: Any, said: str) -> None:
    """Every use of such a file ends in an error that says what to do; not a byte of it changes."""
    make(ledger.path)
    before = {path.name: path.read_bytes() for path in ledger.path.parent.iterdir()}
    for use in (ledger.entries, lambda: ledger.intend(entry("knb-new")), lambda: ledger.claim("knb-1")):
        with pytest.raises(LedgerError, match=f"(?s){said}"):
            use()
    assert {path.name: path.read_bytes() for path in ledger.path.parent.iterdir()} == before


def test_a_kill_while_records_move_into_the_file_loses_none(tmp_path: Path) -> None:
    """The file may be half of a checkpoint when its process dies; the next one finds every record."""
    path, torn = tmp_path / "whole.sqlite3", tmp_path / "torn.sqlite3"
    with Ledger(path) as ledger:
        ledger.entries()
        before = path.read_bytes()
        for number in range(100):
            ledger.intend(entry(f"knb-{number}", prompt="fog " * 100))
        log = path.with_name("whole.sqlite3-wal").read_bytes()
    after = path.read_bytes()
    assert len(after) > len(before)
    torn.write_bytes(after[:4096] + before[4096:])  # the checkpoint was killed after its first page
    torn.with_name("torn.sqlite3-wal").write_bytes(log)

    with Ledger(torn) as ledger:
        assert len(ledger.entries()) == 100


def test_a_kill_while_the_file_is_made_is_no_damage(tmp_path: Path) -> None:
    """A process killed in the middle of making the ledger leaves one that the next process can make."""
    path, torn = tmp_path / "made.sqlite3", tmp_path / "torn.sqlite3"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 1")  # so that the file is written before the commit
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("PRAGMA application_id = 0x6B6C6E62")
        for number in range(200):
            connection.execute(f"CREATE TABLE t{number} (x)")
        torn.write_bytes(path.read_bytes())
        torn.with_name("torn.sqlite3-journal").write_bytes(path.with_name("made.sqlite3-journal").read_bytes())
    assert torn.stat().st_size > 4096

    with Ledger(torn) as ledger:
        ledger.intend(entry("knb-1"))
        assert len(ledger.entries()) == 1


FULL = """
import resource, sys
from pathlib import Path
from kling_nb.api.errors import LedgerError
from kling_nb.watch.ledger import Entry, Ledger

with Ledger(Path(sys.argv[1])) as ledger:
    ledger.entries()
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        for n in range(1000):
            ledger.intend(Entry(external_task_id=f"knb-{n}", workflow="w", service="s", simulated=False, folder="/f",
                                created=n, request={"prompt": "fog " * 500}))
    except LedgerError as error:
        print(n, error)
"""


def test_what_was_recorded_stays_when_there_is_no_room_for_more(ledger: Ledger) -> None:
    """A disk that takes no more is told before anything is sent, and all earlier records are whole."""
    recorded, _, said = output(python(FULL, ledger.path)).partition(" ")
    assert int(recorded) > 0
    assert "cannot be used" in said
    assert "KLING_NB_HOME" in said
    assert len(ledger.entries()) == int(recorded)


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    """A file where the ledger's folder should be gives a clear error."""
    (tmp_path / "home").write_text("a file")
    with pytest.raises(LedgerError, match=r"cannot be opened.*KLING_NB_HOME"):
        Ledger(tmp_path / "home" / "ledger.sqlite3").entries()


def test_the_ledger_lies_where_it_is_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """KLING_NB_HOME moves it, and only its owner can read what was prompted."""
    monkeypatch.setenv("KLING_NB_HOME", str(tmp_path / "elsewhere"))
    with Ledger() as ledger:
        ledger.intend(entry("knb-1"))
    assert ledger.path == tmp_path / "elsewhere" / "ledger.sqlite3"
    assert ledger.path.stat().st_mode & 0o077 == 0
    assert ledger.path.parent.stat().st_mode & 0o077 == 0

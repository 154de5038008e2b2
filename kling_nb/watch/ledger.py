"""The record of every task ever started from this machine: written before money is spent, read after a crash.

One SQLite file, shared by all kernels and shells of a user. An entry is written, and on disk, before the request that
it tells of is sent; what can be learned again from the service (a state) may be lost with a power failure, what
cannot (the task id, the files) may not. Keys and media never come here: a request is kept as described for people.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sqlite3
import threading
import time
import weakref
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import platformdirs

from kling_nb.api.errors import LedgerError
from kling_nb.watch import claims
from kling_nb.watch.schedule import Kind, Past

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["FINISHED", "STATES", "Entry", "Ledger", "home"]

STATES = (
    "intent",
    "sending",
    "unconfirmed",
    "submitted",
    "processing",
    "downloading",
    "succeed",
    "failed",
    "refused",
    "abandoned",
)
"""All states of an entry, in the order of a task's life; see `Entry`."""

FINISHED = frozenset({"succeed", "failed", "refused", "abandoned"})
"""States in which nothing is left to do: files on disk, ended badly, never made, or given up by the person."""

APPLICATION_ID = 0x6B6C6E62  # "klnb" in the file's header: this SQLite file is ours and no other application's
BUSY = 10.0  # seconds to wait for another process's commit, which takes milliseconds

# Each step takes a file one version on; a new file takes them all. Steps that were released are never changed.
STEPS = (
    """
    CREATE TABLE tasks (
        number INTEGER PRIMARY KEY, external_task_id TEXT NOT NULL UNIQUE, workflow TEXT NOT NULL,
        service TEXT NOT NULL, simulated INTEGER NOT NULL, model_name TEXT, mode TEXT, seconds REAL, prompt TEXT,
        request TEXT NOT NULL, folder TEXT NOT NULL, created REAL NOT NULL, state TEXT NOT NULL, task_id TEXT,
        message TEXT, cost TEXT, result TEXT, files TEXT NOT NULL, finished REAL
    );
    CREATE INDEX tasks_by_age ON tasks (created);
    CREATE INDEX tasks_by_task_id ON tasks (task_id)
    """,
    """
    ALTER TABLE tasks ADD COLUMN sent REAL;
    ALTER TABLE tasks ADD COLUMN submitted REAL;
    ALTER TABLE tasks ADD COLUMN lower REAL;
    ALTER TABLE tasks ADD COLUMN upper REAL
    """,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One task ever started from this machine.

    Parameters
    ----------
    external_task_id
        Our own id of it, made before the request is sent.
    workflow
        Path that makes the task and answers for it, such as ``videos/text2video``.
    service
        Base URL of the service, prefix included; tasks of different services never mix.
    simulated
        Whether a simulator makes it.
    model_name, mode, seconds, prompt
        What was asked for, where the workflow has it; ``seconds`` is the length of the video.
    request
        The whole request as described for people: no key, and media as path, URL or hash.
    folder
        Absolute path of the folder that its files go to.
    created
        Unix time in seconds of the intent.
    state
        ``intent``: to be sent; no task exists. ``sending``: on its way, so after a crash a task may exist.
        ``unconfirmed``: sent, but the answer was lost. ``submitted``, ``processing``: the service's words.
        ``downloading``: rendered, not all on disk. ``succeed``: on disk. ``failed``: ended badly. ``refused``: no
        task was made. ``abandoned``: an unconfirmed one that the person sent again under another id.
    task_id
        The service's id of it.
    message
        What was last said about it.
    cost
        ``final_unit_deduction``, as the service writes it.
    result
        ``task_result``, as the service writes it.
    files
        Absolute paths of the finished files, in the order of the result.
    sent, submitted, finished
        Unix time in seconds when the request was last sent, when the service had taken it, and when nothing was left
        to do.
    lower, upper
        It took more than the one and at most the other, in seconds since it was created.
    """

    external_task_id: str
    workflow: str
    service: str
    simulated: bool
    folder: str
    created: float
    request: dict[str, Any]
    model_name: str | None = None
    mode: str | None = None
    seconds: float | None = None
    prompt: str | None = None
    state: str = "intent"
    task_id: str | None = None
    message: str | None = None
    cost: str | None = None
    result: dict[str, Any] | None = None
    files: tuple[str, ...] = ()
    sent: float | None = None
    submitted: float | None = None
    finished: float | None = None
    lower: float | None = None
    upper: float | None = None


_COLUMNS = tuple(field.name for field in dataclasses.fields(Entry))
# The statements below are put together from these names and from fixed text; every value is bound.
_INSERT = f"INSERT INTO tasks ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM tasks"  # noqa: S608
# `folder` too, because a path need not be Unicode and JSON keeps what SQLite's text cannot.
_AS_JSON = frozenset({"request", "result", "files", "folder"})
# What the service can be asked again. All else is lost for good with the record, so it is on disk at once.
_LEARNABLE = frozenset({"state", "message", "lower", "upper"})


class Ledger:
    """The record of paid tasks, safe to use from several threads, processes and after a fork.

    Parameters
    ----------
    path
        The file; ``ledger.sqlite3`` in the folder named by ``KLING_NB_HOME``, else in the user's data folder for
        ``kling-nb``, when left out. It is opened, and made if there is none, at first use. It should lie on a local
        disk: SQLite cannot share a file safely between machines.

    Raises
    ------
    LedgerError
        From every method, when the file cannot be used: damaged, of a newer release, another application's, on a
        full disk or in a folder that is read-only. The message says what to do; the file is left as it was.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = home() / "ledger.sqlite3" if path is None else path.absolute()
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._claimed: dict[str, int] = {}
        _ledgers.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Ledger {self.path}>"

    def close(self) -> None:
        """Give up all claims and close the file; the next use opens it again."""
        with self._lock:
            for external_task_id in list(self._claimed):
                self.release(external_task_id)
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    # -- writing -----------------------------------------------------------------------------------------------

    def intend(self, entry: Entry) -> None:
        """Record a task before its request is sent; it is on disk when this returns.

        Raises
        ------
        LedgerError
            Also when the id is in the ledger already.
        """
        values = [_stored(name, getattr(entry, name)) for name in _COLUMNS]
        with self._writing(durably=True) as connection:
            try:
                connection.execute(_INSERT, values)
            except sqlite3.IntegrityError as error:
                raise LedgerError(
                    f"A task {entry.external_task_id} is in the ledger already ({error}). Give each request an "
                    "external_task_id of its own; nothing was recorded."
                ) from None

    def update(self, external_task_id: str, **changes: Any) -> None:
        """Record what has become of a task.

        A task id, files, a result, a cost and an end are on disk when this returns. A mere change of state is safe
        from a crash of the process at once, and from a power failure with the next of those.

        Parameters
        ----------
        external_task_id
            Our id of the task.
        **changes
            Fields of `Entry` and their new values.

        Raises
        ------
        LedgerError
            Also when the ledger has no such task.
        """
        if unknown := changes.keys() - set(_COLUMNS[1:]):
            raise TypeError(f"an entry has no {', '.join(sorted(unknown))} to change")
        durably = bool(changes.keys() - _LEARNABLE) or changes.get("state") in FINISHED
        assignments = ", ".join(f"{name} = ?" for name in changes)
        values = [_stored(name, value) for name, value in changes.items()]
        with self._writing(durably=durably) as connection:
            done = connection.execute(
                f"UPDATE tasks SET {assignments} WHERE external_task_id = ?",  # noqa: S608
                [*values, external_task_id],
            )
            if done.rowcount == 0:
                raise LedgerError(f"The ledger {self.path} has no task {external_task_id}; nothing was recorded.")

    # -- reading -----------------------------------------------------------------------------------------------

    def get(self, external_task_id: str) -> Entry | None:
        """Return the task with an id of ours, or None."""
        return next(iter(self._entries("external_task_id = ?", [external_task_id])), None)

    def find(self, task_id: str, *, service: str | None = None, workflow: str | None = None) -> Entry | None:
        """Return the task with an id of the service's, the newest if several services use it, or None."""
        conditions, values = _conditions(("task_id = ?", task_id), ("service = ?", service), ("workflow = ?", workflow))
        return next(iter(self._entries(conditions, values, limit=1)), None)

    def entries(
        self,
        *,
        state: str | Iterable[str] | None = None,
        workflow: str | None = None,
        since: datetime | timedelta | float | None = None,
        text: str | None = None,
        unfinished: bool = False,
        service: str | None = None,
        limit: int | None = None,
    ) -> list[Entry]:
        """Return tasks, newest first; every argument narrows.

        Parameters
        ----------
        state
            One state, or several.
        workflow
            Path such as ``videos/text2video``.
        since
            Not older than this: a moment (local time unless it says its zone), an age, or Unix time in seconds.
        text
            What the prompt contains, as it stands, upper and lower case alike.
        unfinished
            Only those with something left to do.
        service
            Base URL of the service.
        limit
            How many at most.
        """
        states = None if state is None else json.dumps([state] if isinstance(state, str) else [*state])
        conditions, values = _conditions(
            ("state IN (SELECT value FROM json_each(?))", states),
            ("state NOT IN (SELECT value FROM json_each(?))", json.dumps([*FINISHED]) if unfinished else None),
            ("workflow = ?", workflow),
            ("created >= ?", None if since is None else _moment(since)),
            ("contains(prompt, ?)", text),
            ("service = ?", service),
        )
        return self._entries(conditions, values, limit)

    def durations(self, workflow: str | None = None, *, service: str | None = None, limit: int = 200) -> list[Past]:
        """Return how long the newest finished tasks took, newest first, for `kling_nb.watch.schedule.learn`.

        Parameters
        ----------
        workflow
            Only those of this path.
        service
            Only those of this service: a simulator's times say nothing about a real one's.
        limit
            How many at most.
        """
        conditions, values = _conditions(("workflow = ?", workflow), ("service = ?", service))
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT workflow, model_name, mode, seconds, lower, upper, "  # noqa: S608
                "COALESCE(finished, created + lower) AS ended FROM tasks "
                f"WHERE lower IS NOT NULL AND upper IS NOT NULL AND {conditions} ORDER BY ended DESC LIMIT ?",
                [*values, limit],
            ).fetchall()
        return [Past(Kind(*kind), lower, upper, ended) for *kind, lower, upper, ended in rows]

    # -- claims ------------------------------------------------------------------------------------------------

    def claim(self, external_task_id: str) -> bool:
        """Become the one who works on a task; False when somebody does already, in this process or another.

        Whoever gets the claim must read the entry afterwards: the one before may just have finished it. It ends with
        `release`, with `close`, or with the process, however that dies.
        """
        with self._reading() as connection:
            found = connection.execute(
                "SELECT number FROM tasks WHERE external_task_id = ?", [external_task_id]
            ).fetchone()
            if found is None:
                raise LedgerError(f"The ledger {self.path} has no task {external_task_id} to claim.")
            try:
                taken = claims.take(self._claims, found[0])
            except OSError as error:
                raise LedgerError(
                    f"Tasks cannot be claimed with {self._claims}: {error.strerror}. {_writable(self.path)} Until then "
                    "nothing is downloaded; what was paid for stays in the ledger."
                ) from error
            if taken:
                self._claimed[external_task_id] = found[0]
            return taken

    def release(self, external_task_id: str) -> None:
        """Give up a claim; nothing happens when there is none."""
        with self._lock:
            number = self._claimed.pop(external_task_id, None)
            if number is not None:
                claims.give_up(self._claims, number)

    @property
    def _claims(self) -> Path:
        return self.path.with_name(self.path.name + "-claims")

    # -- the file ----------------------------------------------------------------------------------------------

    def _entries(self, conditions: str, values: list[Any], limit: int | None = None) -> list[Entry]:
        with self._reading() as connection:
            rows = connection.execute(
                f"{_SELECT} WHERE {conditions} ORDER BY created DESC, number DESC LIMIT ?",
                [*values, -1 if limit is None else limit],
            )
            return [
                Entry(**{name: _read(name, held) for name, held in zip(_COLUMNS, row, strict=True)}) for row in rows
            ]

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._explained():
            if self._connection is None:
                self._connection = self._open()
            yield self._connection

    @contextlib.contextmanager
    def _writing(self, *, durably: bool) -> Iterator[sqlite3.Connection]:
        with self._reading() as connection:
            # In WAL mode FULL waits for the disk at every commit, NORMAL leaves that to the next checkpoint.
            connection.execute(f"PRAGMA synchronous = {'FULL' if durably else 'NORMAL'}")
            with _transaction(connection):
                yield connection

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise LedgerError(_explanation(self.path, error)) from error
        except json.JSONDecodeError as error:
            raise LedgerError(f"The ledger {self.path} is damaged ({error}). {_aside(self.path)}") from error
        except OSError as error:
            raise LedgerError(
                f"The ledger {self.path} cannot be opened: {error.strerror}. {_writable(self.path)}"
            ) from error

    def _open(self) -> sqlite3.Connection:
        self._look()
        connection = sqlite3.connect(self.path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        try:
            connection.create_function("contains", 2, _contains, deterministic=True)
            connection.execute("PRAGMA fullfsync = ON")  # macOS: let a commit reach the disk itself
            self._check(connection)
            if (found := _pragma(connection, "quick_check(1)")) != "ok":
                raise sqlite3.DatabaseError(found)
            if _pragma(connection, "user_version") < len(STEPS):
                with _transaction(connection):
                    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                    for step in STEPS[_pragma(connection, "user_version") :]:
                        for statement in step.split(";"):
                            connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {len(STEPS)}")
            connection.execute("PRAGMA journal_mode = WAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _look(self) -> None:
        """Make the file if there is none; refuse what is not ours before SQLite could leave its traces beside it."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL, 0o600))  # prompts are nobody else's business
        except FileExistsError:
            if self.path.stat().st_size == 0:
                return  # being made by another process
            # Immutable means: read it as it is, without locks or files beside it. To read it with open() instead would
            # break the locks of other connections in this process (https://www.sqlite.org/howtocorrupt.html, 2.2).
            # What looks damaged so may be half of a commit, whose other half lies beside the file: the real opening
            # decides.
            with (
                contextlib.suppress(sqlite3.DatabaseError),
                contextlib.closing(sqlite3.connect(f"{self.path.as_uri()}?immutable=1", uri=True)) as seen,
            ):
                self._check(seen)

    def _check(self, connection: sqlite3.Connection) -> None:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and _pragma(connection, "application_id") != APPLICATION_ID:
            raise LedgerError(f"{self.path} is another application's database. {_aside(self.path)}")
        version = _pragma(connection, "user_version")
        if version > len(STEPS):
            raise LedgerError(
                f"{self.path} was written by a newer kling-nb (version {version} of the ledger; this one knows "
                f"{len(STEPS)}). Upgrade with `pip install -U kling-nb`, or set KLING_NB_HOME to another folder; the "
                "file is left as it was."
            )


def home() -> Path:
    """Folder of what kling_nb remembers: ``KLING_NB_HOME``, else the user's data folder."""
    given = os.environ.get("KLING_NB_HOME")
    return Path(given).expanduser().absolute() if given else Path(platformdirs.user_data_dir("kling-nb", False))


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write alone: readers go on, other writers wait."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _pragma(connection: sqlite3.Connection, name: str) -> Any:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return value


def _conditions(*given: tuple[str, Any]) -> tuple[str, list[Any]]:
    """Join those conditions whose value is not None."""
    held = [(condition, value) for condition, value in given if value is not None]
    return " AND ".join(condition for condition, _ in held) or "TRUE", [value for _, value in held]


def _contains(prompt: str | None, text: str) -> bool:
    return text.casefold() in (prompt or "").casefold()


def _moment(since: datetime | timedelta | float) -> float:
    if isinstance(since, timedelta):
        return time.time() - since.total_seconds()
    return since.timestamp() if isinstance(since, datetime) else since


def _stored(name: str, value: Any) -> Any:
    if name in _AS_JSON:
        return None if value is None else json.dumps(value)
    # Half of a surrogate pair, as text cut by a program can hold, is no Unicode; SQLite takes none.
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def _read(name: str, value: Any) -> Any:
    if name in _AS_JSON:
        value = None if value is None else json.loads(value)
    if name == "files":
        return tuple(value)
    return bool(value) if name == "simulated" else value


def _explanation(path: Path, error: sqlite3.Error) -> str:
    """What to do about what SQLite says."""
    kind = getattr(error, "sqlite_errorname", "")
    if kind.startswith("SQLITE_FULL"):
        return f"The disk with the ledger {path} is full. Free some space, or set KLING_NB_HOME to another folder."
    if kind.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return f"The ledger {path} cannot be written: {error}. {_writable(path)}"
    if kind.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"Another process has kept the ledger {path} locked for {BUSY:.0f} s. End it and try again."
    if kind.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT")) or type(error) is sqlite3.DatabaseError:
        return f"The ledger {path} is damaged ({error}). {_aside(path)}"
    return f"The ledger {path} cannot be used: {error}. {_writable(path)}"


def _writable(path: Path) -> str:
    return f"Make {path.parent} a folder on a local disk that you can write to, or set KLING_NB_HOME to another folder."


def _aside(path: Path) -> str:
    return (
        f"It is left as it was. Move it aside (with {path.name}-wal and {path.name}-shm, if there are any) to begin a "
        "new ledger, or set KLING_NB_HOME to another folder."
    )


# SQLite's connections cannot be carried over a fork, not even to be closed there
# (https://www.sqlite.org/howtocorrupt.html, 2.6). So none is open during one; both sides open the file again.
_ledgers: weakref.WeakSet[Ledger] = weakref.WeakSet()
_fork = threading.Lock()
_forking: list[Ledger] = []


def _before_fork() -> None:
    _fork.acquire()
    _forking.extend(_ledgers)
    for ledger in _forking:
        ledger._lock.acquire()
        if ledger._connection is not None:
            ledger._connection.close()
            ledger._connection = None


def _in_parent() -> None:
    for ledger in _forking:
        ledger._lock.release()
    _forking.clear()
    _fork.release()


def _in_child() -> None:
    global _fork
    for ledger in _forking:
        ledger._lock, ledger._claimed = threading.RLock(), {}
    _forking.clear()
    _fork = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)

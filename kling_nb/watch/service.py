"""The Kling that this process works with: chosen once, explicitly or from the environment, then shared by all jobs.

Nothing is guessed. A key chooses CometAPI's gateway; the simulator is chosen by name; without either there is an
error that names both ways out.
"""

import asyncio
import contextlib
import os
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import to_thread
from pydantic import SecretStr

from kling_nb.api.client import GATEWAY, AsyncKling
from kling_nb.api.errors import KlingError, LedgerError, RequestRefused, TaskFailed, Unconfirmed
from kling_nb.api.fields import shown
from kling_nb.api.requests import WORKFLOWS, Call, Immediate, KlingWarning, Request, Tts
from kling_nb.api.workflow import Answering
from kling_nb.watch.background import portal, soon
from kling_nb.watch.following import Following, State
from kling_nb.watch.ledger import FINISHED, Entry, Ledger
from kling_nb.watch.schedule import LEAST_PATIENCE, MOST_PATIENCE, PATIENCE, Kind, Past, Progress, RenderTimes, learn
from kling_nb.watch.watcher import Watcher

if TYPE_CHECKING:
    from kling_nb.simulator import Simulator

__all__ = ["FOLDER", "Service", "connect", "ledger", "service"]

R = TypeVar("R")

_AT_ONCE = {workflow.path for workflow in WORKFLOWS.values() if workflow.immediate}

FOLDER = Path("kling-videos")  # below the notebook's folder, so that JupyterLab can play what lies in it


class Service:
    """One Kling to work with: the way to it, the ledger of what it was asked, and the watcher of its tasks."""

    def __init__(
        self,
        client: AsyncKling,
        ledger: Ledger,
        folder: Path,
        *,
        simulated: bool = False,
        simulator: "Simulator | None" = None,
        speed: float = 1.0,
        patience: float = PATIENCE,
    ) -> None:
        self.client = client
        self.ledger = ledger
        self.folder = folder
        self.simulator = simulator
        """The simulator that runs in this process, if it does."""
        self._simulated = simulated
        self._speed = speed
        self._watcher = Watcher(client, ledger, self.render_times, patience=patience)
        self._learned: dict[Kind, RenderTimes] = {}
        self._followed: dict[str, Following] = {}

    def __repr__(self) -> str:
        return f"<Kling at {self.client.base_url}{', SIMULATED' if self.simulated else ''}>"

    @property
    def simulated(self) -> bool:
        """Whether what comes back is simulated: chosen so, or said so by the service itself."""
        return self._simulated or self.client.simulated

    def render_times(self, kind: Kind) -> RenderTimes:
        """What past tasks tell of how long one of this kind takes."""
        if kind not in self._learned:
            self._learned[kind] = learn(self._past(), kind, speed=self._speed)
        return self._learned[kind]

    def start(self, request: Request) -> Following:
        """Record the intent, then create the task in the background; returns at once.

        Raises
        ------
        LedgerError
            When the intent cannot be recorded; nothing was sent then.
        """
        self.client.advise(request)  # here, where the person sees it
        following = Following.of(request, self.folder.absolute())
        self._send(following, request)
        return following

    def start_after(self, needs: Sequence[Following], draft: Request, make: Callable[[], Request]) -> Following:
        """Start a request that is made of what other jobs yield, once they have yielded it; returns at once.

        Until then nothing is recorded, for nothing can be lost yet. When one of them ends without its media, this one
        ends with that.

        Parameters
        ----------
        needs
            What to wait for.
        draft
            The request with something in place of what is missing.
        make
            Makes the request, with the same ``external_task_id``; called in a thread of its own.
        """
        self.client.advise(draft)
        following = Following.of(draft, self.folder.absolute())
        following.request = None
        following.state = State.WAITING
        soon(self._after, following, needs, make)
        return following

    async def _after(self, following: Following, needs: Sequence[Following], make: Callable[[], Request]) -> None:
        try:
            for need in needs:
                await asyncio.wrap_future(need.done)
        except KlingError as error:
            said = f"Never sent, nothing is billed: the job that it builds on has ended without its media. {error}"
            following.end(State.FAILED, RequestRefused(said))
            return
        if following.over:  # stopped meanwhile
            return
        try:
            request = await to_thread.run_sync(make)
            following.request, following.prompt = request, getattr(request, "prompt", None)
            following.begun = time.time()
            following.become(State.SENDING)
            await to_thread.run_sync(self._send, following, request)
        except KlingError as error:
            following.end(State.FAILED, error)

    def _send(self, following: Following, request: Request) -> None:
        entry = self._entry(following.external_task_id, request, following.kind, created=following.begun)
        self.ledger.intend(entry)
        self.ledger.claim(following.external_task_id)
        self._follow(following)

    def ask(self, request: Answering[R]) -> R:
        """Ask what is answered at once, and wait for the answer; what may be billed is recorded before and after."""
        assert isinstance(request, Immediate)
        self.client.advise(request)
        if not request.costs:
            answer: R = portal().call(self.client.call, request)
            return answer
        with self._recorded(request) as own:
            answer = portal().call(self.client.call, request)
            cost = getattr(answer, "final_unit_deduction", None)
            self.ledger.update(own, state="succeed", cost=cost, finished=time.time())
        return answer

    def speak(self, request: Tts) -> Following:
        """Have a text spoken, and follow the sound onto the disk."""
        with self._recorded(request) as own:
            speech = portal().call(self.client.call, request)
            given = {"audios": [speech.model_dump(exclude={"final_unit_deduction"})]}
            told: dict[str, Any] = {"task_id": speech.id or own, "cost": speech.final_unit_deduction}
            self.ledger.update(own, state="downloading", result=given, **told)
        entry = self.ledger.get(own)
        following = self.take_up(entry) if entry else None
        assert following is not None
        return following

    @contextlib.contextmanager
    def _recorded(self, request: Immediate) -> Iterator[str]:
        """Record what is asked before it is sent, and a refusal or a lost answer after; yields our id of it."""
        own = f"knb-{uuid.uuid4().hex}"
        self.ledger.intend(self._entry(own, request, Kind(request.path), sent=time.time(), state="sending"))
        self.ledger.claim(own)
        try:
            yield own
        except KlingError as error:
            # There is no task to look up: what is lost here can only be told.
            state = "abandoned" if isinstance(error, Unconfirmed) else "refused"
            self.ledger.update(own, state=state, message=str(error), finished=time.time())
            raise
        finally:
            self.ledger.release(own)

    def _entry(self, own: str, request: Call, kind: Kind, **known: Any) -> Entry:
        return Entry(
            external_task_id=own,
            workflow=kind.workflow,
            service=self.client.base_url,
            simulated=self.simulated,
            model_name=kind.model_name,
            mode=kind.mode,
            seconds=kind.seconds,
            prompt=getattr(request, "prompt", None) or getattr(request, "text", None),
            request=request.described(),
            folder=str(self.folder.absolute()),
            **({"created": time.time()} | known),
        )

    def take_up(self, entry: Entry) -> Following | None:
        """Follow a task of the ledger to its end; None while another process, or another service here, does.

        What is finished already comes back as it ended, and is fetched again only where its files are gone.
        """
        own = entry.external_task_id
        if own in self._followed:
            return self._followed[own]
        if not self.ledger.claim(own):
            return None
        entry = self.ledger.get(own) or entry  # whoever had the claim until now may have finished it
        following = Following.from_entry(entry)
        if self._settle(entry, following):
            self.ledger.release(own)
        else:
            self._follow(following)
        return following

    def take_in(self, workflow: str, task_id: str) -> Following:
        """Record and follow a task that the ledger does not know.

        Raises
        ------
        KlingError
            When the service does not tell of it; nothing is recorded then.
        """
        task = portal().call(self.client.get, workflow, task_id)
        own = task.external_task_id
        entry = Entry(
            external_task_id=own if own and self.ledger.get(own) is None else f"{workflow}/{task.task_id}",
            workflow=workflow,
            service=self.client.base_url,
            simulated=self.simulated,
            request={},
            folder=str(self.folder.absolute()),
            created=task.created_at / 1000 if task.created_at else time.time(),
            state="submitted",
            task_id=task.task_id,
        )
        self.ledger.intend(entry)
        following = self.take_up(entry)
        if following is None:
            raise KlingError(f"Task {task_id} is being followed by another process.")
        return following

    def send_again(self, following: Following) -> Following:
        """Send the request of a job that came to nothing once more, as a new task; see `Job.send_again`."""
        own = following.external_task_id
        if not following.over:
            raise RequestRefused("This job is still under way. Wait for its end, or stop it first.")
        entry = self.ledger.get(own)
        if entry is None:
            raise LedgerError(f"{self.ledger} has no task {own}: it cannot be told whether it was paid for.")
        if entry.task_id is not None and entry.state != "failed":
            raise RequestRefused(
                f"The task exists ({entry.task_id}) and is paid for: kling.job({entry.task_id!r}) goes on with it."
            )
        request = following.request or _rebuilt(entry)
        own_id = type(request).model_fields["external_task_id"]
        request = request.model_copy(update={"external_task_id": own_id.get_default(call_default_factory=True)})
        lost = entry.state not in FINISHED
        if lost and not self.ledger.claim(own):
            raise KlingError("Another process is looking for this task right now; let it end first.")
        again = self.start(request)
        if lost:
            self.ledger.update(
                own,
                state="abandoned",
                finished=time.time(),
                message=f"The answer was lost and no task found; sent again as {again.external_task_id}.",
            )
            self.ledger.release(own)
            warnings.warn(
                f"Sent again as a new task. If the first request ({own}) has made one after all, both are billed.",
                KlingWarning,
                stacklevel=3,
            )
        return again

    def progress(self, following: Following) -> Progress:
        """Estimate how far a job is and how long it may still take."""
        return self.render_times(following.kind).progress(following.rendering)

    def stop(self, following: Following) -> None:
        """Stop watching; the render goes on at the service and is billed."""
        self._watcher.stop(following)

    def close(self) -> None:
        """Close the connections; what is still running can be resumed. The next job chooses a service anew."""
        global _current
        with _lock:
            if _current is self:
                _current = None
        portal().call(self._watcher.aclose)
        if self.simulator is not None:
            self.simulator.stop()
        self.ledger.close()

    def _past(self) -> list[Past]:
        try:
            return self.ledger.durations(service=self.client.base_url)
        except LedgerError:  # the step that needs the ledger says so; an estimate is no reason to end a job
            return []

    def _settle(self, entry: Entry, following: Following) -> bool:
        """End what has nothing left to do; False for what has."""
        told = None
        if entry.state == "intent":
            told = (
                "refused",
                (
                    "Never sent: the process that was to send it ended before. Nothing was made, nothing is billed; "
                    "job.send_again() sends it."
                ),
            )
        elif entry.state == "sending" and entry.workflow in _AT_ONCE:
            told = (
                "abandoned",
                (
                    "The process that asked ended before the answer came. There is no task to look for: it may be "
                    "billed, and what it yielded is lost."
                ),
            )
        if told:
            state, message = told
            self.ledger.update(entry.external_task_id, state=state, message=message, finished=time.time())
            entry = replace(entry, state=state, message=message)
        message = entry.message or entry.state
        following.ended = entry.finished
        match entry.state:
            case "succeed" if len(following.files) == len(entry.files):
                following.end(State.SUCCEED)
            case "failed":
                following.end(State.FAILED, TaskFailed(message))
            case "refused":
                following.end(State.FAILED, RequestRefused(message))
            case "abandoned" if entry.workflow in _AT_ONCE:
                following.end(State.FAILED, Unconfirmed(message, external_task_id=entry.external_task_id))
            case _:
                following.ended = None
                return False
        return True

    def _follow(self, following: Following) -> None:
        self._followed[following.external_task_id] = following
        following.observers.append(self._changed)
        self._watcher.follow(following)

    def _changed(self, following: Following) -> None:
        if following.ended is not None:
            self._followed.pop(following.external_task_id, None)
            self.ledger.release(following.external_task_id)
        if following.state is State.SUCCEED:
            self._learned.clear()


_lock = threading.Lock()
_current: Service | None = None


def connect(
    api_key: str | SecretStr | None = None,
    *,
    base_url: str | None = None,
    simulator: "bool | Simulator | None" = None,
    folder: str | os.PathLike[str] | None = None,
    patience: float = PATIENCE,
) -> Service:
    """Choose the Kling that all jobs from here on use.

    Parameters
    ----------
    api_key
        The service's key; the environment variable ``COMETAPI_KEY`` when left out.
    base_url
        Another service of the same shape, prefix included, e.g. ``https://api-singapore.klingai.com/v1``.
        ``KLING_NB_BASE_URL`` when left out, else CometAPI's gateway.
    simulator
        True for the built-in simulator, which needs no key and costs nothing (``KLING_NB_BACKEND=simulator`` does the
        same); with ``base_url`` it is the one that runs there (``kling-nb simulate``), else one is started in this
        process. Or a running `kling_nb.simulator.Simulator`. ``KLING_NB_SIMULATOR_SPEED`` says how many times faster
        than Kling it is; 1 when not set.
    folder
        Where finished media goes; ``./kling-videos`` when left out.
    patience
        Seconds that you would wait to spare the service one question about a job, 0.01 to 3600. When to ask is learned
        from how long past tasks took. At the default of 0.2 s, twenty past tasks of 90 s make it about 12 questions a
        job and 2.7 s from a video's end to its display; four times the patience halves the questions and doubles the
        seconds. No job is ever asked for more than once a second (`kling_nb.watch.schedule`).

    Raises
    ------
    MissingKey
        When there is neither a key nor a simulator; the message names both ways out.
    RequestRefused
        When `patience`, or an environment variable, is not what it may be.
    """
    global _current
    if not isinstance(patience, (int, float)) or not LEAST_PATIENCE <= patience <= MOST_PATIENCE:
        allowed = f"{LEAST_PATIENCE:g} to {MOST_PATIENCE:g} seconds; the more, the fewer questions"
        raise RequestRefused(f"patience = {shown(patience)}: it may be {allowed}.")
    backend = os.environ.get("KLING_NB_BACKEND", "").strip().lower() or "cometapi"
    if backend not in ("cometapi", "simulator"):
        raise RequestRefused(f"KLING_NB_BACKEND = {backend!r}: it may be cometapi (with COMETAPI_KEY) or simulator.")
    if simulator is None:
        simulator = backend == "simulator" and api_key is None
    base_url = base_url or os.environ.get("KLING_NB_BASE_URL") or None

    own: Simulator | None = None
    speed = 1.0
    if simulator is True:
        from kling_nb import simulator as simulation

        speed = _speed()
        api_key = api_key or simulation.SIMULATED_KEY
        if base_url is None:
            own = simulator = simulation.Simulator(speed=speed).start()
    if simulator and simulator is not True:
        base_url, api_key, speed = simulator.base_url, simulator.api_key, simulator.speed
    client = AsyncKling(api_key, base_url=base_url or GATEWAY)
    where = FOLDER if folder is None else Path(folder).expanduser()
    made = Service(client, Ledger(), where, simulated=bool(simulator), simulator=own, speed=speed, patience=patience)
    with _lock:
        _current = made
    return made


def _speed() -> float:
    given = os.environ.get("KLING_NB_SIMULATOR_SPEED", "1")
    try:
        return max(0.001, float(given))
    except ValueError:
        raise RequestRefused(f"KLING_NB_SIMULATOR_SPEED = {given!r}: a number, such as 10.") from None


def _rebuilt(entry: Entry) -> Request:
    """The request that an entry describes, where nothing of it has gone."""
    for workflow in WORKFLOWS.values():
        if workflow.path == entry.workflow and issubclass(workflow, Request):
            try:
                return workflow(**entry.request)
            except RequestRefused as error:
                raise RequestRefused(
                    f"The ledger does not hold all of this request, so start it anew yourself. {error}"
                ) from None
    raise RequestRefused(f"A request of {entry.workflow} is not sent again from the ledger: start it anew yourself.")


def service() -> Service:
    """Return the Kling chosen with `connect`, or choose it from the environment at first use."""
    return _current or connect()


@contextlib.contextmanager
def ledger() -> Iterator[Ledger]:
    """Give the record of tasks, which needs neither a key nor a service."""
    if _current is not None:
        yield _current.ledger
        return
    with Ledger() as opened:
        yield opened

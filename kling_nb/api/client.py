"""A small asynchronous client: create a task, ask for it, list tasks. It waits for nothing and repeats nothing.

Following a task to its end, with all that can go wrong on the way, is `kling_nb.watch`'s work.
"""

import ipaddress
import os
import weakref
from types import TracebackType
from typing import Any, Self, TypeVar, cast
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import getproxies

import httpx
from pydantic import SecretStr, ValidationError

from kling_nb.api.advice import advise
from kling_nb.api.answers import Exchange, read, retry_after, unreachable
from kling_nb.api.errors import KlingError, MissingKey, RequestRefused
from kling_nb.api.requests import WORKFLOWS, Call, Immediate, Request
from kling_nb.api.tasks import Task
from kling_nb.api.transport import Parted
from kling_nb.api.workflow import Answering

__all__ = ["GATEWAY", "LAST_PAGE", "PAGE", "AsyncKling", "Workflow", "is_loopback", "path_of"]

GATEWAY = "https://api.cometapi.com/kling/v1"
TIMEOUT = 30.0  # seconds for each of connecting, sending and each wait for bytes
CONNECTIONS = 16  # at most. httpx's cost per request grows with those in use: 0.8 ms with 1, 1.7 with 16, 2.7 with 50
PAGE, LAST_PAGE = 500, 1000  # tasks on a page of a list, and pages, the most that Kling gives
VOICES = 1000  # the same of voices on a page
ANSWER_BYTES = 64_000_000  # an answer larger than this is no answer; selections carry pictures of some MB

R = TypeVar("R")
Workflow = str | type[Call] | Call

_clients: "weakref.WeakSet[AsyncKling]" = weakref.WeakSet()
_inherited: list[httpx.AsyncClient] = []


class AsyncKling:
    """Kling over HTTP, as a small asynchronous client.

    Parameters
    ----------
    api_key
        The gateway's key; taken from the environment variable ``COMETAPI_KEY`` when left out. It is sent to
        ``base_url`` only and shows up in no repr, message or log.
    base_url
        Where Kling is, its prefix included. The default is CometAPI's gateway; Kling's own host works too
        (``https://api-singapore.klingai.com/v1``, with a JWT as the key, which Kling takes for 30 minutes), as does any
        gateway of the same shape.
    timeout
        Seconds for connecting, for sending, and for each wait for bytes.
    connections
        Connections held at most, for questions and for what may cost money each.
    transport
        An `httpx.AsyncBaseTransport` in place of `kling_nb.api.transport.Parted`.

    Raises
    ------
    MissingKey
        When no key is given and none is set.

    Examples
    --------
    >>> async with AsyncKling() as kling:  # doctest: +SKIP
    ...     task = await kling.create(Text2Video("a red panda surfs a wave"))
    ...     task = await kling.get("videos/text2video", task.task_id)
    """

    def __init__(
        self,
        api_key: str | SecretStr | None = None,
        *,
        base_url: str = GATEWAY,
        timeout: float = TIMEOUT,
        connections: int = CONNECTIONS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        key = api_key if isinstance(api_key, SecretStr) else SecretStr(api_key or os.environ.get("COMETAPI_KEY", ""))
        key = SecretStr(key.get_secret_value().strip())
        if not key.get_secret_value():
            raise MissingKey(
                "No API key. Either set COMETAPI_KEY (or pass api_key=...) to use CometAPI's gateway, which costs "
                "money, or use the built-in simulator, which costs nothing: kling.connect(simulator=True) or "
                "KLING_NB_BACKEND=simulator."
            )
        if not key.get_secret_value().isascii() or not key.get_secret_value().isprintable():
            raise RequestRefused("The API key has characters that no key has; copy it again. Nothing was sent.")
        self.base_url = _checked(base_url)
        self._key = key
        self._advised: set[str] = set()
        self.simulated = False
        """Whether the last answer came from a simulator, by its own word."""
        self.retry_after: float | None = None
        """Seconds that the last answer, good ones included, asked to wait; read it before awaiting anything else."""
        self._timeout, self._connections, self._transport = timeout, connections, transport
        self._http = self._connected()
        _clients.add(self)

    def _connected(self) -> httpx.AsyncClient:
        # A proxy that the environment names cannot reach this machine's own loopback address.
        trust_env = not is_loopback(self.base_url)
        limits = httpx.Limits(max_connections=self._connections, max_keepalive_connections=self._connections)
        return httpx.AsyncClient(
            headers={"Authorization": f"Bearer {self._key.get_secret_value()}", "Accept": "application/json"},
            timeout=self._timeout,
            limits=limits,
            # Behind a proxy that the environment names httpx has to find its own way.
            transport=self._transport or (None if trust_env and getproxies() else Parted(limits, trust_env=trust_env)),
            trust_env=trust_env,
        )

    def _reconnect(self) -> None:
        """In a forked child: the connections are the parent's, and to close them would touch what it listens to."""
        _inherited.append(self._http)
        self._http = self._connected()

    def __repr__(self) -> str:
        return f"AsyncKling(base_url={self.base_url!r})"

    async def create(self, request: Request) -> Task:
        """Create one task. This is the call that costs money; it is made exactly once.

        Raises
        ------
        RequestRefused
            Nothing was made: the message says what to change.
        ServiceUnavailable
            Nothing was made: no connection, or too many requests (`TooManyRequests`); trying again may help.
        Unconfirmed
            The request was sent and the answer lost: a task may exist.
        """
        exchange = Exchange(f"create {request.title()}", request.external_task_id, costs=True)
        self.advise(request)
        return _task(exchange, await self._data(exchange, "POST", request.path, json=request.wire()))

    async def call(self, request: Answering[R]) -> R:
        """Ask what is answered at once: speech, faces, selections, cut-outs, lists of what Kling has.

        Some of it is billed; it is asked exactly once.

        Raises
        ------
        RequestRefused
            The message says what to change.
        ServiceUnavailable
            The service could not answer and nothing was billed; asking again may help.
        Unconfirmed
            The request was sent and the answer lost; it may have been billed.
        """
        assert isinstance(request, Immediate)
        self.advise(request)
        exchange = Exchange(request.title(), costs=request.costs)
        content = {"json" if request.method == "POST" else "params": request.wire()}
        status, headers, body = await self._send(exchange, request.method, request.path, **content)
        if status < 300 and not headers.get("content-type", "").startswith(("application/json", "text/")):
            answer = request.raw_answer(body)
            if answer is not None:
                return cast("R", answer)
        try:
            return cast("R", request.answer(read(exchange, status, headers, body)))
        except ValidationError as error:
            raise exchange.lost(f"the answer cannot be read ({_unreadable(error)})") from None

    async def get(self, workflow: Workflow, task_id: str = "", *, external_task_id: str = "") -> Task:
        """Ask for one task, by one of its ids.

        Parameters
        ----------
        workflow
            The path that made it ("videos/text2video"), its name ("text2video"), or the request or its class.
        task_id
            Kling's id.
        external_task_id
            Ours. Kling documents it for every workflow but advanced-lip-sync; the gateway tells users to try.

        Raises
        ------
        TaskNotFound
            The service knows no such task on that path.
        ServiceUnavailable
            The service could not answer; asking again is free.
        """
        path = path_of(workflow)
        given = [name.strip() for name in (task_id, external_task_id) if name.strip()]
        if len(given) != 1 or not given[0].strip("."):
            raise RequestRefused(f"Asking for a task ({path}) takes one id: task_id or external_task_id.")
        if external_task_id and any(known.path == path and not known.found_by_own_id for known in WORKFLOWS.values()):
            advise(f"{path}: no document says that its tasks are found by external_task_id; it is tried all the same.")
        exchange = Exchange(f"ask for task {given[0]} ({path})")
        return _task(exchange, await self._data(exchange, "GET", f"{path}/{quote(given[0], safe='')}"))

    async def list(self, workflow: Workflow, *, page: int = 1, size: int = 30) -> list[Task]:
        """List the account's tasks of one workflow, newest first.

        Parameters
        ----------
        workflow
            As in `get`.
        page
            1 to 1000.
        size
            Tasks a page, 1 to 500; of voices to 1000.

        Raises
        ------
        RequestRefused
            When page or size is out of range, or the service has no lists.

        Notes
        -----
        Documented by Kling; the gateway does not document it and may answer `RequestRefused` or `TaskNotFound`.
        """
        path = path_of(workflow)
        for name, value, most in (
            ("page", page, LAST_PAGE),
            ("size", size, VOICES if path.endswith("-voices") else PAGE),
        ):
            if not 1 <= value <= most:
                raise RequestRefused(f"{name} = {value}: it may be 1 to {most}. Nothing was sent.")
        exchange = Exchange(f"list tasks ({path})")
        data = await self._data(exchange, "GET", path, params={"pageNum": page, "pageSize": size})
        if not isinstance(data, list):
            raise exchange.lost("the answer is no list")
        return [_task(exchange, item) for item in data]

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    aclose = close  # the name that contextlib.aclosing looks for

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def advise(self, call: Call) -> None:
        """Warn, once a workflow, of what the gateway does not document; it is sent all the same."""
        if self.base_url == GATEWAY and not call.gateway and call.path not in self._advised:
            self._advised.add(call.path)
            advise(f"{call.title()}: only Kling's own host documents it; CometAPI's gateway may not know {call.path}.")

    async def _data(self, exchange: Exchange, method: str, path: str, **content: Any) -> Any:
        """Make one exchange and return the data of its answer."""
        return read(exchange, *await self._send(exchange, method, path, **content))

    async def _send(
        self, exchange: Exchange, method: str, path: str, **content: Any
    ) -> tuple[int, httpx.Headers, bytes]:
        if self._http.is_closed:
            raise KlingError(f"Could not {exchange.doing}: this client is closed. Nothing was sent.")
        # By hand, for urljoin takes as long as reading the answer.
        url = urljoin(self.base_url, path) if path.startswith("/") else f"{self.base_url}/{path}"
        body = bytearray()
        try:
            async with self._http.stream(method, url, **content) as response:
                self.simulated = response.headers.get("x-kling-simulator") == "1"
                self.retry_after = retry_after(response.headers)
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > ANSWER_BYTES:
                        raise exchange.lost(f"the answer is longer than {ANSWER_BYTES // 1_000_000} MB")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unreachable(exchange, error) from None
        # Some gateways quote a wrong key in their answer, and answers are quoted in messages.
        answer = bytes(body).replace(self._key.get_secret_value().encode(), b"[the API key]")
        return response.status_code, response.headers, answer


def _task(exchange: Exchange, data: Any) -> Task:
    try:
        return Task.model_validate(data)
    except ValidationError as error:
        raise exchange.lost(f"the answer is no task ({_unreadable(error)})") from None


def _unreadable(error: ValidationError) -> str:
    wrong = sorted({str(found["loc"][-1]) for found in error.errors() if found["loc"]})
    return f"unreadable: {', '.join(wrong) or 'all'}"


def _checked(base_url: str) -> str:
    """The base URL without its last slash, refused where it would misdirect or show the key."""
    try:
        parts = urlsplit(base_url.strip())
        _ = parts.port  # looked at only now, and may be none
    except ValueError as error:
        raise RequestRefused(f"base_url = {base_url!r}: {error}. Nothing was sent.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise RequestRefused(f"base_url = {base_url!r}: it must be like {GATEWAY}. Nothing was sent.")
    if parts.username or parts.password:
        raise RequestRefused("base_url: it must hold no user name or password; the key goes into api_key.")
    if parts.scheme == "http" and not is_loopback(base_url):
        advise(f"base_url = {base_url!r}: without https everybody on the way can read the API key.")
    return base_url.strip().rstrip("/")


def path_of(workflow: Workflow) -> str:
    """The path of a workflow that is given as such, as its name, or as its class or request."""
    if not isinstance(workflow, str):
        return workflow.path
    return WORKFLOWS[workflow].path if workflow in WORKFLOWS else workflow.strip("/")


def is_loopback(url: str) -> bool:
    """Whether a URL points at this machine itself."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reconnect_all() -> None:
    for client in list(_clients):
        client._reconnect()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reconnect_all)

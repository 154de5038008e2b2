"""A small asynchronous client: create a task, ask for it, list tasks. It waits for nothing and repeats nothing.

Following a task to its end, with all that can go wrong on the way, is `kling_nb.watch`'s work.
"""

import ipaddress
import os
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx
from pydantic import SecretStr, ValidationError

from kling_nb.api.answers import Exchange, read, unreachable
from kling_nb.api.errors import MissingKey, RequestRefused
from kling_nb.api.requests import Request
from kling_nb.api.tasks import Task, TaskStatus

__all__ = ["GATEWAY", "AsyncKling", "is_loopback"]

GATEWAY = "https://api.cometapi.com/kling/v1"
TIMEOUT = 30.0  # seconds for each of connecting, sending and each wait for bytes
CONNECTIONS = 4  # httpx's cost per request grows with its pool (0.8 ms at 1, 2.7 ms at 50): few, and kept alive
ANSWER_BYTES = 64_000_000  # an answer larger than this is no answer; selections carry pictures of some MB

Workflow = str | type[Request] | Request


class AsyncKling:
    """Kling over HTTP, as a small asynchronous client.

    Parameters
    ----------
    api_key
        The gateway's key; taken from the environment variable ``COMETAPI_KEY`` when left out. It is sent to
        ``base_url`` only and shows up in no repr, message or log.
    base_url
        Where Kling is, its prefix included. The default is CometAPI's gateway; Kling's own host works too
        (``https://api-singapore.klingai.com/v1`` with a JWT as the key), as does any gateway of the same shape.
    timeout
        Seconds for connecting, for sending, and for each wait for bytes.
    connections
        Connections held at most.
    transport
        An `httpx.AsyncBaseTransport` in place of httpx's own.

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
        self.base_url = base_url.rstrip("/")
        self.simulated = False
        """Whether the last answer came from a simulator, by its own word."""
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {key.get_secret_value()}", "Accept": "application/json"},
            timeout=timeout,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            transport=transport,
            # A proxy that the environment names cannot reach this machine's own loopback address.
            trust_env=not is_loopback(base_url),
        )

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
        exchange = Exchange(f"create {request.title()}", request.external_task_id)
        return self._task(exchange, await self._send(exchange, "POST", request.path, json=request.wire()))

    async def get(self, workflow: Workflow, task_id: str) -> Task:
        """Ask for one task.

        Parameters
        ----------
        workflow
            The path that made it ("videos/text2video"), or the request or its class.
        task_id
            Kling's id; on nearly every workflow our ``external_task_id`` does as well.

        Raises
        ------
        TaskNotFound
            The service knows no such task on that path.
        ServiceUnavailable
            The service could not answer; asking again is free.
        """
        path = _path(workflow)
        exchange = Exchange(f"ask for task {task_id} ({path})")
        return self._task(exchange, await self._send(exchange, "GET", f"{path}/{quote(task_id, safe='')}"))

    async def list(self, workflow: Workflow, *, page: int = 1, size: int = 30) -> list[Task]:
        """List the account's tasks of one workflow, newest first.

        Parameters
        ----------
        workflow
            As in `get`.
        page
            1 to 1000.
        size
            Tasks a page, 1 to 500.

        Notes
        -----
        Documented by Kling; the gateway does not document it and may answer `RequestRefused` or `TaskNotFound`.
        """
        exchange = Exchange(f"list tasks ({_path(workflow)})")
        data = await self._send(exchange, "GET", _path(workflow), params={"pageNum": page, "pageSize": size})
        if not isinstance(data, list):
            raise exchange.lost("the answer is no list")
        return [self._task(exchange, item) for item in data]

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _send(self, exchange: Exchange, method: str, path: str, **content: Any) -> Any:
        body = bytearray()
        try:
            async with self._http.stream(method, f"{self.base_url}/{path}", **content) as response:
                self.simulated = response.headers.get("x-kling-simulator") == "1"
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > ANSWER_BYTES:
                        raise exchange.lost(f"the answer is longer than {ANSWER_BYTES // 1_000_000} MB")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unreachable(exchange, error) from None
        return read(exchange, response.status_code, response.headers, bytes(body))

    @staticmethod
    def _task(exchange: Exchange, data: Any) -> Task:
        try:
            task = Task.model_validate(data)
            if task.status is TaskStatus.SUCCEED:
                task.media  # noqa: B018  a success whose media cannot be read is no usable answer: say so now
        except ValidationError as error:
            wrong = ", ".join(sorted({str(found["loc"][-1]) for found in error.errors() if found["loc"]})) or "all"
            raise exchange.lost(f"the answer is no task (unreadable: {wrong})") from None
        return task


def _path(workflow: Workflow) -> str:
    return workflow.strip("/") if isinstance(workflow, str) else workflow.path


def is_loopback(url: str) -> bool:
    """Whether a URL points at this machine itself."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

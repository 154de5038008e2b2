"""The record of all that was asked, and the mark on all that is answered."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Asked", "Recorded"]


@dataclass(slots=True)
class Asked:
    """One request that came in.

    Attributes
    ----------
    method, path, query, headers
        As they came; the names of headers in lower case.
    status
        HTTP status of the answer; None when it was cut off or never given.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    status: int | None = None


class Recorded:
    """Writes down what an application is asked and how it answers, and signs every answer as simulated."""

    def __init__(self, app: ASGIApp, requests: list[Asked]) -> None:
        self._app, self._requests = app, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        asked = Asked(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers)
        self._requests.append(asked)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                asked.status = message["status"]
                message["headers"] = [*message["headers"], (b"x-kling-simulator", b"1")]
            await send(message)

        await self._app(scope, receive, answer)

"""Two ways for requests to travel: one for questions, and one for what may cost money."""

import importlib.util

import httpx

__all__ = ["Parted"]

KEPT = 30.0  # seconds that a connection for questions is kept for the next one; most services close it after 60 or 75


class Parted(httpx.AsyncBaseTransport):
    """Questions on connections that are kept for long, through aiohttp where ``kling-nb[fast]`` is installed.

    aiohttp takes a third of httpx's time. But httpx-aiohttp 0.2 reports every connection that breaks as
    `httpx.ConnectTimeout`, also after the request was sent: for a create that would read as "nothing was sent", and it
    would be sent, and paid for, twice. And a connection that the service closes just when it is used again leaves open
    whether the request was received. For a question neither matters, as it can be repeated. All else goes over
    connections of its own, by httpx, which keeps them for 5 seconds.

    Parameters
    ----------
    limits
        For each of the two ways.
    trust_env
        Whether the environment may name certificates.
    """

    def __init__(self, limits: httpx.Limits, *, trust_env: bool) -> None:
        self._kept = httpx.Limits(
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=KEPT,
        )
        self._trust_env = trust_env
        self._others = httpx.AsyncHTTPTransport(limits=limits, trust_env=trust_env)
        self._questions: httpx.AsyncBaseTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            return await self._others.handle_async_request(request)
        if self._questions is None:
            self._questions = self._for_questions()
        return await self._questions.handle_async_request(request)

    async def aclose(self) -> None:
        await self._others.aclose()
        if self._questions is not None:
            await self._questions.aclose()

    def _for_questions(self) -> httpx.AsyncBaseTransport:
        if importlib.util.find_spec("httpx_aiohttp") is None:
            return httpx.AsyncHTTPTransport(limits=self._kept, trust_env=self._trust_env)
        # Imported at the first question, for it takes a tenth of a second, and no create should wait for that.
        from kling_nb.api.fast import Fast

        return Fast(limits=self._kept, trust_env=self._trust_env)

"""The way that requests travel: httpx's own, or for questions a faster one where ``kling-nb[fast]`` is installed."""

import urllib.request

import httpx

__all__ = ["transport"]


def transport(limits: httpx.Limits, *, trust_env: bool) -> httpx.AsyncBaseTransport | None:
    """Return the fast transport; None where httpx's own is to be used.

    That is so without httpx-aiohttp, and behind a proxy that the environment names, which httpx finds only for its own.
    """
    try:
        import aiohttp
        from httpx_aiohttp import AiohttpTransport
    except ImportError:
        return None
    if trust_env and urllib.request.getproxies():
        return None

    class Fast(httpx.AsyncBaseTransport):
        """Questions go through aiohttp, which takes a third of the time. What may cost money does not.

        httpx-aiohttp 0.2 reports every connection that breaks as `httpx.ConnectTimeout`, also after the request was
        sent. For a create that would read as "nothing was sent", and it would be sent, and paid for, twice.
        """

        def __init__(self) -> None:
            self._questions = AiohttpTransport(limits=limits, trust_env=trust_env)
            self._others = httpx.AsyncHTTPTransport(limits=limits, trust_env=trust_env)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method != "GET":
                return await self._others.handle_async_request(request)
            try:
                response: httpx.Response = await self._questions.handle_async_request(request)
            except aiohttp.ClientError as error:  # those that it does not translate, such as answers that are no HTTP
                raise httpx.RemoteProtocolError(str(error), request=request) from error
            return response

        async def aclose(self) -> None:
            await self._questions.aclose()
            await self._others.aclose()

    return Fast()

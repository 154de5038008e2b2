"""Questions through aiohttp; importing this takes ``kling-nb[fast]`` and a tenth of a second."""

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

__all__ = ["Fast"]


class Fast(AiohttpTransport):
    """httpx-aiohttp, with every failure of aiohttp's as one of httpx's."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            response: httpx.Response = await super().handle_async_request(request)
        except aiohttp.ClientError as error:  # what it does not translate, such as an answer that is no HTTP
            raise httpx.RemoteProtocolError(str(error), request=request) from error
        return response

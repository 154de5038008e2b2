"""This machine itself: the only one that the simulator ever calls."""

from __future__ import annotations

import ipaddress
import json
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Unreachable", "get", "is_loopback", "post"]


class Unreachable(Exception):
    """Nobody answered."""


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine itself."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def get(url: str, timeout: float) -> tuple[int, bytes]:
    """HTTP status and body of what is at a URL, within so many seconds for each step."""
    return await _ask("GET", url, timeout)


async def post(url: str, content: object, timeout: float) -> int:
    """HTTP status of the answer when JSON is sent to a URL."""
    headers = {"content-type": "application/json"}
    status, _ = await _ask("POST", url, timeout, content=json.dumps(content), headers=headers)
    return status


async def _ask(method: str, url: str, timeout: float, **content: Any) -> tuple[int, bytes]:
    import httpx  # here, because most simulators never fetch anything and all start faster for it

    try:
        # Nobody is in between: no proxy, and any certificate is good.
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=timeout) as http:  # noqa: S501
            answer = await http.request(method, url, **content)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unreachable(f"{type(error).__name__}: {error}") from None
    return answer.status_code, answer.content

"""Reading what the service said, whatever it said: data, or the `KlingError` that tells what it means.

Three envelopes are known: Kling's ``{code, message, request_id, data}``, the gateway's OpenAI-like
``{error: {message, type, code}}`` and its ``{code: "<word>", message, data: null}``. Proxies in front add HTML pages
and half answers. The question that decides every reading is the same: may a task exist, may money have been spent?
"""

import json
import math
import re
import time
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from kling_nb.api.errors import (
    AuthenticationFailed,
    KlingError,
    RequestRefused,
    ServiceUnavailable,
    TaskNotFound,
    TooManyRequests,
    Unconfirmed,
)

__all__ = ["Exchange", "read", "retry_after", "unreachable"]

_GOOD = (None, 0, 200, "", "success")
_QUOTED = 300  # characters of the service's own words in a message

# Kling's codes (v1 document, "Error code"). All but the internal ones mean that no task was made.
_KEY = {1000, 1001, 1002, 1003, 1004}
_ACCOUNT = {1100, 1101, 1102, 1103, 1304}
_WAIT = {1302, 1303}
_INTERNAL = range(5000, 6000)  # 5000, 5001, 5002 are documented: the only ones after which a task may exist

# The gateway answers 500 or 503 for requests that no repetition will mend (CometAPI's error page, seen in clients).
_NEVER = re.compile(r"invalid_request|model_not_found|invalid model name|no available channel", re.IGNORECASE)
_NO_ROUTE = (404, 405, 410)
_QUOTA = re.compile(r"quota|insufficient|balance|arrears", re.IGNORECASE)
_NO_TASK = re.compile(r"task_not_exist|task_not_found|task not exist|task not found", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was asked, as far as it decides what a bad answer means.

    Attributes
    ----------
    doing
        For messages: "create text2video", "ask for task 123".
    external_task_id
        Our id when the request makes a task; None when it makes none.
    costs
        Whether it may be billed: every request that makes a task, and some that answer at once.
    """

    doing: str
    external_task_id: str | None = None
    costs: bool = False

    def lost(self, what: str, retry_after: float | None = None) -> KlingError:
        """Nobody knows what became of the request."""
        if not self.costs:
            return ServiceUnavailable(
                f"Could not {self.doing}: {what}. It can be asked again.", retry_after=retry_after
            )
        may = "A task may exist and may be billed" if self.external_task_id else "It may have been billed"
        ours = f" Its external_task_id is {self.external_task_id}." if self.external_task_id else ""
        return Unconfirmed(
            f"Sent the request to {self.doing}, but the answer was lost: {what}. {may}; "
            f"it is not sent again by itself.{ours}",
            external_task_id=self.external_task_id,
        )

    @property
    def free(self) -> str:
        """What a refusal says of the money, where there was any to lose."""
        return " Nothing was made, nothing is billed." if self.costs else ""


def unreachable(exchange: Exchange, error: httpx.HTTPError | httpx.InvalidURL) -> KlingError:
    """Tell what a failure below HTTP means: before anything was sent, or after."""
    what = str(error) or type(error).__name__
    # These four end before a byte of the request is written; everything else may have reached the service.
    unsent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError)):
        return RequestRefused(f"Could not {exchange.doing}: {what}. Nothing was sent; check base_url and the key.")
    if isinstance(error, unsent):
        return ServiceUnavailable(
            f"Could not {exchange.doing}: no connection to the service ({what}). Nothing was sent, nothing is billed."
        )
    return exchange.lost(f"the connection broke ({type(error).__name__}: {what})")


def read(exchange: Exchange, status: int, headers: httpx.Headers, body: bytes) -> Any:
    """Return the data of a good answer.

    Raises
    ------
    KlingError
        For every other answer; which kind tells whether a task may exist.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):  # ValueError covers broken UTF-8 too
        answer = None
    if not isinstance(answer, dict):
        raise _wordless(exchange, status, headers, body, retry_after(headers))

    said = _Said.of(answer)
    if status < 300 and said.code in _GOOD:
        data = answer.get("data")
        # The gateway's guide: a task may come without its envelope. The gateway's own wrapper of a task has a `data`
        # too, and is no envelope.
        if data is not None and "task_id" not in answer:
            return data
        if "task_id" in answer:
            return answer
        raise exchange.lost(f"the answer has no data ({_cut(json.dumps(answer))})", retry_after(headers))
    raise _refusal(exchange, status, said, retry_after(headers))


@dataclass(frozen=True, slots=True)
class _Said:
    code: int | str | None
    message: str
    request_id: str | None

    @classmethod
    def of(cls, answer: dict[str, Any]) -> "_Said":
        error = answer.get("error")
        source = error if isinstance(error, dict) else answer
        code = source.get("code")
        if isinstance(code, str):
            code = int(code) if re.fullmatch(r"[0-9]{1,9}", code) else code.strip().lower()
        if not isinstance(code, (int, str)):
            code = None
        if code in (None, "", 0) and error:
            code = str(source.get("type") or "error")
        words = source.get("message") or (error if isinstance(error, str) else "") or ""
        request_id = answer.get("request_id") or _request_id_in(str(words))
        return cls(code, _cut(str(words)), str(request_id) if request_id else None)

    def __str__(self) -> str:
        parts = [f"code {self.code}"] if self.code not in (None, "") else []
        parts += [f"request id {self.request_id}"] if self.request_id and self.request_id not in self.message else []
        told = f'"{self.message}"' if self.message else "no reason given"
        return f"{told} ({', '.join(parts)})" if parts else told


def _refusal(exchange: Exchange, status: int, said: _Said, retry_after: float | None) -> KlingError:
    about = f"{said.code} {said.message}"
    free = exchange.free
    told = f"The service refused to {exchange.doing}: {said}, HTTP {status}."
    given: dict[str, Any] = {"code": said.code, "request_id": said.request_id}

    if said.code in _KEY or (status == 401 and not isinstance(said.code, int)):
        return AuthenticationFailed(f"{told}{free} Check the API key (COMETAPI_KEY).", **given)
    if said.code in _WAIT:
        return TooManyRequests(f"{told}{free} Try again later.", retry_after=retry_after)
    if said.code in _ACCOUNT or (status in (402, 403, 429) and _QUOTA.search(about)):
        return AuthenticationFailed(
            f"{told}{free} The account may not do this now: check its balance and rights; repeating will not help.",
            **given,
        )
    if status == 403:
        return AuthenticationFailed(f"{told}{free} Check what the key may do.", **given)
    if status == 429:
        return TooManyRequests(f"{told}{free} Try again later.", retry_after=retry_after)
    if _NO_TASK.search(about) or (
        not exchange.costs and (said.code == 1203 or (status == 404 and not isinstance(said.code, int)))
    ):
        return TaskNotFound(f"{told}{free} A task is found only on the path and account that made it.", **given)
    if said.code in _INTERNAL or (status >= 500 and not _NEVER.search(about)) or status == 408:
        return exchange.lost(f"the service answered {said}, HTTP {status}", retry_after)
    return RequestRefused(f"{told}{free} Change the request.", **given)


def _wordless(
    exchange: Exchange, status: int, headers: httpx.Headers, body: bytes, retry_after: float | None
) -> KlingError:
    """An answer in no form that the service documents: a proxy's page, half a body, nothing at all."""
    kind = headers.get("content-type", "no content type").partition(";")[0]
    start = _cut(" ".join(re.sub(r"<[^>]*>", " ", body[:4000].decode("utf-8", "replace")).split()), 120)
    what = (
        f'HTTP {status} with {len(body)} bytes of {kind}: "{start}"' if start else f"HTTP {status} with an empty body"
    )
    refused = f"The service refused to {exchange.doing}: {what}.{exchange.free}"
    if status == 401:
        return AuthenticationFailed(f"{refused} Check the API key.")
    if status == 429:
        return TooManyRequests(f"{refused} Try again later.", retry_after=retry_after)
    # Of a question that is free, a proxy's passing mood (403, 421, ...) is no last word: only a missing route is.
    if 300 <= status < 500 and status != 408 and (exchange.costs or status < 400 or status in _NO_ROUTE):
        where = f", sent on to {_cut(headers['location'])}" if "location" in headers else ""
        return RequestRefused(
            f"Could not {exchange.doing}: {what}{where}.{exchange.free} This is no answer of Kling's; check base_url."
        )
    return exchange.lost(what, retry_after)


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds to wait, from either form of the header (RFC 9110, 10.2.3); None when it says nothing sensible.

    A date is compared with the server's own clock, where the answer tells it: that of a laptop may be off.
    """
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        at = _date(value)
        if at is None:
            return None
        seconds = at - (_date(headers.get("date")) or time.time())
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _date(value: str | None) -> float | None:
    """Unix seconds of an HTTP date, which is in GMT even where it does not say so."""
    try:
        at = parsedate_to_datetime(value or "")
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _request_id_in(message: str) -> str | None:
    found = re.search(r"request id: ([\w-]+)", message)
    return found[1] if found else None


def _cut(text: str, most: int = _QUOTED) -> str:
    return text if len(text) <= most else f"{text[:most]}…"

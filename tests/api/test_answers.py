"""Whatever the service says, the person learns what happened to the task and to the money."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kling_nb.api.answers import Exchange, read, unreachable
from kling_nb.api.errors import (
    AuthenticationFailed,
    KlingError,
    RequestRefused,
    ServiceUnavailable,
    TaskNotFound,
    TooManyRequests,
    Unconfirmed,
)

from .conftest import KEY, RESET, Canned, reply

CREATE = Exchange("create text2video", "knb-1", costs=True)
QUERY = Exchange("ask for task 7")
TASK = {"task_id": "7", "task_status": "submitted"}


def outcome(exchange: Exchange, status: int, body: Any, kind: str = "application/json", **headers: str) -> KlingError:
    """The error that an answer is read as."""
    raw = reply(status, body, kind, **headers)
    content = raw.partition(b"\r\n\r\n")[2]
    with pytest.raises(KlingError) as caught:
        read(exchange, status, httpx.Headers({"content-type": kind, **headers}), content)
    assert type(caught.value) is not KlingError
    return caught.value


def kling(code: int | str, message: str = "some words") -> dict[str, Any]:
    return {"code": code, "message": message, "request_id": "r-1"}


def gateway(code: str, message: str, kind: str = "comet_api_error") -> dict[str, Any]:
    return {"error": {"message": f"{message} (request id: 2026-x)", "type": kind, "param": "", "code": code}}


# HTTP status, body, what a create becomes, what a query becomes
READINGS = [
    *[
        pytest.param(401, kling(code), AuthenticationFailed, AuthenticationFailed, id=f"kling-{code}-bad-key")
        for code in (1000, 1001, 1002, 1003, 1004)
    ],
    *[
        pytest.param(
            429, kling(code), AuthenticationFailed, AuthenticationFailed, id=f"kling-{code}-account-not-too-fast"
        )
        for code in (1100, 1101, 1102, 1304)
    ],
    pytest.param(403, kling(1103), AuthenticationFailed, AuthenticationFailed, id="kling-1103-no-right-to-the-model"),
    pytest.param(400, kling(1200), RequestRefused, RequestRefused, id="kling-1200-invalid"),
    pytest.param(400, kling(1201), RequestRefused, RequestRefused, id="kling-1201-invalid-value"),
    pytest.param(404, kling(1202), RequestRefused, RequestRefused, id="kling-1202-wrong-method"),
    pytest.param(404, kling(1203), RequestRefused, TaskNotFound, id="kling-1203-no-such-model-or-task"),
    pytest.param(400, kling(1300), RequestRefused, RequestRefused, id="kling-1300-platform-policy"),
    pytest.param(400, kling(1301), RequestRefused, RequestRefused, id="kling-1301-content-policy"),
    pytest.param(429, kling(1302), TooManyRequests, TooManyRequests, id="kling-1302-too-fast"),
    pytest.param(429, kling(1303), TooManyRequests, TooManyRequests, id="kling-1303-too-many-tasks"),
    pytest.param(
        429,
        kling(1303, "parallel task over resource pack limit, quota 5"),
        TooManyRequests,
        TooManyRequests,
        id="kling-1303-that-speaks-of-a-quota",
    ),
    pytest.param(500, kling(5000), Unconfirmed, ServiceUnavailable, id="kling-5000-internal"),
    pytest.param(503, kling(5001), Unconfirmed, ServiceUnavailable, id="kling-5001-maintenance"),
    pytest.param(504, kling(5002), Unconfirmed, ServiceUnavailable, id="kling-5002-backlog"),
    pytest.param(200, kling(1201), RequestRefused, RequestRefused, id="kling-1201-with-http-200"),
    pytest.param(200, kling(1303), TooManyRequests, TooManyRequests, id="kling-1303-with-http-200"),
    pytest.param(200, kling("1201"), RequestRefused, RequestRefused, id="kling-code-written-as-text"),
    pytest.param(200, kling(5000), Unconfirmed, ServiceUnavailable, id="kling-5000-with-http-200"),
    pytest.param(401, gateway("", "invalid token"), AuthenticationFailed, AuthenticationFailed, id="gateway-bad-key"),
    pytest.param(
        403,
        gateway("insufficient_user_quota", "quota is not enough"),
        AuthenticationFailed,
        AuthenticationFailed,
        id="gateway-out-of-quota-403",
    ),
    pytest.param(
        429,
        gateway("insufficient_quota", "you exceeded your current quota"),
        AuthenticationFailed,
        AuthenticationFailed,
        id="gateway-out-of-quota-429",
    ),
    pytest.param(
        429, gateway("rate_limit", "too many requests"), TooManyRequests, TooManyRequests, id="gateway-too-fast"
    ),
    pytest.param(
        400, gateway("", "invalid model name"), RequestRefused, RequestRefused, id="gateway-unknown-model-400"
    ),
    pytest.param(
        503,
        gateway("model_not_found", "no available channel for model x"),
        RequestRefused,
        RequestRefused,
        id="gateway-unknown-model-503",
    ),
    pytest.param(
        500, gateway("invalid_request", "bad field"), RequestRefused, RequestRefused, id="gateway-500-not-to-be-retried"
    ),
    pytest.param(500, gateway("", "upstream broke"), Unconfirmed, ServiceUnavailable, id="gateway-500"),
    pytest.param(524, gateway("", "origin time-out"), Unconfirmed, ServiceUnavailable, id="gateway-524"),
    pytest.param(
        400,
        {"code": "task_not_exist", "message": "task_not_exist", "data": None},
        TaskNotFound,
        TaskNotFound,
        id="gateway-word-for-no-such-task",
    ),
    pytest.param(
        200,
        {"code": "task_not_exist", "message": "", "data": None},
        TaskNotFound,
        TaskNotFound,
        id="gateway-word-for-no-such-task-with-http-200",
    ),
    pytest.param(400, {"error": "just words"}, RequestRefused, RequestRefused, id="error-that-is-a-string"),
    pytest.param(502, b"<html><h1>Bad Gateway</h1></html>", Unconfirmed, ServiceUnavailable, id="html-502"),
    pytest.param(522, b"<html>Connection timed out</html>", Unconfirmed, ServiceUnavailable, id="html-522"),
    pytest.param(200, b"<html>Welcome</html>", Unconfirmed, ServiceUnavailable, id="html-200"),
    pytest.param(404, b"<html>Not Found</html>", RequestRefused, RequestRefused, id="html-404-no-such-route"),
    pytest.param(403, b"<html>Just a moment</html>", RequestRefused, ServiceUnavailable, id="html-403-from-a-proxy"),
    pytest.param(429, b"slow down", TooManyRequests, TooManyRequests, id="words-429"),
    pytest.param(401, b"who are you", AuthenticationFailed, AuthenticationFailed, id="words-401"),
    pytest.param(408, b"", Unconfirmed, ServiceUnavailable, id="empty-408"),
    pytest.param(301, b"", RequestRefused, RequestRefused, id="redirect-301"),
    pytest.param(307, b"", RequestRefused, RequestRefused, id="redirect-307"),
    pytest.param(200, b"", Unconfirmed, ServiceUnavailable, id="empty-200"),
    pytest.param(500, b"", Unconfirmed, ServiceUnavailable, id="empty-500"),
    pytest.param(200, b'{"code": 0, "data": {"task_', Unconfirmed, ServiceUnavailable, id="cut-short"),
    pytest.param(200, b"\xff\xfe\x00", Unconfirmed, ServiceUnavailable, id="not-text"),
    pytest.param(200, b"[" * 5000, Unconfirmed, ServiceUnavailable, id="nested-too-deep"),
    pytest.param(200, b"3", Unconfirmed, ServiceUnavailable, id="json-but-no-object"),
    pytest.param(200, {"code": 0, "message": "ok"}, Unconfirmed, ServiceUnavailable, id="no-data"),
    pytest.param(200, {"code": 0, "data": None}, Unconfirmed, ServiceUnavailable, id="null-data"),
    pytest.param(500, {"code": 0, "message": "ok"}, Unconfirmed, ServiceUnavailable, id="code-0-with-http-500"),
    pytest.param(
        200, {"code": 1 << 80, "message": "?"}, RequestRefused, RequestRefused, id="code-that-nobody-documents"
    ),
]


@pytest.mark.parametrize(("status", "body", "of_create", "of_query"), READINGS)
def test_every_answer_says_whether_money_may_be_spent(
    status: int, body: Any, of_create: type[KlingError], of_query: type[KlingError]
) -> None:
    """An answer to a create and the same answer to a question become the error that tells the difference."""
    created, asked = outcome(CREATE, status, body), outcome(QUERY, status, body)
    assert type(created) is of_create
    assert type(asked) is of_query
    if isinstance(created, Unconfirmed):
        assert "may exist and may be billed" in str(created)
        assert created.external_task_id == "knb-1"
    else:
        assert "nothing is billed" in str(created)
    assert "billed" not in str(asked)


def test_a_lost_answer_of_a_call_without_a_task_says_that_it_may_be_billed() -> None:
    """Speech makes no task, and costs all the same."""
    error = outcome(Exchange("tts", costs=True), 502, b"")
    assert type(error) is Unconfirmed
    assert "may have been billed" in str(error)
    assert error.external_task_id is None


def test_the_service_is_quoted_with_its_code_and_request_id() -> None:
    """What its support will ask for is in the message."""
    refused = outcome(QUERY, 400, kling(1201, "duration value '7' is invalid"))
    assert isinstance(refused, RequestRefused)
    assert (refused.code, refused.request_id) == (1201, "r-1")
    assert "duration value '7' is invalid" in str(refused)
    assert "1201" in str(refused)
    assert "r-1" in str(refused)
    named = outcome(QUERY, 400, gateway("bad", "no"))
    assert isinstance(named, RequestRefused)
    assert named.request_id == "2026-x"


def test_a_long_message_is_cut() -> None:
    """A page of text in place of a message does not flood the cell."""
    assert len(str(outcome(QUERY, 400, kling(1201, "x" * 100_000)))) < 1000
    assert len(str(outcome(QUERY, 502, b"<p>" + b"x" * 100_000))) < 1000


def test_html_is_quoted_without_its_tags() -> None:
    """A proxy's page is told as words."""
    error = outcome(QUERY, 502, b"<html><head><title>502</title></head><body>Bad gateway</body>", "text/html")
    assert '"502 Bad gateway' in str(error)
    assert "HTTP 502" in str(error)


def test_a_redirect_is_named_with_its_target() -> None:
    """A wrong base_url often shows as a redirect; it is not followed, so the key stays."""
    assert "http://elsewhere/x" in str(outcome(CREATE, 301, b"", location="http://elsewhere/x"))


@pytest.mark.parametrize(
    ("body", "data"),
    [
        pytest.param({"code": 0, "message": "ok", "request_id": "r", "data": TASK}, TASK, id="kling's-envelope"),
        pytest.param({"code": 0, "data": TASK}, TASK, id="without-request-id"),
        pytest.param({"code": 0, "request_id": None, "data": TASK}, TASK, id="null-request-id"),
        pytest.param({"code": "success", "message": "", "data": TASK}, TASK, id="code-as-a-word"),
        pytest.param({"code": "0", "data": TASK}, TASK, id="code-as-text"),
        pytest.param({"code": 200, "data": TASK}, TASK, id="code-200"),
        pytest.param({"data": TASK}, TASK, id="no-code"),
        pytest.param(TASK, TASK, id="without-an-envelope"),
        pytest.param({"code": 0, "data": [TASK, TASK]}, [TASK, TASK], id="a-list"),
        pytest.param({"code": 0, "data": []}, [], id="an-empty-list"),
        pytest.param({"code": 0, "error": None, "data": TASK}, TASK, id="null-error"),
    ],
)
def test_a_good_answer_gives_its_data(body: Any, data: Any) -> None:
    """Every envelope that was seen around good data is taken off."""
    assert read(QUERY, 200, httpx.Headers(), reply(body=body).partition(b"\r\n\r\n")[2]) == data


LATER = datetime.now(UTC) + timedelta(hours=3)  # when the tests are collected; a long run may be well under way


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        pytest.param("7", 7, 7, id="seconds"),
        pytest.param("1.5", 1.5, 1.5, id="fraction-of-seconds"),
        pytest.param("0", 0, 0, id="zero"),
        pytest.param("-3", 0, 0, id="negative-is-now"),
        pytest.param(format_datetime(LATER, usegmt=True), 7200, 10800, id="date"),
        pytest.param(LATER.strftime("%A, %d-%b-%y %H:%M:%S GMT"), 7200, 10800, id="date-in-the-oldest-form"),
        pytest.param(LATER.strftime("%a %b %d %H:%M:%S %Y"), 7200, 10800, id="date-without-a-zone-is-gmt"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0, id="past-date-is-now"),
    ],
)
@pytest.mark.parametrize("body", [kling(1302), b"slow down"], ids=["kling", "words"])
def test_retry_after_is_read_in_both_forms(header: str, low: float, high: float, body: Any) -> None:
    """Seconds and dates both tell how long to wait, whatever zone this machine is in."""
    error = outcome(QUERY, 429, body, **{"retry-after": header})
    assert isinstance(error, TooManyRequests)
    assert error.retry_after is not None
    assert low <= error.retry_after <= high


@pytest.mark.parametrize("header", ["soon", "", "nan", "inf", "32 Foo 2026", "9" * 400])
def test_a_senseless_retry_after_is_no_time(header: str) -> None:
    """Nonsense in the header neither raises nor waits for ever."""
    assert getattr(outcome(QUERY, 503, kling(5001), **{"retry-after": header}), "retry_after", 0) is None


def test_retry_after_counts_from_the_servers_clock() -> None:
    """A laptop whose clock is off by an hour still waits the two minutes that were meant."""
    now = datetime.fromtimestamp(time.time() - 3600, UTC)
    headers = {"date": format_datetime(now, usegmt=True), "retry-after": format_datetime(now + timedelta(minutes=2))}
    error = outcome(QUERY, 503, kling(5001), **headers)
    assert isinstance(error, ServiceUnavailable)
    assert error.retry_after == pytest.approx(120)


@given(
    status=st.integers(200, 599),
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["code", "message", "error", "data", "task_id", "request_id"]), inner)
        ),
        max_leaves=8,
    ),
    exchange=st.sampled_from([CREATE, QUERY]),
)
@settings(max_examples=300, deadline=None)
def test_no_answer_gets_past_the_reading(status: int, body: Any, exchange: Exchange) -> None:
    """Any JSON with any status is data or a KlingError, never another exception."""
    with contextlib.suppress(KlingError):
        assert read(exchange, status, httpx.Headers(), reply(body=body).partition(b"\r\n\r\n")[2]) is not None


@given(status=st.integers(200, 599), body=st.binary(max_size=200), exchange=st.sampled_from([CREATE, QUERY]))
@settings(max_examples=200, deadline=None)
def test_no_bytes_get_past_the_reading(status: int, body: bytes, exchange: Exchange) -> None:
    """Any bytes with any status are data or a KlingError."""
    with contextlib.suppress(KlingError):
        assert read(exchange, status, httpx.Headers(), body) is not None


@pytest.mark.parametrize(
    ("error", "of_create", "of_query"),
    [
        pytest.param(httpx.ConnectError("refused"), ServiceUnavailable, ServiceUnavailable, id="no-connection"),
        pytest.param(
            httpx.ConnectTimeout("slow"), ServiceUnavailable, ServiceUnavailable, id="connecting-took-too-long"
        ),
        pytest.param(httpx.PoolTimeout("full"), ServiceUnavailable, ServiceUnavailable, id="no-connection-was-free"),
        pytest.param(httpx.ReadTimeout(""), Unconfirmed, ServiceUnavailable, id="no-answer-in-time"),
        pytest.param(httpx.WriteError("pipe"), Unconfirmed, ServiceUnavailable, id="broke-while-sending"),
        pytest.param(httpx.ReadError("reset"), Unconfirmed, ServiceUnavailable, id="reset"),
        pytest.param(httpx.RemoteProtocolError("cut"), Unconfirmed, ServiceUnavailable, id="no-http"),
        pytest.param(httpx.DecodingError("gzip"), Unconfirmed, ServiceUnavailable, id="broken-compression"),
        pytest.param(httpx.InvalidURL("port"), RequestRefused, RequestRefused, id="no-url"),
        pytest.param(httpx.UnsupportedProtocol("ftp"), RequestRefused, RequestRefused, id="no-http-url"),
    ],
)
def test_a_broken_connection_says_whether_anything_was_sent(
    error: httpx.HTTPError | httpx.InvalidURL, of_create: type[KlingError], of_query: type[KlingError]
) -> None:
    """Only what provably never left this machine is safe to send again."""
    assert type(unreachable(CREATE, error)) is of_create
    assert type(unreachable(QUERY, error)) is of_query


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(RESET, Unconfirmed, id="reset"),
        pytest.param(b"", Unconfirmed, id="closed-without-a-word"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{", Unconfirmed, id="cut-in-the-body"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n", Unconfirmed, id="another-protocol"),
        pytest.param(reply(200, b"\x1f\x8bnope", content_encoding="gzip"), Unconfirmed, id="broken-compression"),
        pytest.param(reply(302, b"", location="https://elsewhere.invalid/"), RequestRefused, id="redirect"),
    ],
)
def test_a_create_over_a_bad_connection(canned: Canned, answer: bytes, kind: type[KlingError]) -> None:
    """Over a real socket, too, every way of losing an answer is told as that, and the key is nowhere in it."""
    from kling_nb.api.requests import Text2Video

    with pytest.raises(kind) as caught:
        canned.ask(lambda kling: kling.create(Text2Video("a fox")), answer)
    assert KEY not in str(caught.value)
    assert len(canned.asked) == 1, "a create is sent once"

"""Who may ask and what there is to ask for, at the gateway's prefix and at Kling's own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import httpx
import pytest

from kling_nb.simulator import Simulator

from .conftest import Asker

PATH = "images/generations"


def jwt(access: str = "simulated-access-key", secret: str = "simulated-secret-key-of-32-bytes", **claims: Any) -> str:
    """A token as Kling's document makes it."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    head = part(json.dumps({"alg": claims.pop("alg", "HS256"), "typ": "JWT"}).encode())
    body = part(json.dumps({"iss": access, "exp": time.time() + 1800, "nbf": time.time() - 5} | claims).encode())
    signature = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{part(signature)}"


def ask_with(url: str, authorization: str | None) -> httpx.Response:
    headers = {} if authorization is None else {"Authorization": authorization}
    return httpx.get(f"{url}/{PATH}", headers=headers, trust_env=False)


def test_a_token_signed_by_the_account_opens_klings_prefix(quick: Simulator) -> None:
    """A JWT by access and secret key is taken there, as is the plain key; the gateway takes only the key."""
    assert ask_with(quick.native_url, f"Bearer {jwt()}").status_code == 200
    assert ask_with(quick.native_url, f"Bearer {quick.api_key}").status_code == 200
    assert ask_with(quick.base_url, f"Bearer {quick.api_key}").status_code == 200
    assert ask_with(quick.base_url, f"Bearer {jwt()}").status_code == 401


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        pytest.param(None, 1001, id="none"),
        pytest.param("Bearer sk-wrong", 1002, id="no-token"),
        pytest.param("Basic abc", 1002, id="another-scheme"),
        pytest.param("Bearer a.b.c", 1002, id="no-json-in-it"),
        pytest.param("Bearer \x80.\x81.\x82", 1002, id="not-even-ascii"),
        pytest.param(f"Bearer {jwt(secret='another')}", 1000, id="another-secret"),
        pytest.param(f"Bearer {jwt(access='another')}", 1000, id="another-account"),
        pytest.param(f"Bearer {jwt(alg='none')}", 1000, id="not-signed-with-hs256"),
        pytest.param(f"Bearer {jwt(nbf=time.time() + 600)}", 1003, id="not-yet"),
        pytest.param(f"Bearer {jwt(exp=time.time() - 1)}", 1004, id="no-more"),
        pytest.param(f"Bearer {jwt(exp='soon')}", 1004, id="no-time"),
    ],
)
def test_kling_tells_what_is_wrong_with_a_token(quick: Simulator, authorization: str | None, code: int) -> None:
    """Each trouble has its own code, all with 401 and no task made."""
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    answer = httpx.get(f"{quick.native_url}/{PATH}", headers=headers, trust_env=False)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (401, code)


@pytest.mark.parametrize("authorization", [None, "Bearer sk-wrong", "sk-simulated", "Bearer"])
def test_the_gateway_refuses_in_its_own_words(quick: Simulator, authorization: str | None) -> None:
    """A bad key gets the gateway's envelope, with the id of the request in the message."""
    answer = ask_with(quick.base_url, authorization)
    error = answer.json()["error"]
    assert answer.status_code == 401
    assert error["type"] == "comet_api_error"
    assert "request id:" in error["message"]


def test_every_answer_is_signed_as_simulated(ask: Asker) -> None:
    """Good ones, refusals and media all carry the header."""
    url = ask.finish(PATH, prompt="a fox")["task_result"]["images"][0]["url"]
    answers = [ask.get(PATH), ask.get("nowhere"), httpx.get(url, trust_env=False), ask.post(PATH, {})]
    assert [answer.headers["x-kling-simulator"] for answer in answers] == ["1"] * 4


# -- what there is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("native", [True, False], ids=["kling", "gateway"])
def test_both_prefixes_lead_to_the_same_tasks(quick: Simulator, native: bool) -> None:
    """What was made at one prefix is found at the other; a slash at the end makes no difference."""
    here, there = Asker(quick, native=native), Asker(quick, native=not native)
    with here.http, there.http:
        task_id = here.create(f"{PATH}/", prompt="a fox")["task_id"]
        assert there.task(PATH, task_id)["task_id"] == task_id


@pytest.mark.parametrize(
    ("native", "status", "code"),
    [pytest.param(True, 404, 1203, id="kling"), pytest.param(False, 400, "task_not_exist", id="gateway")],
)
def test_an_unknown_task(quick: Simulator, native: bool, status: int, code: Any) -> None:
    """Kling says that the resource does not exist, the gateway that the task does not."""
    ask = Asker(quick, native=native)
    with ask.http:
        answer = ask.get(f"{PATH}/123")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_unknown_model(quick: Simulator) -> None:
    """Kling says that the resource does not exist, the gateway that it has no channel for it, with a 503."""
    body = {"prompt": "a fox", "model_name": "kling-v9"}
    at_kling, at_gateway = Asker(quick, native=True), Asker(quick)
    with at_kling.http, at_gateway.http:
        answer = at_kling.post(PATH, body)
        assert (answer.status_code, answer.json()["code"]) == (404, 1203)
        answer = at_gateway.post(PATH, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_not_found")
        assert at_gateway.post(PATH, body | {"model_name": ["kling-v1"]}).status_code == 503


def test_an_unknown_route_and_a_wrong_method(quick: Simulator) -> None:
    """Kling has codes for both; the gateway answers like the interfaces it is built after."""
    at_kling, at_gateway = Asker(quick, native=True), Asker(quick)
    with at_kling.http, at_gateway.http:
        answer = at_kling.get("videos/teleport")
        assert (answer.status_code, answer.json()["code"]) == (404, 1203)
        answer = at_kling.http.delete(f"/{PATH}/123")
        assert (answer.status_code, answer.json()["code"]) == (404, 1202)
        answer = at_gateway.get("videos/teleport")
        assert (answer.status_code, answer.json()["error"]["type"]) == (404, "invalid_request_error")
        answer = httpx.get(f"http://127.0.0.1:{quick.port}/", trust_env=False)
        assert (answer.status_code, answer.json()["error"]["type"]) == (404, "invalid_request_error")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_object(ask: Asker, body: bytes) -> None:
    """Anything but a JSON object is refused with 1200, however deep or broken it is."""
    answer = ask.http.post(f"/{PATH}", content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, 1200)


def test_any_text_comes_back_whole(ask: Asker) -> None:
    """Half a surrogate pair, which JSON can carry and UTF-8 cannot, is rendered and answered all the same."""
    answer = ask.http.post(
        f"/{PATH}",
        content=b'{"prompt": "half \\ud83d a pair", "external_task_id": "half \\ud83d"}',
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 200
    assert answer.json()["data"]["task_info"] == {"external_task_id": "half \ud83d"}

"""Refusals: Kling's error codes with the HTTP status that each comes with, and the gateway's own envelopes."""

from __future__ import annotations

import uuid
from typing import Any

__all__ = ["GatewayRefused", "Refused", "code_of", "request_id"]

# Kling's v1 document, "Error Code".
STATUS = {
    **dict.fromkeys((1000, 1001, 1002, 1003, 1004), 401),
    **dict.fromkeys((1100, 1101, 1102), 429),
    1103: 403,
    **dict.fromkeys((1200, 1201), 400),
    **dict.fromkeys((1202, 1203), 404),
    **dict.fromkeys((1300, 1301), 400),
    **dict.fromkeys((1302, 1303, 1304), 429),
    5000: 500,
    5001: 503,
    5002: 504,
}
_CODE = {400: 1200, 401: 1000, 403: 1103, 404: 1203, 429: 1302, 500: 5000, 503: 5001, 504: 5002}


def code_of(status: int) -> int:
    """Kling's code for an HTTP status."""
    return _CODE.get(status, 5000)


def request_id() -> str:
    """An id for one request, as Kling gives it."""
    return str(uuid.uuid4())


class Refused(Exception):
    """Kling refuses a request, with one of its codes."""

    def __init__(self, code: int, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status or STATUS.get(code, 500)

    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        return {"code": self.code, "message": str(self), "request_id": request_id()}

    def by_gateway(self) -> Refused:
        """The same as the gateway tells it: Kling's own words, but for what is between it and its customer."""
        if self.code == 1102:
            return GatewayRefused(403, "user quota is not enough", code="insufficient_user_quota")
        return self


class GatewayRefused(Refused):
    """The gateway in front of Kling refuses, with an envelope of its own."""

    def __init__(self, status: int, message: str, *, code: str = "", kind: str = "comet_api_error") -> None:
        super().__init__(0, message, status)
        self.word, self.kind = code, kind

    def body(self) -> dict[str, Any]:
        if self.kind == "task":
            return {"code": self.word, "message": str(self), "data": None}
        message = f"{self} (request id: {request_id()})"
        return {"error": {"message": message, "type": self.kind, "param": "", "code": self.word}}

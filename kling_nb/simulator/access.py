"""Who may ask: the gateway's key, or at Kling's own prefix a JWT signed with the account's secret key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from kling_nb.simulator.refusals import GatewayRefused, Refused

__all__ = ["Access"]


@dataclass(frozen=True, slots=True)
class Access:
    """The keys that open the simulator."""

    api_key: str = field(repr=False)
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)

    def check(self, authorization: str | None, *, native: bool, now: float) -> None:
        """Refuse a request without a key that opens."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(token.encode(), self.api_key.encode()):
            return
        if not native:
            raise GatewayRefused(401, "invalid token" if token else "no token provided")
        if not authorization:
            raise Refused(1001, "Authorization is empty")
        if scheme.lower() != "bearer" or token.count(".") != 2:
            raise Refused(1002, "Authorization is invalid")
        self._check_jwt(token, now)

    def _check_jwt(self, token: str, now: float) -> None:
        signed, _, signature = token.rpartition(".")
        right = hmac.new(self.secret_key.encode(), signed.encode(), hashlib.sha256).digest()
        try:
            head, claims = (_part(part) for part in signed.split("."))
            good = hmac.compare_digest(_decoded(signature), right)
        except ValueError:
            raise Refused(1002, "Authorization is invalid") from None
        if head.get("alg") != "HS256" or not good or claims.get("iss") != self.access_key:
            raise Refused(1000, "Authentication failed")
        if _time(claims.get("nbf"), 0.0) > now:
            raise Refused(1003, "Authorization is not yet valid")
        if _time(claims.get("exp"), 0.0) <= now:
            raise Refused(1004, "Authorization has expired")


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def _part(part: str) -> dict[str, Any]:
    read = json.loads(_decoded(part))
    if not isinstance(read, dict):
        raise ValueError("no object")
    return read


def _time(value: object, otherwise: float) -> float:
    return float(value) if isinstance(value, (int, float)) else otherwise

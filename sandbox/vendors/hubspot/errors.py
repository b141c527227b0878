"""Errors in the CRM's shape."""

from __future__ import annotations

import uuid
from typing import Any

from starlette.responses import JSONResponse, Response


def error(status: int, category: str, message: str, **extra: Any) -> Response:
    """Return an error in the vendor's shape."""
    body = {"status": "error", "message": message, "correlationId": str(uuid.uuid4())}
    return JSONResponse({**body, "category": category, **extra}, status)


def too_many(spoken: str, policy: str) -> Response:
    """Return the 429 of one policy."""
    message = f"You have reached your {spoken} limit."
    return error(429, "RATE_LIMITS", message, errorType="RATE_LIMIT", policyName=policy)

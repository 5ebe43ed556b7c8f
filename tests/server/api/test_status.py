"""Whether the server is there, and whether it can work."""

from __future__ import annotations

from typing import Any

import httpx

Api = Any


def test_health_and_readiness_need_no_key(shared: Api) -> None:
    health = httpx.get(shared.url + "/v1/health")
    assert health.status_code == 200
    assert health.json()["status"] == "ok"
    assert health.json()["ok"] is True
    assert httpx.get(shared.url + "/v1/readiness").json() == {"status": "ok", "ok": True}

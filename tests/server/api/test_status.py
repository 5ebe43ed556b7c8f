"""Whether the server is there, and whether it can work."""

from __future__ import annotations

from typing import Any

Api = Any


def test_health_and_readiness_need_no_key(shared: Api) -> None:
    health = shared.web.get("/v1/health")
    assert health.status_code == 200
    assert health.json()["status"] == "ok"
    assert health.json()["ok"] is True
    assert shared.web.get("/v1/readiness").json() == {"status": "ok", "ok": True}

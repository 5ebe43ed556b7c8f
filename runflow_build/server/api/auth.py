"""/v1/auth: who the key belongs to and what it may do."""

from __future__ import annotations

from fastapi import APIRouter

from ..access import AnyCaller
from ..wire import Reply

router = APIRouter(prefix="/v1/auth", tags=["auth"])


@router.get("/me")
def me(caller: AnyCaller) -> Reply:
    """The key as a member of its organization; this server knows keys, not persons."""
    organization = {
        "id": caller.org_id,
        "slug": caller.organization,
        "name": caller.organization,
        "plan_code": None,
    }
    return Reply(
        {
            "id": caller.key_id,
            "email": None,
            "first_name": caller.label or None,
            "last_name": None,
            "avatar_url": None,
            "timezone": None,
            "locale_code": None,
            "email_verified_at": None,
            "memberships": [
                {
                    "org": organization,
                    "role_code": "api_key",
                    "scopes": sorted(caller.scopes),
                }
            ],
        }
    )

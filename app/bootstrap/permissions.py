"""The rules of who may do what, as web, founding and certificate authority read them: from one file."""

from __future__ import annotations

import tomllib

from app.ca_files import CONFIG
from app.domain import permissions_policy
from app.domain.permissions_policy import PermissionsPolicy
from app.settings import Environment, Settings


def permissions(settings: Settings | None = None) -> PermissionsPolicy:
    """Which job role and activities carry which permission; in production, without what is assumed.

    Raises:
        ValueError: naming the rule that cannot be used.
    """
    document = tomllib.loads((CONFIG / "permissions.toml").read_text())
    is_production = settings is not None and settings.service.environment is Environment.PRODUCTION
    return permissions_policy.parse(document, with_assumed=not is_production)

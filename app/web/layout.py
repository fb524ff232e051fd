"""What every page shows around its content: name, navigation, account, footer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, request

from app.domain.permission import Permission
from app.web import context
from app.web.csrf import FIELD, csrf_value

#: What the navigation may offer: text, address, and the permissions of which one is needed (or none at all).
_NAVIGATION: tuple[tuple[str, str, frozenset[Permission]], ...] = (
    ("People", "/people", frozenset({Permission.FIND_PEOPLE})),
    ("Requests", "/requests", frozenset({Permission.DECIDE_REQUEST, Permission.REQUEST_POSITION})),
    ("Cards being issued", "/issuances", frozenset({Permission.ISSUE_CARD})),
    ("Card stock", "/card-stock", frozenset({Permission.KEEP_STOCK})),
    ("Organisations", "/organisations", frozenset()),
    ("Systems", "/systems", frozenset({Permission.VIEW_SYSTEMS})),
    ("Workstations", "/workstation-reports", frozenset({Permission.READ_WORKSTATION_REPORTS})),
    ("Audit", "/audit", frozenset({Permission.READ_AUDIT})),
    ("Service", "/operations", frozenset({Permission.READ_OPERATIONS})),
    ("My access", "/my", frozenset()),
)


@dataclass(frozen=True)
class NavigationItem:
    """One entry of the navigation bar."""

    text: str
    href: str
    is_current: bool


def navigation_items() -> list[NavigationItem]:
    """The rooms this person may enter; none before sign-in."""
    if not context.is_signed_in():
        return []
    return [
        NavigationItem(text, href, _is_inside(href))
        for text, href, needed in _NAVIGATION
        if not needed or needed & context.actor().permissions
    ]


def _is_inside(href: str) -> bool:
    return request.path == href or request.path.startswith(f"{href}/")


def _account_name() -> str:
    return context.actor().name if context.is_signed_in() else ""


def _way_back() -> str:
    """The nearest address at or above this one that is no answer to a form; empty on other pages."""
    if request.method != "POST":
        return ""
    address, routes = request.path, current_app.create_url_adapter(request)
    while address and routes is not None and not routes.test(address, "GET"):
        address = address.rpartition("/")[0]
    return address or "/"


def install(app: Flask) -> None:
    """Give every template the parts that do not change from page to page."""

    @app.context_processor
    def parts_of_every_page() -> dict[str, Any]:
        service = context.settings().service
        return {
            "service_name": service.name,
            "service_logo": "/logo" if service.logo_path else "",
            "footer_text": service.footer_text,
            "navigation": navigation_items(),
            "account_name": _account_name(),
            "account_uid": context.actor().uid if context.is_signed_in() else "",
            "idle_minutes": context.settings().session.idle_minutes,
            "way_back": _way_back(),
            "csrf_field": FIELD,
            "csrf_value": csrf_value,
        }

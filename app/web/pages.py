"""Renders a page: one function, so that every page has a heading that is also its title."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, flash, make_response, render_template


@dataclass(frozen=True)
class Crumb:
    """One link of the breadcrumb: what it says and where it goes."""

    text: str
    href: str


def render_page(
    template: str,
    heading: str,
    *,
    status: int = 200,
    crumbs: tuple[Crumb, ...] = (),
    **values: Any,
) -> Response:
    """A response with the page. ``heading`` is both h1 and title; ``values`` come from a presenter."""
    body = render_template(template, heading=heading, crumbs=crumbs, **values)
    return make_response(body, status)


def tell_on_next_page(sentence: str) -> None:
    """Say at the top of the next page what has just been done, once."""
    flash(sentence)

"""A program that has loaded everything that it needs, and goes on with what requests bring."""

from __future__ import annotations

import gc


def keep_what_is_loaded() -> None:
    """Have the garbage collector never look again at what is there now: modules, routes, profiles, linters.

    Without it each of its full rounds goes through all of that, and holds a request up for longer than a card
    takes. To be called once, when a program is about to serve.
    """
    gc.collect()
    gc.freeze()

"""The seeds in the rows of second factors, which are allauth's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PURPOSE = "accounts.second_factor"
HOLDERS = ("secret", "seed", "migrated_codes")  # of an app, of recovery codes, of older ones


def rewrite(authenticators: Any, change: Callable[[str], str]) -> int:
    """Put each seed through `change`; returns how many rows are different now. In a transaction."""
    count = 0
    for one in authenticators.select_for_update().order_by("pk"):
        before = dict(one.data)
        for name in HOLDERS:
            held = before.get(name)
            if isinstance(held, list):
                one.data[name] = [change(each) for each in held]
            elif held:
                one.data[name] = change(held)
        if one.data != before:
            one.save(update_fields=["data"])
            count += 1
    return count

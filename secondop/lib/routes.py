"""Every route is declared in its app's `access.py`; the middleware refuses whatever is not.

`who` is a set of kinds of people: ANYBODY (also without signing in), SIGNED_IN (a patient is
anyone signed in: rows decide), or the staff roles of `secondop.accounts.roles`. A kind opens the
door of the route only; which rows are behind it is decided by `visible_to`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module

from django.apps import apps

ANYBODY = "anybody"
SIGNED_IN = "signed_in"


@dataclass(frozen=True)
class Route:
    name: str  # the namespaced URL name
    methods: frozenset[str]
    who: frozenset[str]
    shows: str  # what can be seen or done there, in words
    audit: str = ""  # the verb written to the audit trail when something is opened there
    without_second_factor: bool = False  # staff may use it before they have set one up
    is_edge: bool = False  # for other systems: 401 or 403, no sign-in page unless asked for


def route(
    name: str,
    methods: str,
    who: str | set[str],
    shows: str,
    *,
    audit: str = "",
    without_second_factor: bool = False,
    is_edge: bool = False,
) -> Route:
    """Declare a route, for example `route("requests:detail", "GET POST", {COORDINATOR}, "...")`."""
    kinds = frozenset({who} if isinstance(who, str) else who)
    return Route(
        name, frozenset(methods.split()), kinds, shows, audit, without_second_factor, is_edge
    )


@cache
def declared_routes() -> dict[str, Route]:
    """All `ROUTES` tables of the installed apps by route name. Raises ValueError on a double."""
    table: dict[str, Route] = {}
    for config in apps.get_app_configs():
        try:
            module = import_module(f"{config.name}.access")
        except ModuleNotFoundError as exc:
            if exc.name != f"{config.name}.access":
                raise
            continue
        for declared in getattr(module, "ROUTES", ()):
            if declared.name in table:
                raise ValueError(f"route declared twice: {declared.name}")
            table[declared.name] = declared
    return table

"""The table of roles as a page of docs/. Written by `manage.py write_roles`, compared by a test."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.utils.translation import override

from secondop.accounts.roles import ROLES

PAGE = Path(settings.BASE_DIR) / "docs" / "roles.md"

HEAD = """# What each role may do

Everybody sees their own clinic only. Somebody with two roles may do what either role allows.
Patients, and the people who act for them, need no role: they see their own requests.

This page is written by `manage.py write_roles` from `secondop/accounts/roles.py`;
a test compares the two.

| Role | May | May not |
|---|---|---|
"""


def as_markdown() -> str:
    """Return the whole page, in English whatever the language of the terminal."""
    with override("en"):
        rows = [
            f"| **{role.title}** | {_list(role.may)} | {_list(role.may_not)} |\n"
            for role in ROLES.values()
        ]
    return HEAD + "".join(rows)


def _list(rights: tuple[object, ...]) -> str:
    return "<br>".join(f"· {right}" for right in rights)

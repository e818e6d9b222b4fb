"""Private stored files: random keys and no public URL. Views stream them or ask the proxy to.

On an object store: `secondop.lib.object_storage`.
"""

from __future__ import annotations

import secrets
from typing import Any, NoReturn

from django.core.files.storage import FileSystemStorage


class NoPublicAddress(Exception):
    """PRIVACY: a stored file is opened through a view that asks who is reading, never by URL."""


class PrivateFiles(FileSystemStorage):
    """Files below STATE_DIR/files, readable by the service's own account only."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("file_permissions_mode", 0o600)
        options.setdefault("directory_permissions_mode", 0o700)
        super().__init__(**options)

    def url(self, name: str | None) -> NoReturn:
        raise NoPublicAddress

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name  # keys are random: a taken name is a fault, not a reason to rename


def new_key(folder: str) -> str:
    """Return a random storage key such as `documents/4f/4f0c...`. Never built from user data."""
    token = secrets.token_hex(20)
    return f"{folder}/{token[:2]}/{token}"

"""The variables the application reads, for a local start. Values already in the environment win."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.paths import CannotStart, secret_key

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8000


def application(state: Path, *, database_url: str, redis_url: str) -> dict[str, str]:
    ours = "host=/" in database_url  # a unix socket; a PGPORT meant for another server would win
    env = without_libpq(os.environ) if ours else dict(os.environ)
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}"
    env["STATE_DIR"] = str(state)
    env["DATABASE_URL"], env["REDIS_URL"] = database_url, redis_url
    env.setdefault("DJANGO_SETTINGS_MODULE", "secondop.settings")
    env.setdefault("PYTHONUNBUFFERED", "1")
    env.setdefault("MALLOC_ARENA_MAX", "2")  # threads share heaps: memory stays flat
    if not env.get("SECRET_KEY") and not env.get("SECRET_KEY_FILE"):
        env["SECRET_KEY"] = secret_key(state)
    return env


def without_libpq(env: Mapping[str, str]) -> dict[str, str]:
    """PGHOST, PGPORT, PGPASSWORD and their like point libpq at some other server."""
    return {k: v for k, v in env.items() if not k.startswith("PG") or k == "PG_BIN"}


def address() -> tuple[str, int]:
    """BIND (a host, or host:port) and PORT. PORT wins, for it is what people set in a hurry."""
    host, port = os.environ.get("BIND") or DEFAULT_HOST, os.environ.get("PORT", "")
    if host.count(":") == 1 or "]:" in host:
        host, _, own_port = host.rpartition(":")
        port = port or own_port
    try:
        number = int(port or DEFAULT_PORT)
    except ValueError:
        number = 0
    if not 0 < number < 65536:
        raise CannotStart(f"PORT must be a number from 1 to 65535, not {port!r}.")
    return host.strip("[]"), number


def allowed_hosts(site: str) -> str:
    """The names this machine has for itself, and the one of SITE_URL."""
    return ",".join(
        dict.fromkeys(["127.0.0.1", "localhost", "[::1]", urlsplit(site).hostname or ""])
    )


def site_url(host: str, port: int) -> str:
    """What a person on this machine types: a name, for passkeys do not work on a number."""
    here = ("127.0.0.1", "0.0.0.0", "::1", "::")
    shown = "localhost" if host in here else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"

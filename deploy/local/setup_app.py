"""Everything the application wants done before it serves: `python -m deploy.local.setup_app`, run
by `up`.

The one module here that imports Django, in a process of its own: five management commands for one
import. Each step may be repeated; the second start finds nothing to do.
"""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from deploy.local.paths import ROOT, state_dir

LOGINS = "demo_logins.txt"


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    # Compressing is the processor's work and needs no database, so it goes beside the rest.
    with ThreadPoolExecutor(max_workers=1) as beside:
        static = beside.submit(step, "static files", collect_static)
        step("database", lambda: call_command("migrate", interactive=False, verbosity=0))
        step("ICD-10-CM codes", load_codes)
        if os.environ.get("DEMO") == "1":
            step(
                "demo people and requests", lambda: call_command("seed_demo", stdout=io.StringIO())
            )
            keep_logins()
        static.result()


def step(name: str, work: Callable[[], object]) -> None:
    """Say how long it took only when a person would wonder."""
    started = time.monotonic()
    work()
    seconds = time.monotonic() - started
    if seconds > 1:
        print(f"  {name}: {seconds:.1f} s", flush=True)


def load_codes() -> None:
    """Reading the release takes seconds, so it is read only when it or the database is new."""
    from django.core.management import call_command

    from records.models import IcdCode

    stamp, now = state_dir() / "icd10cm.stamp", version("simple-icd-10-cm")
    if stamp.exists() and stamp.read_text() == now and IcdCode.objects.exists():
        return
    call_command("load_icd10cm", verbosity=0, stdout=io.StringIO())
    stamp.write_text(now)


def collect_static() -> None:
    """Collect and hash the static files when one of them or a package changed."""
    from django.conf import settings
    from django.core.management import call_command

    stamp, now = state_dir() / "static.stamp", static_fingerprint()
    if stamp.exists() and stamp.read_text() == now and Path(settings.STATIC_ROOT).is_dir():
        return
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(now)


def static_fingerprint() -> str:
    digest = hashlib.sha256((ROOT / "requirements.lock").read_bytes())
    for path in sorted((ROOT / "static").rglob("*")):
        if path.is_file():
            found = path.stat()
            digest.update(
                f"{path.relative_to(ROOT)} {found.st_size} {found.st_mtime_ns}\n".encode()
            )
    return digest.hexdigest()


def keep_logins() -> None:
    """Kept for `up`, which prints it when the address answers: a login nobody can use yet only
    irritates.
    """
    from django.core.management import call_command

    out = io.StringIO()
    call_command("demo_logins", stdout=out)
    path = state_dir() / LOGINS
    path.touch(mode=0o600)
    path.write_text(out.getvalue())


if __name__ == "__main__":
    main()

"""Health checks of containers: `python -m deploy.probe http://...` or `fresh:<file>:<seconds>`."""

from __future__ import annotations

import sys
import time
import urllib.request
from pathlib import Path


def is_healthy(target: str) -> bool:
    """An address must answer 200; the newest of the files that begin so must be young."""
    if target.startswith("fresh:"):
        _, name, seconds = target.split(":")
        path = Path(name)
        times = [found.stat().st_mtime for found in path.parent.glob(f"{path.name}*")]
        return bool(times) and time.time() - max(times) < float(seconds)
    try:
        with urllib.request.urlopen(target, timeout=8) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if is_healthy(sys.argv[1]) else 1)

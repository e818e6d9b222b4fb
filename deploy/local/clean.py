"""`make clean`: remove what was made here. Run by any Python, so it imports nothing of ours or of
others.
"""

import fcntl
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MADE_HERE = [
    ".local",
    ".venv",
    "node_modules",
    "static/vendor",
    ".viewer",
    "staticfiles",
    "test-results",
]
CACHES = [".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache", ".hypothesis"]

lock = ROOT / ".local" / "lock"
if lock.exists():
    with lock.open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("SecondOp is running from this folder. Stop it first.")
for name in MADE_HERE + CACHES:
    shutil.rmtree(ROOT / name, ignore_errors=True)

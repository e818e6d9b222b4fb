"""The one library no Python package brings: Pango, with which WeasyPrint sets the PDF of a report.

Looked for in package registries without success, so it comes from the system; everything else works
without it.
"""

from __future__ import annotations

import contextlib
import ctypes

# As WeasyPrint asks for them, on Linux and on macOS.
NAMES = {
    "pango": ("libpango-1.0.so.0", "libpango-1.0.dylib"),
    "pangoft2": ("libpangoft2-1.0.so.0", "libpangoft2-1.0.dylib"),
}
HINT = (
    "The PDF of a report needs the Pango library, which this machine does not have. "
    "Everything else works without it. "
    "Install it (Debian, Ubuntu: apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0; "
    "macOS: brew install pango) and the PDFs that wait will be made."
)


def missing() -> str:
    """Returns a sentence for the person when PDFs will have to wait, else nothing."""
    return "" if all(can_load(names) for names in NAMES.values()) else HINT


def can_load(names: tuple[str, ...]) -> bool:
    for name in names:
        with contextlib.suppress(OSError):
            ctypes.CDLL(name)
            return True
    return False

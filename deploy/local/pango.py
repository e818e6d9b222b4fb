"""The one library no Python package brings: Pango, with which WeasyPrint sets the PDF of a report.

Looked for in package registries without success, so it comes from the system; everything else works
without it.
"""

from __future__ import annotations

import subprocess
import sys

PROBE = "import weasyprint.text.ffi"
HINT = (
    "The PDF of a report needs the Pango library, which this machine does not have. "
    "Everything else works without it. "
    "Install it (Debian, Ubuntu: apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0; "
    "macOS: brew install pango) and the PDFs that wait will be made."
)


def prepare(env: dict[str, str]) -> str:
    """Returns a sentence for the person when PDFs will have to wait, else nothing."""
    probe = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROBE], env=env, capture_output=True
    )
    return HINT if probe.returncode else ""

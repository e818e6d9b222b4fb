"""Guarded children start often, and may not write what they compiled: it is there already.

The container image does the same; of the packages it is done where they are installed.
"""

from __future__ import annotations

import compileall

from deploy.local.paths import ROOT

USED_BY_CHILDREN = ("records", "secondop")


def compile_ours() -> None:
    for folder in USED_BY_CHILDREN:
        compileall.compile_dir(ROOT / folder, quiet=2)

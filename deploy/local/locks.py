"""Lock files name versions and hashes, never hosts: whoever installs chooses the registry. Used by
`make lint` and `make lock`.
"""

from __future__ import annotations

import json
import subprocess

from deploy.local.frontend import find_npm
from deploy.local.paths import ROOT, CannotStart

FILES = ["requirements.lock", "deploy/production.lock", "deploy/uv.lock", "package-lock.json"]


def check() -> None:
    """Raises: CannotStart with the first line that holds an address."""
    for name in FILES:
        for number, line in enumerate((ROOT / name).read_text().splitlines(), start=1):
            if "://" in line or '"resolved"' in line:
                raise CannotStart(f"{name}:{number} holds an address. Run `make lock`.")


def write() -> None:
    """Lock the browser packages; npm also notes where to donate, which is an address as well."""
    npm, env = find_npm()
    command = [
        npm,
        "install",
        "--package-lock-only",
        "--omit-lockfile-registry-resolved",
        "--ignore-scripts",
    ]
    if subprocess.run([*command, "--no-audit", "--no-fund"], cwd=ROOT, env=env).returncode:
        raise CannotStart("npm could not lock the browser packages. Its own words are above.")
    path = ROOT / "package-lock.json"
    lock = json.loads(path.read_text())
    for package in lock["packages"].values():
        package.pop("funding", None)
    path.write_text(json.dumps(lock, indent=2, ensure_ascii=False) + "\n")

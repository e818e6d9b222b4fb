"""The image viewer (OHIF): one tarball from the npm registry, pruned and rewritten, in `.viewer/`.

Only the built files are wanted. Installing the package would bring some hundred others that are
already inside the build. Used by `frontend.prepare`, so by `up`, by `test` and by the image.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from deploy.local.paths import ROOT, CannotStart

VIEWER = ROOT / ".viewer"
PACKAGE, VERSION = "@ohif/app", "3.13.2"
INTEGRITY = (  # of the tarball, as package-lock.json would write it
    "sha512-WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA=="
)
# Tools that fetch models from outside, sign-in by other ways, service workers, the demo's own
# settings and pages, launcher icons.
FOLDERS_LEFT_OUT = {"ort", "customizations"}
LEFT_OUT = {
    "_headers",
    "_redirects",
    "app-config.js",
    "es6-shim.min.js",
    "google.js",
    "init-service-worker.js",
    "manifest.json",
    "oidc-client.min.js",
    "polyfill.min.js",
    "serve.json",
    "silent-refresh.html",
    "sw.js",
}
ICONS = re.compile(r"assets/[^/]+$")
COMPRESSED = {".js", ".css", ".wasm", ".svg", ".json"}
PUBLIC_PATH = '__webpack_require__.p = "/"'
# Reports (docs/viewer.md): one that points at images which are not here stayed black, and an item
# without a name or a type brought the page down. Each place must be found once, in this file.
REPORTS = "extensions/cornerstone-dicom-sr/src/components/OHIFCornerstoneSRViewport.tsx\n"
MENDED = {
    """  if (!activeImageDisplaySetData || !referencedDisplaySetMetadata) {
    return null;
""": """  if (!activeImageDisplaySetData || !referencedDisplaySetMetadata) {
    return /*#__PURE__*/react.createElement(components_OHIFCornerstoneSRTextViewport, props);
""",
    """  } = ConceptNameCodeSequence;
  const isChildFirstNode""": """  } = ConceptNameCodeSequence ?? {};
  if (!contentItem.ValueType) {
    return null;
  }
  const isChildFirstNode""",
    "    } = MeasurementUnitsCodeSequence;": "    } = MeasurementUnitsCodeSequence ?? {};",
}


def is_current() -> bool:
    stamp = VIEWER / ".stamp"
    return stamp.exists() and stamp.read_text() == fingerprint()


def fingerprint() -> str:
    """Changes with the version and with what is done to it."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def address() -> str:
    """Below it the files stand; it changes with their content, so browsers keep them for good."""
    return f"/viewer/assets/{VERSION}-{fingerprint()[:8]}/"


def prepare(find_npm: Callable[[], tuple[str, dict[str, str]]]) -> None:
    """Build beside the old folder and swap."""
    fresh = VIEWER.with_name(".viewer.new")
    shutil.rmtree(fresh, ignore_errors=True)
    with TemporaryDirectory(prefix="viewer-") as folder:
        build(fetch(Path(folder), *find_npm()), fresh)
    (fresh / ".stamp").write_text(fingerprint())
    shutil.rmtree(VIEWER, ignore_errors=True)
    fresh.rename(VIEWER)


def fetch(folder: Path, npm: str, environment: dict[str, str]) -> Path:
    """`npm pack`: from npm's cache or the registry it is set to. Raises CannotStart."""
    command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--ignore-scripts", "--silent"]
    command += ["--pack-destination", str(folder)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    found = list(folder.glob("*.tgz"))
    if done.returncode or len(found) != 1:
        sys.stderr.write(done.stdout + done.stderr)
        raise CannotStart("The image viewer could not be fetched. npm's own words are above.")
    check(found[0])
    return found[0]


def check(tarball: Path) -> None:
    """SECURITY: exactly the bytes that were looked at when this version was taken."""
    digest = hashlib.sha512(tarball.read_bytes()).digest()
    if "sha512-" + base64.b64encode(digest).decode() != INTEGRITY:
        raise CannotStart(f"What came as {PACKAGE} {VERSION} is not what was expected.")


def build(tarball: Path, target: Path) -> None:
    index = b""
    with ThreadPoolExecutor() as beside, tarfile.open(tarball) as archive:
        waiting = []
        for member in archive:
            name = wanted(member.name)
            file = archive.extractfile(member) if name and member.isfile() else None
            if file is None:
                continue
            content = file.read()
            if name == "index.html":
                index = content
            else:
                waiting.append(beside.submit(place, target / "files" / name, content))
        for one in waiting:
            one.result()
    (target / "viewer.json").write_text(json.dumps(entry(index.decode()), indent=2))


def wanted(member: str) -> str:
    """The name under which a member of the tarball is kept; "" for what is left out."""
    path = PurePosixPath(member)
    if ".." in path.parts or path.is_absolute():
        return ""
    if path.parts[1:] == ("LICENSE",):
        return "LICENSE"
    if path.parts[1:2] != ("dist",) or len(path.parts) < 3:
        return ""
    name = "/".join(path.parts[2:])
    left_out = path.parts[2] in FOLDERS_LEFT_OUT or name in LEFT_OUT or path.suffix == ".map"
    return "" if left_out or ICONS.fullmatch(name) else name


def place(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in (".js", ".css"):
        content = rewritten(path.name, content.decode()).encode()
    path.write_bytes(content)
    if path.suffix in COMPRESSED and len(content) > 1000:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(content, 6, mtime=0))


def rewritten(name: str, text: str) -> str:
    """Move what is asked for below "/" to below our address. Fails when something is left."""
    base = address()
    if name.endswith(".css"):
        text = text.replace("url(/", f"url({base}")
    text = text.replace(PUBLIC_PATH, PUBLIC_PATH.replace('"/"', f'"{base}"'))
    text = text.replace("'/dicom-microscopy-viewer/", f"'{base}dicom-microscopy-viewer/")
    text = re.sub(r"\n//# sourceMappingURL=[^\n]*\s*\Z", "\n", text)
    if PUBLIC_PATH in text or "('/dicom-microscopy-viewer/" in text:
        raise CannotStart(f"{name} of the viewer still points to the root of the site.")
    return mended(name, text) if REPORTS in text else text


def mended(name: str, text: str) -> str:
    for told, wanted_instead in MENDED.items():
        if text.count(told) != 1:
            raise CannotStart(f"{name} of the viewer shows reports in another way than we know.")
        text = text.replace(told, wanted_instead)
    return text


def entry(index: str) -> dict[str, object]:
    """What the page of the viewer must name: its address, scripts and style sheets."""
    scripts = re.findall(r'<script defer src="/([^"]+)"', index)
    styles = re.findall(r'<link href="/([^"]+)" rel="stylesheet"', index)
    if not scripts or not styles:
        raise CannotStart("The viewer's first page names no script: its build has changed.")
    return {"version": VERSION, "address": address(), "scripts": scripts, "styles": styles}

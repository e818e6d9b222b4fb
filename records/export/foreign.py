"""A ZIP that somebody sent, looked at. Runs in the guarded child only: see `records.guard`.

No Django here. Names are compared and told, never used as paths; what is unpacked gets a number for
a name. Sizes are believed by what comes out. Every answer is JSON of codes, numbers and names.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

from records.foreign import PROGRAMS, Unusable, kind_of

FORMAT, VERSION = "secondop-case-file", 1
MAX_MANIFEST_BYTES = 32 * 1024**2
MAX_RATIO, RATIO_FROM_BYTES = 200, 10 * 1024**2
MAX_CANDIDATES = 2000
BLOCK_BYTES = 1024**2
SAFE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*){0,3}")
JUNK = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|\._|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
PAPERS = {"application/pdf", "image/png", "image/jpeg", "image/tiff", "image/webp", "image/gif",
          "image/bmp"}  # fmt: skip
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError)


class Wrong(Exception):
    """The ZIP says it is a copy of a case file, and is not a whole one."""

    def __init__(self, code: str, member: str = "") -> None:
        super().__init__(code)
        self.code, self.member = code, member


def look(path: str, most_bytes: int) -> dict[str, Any]:
    """What the ZIP is: a copy of a case file (with its manifest), or a ZIP of anything.

    Returns {"manifest": ...} or {"problem": code, "member": name} or {"papers": [[number, name]]}.
    """
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        try:
            if found := _manifest(archive, entries):
                prefix, manifest = found
                return {"manifest": _checked(entries, prefix, manifest), "prefix": prefix}
        except Wrong as wrong:
            return {"problem": wrong.code, "member": wrong.member}
        return {"papers": _papers(archive, entries, most_bytes)}


def verify(path: str, prefix: str, wanted: list[list[Any]]) -> dict[str, Any]:
    """Hash these members: [path, size, SHA-256]. Returns {} or the first that is damaged."""
    with zipfile.ZipFile(path) as archive:
        for name, size, sha256 in wanted:
            digest = hashlib.sha256()
            try:
                read = _read(archive, archive.getinfo(prefix + name), size, digest.update)
            except (*DAMAGE, KeyError):
                read = -1
            if read != size or digest.hexdigest() != sha256:
                return {"member": name}
    return {}


def unpack(path: str, wanted: list[Any], folder: str, most_bytes: int) -> dict[str, str]:
    """Write these entries (by number, or by name) into the folder; tell each one's SHA-256.

    What cannot be unpacked is left out.
    """
    made = {}
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        for number, which in enumerate(wanted):
            entry = entries[which] if isinstance(which, int) else archive.getinfo(which)
            target, digest = Path(folder) / str(number), hashlib.sha256()
            with target.open("wb") as file:
                try:
                    _read(archive, entry, most_bytes, _both(file, digest))
                except DAMAGE:
                    target.unlink()
                    continue
            made[str(number)] = digest.hexdigest()
    return made


def _both(file: IO[bytes], digest: Any) -> Any:
    def write(block: bytes) -> None:
        file.write(block)
        digest.update(block)

    return write


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most_bytes: int, write: Any) -> int:
    """Hand the content on in blocks; ValueError for what grows without end. Its CRC is compared."""
    if entry.file_size > most_bytes or _grows(entry) or _is_odd(entry):
        raise ValueError
    read = 0
    with archive.open(entry) as content:
        while block := content.read(BLOCK_BYTES):
            read += len(block)
            if read > most_bytes:
                raise ValueError
            write(block)
    return read


def _grows(entry: zipfile.ZipInfo) -> bool:
    return entry.file_size > max(RATIO_FROM_BYTES, entry.compress_size * MAX_RATIO)


def _is_odd(entry: zipfile.ZipInfo) -> bool:
    """A link, something locked, or a way of packing that is not of every day."""
    is_link = stat.S_ISLNK(entry.external_attr >> 16)
    return is_link or bool(entry.flag_bits & 1) or entry.compress_type not in (0, 8)


# --- a copy of a case file -----------------------------------------------------------------------
def _manifest(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]
) -> tuple[str, dict[str, Any]] | None:
    """The manifest and the folder it is in: somebody may have unpacked the ZIP and packed it again.

    None when there is no manifest of ours.
    """
    named = re.compile(r"([^/]{1,100}/)?manifest\.json")
    for entry in entries:
        found = named.fullmatch(entry.filename)
        if not found or JUNK.search(entry.filename) or entry.file_size > MAX_MANIFEST_BYTES:
            continue
        parts: list[bytes] = []
        try:
            _read(archive, entry, MAX_MANIFEST_BYTES, parts.append)
            told = json.loads(b"".join(parts))
        except (*DAMAGE, RecursionError):
            if b'"secondop-case-file"' in b"".join(parts)[:200]:
                raise Wrong("copy_damaged", "manifest.json") from None
            continue
        if isinstance(told, dict) and told.get("format") == FORMAT:
            return found[1] or "", told
    return None


def _checked(entries: list[zipfile.ZipInfo], prefix: str, told: dict[str, Any]) -> dict[str, Any]:
    """The manifest as far as it is needed, when the ZIP holds exactly what it says."""
    if told.get("version") != VERSION:
        raise Wrong("copy_version")
    try:
        members: list[list[Any]] = [
            [str(row["path"]), int(row["size_bytes"]), str(row["sha256"])]
            for row in told["members"]
        ]
        totals = told["totals"]
        counted = int(totals["members"]), int(totals["size_bytes"]), int(totals["documents"])
        documents = [_described(row) for row in told["documents"]]
        typed = [row for row in told.get("typed_facts", []) if isinstance(row, dict)]
        safety = {str(key): str(value)[:300] for key, value in dict(told.get("safety", {})).items()}
        questions = [str(text)[:4000] for text in list(told.get("questions", []))[:100]]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Wrong("copy_damaged", "manifest.json") from None
    names = [member[0] for member in members]
    if not all(SAFE.fullmatch(name) and len(name) <= 120 for name in names):
        raise Wrong("copy_unsafe")
    if len(set(names)) != len(names) or counted != (
        len(members), sum(member[1] for member in members), len(documents)
    ):  # fmt: skip
        raise Wrong("copy_counts")
    if missing := {one["path"] for one in documents} - set(names):
        raise Wrong("copy_counts", min(missing))
    _compare(entries, prefix, members)
    return {"members": members, "documents": documents, "typed_facts": typed[:5000],
            "safety": safety, "questions": questions}  # fmt: skip


def _described(row: dict[str, Any]) -> dict[str, str]:
    told = {name: str(row[name]) for name in ("path", "title", "kind")}
    return told | {"dated_on": str(row.get("dated_on", ""))}


def _compare(entries: list[zipfile.ZipInfo], prefix: str, members: list[list[Any]]) -> None:
    """Nothing is missing, and nothing is there besides."""
    here = _named(entries, prefix)
    here.pop("manifest.json", None)
    for name, size, _sha256 in members:
        if name not in here:
            raise Wrong("copy_lacks", name)
        entry = here.pop(name)
        if entry.file_size != size or _grows(entry) or _is_odd(entry):
            raise Wrong("copy_damaged", name)
    if here:
        raise Wrong("copy_counts")


def _named(entries: list[zipfile.ZipInfo], prefix: str) -> dict[str, zipfile.ZipInfo]:
    """The files by name, each once. No name leads out of the ZIP, whatever it is listed as."""
    here: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        name = entry.filename
        if ".." in name.split("/") or name.startswith("/") or "\\" in name:
            raise Wrong("copy_unsafe")
        if entry.is_dir() or JUNK.search(name):
            continue
        inner = name.removeprefix(prefix)
        if not name.startswith(prefix) or inner in here:
            raise Wrong("copy_counts")
        here[inner] = entry
    return here


# --- a ZIP of anything ---------------------------------------------------------------------------
def _papers(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], most_bytes: int
) -> list[list[Any]]:
    """The letters, reports and photos in it. Of a disc with a viewer only what is surely a record:
    its pictures and texts belong to the viewer.
    """
    found: list[tuple[str, list[Any]]] = []
    is_medium = False
    for number, entry in enumerate(entries):
        name = entry.filename
        if entry.is_dir() or JUNK.search(name) or _is_odd(entry) or not entry.file_size:
            continue
        is_medium = is_medium or name.rpartition("/")[2].upper() == "DICOMDIR"
        head = _head(archive, entry)
        is_medium = is_medium or head.startswith(PROGRAMS)
        kind = _kind(head)
        if kind == "text/plain" and not name.lower().endswith(".txt"):
            kind = ""  # a list of settings, not a letter
        if kind and entry.file_size <= most_bytes and len(found) < MAX_CANDIDATES:
            found.append((kind, [number, name[-400:]]))
    wanted = {"record", "application/pdf"} if is_medium else {"record", "text/plain"} | PAPERS
    return [told for kind, told in found if kind in wanted]


def _head(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(entry) as content:
            return content.read(4096)
    except DAMAGE:
        return b""


def _kind(head: bytes) -> str:
    """What it is by its first bytes, as far as a record may be one; else nothing."""
    try:
        kind = kind_of(head)
    except Unusable:
        return ""
    if kind == "application/xml":
        is_record = b"urn:hl7-org:v3" in head or b"http://hl7.org/fhir" in head
        return "record" if is_record else ""
    if kind == "application/json":
        return "record" if b'"resourceType"' in head else ""
    return kind if kind in PAPERS or kind == "text/plain" else ""

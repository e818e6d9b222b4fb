"""Compile translations: every `locale/**/*.po` to `.mo`, without gettext's msgfmt (a fresh machine
has none).

One way everywhere: `up`, `test` and the container image all come here.
"""

from __future__ import annotations

import ast
import struct
from collections.abc import Iterator
from pathlib import Path

from deploy.local.paths import ROOT, CannotStart

MAGIC = 0x950412DE
SKIPPED = {".venv", ".local", "node_modules", ".git"}


def compile_all() -> int:
    """Compile what is newer than its result. Returns how many files were written."""
    written = 0
    for source in find_sources():
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        content = to_mo(parse(source))
        fresh = target.with_suffix(".mo.new")
        fresh.write_bytes(content)
        fresh.rename(target)
        written += 1
    return written


def find_sources() -> Iterator[Path]:
    for top in sorted(ROOT.iterdir()):
        if top.is_dir() and top.name not in SKIPPED:
            yield from sorted(top.glob("**/LC_MESSAGES/*.po"))


def parse(source: Path) -> dict[bytes, bytes]:
    """Read the entries: context joined by EOT, plural forms joined by NUL, as gettext looks them
    up.

    Raises: CannotStart with file and line when a line is not understood.
    """
    found: dict[bytes, bytes] = {}
    entry: dict[str, str] = {}
    field, is_fuzzy = "", False

    def close() -> None:
        nonlocal entry, field, is_fuzzy
        if "msgid" in entry and (not is_fuzzy or entry["msgid"] == ""):
            key, value = key_and_value(entry)
            if value.strip(b"\0"):  # untranslated: the English source shows
                found[key] = value
        entry, field, is_fuzzy = {}, "", False

    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip()
        starts_entry = text.startswith(("#", "msgctxt")) or (
            text.startswith("msgid ") and field != "msgctxt"
        )
        if starts_entry and field.startswith("msgstr"):
            close()
        if text.startswith("#,") and "fuzzy" in text:
            is_fuzzy = True
        if not text or text.startswith("#"):
            continue
        if not text.startswith('"'):
            field, _, text = text.partition(" ")
            entry[field] = ""
        try:
            entry[field] += ast.literal_eval(text)
        except (KeyError, SyntaxError, ValueError) as error:
            raise CannotStart(f"{source}:{number} is not a line of a translation file.") from error
    close()
    return found


def key_and_value(entry: dict[str, str]) -> tuple[bytes, bytes]:
    key = entry["msgid"]
    if "msgctxt" in entry:
        key = f"{entry['msgctxt']}\x04{key}"
    if "msgid_plural" in entry:
        forms = sorted(name for name in entry if name.startswith("msgstr["))
        return f"{key}\0{entry['msgid_plural']}".encode(), "\0".join(
            entry[name] for name in forms
        ).encode()
    return key.encode(), entry.get("msgstr", "").encode()


def to_mo(entries: dict[bytes, bytes]) -> bytes:
    """Lay out a .mo file: header, two tables of (length, offset), then the NUL-terminated strings.

    Source: GNU gettext manual, "The Format of GNU MO Files". Readers need the keys in byte order.
    """
    pairs = sorted(entries.items())
    header_size, row_size = 28, 8
    keys_at, values_at = header_size, header_size + row_size * len(pairs)
    position = values_at + row_size * len(pairs)
    tables: list[bytes] = []
    strings: list[bytes] = []
    for column in (0, 1):
        for pair in pairs:
            tables.append(struct.pack("<II", len(pair[column]), position))
            strings.append(pair[column] + b"\0")
            position += len(pair[column]) + 1
    header = struct.pack("<7I", MAGIC, 0, len(pairs), keys_at, values_at, 0, position)
    return header + b"".join(tables) + b"".join(strings)

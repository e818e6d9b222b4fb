"""What an electronic record says, as plain facts. Runs only in the child of `records.guard`.

No Django here. A fact is a dict of the text fields of `ClinicalFact`; dates are YYYY-MM-DD. A file
that is packed inside is written into the folder, under a name of ours.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

MAX_FACTS = 20_000
MAX_FILES = 50
MAX_FILE_BYTES = 50 * 1024**2
LENGTHS = {"text": 300, "code_system": 100, "code": 40, "value_text": 200, "unit": 40,
           "reference_range": 100, "status": 30, "place": 200}  # fmt: skip
FIELDS = (*LENGTHS, "kind", "value", "on", "until")
NUMBER = re.compile(r"[+-]?\d{1,12}(?:[.,]\d+)?")
LOINC = "http://loinc.org"
# Codes that say that there is none of it: of SNOMED CT and of the International Patient Summary.
NOTHING = {"716186003", "429625007", "409137002", "428607008", "716184000", "160245001",
           "787481004", "no-known-allergies", "no-known-medication-allergies",
           "no-known-environmental-allergies", "no-known-food-allergies", "no-known-problems",
           "no-known-medications", "no-known-procedures", "no-known-immunizations",
           "no-known-devices", "no-allergy-info", "no-problem-info", "no-medication-info",
           "no-procedure-info", "no-immunization-info", "no-device-info"}  # fmt: skip
NOTHING_IN_WORDS = re.compile(
    r"no ((known|current) )?((drug|food|medication|environmental|latex|active) )?"
    r"(allerg(y|ies)|medications?|medicines?|problems?|procedures?|immunizations?)"
    r"( (information|recorded|reported|documented))?( \(situation\))?\.?"
    r"|no drug therapy prescribed",
    re.IGNORECASE,
)


class Found:
    """What one record told: facts, files packed inside, and what was passed over."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.facts: list[dict[str, Any]] = []
        self.files: list[dict[str, str]] = []
        self.version = ""
        self.passed: dict[str, int] = {}  # why -> how often

    def add(self, kind: str, text: str, **told: Any) -> None:
        """Keep a fact. One without any words is none."""
        text = " ".join(str(text or "").split())
        if not text:
            return self.pass_over("nameless")
        if told.get("code") in NOTHING or NOTHING_IN_WORDS.fullmatch(text):
            return self.pass_over("denied")
        if len(self.facts) >= MAX_FACTS:
            return self.pass_over("too_many")
        fact = {"kind": kind, "text": text} | {k: v for k, v in told.items() if v}
        for name, most in LENGTHS.items():
            fact[name] = _plain(str(fact.get(name, "")))[:most]
        for name in ("on", "until"):
            fact[name] = day(str(fact.get(name) or ""))
        self.facts.append(fact)
        return None

    def pass_over(self, why: str) -> None:
        self.passed[why] = self.passed.get(why, 0) + 1

    def file(self, encoded: str, *, title: str, place: str, code: str = "", on: str = "") -> None:
        """Take out a file that stands inside in base64."""
        if len(self.files) >= MAX_FILES or len(encoded) > MAX_FILE_BYTES * 4 // 3 + 4:
            return self.pass_over("too_many_files")
        bare = re.sub(r"\s+", "", encoded).replace("-", "+").replace("_", "/")
        try:
            content = b64decode(bare + "=" * (-len(bare) % 4), validate=True)
        except ValueError:
            return self.pass_over("file_damaged")
        if not content:
            return self.pass_over("file_empty")
        name = f"inside-{len(self.files)}"
        (self.folder / name).write_bytes(content)
        title = _plain(" ".join(title.split()))[:200]
        self.files.append(
            {"file": name, "title": title, "place": _plain(place)[:200], "code": code[:40],
             "on": day(on)}
        )  # fmt: skip
        return None

    def answer(self) -> dict[str, Any]:
        return {
            "facts": self.facts, "files": self.files, "version": self.version,
            "passed": self.passed,
        }  # fmt: skip


def read(path: str, media_type: str, folder: str) -> dict[str, Any]:
    """Returns: facts, files (file, title, place, code, on), version, passed."""
    found = Found(folder)
    content = Path(path).read_bytes()
    if media_type == "application/cda+xml":
        from records.facts import foreign_cda

        foreign_cda.read(content, found)
    else:
        from records.facts import foreign_fhir

        if media_type.endswith("xml"):
            from records.facts.foreign_xml import fhir_as_json

            foreign_fhir.read(fhir_as_json(content), found, is_xml=True)
        else:
            foreign_fhir.read(json.loads(content), found)
    return found.answer()


def number(text: Any) -> str:
    """A figure as a decimal with a point; "" when the text is something else."""
    said = str(text).strip() if text is not None else ""
    return said.replace(",", ".") if NUMBER.fullmatch(said) else ""


def day(text: str) -> str:
    """A date of FHIR (2010-05-06T...), or C-CDA (20100506...), as YYYY-MM-DD; "" when not whole.

    A year or a month alone is no day: a made-up first of January would make a series lie.
    """
    match = re.match(r"(\d{4})-?(\d{2})-?(\d{2})(?!\d-)", text)
    if not match or not ("01" <= match[2] <= "12" and "01" <= match[3] <= "31"):
        return ""
    return "-".join(match.groups())


def _plain(text: str) -> str:
    """PostgreSQL takes no zero byte, and nobody reads control characters or lone surrogates."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return re.sub(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", " ", text).strip()

"""The shared corpus of real DICOM files: what its manifest expects against what is observed.

`tests/records/dicom/test_corpus.py` checks each line of the table that docs/imaging.md shows.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
DOCUMENT = ROOT / "docs" / "imaging.md"
BEGIN, END = "<!-- corpus: begin -->", "<!-- corpus: end -->"

# Rows whose "accept" cannot be meant of one object, since they are none.
NOT_AN_OBJECT = "it is the disc's own text or directory, not an object"
LIKE_RTSTRUCT = "it is readable and names everything, as rtstruct.dcm, which the manifest accepts"
DISAGREEMENTS = {
    "dicom/02-odd-but-real/ExplVR_LitEndNoMeta.dcm": LIKE_RTSTRUCT,
    "dicom/05-dicomdir-media/DICOMDIR": NOT_AN_OBJECT,
    "dicom/05-dicomdir-media/README.txt": NOT_AN_OBJECT,
}


def rows() -> list[dict[str, str]]:
    """The DICOM rows of the manifest, archives included."""
    if not DATA.exists():
        return []
    text = (DATA / "MANIFEST.csv").read_text(encoding="utf-8")
    every = csv.DictReader(text.splitlines())
    return [row for row in every if row["path"].startswith(("dicom/", "archives/"))]


def observe(case_file: Any, path: Path) -> str:
    """Take one file in and say what became of it: stored, with pixels, or refused."""
    from records.dicom import archives
    from records.models import ImagingInstance

    if path.suffix == ".zip":
        with path.open("rb") as file:
            told = archives.ingest(file, case_file, by=case_file.patient.user)
        refused = ", ".join(f"{n} {code}" for code, n in sorted(told["refused"].items()))
        return f"stored {told['stored']}; left: {refused or 'none'}"
    problem = take_folder(case_file, path)[path.name]
    if problem:
        return f"refused: {problem}"
    one = ImagingInstance.objects.get(case_file=case_file)
    return f"stored, pixels {one.pixel_problem}" if one.pixel_problem else "stored"


def take_folder(case_file: Any, path: Path) -> dict[str, str]:
    """Take in one file, or all files below a folder as one batch; name -> problem."""
    from records.dicom.ingest import Batch

    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    with Batch(case_file, by=case_file.patient.user) as batch:
        for file in files:
            batch.begin()
            batch.write(file.read_bytes())
            batch.finish()
        results = batch.close()
    base = path if path.is_dir() else path.parent
    return {str(f.relative_to(base)): r.problem for f, r in zip(files, results, strict=True)}


ARCHIVES = {
    # "all four kinds": of its files one is an image; the job takes the others as documents
    "archives/mixed-records-mac.zip": "stored 1",
    "archives/patient-cd.zip": "stored 3",
    "archives/series-10-slices.zip": "stored 10",
}


def is_met(row: dict[str, str], observed: str) -> bool:
    """Whether the manifest's expectation is met, or is one of the disagreements."""
    expected, path = row["expect"], row["path"]
    if path in ARCHIVES:
        return observed.startswith(ARCHIVES[path])
    if DISAGREEMENTS.get(path) == LIKE_RTSTRUCT:
        return observed == "stored"
    if path in DISAGREEMENTS or expected == "quarantine":
        return observed.startswith("refused")
    if expected == "accept or quarantine, never crash":
        return True
    if expected == "accept metadata, flag pixel data":
        return observed == "stored, pixels short"
    if expected == "accept images, drop the rest":
        return observed.startswith("stored" if "/IM0" in path else "refused")
    return observed.startswith("stored")


def line(row: dict[str, str], observed: str) -> str:
    path = row["path"]
    word = "met" if is_met(row, observed) else "**not met**"
    if path in DISAGREEMENTS:
        word = f"differs: {DISAGREEMENTS[path]}"
    if path == "archives/mixed-records-mac.zip":
        word = "met: its image here; the job takes its three papers as documents, see export.md"
    return f"| {path} | {row['expect']} | {observed} | {word} |"


def write(lines: list[str]) -> None:
    """Put the table between its marks."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    table = ["| file | expected | observed | |", "|---|---|---|---|", *lines]
    DOCUMENT.write_text(before + BEGIN + "\n" + "\n".join(table) + "\n" + END + after)

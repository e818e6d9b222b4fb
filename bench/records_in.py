"""Electronic records, papers and pictures of the shared corpus: expected, observed, how fast.

`make bench ARGS=records_in` writes the table of docs/records.md and prints seconds and peak memory
of the largest FHIR bundle. `tests/records/test_facts_corpus.py` checks each line of the table.
"""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
DOCUMENT = ROOT / "docs" / "records.md"
BEGIN, END = "<!-- corpus: begin -->", "<!-- corpus: end -->"
KINDS = ("fhir/", "ccda/", "pdf/", "images/")
LOCKED = {"ask", "ask for an unlocked copy", "accept or ask"}
READ = ("application/fhir+json", "application/fhir+xml", "application/cda+xml")


def rows() -> list[dict[str, str]]:
    """The rows of the manifest that come in as documents. Images and archives: docs/imaging.md."""
    if not DATA.exists():
        return []
    text = (DATA / "MANIFEST.csv").read_text(encoding="utf-8")
    return [row for row in csv.DictReader(text.splitlines()) if row["path"].startswith(KINDS)]


def observe(path: Path) -> str:
    """What the guarded child says of one file, and for an electronic record what it holds."""
    from records.guard import Refusal, run_guarded

    found = run_guarded("examine", str(path))
    if isinstance(found, Refusal):
        return f"refused: {found.code}"
    if problem := found.get("problem"):
        return f"refused: {problem}"
    if found["media_type"] not in READ:
        flags = ", ".join(found["findings"].get("active", []))
        pages = f"{found['pages']} page{'s' if found['pages'] != 1 else ''}"
        return f"taken, {pages}" + (f", flagged: {flags}" if flags else "")
    with TemporaryDirectory() as folder:
        order = (str(path), found["media_type"], folder)
        told: Any = run_guarded("records.facts.foreign:read", *order)
    if isinstance(told, Refusal):
        return f"refused: {told.code}"
    counts = Counter(fact["kind"] for fact in told["facts"])
    said = [f"{kind} {number}" for kind, number in sorted(counts.items())]
    said += [f"files inside {len(told['files'])}"] if told["files"] else []
    said += [f"left out: {why} {n}" for why, n in sorted(told["passed"].items())]
    return f"taken, {told['version']}: {', '.join(said) or 'no facts'}"


def is_met(row: dict[str, str], observed: str) -> bool:
    expected = row["expect"].strip()
    if expected in LOCKED:
        return observed == "refused: password" or (
            expected == "accept or ask" and observed.startswith("taken")
        )
    if expected == "clear message":
        return observed in ("refused: damaged", "refused: too_complex")
    if expected == "flag":
        return "flagged: " in observed
    return observed.startswith("taken")


def line(row: dict[str, str], observed: str) -> str:
    name = row["path"].replace("|", "\\|")
    word = "met" if is_met(row, observed) else "**not met**"
    return f"| {name} | {row['expect']} | {observed} | {word} |"


def write(lines: list[str]) -> None:
    """Put the table between its marks."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    table = ["| file | expected | observed | |", "|---|---|---|---|", *lines]
    DOCUMENT.write_text(before + BEGIN + "\n" + "\n".join(table) + "\n" + END + after)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "secondop.settings")
    write([line(row, observe(DATA / row["path"])) for row in rows()])
    _largest()


def _largest() -> None:
    """The whole way of the largest bundle: upload, screening, facts. On an empty database."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from records import uploads
    from records.models import Document
    from records.models.facts import FactsReading
    from records.tasks import read_facts, screen
    from tests import factories

    largest = max((DATA / "fhir" / "r4-synthea").iterdir(), key=lambda path: path.stat().st_size)
    begun = time.perf_counter()
    case = factories.draft()
    content = largest.read_bytes()
    upload = uploads.begin(
        case.case_file, by=case.started_by, file_name="bundle.json", size_bytes=len(content)
    )
    uploads.append(upload, io.BytesIO(content), offset=0, length=len(content))
    document = Document.objects.get(key=upload.key)
    screen(str(document.screening.pk))
    # It names somebody else than the made-up patient, so it is held; a coordinator lets it in.
    Document.objects.filter(pk=document.pk).update(status="available")
    FactsReading.objects.get_or_create(document=document, clinic_id=document.clinic_id)
    taken = time.perf_counter()
    read_facts(str(FactsReading.objects.get(document=document).pk))
    done = time.perf_counter()
    job = FactsReading.objects.get(document=document)
    child = _peak_of_reading(largest)
    print(
        f"{largest.stat().st_size / 1e6:.2f} MB bundle, {document.facts.count()} facts "
        f"({job.status}): taken in {taken - begun:.2f} s, facts in {done - taken:.2f} s, "
        f"peak {child:.0f} MB in the child that reads"
    )


READ_AND_TELL = """
import sys
from records.facts.foreign import read
read(sys.argv[1], "application/fhir+json", sys.argv[2])
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def _peak_of_reading(path: Path) -> float:
    """Megabytes. VmHWM of a fresh interpreter: ru_maxrss would tell the parent's."""
    with TemporaryDirectory() as folder:
        order = [sys.executable, "-c", READ_AND_TELL, str(path), folder]
        told = subprocess.run(order, capture_output=True, check=True, cwd=ROOT, text=True)
    return int(told.stdout) / 1024


if __name__ == "__main__":
    main()

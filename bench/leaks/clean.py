"""Clean files: generated, and real public ones in which a person found none of the diagnoses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.leaks.corpus import read_bytes, read_object
from bench.leaks.pdfs import letter, saved
from bench.leaks.records import image_object, object_bytes
from records.blinding_search.passages import Passage, Reading

# Real files of the test corpus, looked through by hand for words of the eight diagnoses.
REAL = (
    "pdf/ordinary/*.pdf", "pdf/scanned-like/c03-29.pdf", "pdf/scanned-like/linn.pdf",
    "pdf/protected-and-unusual/annotated_pdf.pdf", "images/typewriter.png", "images/linn.png",
    "dicom/01-transfer-syntaxes/*.dcm", "dicom/04-series-mr-60-slices/0007*.dcm",
    "dicom/06-charsets/*", "dicom/03-studies-single-image/*/*", "fhir/r4-synthea/*.json",
)  # fmt: skip
NOT_CLEAN = ("Andy_Schaden", "Darin_Skiles")  # invented patients who have one of these diagnoses
TRICKY = [
    "TE 5 MS, TR 4000 MS, 12 MS delay. Ms. Carver called. Jane Doe, MS, RN.",
    "A cold pack was applied. Stroke volume 70 ml. Growth hormone normal. Shock wave therapy.",
    "The disc of the optic nerve is sharp. Valves of the veins are competent. The prostate and"
    " the thyroid gland are of normal size. Breasts: symmetric.",
    "Mama y pulmón sin hallazgos. Próstata de tamaño normal. Columna lumbar alineada.",
    "eGFR 78 mL/min, PCV 41 %, MR of the knee, IT support, ACT NOW, TAC de tórax normal.",
    "Vigilancia de la tensión. Cirugía de rodilla en 2004. Válvula de seguridad del equipo.",
    "Observation only; the surveillance camera is active. Repair of the inguinal hernia in 1998.",
]


def clean_readings(folder: Path) -> Iterator[tuple[str, Reading]]:
    for seed in range(1000, 1030):
        yield f"letter {seed}", read_bytes(saved(letter(seed)), "application/pdf")
    for number, text in enumerate(TRICKY):
        yield f"tricky {number}", Reading([Passage("words", text)])
    yield "image header", read_object(object_bytes(image_object()))
    for pattern in REAL:
        for path in sorted(folder.glob(pattern))[:12]:
            if path.name.startswith(NOT_CLEAN):
                continue
            if path.is_file() and path.stat().st_size < 3_000_000:
                yield str(path.relative_to(folder)), _read(path)


def _read(path: Path) -> Reading:
    content = path.read_bytes()
    if content[128:132] == b"DICM":
        try:
            return read_object(content)
        except Exception:  # what cannot be stored is not searched
            return Reading()
    return read_bytes(content, "")

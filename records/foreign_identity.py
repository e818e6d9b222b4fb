"""Whom an electronic record names. Runs only in the child process of `records.guard`.

Reads the patient block of FHIR (JSON or XML) and C-CDA and nothing else. `foreign.examine` has
refused document type definitions, depth and size before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

PEOPLE_AT_MOST = 20
LONGEST = 150
CDA, FHIR = "{urn:hl7-org:v3}", "{http://hl7.org/fhir}"


def people(path: str, media_type: str) -> list[dict[str, str]]:
    """Everybody whom the record is about: name ("Family^Given"), born, sex, id; without repeats."""
    read = {
        "application/fhir+json": _fhir_json,
        "application/fhir+xml": _fhir_xml,
        "application/cda+xml": _cda,
    }[media_type]
    found: list[dict[str, str]] = []
    for one in read(Path(path)):
        kept = {key: said.strip()[:LONGEST] for key, said in one.items() if said and said.strip()}
        if kept and kept not in found:
            found.append(kept)
        if len(found) == PEOPLE_AT_MOST:
            break
    return found


def _fhir_json(file: Path) -> Iterator[dict[str, str]]:
    for patient in _patients(json.loads(file.read_bytes())):
        names = [name for name in _list(patient.get("name")) if isinstance(name, dict)]
        chosen = next((n for n in names if n.get("use") in ("official", "usual")), None)
        name = chosen or (names[0] if names else {})
        numbers = [one.get("value") for one in _list(patient.get("identifier"))
                   if isinstance(one, dict)]  # fmt: skip
        yield {
            "name": _name(_list(name.get("family")), _list(name.get("given")), name.get("text")),
            "born": _text(patient.get("birthDate")),
            "sex": _text(patient.get("gender")),
            "id": _text(next(filter(None, numbers), "")),
        }


def _patients(resource: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(resource, dict):
        return
    if resource.get("resourceType") == "Patient":
        yield resource
    for entry in _list(resource.get("entry")) if resource.get("resourceType") == "Bundle" else []:
        if isinstance(entry, dict):
            yield from _patients(entry.get("resource"))
    for inner in _list(resource.get("contained")):
        if isinstance(inner, dict) and inner.get("resourceType") == "Patient":
            yield inner


def _fhir_xml(file: Path) -> Iterator[dict[str, str]]:
    for patient in ElementTree.parse(file).iter(f"{FHIR}Patient"):  # noqa: S314 - no DTD, see above

        def values(parent: Any, tag: str) -> list[str]:
            return (
                [] if parent is None else [e.get("value", "") for e in parent.findall(FHIR + tag)]
            )

        name = patient.find(f"{FHIR}name")
        number = patient.find(f"{FHIR}identifier")
        written = " ".join(values(name, "text"))
        yield {
            "name": _name(values(name, "family"), values(name, "given"), written),
            "born": "".join(values(patient, "birthDate")[:1]),
            "sex": "".join(values(patient, "gender")[:1]),
            "id": "".join(values(number, "value")[:1]),
        }


def _cda(file: Path) -> Iterator[dict[str, str]]:
    for role in ElementTree.parse(file).iter(f"{CDA}patientRole"):  # noqa: S314 - no DTD, see above
        patient = role.find(f"{CDA}patient")
        number = role.find(f"{CDA}id")
        if patient is None:
            continue
        name = patient.find(f"{CDA}name")
        born = patient.find(f"{CDA}birthTime")
        sex = patient.find(f"{CDA}administrativeGenderCode")
        parts = {
            tag: [] if name is None else ["".join(e.itertext()) for e in name.findall(CDA + tag)]
            for tag in ("family", "given")
        }
        plain = "" if name is None else " ".join("".join(name.itertext()).split())
        yield {
            "name": _name(parts["family"], parts["given"], plain),
            "born": "" if born is None else born.get("value", "")[:8],
            "sex": "" if sex is None else sex.get("code", ""),
            "id": "" if number is None else number.get("extension", ""),
        }


def _name(family: Iterable[Any], given: Iterable[Any], written: Any) -> str:
    """As DICOM writes names, so that which is the family name is not lost."""
    families, givens = (" ".join(map(_text, parts)).strip() for parts in (family, given))
    return f"{families}^{givens}" if families or givens else _text(written)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

"""FHIR for people: a document by its sections, any other bundle by kinds of resource.

Runs only in the guarded child. The narrative of a section is what the author signed; where there is
none, its resources are listed. Names of people stand in the head and in sections marked `who`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from records.facts.foreign import day
from records.facts.foreign_fhir import (
    Resource,
    addresses_of,
    has_value,
    is_resource,
    many,
    measured,
    name_of,
    range_of,
    resources_in,
)
from records.readable.foreign import Block, Section, line
from records.readable.foreign_narrative import Narrative, of_html

MAX_DEPTH = 4
# In the order in which a doctor reads; what is not named here follows.
ORDER = (
    "AllergyIntolerance", "Condition", "MedicationStatement", "MedicationRequest",
    "MedicationOrder", "MedicationDispense", "MedicationAdministration", "Procedure",
    "DiagnosticReport", "Observation", "ImagingStudy", "Immunization", "Encounter", "CarePlan",
    "Goal", "FamilyMemberHistory", "DocumentReference",
)  # fmt: skip
WHO = {"Patient", "Practitioner", "PractitionerRole", "Organization", "RelatedPerson", "Location",
       "HealthcareService", "CareTeam", "Person", "Coverage", "Account"}  # fmt: skip
# Paperwork between machines, and what other resources name themselves.
LEFT_OUT = {"Provenance", "Claim", "ExplanationOfBenefit", "ClaimResponse", "AuditEvent",
            "OperationOutcome", "MessageHeader", "Medication", "Substance",
            "Parameters"}  # fmt: skip
WHEN = ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "onsetDateTime", "onsetPeriod",
        "performedDateTime", "performedPeriod", "occurrenceDateTime", "occurrencePeriod", "period",
        "authoredOn", "dateWritten", "whenHandedOver", "started", "startDate", "date", "created",
        "recordedDate", "assertedDate", "dateRecorded", "issued", "indexed")  # fmt: skip
WHAT = ("code", "medicationCodeableConcept", "medicationReference", "vaccineCode", "substance",
        "description", "title", "type", "serviceType", "reasonCode", "category",
        "class")  # fmt: skip
MADE_BY_MACHINE = ("generated", "empty", "")


def read(content: Any) -> tuple[dict[str, Any], list[Section]]:
    """Returns: who, what and when; the sections."""
    pairs = list(resources_in(content, 0))
    known, resources = addresses_of(pairs), [resource for resource, _address in pairs]
    seen = _Record(known)
    composition = next((r for r in resources if r.get("resourceType") == "Composition"), None)
    patient = next((r for r in resources if r.get("resourceType") == "Patient"), None)
    if composition is not None:
        sections = list(seen.document(composition))
        return seen.head(composition, patient), sections
    sections = seen.kinds(resources)
    sections = sections or seen.who(resources)
    return {"patient": _person(patient or {}), "born": _text((patient or {}).get("birthDate"))[:10],
            "title": "", "by": [], "on": "", "organization": "", "kind": ""}, sections  # fmt: skip


class _Record:
    """One record, in which a reference finds what it means."""

    def __init__(self, known: dict[str, Resource]) -> None:
        self.known = known

    def pointed(self, reference: Any, within: Resource | None = None) -> Resource:
        address = _text(reference.get("reference")) if is_resource(reference) else ""
        if address.startswith("#") and within is not None:
            inner = [one for one in many(within.get("contained")) if is_resource(one)]
            return next((one for one in inner if one.get("id") == address[1:]), {})
        return self.known.get(address, {})

    # --- a document ---

    def head(self, composition: Resource, patient: Resource | None) -> dict[str, Any]:
        subject = self.pointed(composition.get("subject")) or patient or {}
        custodian = composition.get("custodian")
        return {
            "title": _text(composition.get("title"))[:200],
            "kind": name_of(composition.get("type"))["text"][:200],
            "on": day(_text(composition.get("date"))),
            "by": self._authors(composition)[:10],
            "organization": self._author(custodian)[:300],
            "patient": _person(subject), "born": day(_text(subject.get("birthDate"))),
        }  # fmt: skip

    def _authors(self, thing: Resource) -> list[str]:
        return [name for name in map(self._author, many(thing.get("author"))) if name]

    def _author(self, reference: Any, depth: int = 0) -> str:
        """Name of a person or organization; of a role its person and where."""
        if not is_resource(reference) or depth > 2:  # a role of a role of itself
            return ""
        pointed = self.pointed(reference)
        if pointed.get("resourceType") == "PractitionerRole":
            inner = (pointed.get(name) for name in ("practitioner", "organization"))
            parts = [self._author(one, depth + 1) for one in inner]
            return ", ".join(filter(None, parts))[:200]
        return (_person(pointed) or _text(reference.get("display")))[:200]

    def document(self, composition: Resource) -> Iterator[Section]:
        if blocks := _narrative(composition):
            yield _section(1, "", blocks, code="summary", who=True)
        for section in many(composition.get("section")):
            if is_resource(section):
                yield from self._sections(section, 1)

    def _sections(self, section: Resource, depth: int) -> Iterator[Section]:
        title = _text(section.get("title")) or name_of(section.get("code"))["text"]
        blocks = _narrative(section)
        inner = [one for one in many(section.get("section")) if is_resource(one)]
        if not blocks:
            entries = map(self.pointed, many(section.get("entry") or section.get("content")))
            blocks = self._listed([one for one in entries if one])
        if not blocks and not inner:
            reason = name_of(section.get("emptyReason"))["text"]
            blocks = [["p", [reason]]] if reason else [["say", "empty", ""]]
        by = self._authors(section)
        yield _section(min(depth, MAX_DEPTH), title, blocks, by=by)
        if depth < 20:
            for one in inner:
                yield from self._sections(one, depth + 1)

    # --- resources ---

    def kinds(self, resources: list[Resource]) -> list[Section]:
        """One section for each kind of resource, the newest first."""
        by_kind: dict[str, list[Resource]] = {}
        for resource in resources:
            by_kind.setdefault(_text(resource.get("resourceType")), []).append(resource)
        names = [name for name in by_kind if name not in WHO | LEFT_OUT and name != "Binary"]
        names.sort(key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
        sections = [
            _section(1, "", blocks, code=name)
            for name in names if (blocks := self._listed(by_kind[name]))
        ]  # fmt: skip
        if by_kind.get("Binary"):
            sections.append(_section(1, "", [["say", "file_inside", ""]], code="Binary"))
        return sections

    def who(self, resources: Iterable[Resource]) -> list[Section]:
        """What is left when a record names people and nothing else."""
        blocks = [block for one in resources for block in _narrative(one)]
        return [_section(1, "", blocks, code="who", who=True)] if blocks else []

    def _listed(self, resources: list[Resource]) -> list[Block]:
        rows, told = [], []
        for resource in resources:
            row = self._row(resource)
            status = _text((resource.get("text") or {}).get("status")
                           if is_resource(resource.get("text")) else "")  # fmt: skip
            narrative = _narrative(resource)
            if row[1]:
                rows.append(row)
            if narrative and (not row[1] or status not in MADE_BY_MACHINE):
                told += narrative
        rows.sort(key=lambda row: row[0] or "0", reverse=True)
        return ([["rows", ["on", "what", "told", "status"], rows]] if rows else []) + told

    def _row(self, resource: Resource) -> list[str]:
        when = next((resource[name] for name in WHEN if resource.get(name)), "")
        if is_resource(when):
            when = when.get("start") or when.get("end")
        status = [
            name_of(resource.get(name))["text"]
            for name in ("clinicalStatus", "verificationStatus", "status")
        ]  # fmt: skip
        on = day(_text(when)) or _text(when)[:10]
        states = ", ".join(dict.fromkeys(filter(None, status)))
        return [on, self._what(resource)[:300], self._told(resource)[:4000], states[:60]]

    def _what(self, resource: Resource) -> str:
        for name in WHAT:
            value = resource.get(name)
            if name == "medicationReference" and is_resource(value):
                pointed = self.pointed(value, resource)
                said = name_of(pointed.get("code"))["text"] or _text(value.get("display"))
            elif name == "class" and is_resource(value):
                said = _text(value.get("display")) or _text(value.get("code"))
            else:
                said = name_of(value)["text"] if not isinstance(value, bool) else ""
            if said:
                return line(said)
        return ""

    def _told(self, resource: Resource) -> str:
        """Values, amounts, conclusions, notes: whatever else it says in words."""
        said = [_value(resource)]
        said += [f"{name_of(part.get('code'))['text']}: {_value(part)}"
                 for part in _inner(resource, "component") if has_value(part)]  # fmt: skip
        said += [_text(one.get("text")) for one in _inner(resource, "dosageInstruction", "dosage")]
        for reaction in _inner(resource, "reaction"):
            said += [name_of(one)["text"] for one in many(reaction.get("manifestation"))]
            said.append(_text(reaction.get("description")))
        for name in ("criticality", "severity", "conclusion", "interpretation", "outcome",
                     "bodySite", "reasonCode", "reason", "comment", "comments"):  # fmt: skip
            said += [name_of(one)["text"] for one in many(resource.get(name))
                     if not isinstance(one, bool)]  # fmt: skip
        for note in many(resource.get("note")):
            said.append(_text(note.get("text")) if is_resource(note) else _text(note))
        what = self._what(resource)
        return "; ".join(dict.fromkeys(one for one in map(line, said) if one and one != what))


def _inner(resource: Resource, *names: str) -> list[Resource]:
    return [one for name in names for one in many(resource.get(name)) if is_resource(one)]


def _value(told: Resource) -> str:
    if not has_value(told):
        return ""
    value = measured(told)
    said = line(value.get("value") or value.get("value_text"), value.get("unit"))
    limits = [one for one in many(told.get("referenceRange")) if is_resource(one)]
    normal = range_of(limits[0]) if limits else ""
    return f"{said} ({normal})" if said and normal else said


def _section(
    depth: int, title: str, blocks: list[Block], *, code: str = "", by: list[str] | None = None,
    who: bool = False,
) -> Section:  # fmt: skip
    code = code or ("" if title else "section")
    return {"depth": depth, "title": line(title)[:200], "code": code, "by": by or [], "on": "",
            "blocks": blocks, "who": who}  # fmt: skip


def _narrative(resource: Resource) -> list[Block]:
    text = resource.get("text")
    div = text.get("div") if is_resource(text) else None
    return Narrative().blocks(of_html(div)) if isinstance(div, str) else []


def _person(resource: Resource) -> str:
    """The name of a person, organization or device."""
    names = many(resource.get("name") or resource.get("deviceName"))
    if not names or not is_resource(names[0]):
        return _text(names[0])[:150] if names else ""
    chosen = next((n for n in names if is_resource(n) and n.get("use") == "official"), names[0])
    words = [word for part in ("prefix", "given", "family", "suffix")
             for word in many(chosen.get(part))]  # fmt: skip
    said = line(*map(_text, words)) or _text(chosen.get("text")) or _text(chosen.get("name"))
    return said[:150]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

"""Facts of FHIR resources: R4 and R4B, and STU3 and DSTU2 where they name things differently.

Runs only in the child of `records.guard`; no Django here. Nothing is ever fetched: a file that is
only linked is counted, not followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeGuard

from records.facts.foreign import LOINC, Found, number

MAX_DEPTH = 8  # bundles inside bundles
WRONG = {"entered-in-error", "refuted", "cancelled"}
# Of observations these are no laboratory values, whatever unit they have.
NOT_LAB = {"vital-signs", "social-history", "survey", "imaging", "exam", "procedure", "therapy",
           "activity"}  # fmt: skip
# Nor are these, of whatever category: pregnancy, smoking, alcohol (LOINC).
NOT_LAB_CODES = {"82810-3", "11778-8", "72166-2", "74013-4"}
Resource = dict[str, Any]


def read(content: Any, found: Found, *, is_xml: bool = False) -> None:
    """Read a bundle or one resource into `found`."""
    resources = list(resources_in(content, 0))
    found.version = version_of(resources, is_xml=is_xml)
    by_address = addresses_of(resources)
    # Files last: what names them has their title.
    resources.sort(key=lambda one: one[0].get("resourceType") == "Binary")
    for resource, _address in resources:
        reader = READERS.get(str(resource.get("resourceType")))
        if reader is None:
            continue
        if (
            codes_of(resource.get("status")) & WRONG
            or codes_of(resource.get("verificationStatus")) & WRONG
        ):
            found.pass_over("withdrawn")
            continue
        reader(_One(resource, by_address, found))


def resources_in(content: Any, depth: int) -> Iterator[tuple[Resource, str]]:
    """Every resource with its full address, bundles opened."""
    if not isinstance(content, dict) or depth > MAX_DEPTH:
        return
    if content.get("resourceType") != "Bundle":
        yield content, ""
        return
    for entry in many(content.get("entry")):
        if not isinstance(entry, dict):
            continue
        for resource, address in resources_in(entry.get("resource"), depth + 1):
            yield resource, address or str(entry.get("fullUrl") or "")


def addresses_of(resources: list[tuple[Resource, str]]) -> dict[str, Resource]:
    known: dict[str, Resource] = {}
    for resource, address in resources:
        known[f"{resource.get('resourceType')}/{resource.get('id')}"] = resource
        if address:
            known[address] = resource
    return known


ONLY_STU3 = {
    "MedicationStatement": {"taken"}, "Procedure": {"context", "notDone"},
    "Immunization": {"notGiven"}, "Observation": {"context"}, "Condition": {"context"},
    "DiagnosticReport": {"context"}, "MedicationRequest": {"context"},
}  # fmt: skip


def version_of(resources: list[tuple[Resource, str]], *, is_xml: bool = False) -> str:
    """R4, STU3 or DSTU2, from what only they have. R4 when nothing speaks against it.

    In XML one element and a list of one look alike, so that shape tells nothing there.
    """
    for resource, _address in resources:
        kind = str(resource.get("resourceType"))
        if kind == "MedicationOrder":
            return "DSTU2"
        has_one = isinstance(resource.get("category"), dict) and not is_xml
        if kind in ("Observation", "Condition") and has_one:
            return "DSTU2"
        meta = resource.get("meta")
        profiles = " ".join(map(str, many(meta.get("profile") if is_resource(meta) else None)))
        if "/DSTU2/" in profiles or "/dstu2/" in profiles:
            return "DSTU2"
    for resource, _address in resources:
        kind = str(resource.get("resourceType"))
        if kind == "Binary" and "content" in resource:
            return "STU3"
        if kind in ONLY_STU3 and ONLY_STU3[kind] & resource.keys():
            return "STU3"
        if kind in ("Condition", "AllergyIntolerance") and isinstance(
            resource.get("clinicalStatus"), str
        ):
            return "STU3"
    return "R4"


class _One:
    """One resource with its neighbours, so that a reader says only what is special."""

    def __init__(self, resource: Resource, known: dict[str, Resource], found: Found) -> None:
        self.resource, self.known, self.found = resource, known, found
        self.place = f"{resource.get('resourceType')}/{resource.get('id') or '-'}"

    def first(self, *names: str) -> Any:
        """The first of these elements that is there."""
        for name in names:
            if self.resource.get(name) not in (None, "", [], {}):
                return self.resource[name]
        return None

    def days(self, *names: str) -> dict[str, str]:
        """When: from a moment or a period."""
        when = self.first(*names)
        if isinstance(when, dict):
            return {"on": str(when.get("start") or ""), "until": str(when.get("end") or "")}
        return {"on": str(when or ""), "until": ""}

    def pointed(self, reference: Any) -> Resource:
        """The resource a reference means, inside this record only."""
        address = str((reference or {}).get("reference") or "") if is_resource(reference) else ""
        if address.startswith("#"):
            inner = [r for r in many(self.resource.get("contained")) if is_resource(r)]
            return next((r for r in inner if r.get("id") == address[1:]), {})
        return self.known.get(address, {})

    def add(self, kind: str, concept: Any, **told: Any) -> None:
        status = codes_of(self.first("clinicalStatus", "status"))
        told.setdefault("status", " ".join(sorted(status)))
        self.found.add(kind, **name_of(concept), place=self.place, **told)


def _problem(one: _One) -> None:
    when = one.days("onsetDateTime", "onsetPeriod", "recordedDate", "assertedDate", "dateRecorded")
    ended = one.days("abatementDateTime", "abatementPeriod")
    one.add("problem", one.first("code"), on=when["on"], until=ended["on"] or ended["until"])


def _medicine(one: _One) -> None:
    if _says(one, "doNotPerform"):
        return one.found.pass_over("denied")
    concept = one.first("medicationCodeableConcept")
    if concept is None:
        reference = one.first("medicationReference")
        pointed = one.pointed(reference)
        concept = pointed.get("code") or {"text": _mixed(pointed) or _shown(reference)}
    dosage = [d for d in many(one.first("dosageInstruction", "dosage")) if is_resource(d)]
    how = "; ".join(str(d["text"]) for d in dosage if d.get("text"))
    when = one.days("effectiveDateTime", "effectivePeriod", "authoredOn", "dateWritten",
                    "whenHandedOver", "dateAsserted")  # fmt: skip
    if one.first("taken") == "n" or _says(one, "wasNotTaken", "wasNotGiven"):
        when["status"] = "not-taken"
    one.add("medicine", concept, value_text=how, **when)
    return None


def _says(one: _One, *names: str) -> bool:
    """A yes, as JSON and XML write it."""
    return any(str(one.first(name) or "").lower() == "true" for name in names)


def _mixed(medicine: Resource) -> str:
    """What a medicine without a name is made of."""
    product = medicine.get("product")
    inner = product.get("ingredient") if is_resource(product) else None
    parts = many(medicine.get("ingredient") or inner)
    said = [name_of(p.get("itemCodeableConcept") or p.get("item"))["text"]
            for p in parts if is_resource(p)]  # fmt: skip
    return ", ".join(dict.fromkeys(filter(None, said)))


def _shown(reference: Any) -> str:
    return str(reference.get("display") or "") if is_resource(reference) else ""


def _allergy(one: _One) -> None:
    reactions = [r for r in many(one.first("reaction")) if is_resource(r)]
    said = [name_of(m)["text"] for r in reactions for m in many(r.get("manifestation"))]
    when = one.days("onsetDateTime", "recordedDate", "assertedDate", "onset")
    one.add("allergy", one.first("code", "substance"), value_text=", ".join(filter(None, said)),
            **when)  # fmt: skip


def _procedure(one: _One) -> None:
    told: dict[str, Any] = one.days("performedDateTime", "performedPeriod")
    if _says(one, "notDone", "notPerformed"):
        told["status"] = "not-done"
    one.add("procedure", one.first("code"), **told)


def _immunization(one: _One) -> None:
    status = "not-done" if _says(one, "notGiven", "wasNotGiven") else str(one.first("status") or "")
    when = one.days("occurrenceDateTime", "date")
    one.add("immunization", one.first("vaccineCode"), status=status, **when)


def _report(one: _One) -> None:
    when = one.days("effectiveDateTime", "effectivePeriod", "issued")
    packed = [form for form in many(one.first("presentedForm")) if is_resource(form)]
    for form in packed:
        _attachment(one, form, name_of(one.first("code")), when["on"])
    if not packed:
        one.add("report", one.first("code"), value_text=str(one.first("conclusion") or ""), **when)


def _observation(one: _One) -> None:
    categories = set[str]()
    for category in many(one.first("category")):
        categories |= codes_of(category)
    if categories & NOT_LAB or codes_of(one.first("code")) & NOT_LAB_CODES:
        return
    when = one.days("effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued")
    parts = [part for part in many(one.first("component", "")) if is_resource(part)]
    if has_value(one.resource) or not parts:
        _lab(one, one.resource, when, "")
    for index, part in enumerate(parts):
        _lab(one, part, when, f".component[{index}]")


def _lab(one: _One, told: Resource, when: dict[str, str], within: str) -> None:
    if not has_value(told):
        return one.found.pass_over("without_value")
    limits = [r for r in many(told.get("referenceRange")) if is_resource(r)]
    one.found.add(
        "lab", **name_of(told.get("code")), place=one.place + within,
        reference_range=range_of(limits[0]) if limits else "",
        status=str(one.first("status") or ""), **measured(told), **when,
    )  # fmt: skip
    return None


def has_value(told: Resource) -> bool:
    return any(name.startswith("value") and told[name] not in (None, "") for name in told)


def measured(told: Resource) -> dict[str, str]:
    """The value as a figure with its unit, or in words."""
    if is_resource(quantity := told.get("valueQuantity")):
        unit = str(quantity.get("unit") or quantity.get("code") or "")
        comparator = str(quantity.get("comparator") or "")
        said = number(quantity.get("value"))
        if comparator or not said:  # "< 0.01" is no figure: it must not be drawn as 0.01
            return {"value_text": f"{comparator} {quantity.get('value') or ''}".strip(),
                    "unit": unit}  # fmt: skip
        return {"value": said, "unit": unit}
    if is_resource(concept := told.get("valueCodeableConcept")):
        return {"value_text": name_of(concept)["text"]}
    if is_resource(ratio := told.get("valueRatio")):
        parts = [str((ratio.get(n) or {}).get("value", "")) for n in ("numerator", "denominator")]
        return {"value_text": ":".join(parts)}
    for name in ("valueString", "valueInteger", "valueBoolean", "valueDateTime", "valueTime"):
        if name in told:
            return {"value_text": str(told[name])}
    return {}


def range_of(limits: Resource) -> str:
    if limits.get("text"):
        return str(limits["text"])
    low: Resource = limits.get("low") or {}
    high: Resource = limits.get("high") or {}
    unit = str(low.get("unit") or high.get("unit") or "")
    if low and high:
        return f"{low.get('value')} - {high.get('value')} {unit}".strip()
    if high:
        return f"< {high.get('value')} {unit}".strip()
    return f"> {low.get('value')} {unit}".strip() if low else ""


def _document(one: _One) -> None:
    named = name_of(one.first("type"))
    title = str(one.first("description") or named["text"])
    when = str(one.first("date", "created", "indexed") or "")
    for content in many(one.first("content")):
        if is_resource(content) and is_resource(content.get("attachment")):
            _attachment(one, content["attachment"], {**named, "text": title}, when)


def _attachment(one: _One, attachment: Resource, named: dict[str, str], on: str) -> None:
    title = str(attachment.get("title") or named["text"])
    told = {"title": title, "code": named["code"] if named["code_system"] == LOINC else ""}
    on = str(attachment.get("creation") or on)
    if attachment.get("data"):
        return one.found.file(str(attachment["data"]), place=one.place, on=on, **told)
    binary = one.pointed({"reference": attachment.get("url")})
    if packed := binary.get("data") or binary.get("content"):
        place = f"Binary/{binary.get('id') or '-'}"
        if not any(file["place"] == place for file in one.found.files):
            one.found.file(str(packed), place=place, on=on, **told)
        return None
    return one.found.pass_over("only_linked") if attachment.get("url") else None


def _binary(one: _One) -> None:
    """A file that nothing names stands for itself; one that is named is taken by its name."""
    if any(file["place"] == one.place for file in one.found.files):
        return
    if packed := one.first("data", "content"):
        one.found.file(str(packed), title="", place=one.place)


READERS: dict[str, Callable[[_One], None]] = {
    "Condition": _problem,
    "MedicationStatement": _medicine,
    "MedicationRequest": _medicine,
    "MedicationOrder": _medicine,  # DSTU2
    "MedicationDispense": _medicine,
    "AllergyIntolerance": _allergy,
    "Procedure": _procedure,
    "Immunization": _immunization,
    "DiagnosticReport": _report,
    "Observation": _observation,
    "DocumentReference": _document,
    "Binary": _binary,
}


def many(thing: Any) -> list[Any]:
    """One or many, as a list: XML and old versions do not tell them apart."""
    if thing is None or thing == "":
        return []
    return thing if isinstance(thing, list) else [thing]


def is_resource(thing: Any) -> TypeGuard[Resource]:
    return isinstance(thing, dict)


def codes_of(concept: Any) -> set[str]:
    """The codes of a code, Coding or CodeableConcept."""
    if isinstance(concept, str):
        return {concept}
    if not is_resource(concept):
        return set()
    codings = [c for c in many(concept.get("coding")) if is_resource(c)]
    return {str(c["code"]) for c in codings if c.get("code")}


def _is_null(coding: Resource) -> bool:
    """ "Unknown" with a code of its own: two things that are unknown are not the same thing."""
    return str(coding.get("system") or "").rpartition("/")[2] in (
        "v3-NullFlavor", "data-absent-reason",
    )  # fmt: skip


def name_of(concept: Any) -> dict[str, str]:
    """What a concept is called, and its code; LOINC first."""
    if isinstance(concept, list):
        concept = concept[0] if concept else None
    if not is_resource(concept):
        return {"text": str(concept or ""), "code_system": "", "code": ""}
    codings = [c for c in many(concept.get("coding")) if is_resource(c) and not _is_null(c)]
    codings.sort(key=lambda coding: coding.get("system") != LOINC)
    best = codings[0] if codings else {}
    shown = [str(c["display"]) for c in codings if c.get("display")]
    text = str(concept.get("text") or next(iter(shown), "") or best.get("code") or "")
    return {
        "text": text,
        "code_system": str(best.get("system") or ""),
        "code": str(best.get("code") or ""),
    }

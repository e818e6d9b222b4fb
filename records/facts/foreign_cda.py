"""Facts of a C-CDA document, section by section. Runs only in the child of `records.guard`.

Read as certified products write them, not as the guide wishes: names stand in `displayName`, in
`originalText`, or only in the narrative that `originalText` points to.
Source: HL7 CDA R2 Implementation Guide, Consolidated CDA Templates, release 2.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from xml.etree.ElementTree import Element

from records.facts.foreign import Found, number
from records.facts.foreign_xml import parsed

V3 = "{urn:hl7-org:v3}"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
SYSTEMS = {
    "2.16.840.1.113883.6.1": "http://loinc.org",
    "2.16.840.1.113883.6.96": "http://snomed.info/sct",
    "2.16.840.1.113883.6.88": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "2.16.840.1.113883.6.90": "http://hl7.org/fhir/sid/icd-10-cm",
    "2.16.840.1.113883.6.103": "http://hl7.org/fhir/sid/icd-9-cm",
    "2.16.840.1.113883.12.292": "http://hl7.org/fhir/sid/cvx",
    "2.16.840.1.113883.6.12": "http://www.ama-assn.org/go/cpt",
}
NO_NAME = {"unknown", "no information", "none", "not applicable", "problem"}
# Codes that stand for no code. 55607006 is SNOMED's "Problem", where products put the real one
# beside it as a translation.
NO_CODE = {*NO_NAME, "unk", "ni", "na", "nask", "oth", "other", "55607006"}
NO_RESULT = {"48766-0"}  # LOINC "Information source", beside a value in the forerunner of C-CDA
# Templates of a problem itself: C-CDA, its forerunner CCD (C32), and IHE's.
PROBLEM = {"2.16.840.1.113883.10.20.22.4.4", "2.16.840.1.113883.10.20.1.28",
           "1.3.6.1.4.1.19376.1.5.3.1.4.5"}  # fmt: skip
# SNOMED CT: what a status observation (LOINC 33999-4) says, as FHIR would.
STATES = {"55561003": "active", "73425007": "inactive", "413322009": "resolved"}
MAX_NAME = 200  # a narrative that is longer tells more than a name


class _Section:
    """One section with its narrative, so that entries can be named and placed."""

    def __init__(self, element: Element, found: Found) -> None:
        self.element, self.found = element, found
        title = element.findtext(f"{V3}title") or ""
        self.title = " ".join(title.split())[:120] or "section"
        self.narrative: dict[str, str] = {}
        for part in element.iterfind(f"{V3}text//*[@ID]"):
            self.narrative[part.get("ID", "")] = " ".join("".join(part.itertext()).split())
        self.number = 0

    def entries(self) -> Iterator[Element]:
        for entry in self.element.findall(f"{V3}entry"):
            self.number += 1
            yield entry

    @property
    def place(self) -> str:
        return f"{self.title} {self.number}"

    def named(self, code: Element | None) -> dict[str, str]:
        """What a coded thing is called, and its code; else those of a translation."""
        if code is None:
            return {"text": "", "code": "", "code_system": ""}
        coded = next((one for one in (code, *code.findall(f"{V3}translation"))
                      if one.get("code") and not _says_nothing(one)), code)  # fmt: skip
        system = coded.get("codeSystem", "")
        said = (coded.get("displayName"), self.pointed(code), code.get("displayName"))
        text = next((one for one in said if one and one.casefold() not in NO_NAME), "")
        # Two things without a code are not the same thing.
        is_coded = not _says_nothing(coded)
        return {
            "text": text or (coded.get("code", "") if is_coded else ""),
            "code": coded.get("code", "") if is_coded else "",
            "code_system": SYSTEMS.get(system, f"urn:oid:{system}" if system else ""),
        }

    def pointed(self, element: Element | None) -> str:
        """The words of `originalText` or `text`, or of the place in the narrative they mean."""
        if element is None:
            return ""
        said = element.find(f"{V3}originalText")
        said = element if said is None else said
        if words := " ".join("".join(said.itertext()).split()):
            return words
        reference = said.find(f"{V3}reference")
        where = reference.get("value", "") if reference is not None else ""
        return self.narrative.get(where.removeprefix("#"), "")

    def add(self, kind: str, named: dict[str, str], **told: Any) -> None:
        if named["text"].casefold() in NO_NAME:
            return self.found.pass_over("nameless")
        self.found.add(kind, **named, place=self.place, **told)
        return None


def _says_nothing(code: Element) -> bool:
    word, name = code.get("code", ""), code.get("displayName", "")
    return word.casefold() in NO_CODE or name.casefold() in NO_NAME


def read(content: bytes, found: Found) -> None:
    """Read a whole document into `found`."""
    root = parsed(content)
    found.version = "C-CDA"
    for body in root.iterfind(f"{V3}component/{V3}nonXMLBody/{V3}text"):
        if body.get("representation") == "B64":
            title = " ".join((root.findtext(f"{V3}title") or "").split())
            found.file("".join(body.itertext()), title=title, place="nonXMLBody")
        else:
            found.pass_over("only_linked")
    for element in root.iter(f"{V3}section"):
        code = element.find(f"{V3}code")
        reader = READERS.get(code.get("code", "") if code is not None else "")
        section = _Section(element, found)
        for entry in section.entries():
            if reader:
                reader(section, entry)
            for media in entry.iter(f"{V3}observationMedia"):
                value = media.find(f"{V3}value")
                if value is not None and value.get("representation") == "B64":
                    found.file("".join(value.itertext()), title=section.title, place=section.place)


def _times(element: Element) -> dict[str, str]:
    """`on` and `until` of the first effectiveTime that says a day."""
    for time in element.findall(f"{V3}effectiveTime"):
        low, high = time.find(f"{V3}low"), time.find(f"{V3}high")
        begun = time.get("value") or (low.get("value") if low is not None else "") or ""
        ended = (high.get("value") if high is not None else "") or ""
        if begun or ended:
            return {"on": begun, "until": ended}
    return {"on": "", "until": ""}


def _status(element: Element) -> str:
    status = element.find(f"{V3}statusCode")
    return status.get("code", "") if status is not None else ""


def _state(entry: Element, observation: Element) -> str:
    """What its status observation says; else of the act around it, which is of the concern."""
    for beside in observation.iterfind(f"{V3}entryRelationship/{V3}observation"):
        code, value = beside.find(f"{V3}code"), beside.find(f"{V3}value")
        if code is not None and value is not None and code.get("code") == "33999-4":
            return STATES.get(value.get("code", ""), "")
    act = entry.find(f"{V3}act")
    return _status(act) if act is not None else ""


def _is_denied(element: Element) -> bool:
    """negationInd: it did not happen, or is not so."""
    return element.get("negationInd", "").lower() == "true"


def _results(section: _Section, entry: Element) -> None:
    for observation in entry.iter(f"{V3}observation"):
        code = observation.find(f"{V3}code")
        if code is not None and code.get("code") in NO_RESULT:
            continue
        value = observation.find(f"{V3}value")
        measured = _measured(section, value)
        if _is_denied(observation) or not measured:
            section.found.pass_over("without_value")
            continue
        limits = observation.find(f".//{V3}observationRange")
        organizer = entry.find(f"{V3}organizer")
        when = _times(observation)
        if not when["on"] and organizer is not None:
            when = _times(organizer)
        section.add(
            "lab", section.named(code), on=when["on"] or when["until"],
            reference_range=_range(section, limits), status=_status(observation), **measured,
        )  # fmt: skip


def _measured(section: _Section, value: Element | None) -> dict[str, str]:
    if value is None or (value.get("nullFlavor") and not value.get("value")):
        return {}
    kind = value.get(XSI_TYPE, "").rpartition(":")[2]
    if said := number(value.get("value")):
        return {"value": said, "unit": _unit(value)}
    if kind == "IVL_PQ":  # "< 0.01": an interval with one end is no figure
        for end, sign in (("low", ">"), ("high", "<")):
            limit = value.find(f"{V3}{end}")
            if limit is not None and limit.get("value"):
                return {"value_text": f"{sign} {limit.get('value')}", "unit": _unit(limit)}
    text = value.get("displayName") or section.pointed(value) or value.get("value") or ""
    return _figure_in_words(text) if text else {}


def _figure_in_words(text: str) -> dict[str, str]:
    """Products write figures as strings; a bare figure is one, "7 (high)" stays in words."""
    said = number(text)
    return {"value": said} if said else {"value_text": text}


def _unit(element: Element) -> str:
    unit = element.get("unit", "")
    return "" if unit == "1" else unit


def _range(section: _Section, limits: Element | None) -> str:
    if limits is None:
        return ""
    if words := section.pointed(limits.find(f"{V3}text")):
        return words
    value = limits.find(f"{V3}value")
    if value is None:
        return ""
    low, high = (value.find(f"{V3}{end}") for end in ("low", "high"))
    said = [end.get("value", "") for end in (low, high) if end is not None]
    return " - ".join(filter(None, said))


def _problems(section: _Section, entry: Element) -> None:
    for observation in entry.iter(f"{V3}observation"):
        if not {one.get("root") for one in observation.findall(f"{V3}templateId")} & PROBLEM:
            continue  # status, severity and age stand beside the problem itself
        if _is_denied(observation):
            section.found.pass_over("denied")
            continue
        named = section.named(observation.find(f"{V3}value"))
        if named["text"] in ("", named["code"]):  # some products write the words beside only
            words = section.pointed(observation.find(f"{V3}text"))
            named["text"] = words if 0 < len(words) <= MAX_NAME else named["text"]
        section.add("problem", named, status=_state(entry, observation), **_times(observation))


def _medicines(section: _Section, entry: Element) -> None:
    for given in entry.findall(f".//{V3}substanceAdministration"):
        product = given.find(f"{V3}consumable//{V3}manufacturedMaterial")
        if product is None:
            continue
        if _is_denied(given):
            section.found.pass_over("denied")
            continue
        section.add("medicine", _product(section, product), value_text=_dose(given),
                    status=_status(given), **_times(given))  # fmt: skip


def _product(section: _Section, product: Element) -> dict[str, str]:
    named = section.named(product.find(f"{V3}code"))
    if named["text"] in ("", named["code"]) or named["text"].casefold() in NO_NAME:
        named["text"] = " ".join((product.findtext(f"{V3}name") or "").split()) or named["text"]
    return named


def _dose(given: Element) -> str:
    dose = given.find(f"{V3}doseQuantity")
    if dose is None or not dose.get("value"):
        return ""
    return f"{dose.get('value')} {_unit(dose)}".strip()


def _allergies(section: _Section, entry: Element) -> None:
    for observation in entry.iter(f"{V3}observation"):
        agent = observation.find(f"{V3}participant//{V3}playingEntity")
        if agent is None:
            continue
        if _is_denied(observation):
            section.found.pass_over("denied")
            continue
        named = section.named(agent.find(f"{V3}code"))
        if not (named["text"] and named["code"]):  # "Coded name not available", and the name beside
            called = " ".join((agent.findtext(f"{V3}name") or "").split())
            named["text"] = called or named["text"]
        section.add("allergy", named, value_text=_reactions(section, observation),
                    status=_state(entry, observation), **_times(observation))  # fmt: skip


def _reactions(section: _Section, observation: Element) -> str:
    said = []
    for link in observation.findall(f"{V3}entryRelationship[@typeCode='MFST']"):
        named = section.named(link.find(f"{V3}observation/{V3}value"))["text"]
        said.append(named)
    return ", ".join(dict.fromkeys(filter(None, said)))


def _procedures(section: _Section, entry: Element) -> None:
    for name in ("procedure", "observation", "act"):
        done = entry.find(f"{V3}{name}")
        if done is None:
            continue
        if _is_denied(done):
            section.found.pass_over("denied")
            continue
        section.add("procedure", section.named(done.find(f"{V3}code")), status=_status(done),
                    **_times(done))  # fmt: skip


def _immunizations(section: _Section, entry: Element) -> None:
    given = entry.find(f"{V3}substanceAdministration")
    product = given.find(f"{V3}consumable//{V3}manufacturedMaterial") if given is not None else None
    if given is None or product is None:
        return
    status = "not-done" if _is_denied(given) else _status(given)
    section.add("immunization", _product(section, product), status=status, **_times(given))


READERS: dict[str, Callable[[_Section, Element], None]] = {
    "30954-2": _results, "11493-4": _results,  # results; of a hospital stay
    "11450-4": _problems, "11348-0": _problems, "11535-2": _problems, "46241-6": _problems,
    "10160-0": _medicines, "10183-2": _medicines, "42346-7": _medicines, "29549-3": _medicines,
    "75311-1": _medicines,
    "48765-2": _allergies,
    "47519-4": _procedures,
    "11369-6": _immunizations,
}  # fmt: skip

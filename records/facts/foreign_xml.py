"""FHIR in XML as the same tree that FHIR in JSON gives. Runs only in the child of `records.guard`.

SECURITY: no document type, hence no entities (defusedxml refuses them; screening did so before).
Source: https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, tostring

from defusedxml import ElementTree  # type: ignore[import-untyped]

FHIR = "{http://hl7.org/fhir}"
NARRATIVE = "{http://www.w3.org/1999/xhtml}div"
HOLDS_A_RESOURCE = {"resource", "contained", "outcome"}


def parsed(content: bytes) -> Element:
    """The root element. Raises for a document type, an entity, or a broken file."""
    root: Element = ElementTree.fromstring(content, forbid_dtd=True)
    return root


def fhir_as_json(content: bytes) -> dict[str, Any]:
    root = parsed(content)
    return {"resourceType": root.tag.removeprefix(FHIR)} | _inside(root)


def _inside(element: Element) -> dict[str, Any]:
    """Every element that repeats is a list; readers take one and many alike."""
    told: dict[str, Any] = {name: element.get(name) for name in ("id", "url") if element.get(name)}
    for child in element:
        if child.tag == NARRATIVE:  # as JSON has it: a text; who shows it takes the words out of it
            told["div"] = tostring(child, encoding="unicode")
            continue
        if not isinstance(child.tag, str) or not child.tag.startswith(FHIR):
            continue  # a comment
        name = child.tag.removeprefix(FHIR)
        value = _value(child, name)
        if name in told:
            before = told[name]
            told[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            told[name] = value
    return told


def _value(element: Element, name: str) -> Any:
    if name in HOLDS_A_RESOURCE and len(element):
        inner = element[0]
        return {"resourceType": str(inner.tag).removeprefix(FHIR)} | _inside(inner)
    said = element.get("value")
    return said if said is not None else _inside(element)

"""Checklists as data: what may stand in one, and what is wrong with it in plain sentences.

A checklist comes from a YAML file of `requests_app/checklists/` or from a clinic's own version.
docs/checklists.md explains every key to the person who writes one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from dateutil.relativedelta import relativedelta
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from records.models.case_file import BlindingClass
from records.models.document import DocumentKind
from requests_app.models.opinion_request import Purpose

SHIPPED = Path(__file__).resolve().parent.parent / "checklists"
TIERS = ("required", "conditional", "optional")
FORMS = ("images", "report", "document", "lab", "slides", "answer")
ANSWERS = ("questions", "original_diagnosis", "story", "what_matters", "safety", "item")
KEY = re.compile(r"[a-z][a-z0-9_]{1,39}")
SPAN = re.compile(r"P(\d{1,3})([DWMY])")
UNITS = {"D": "days", "W": "weeks", "M": "months", "Y": "years"}
RULES = {  # kind of evidence -> what may stand beside it
    "images": {
        "body_part", "contrast", "slice_thickness_max", "sequences", "mentions", "multi_frame",
        "min_images", "min_studies", "earlier", "within",
    },
    "document": {"mentions", "within", "min_documents"},
    "lab": {"min_values", "within"},
    "slides": set(),
    "answer": set(),
    "any": set(),
}  # fmt: skip


class Wrong(ValueError):
    """A checklist that cannot be used; `args[0]` is a list of sentences for who wrote it."""


@dataclass(frozen=True)
class Item:
    key: str
    tier: str
    form: str
    evidence: dict[str, Any]
    blinding: str
    title: dict[str, str]
    why: dict[str, str]
    ask: dict[str, str] = field(default_factory=dict)  # yes-or-no question: does this apply?
    ask_of: str = ""  # or the item whose question decides
    when: dict[str, Any] = field(default_factory=dict)  # {"purpose": [...]}
    question: dict[str, str] = field(default_factory=dict)  # what to answer in words
    or_answer: bool = False  # an answer in words will do instead

    @property
    def takes_words(self) -> bool:
        return self.or_answer or self.evidence.get("answer") == "item"


@dataclass(frozen=True)
class Checklist:
    key: str
    version: str
    title: dict[str, str]
    codes: tuple[str, ...]
    purposes: tuple[str, ...]
    items: tuple[Item, ...]
    words: tuple[str, ...] = ()  # of the diagnosis, beside those that the giveaway lists know
    reviewed_by: str = ""


def said(texts: dict[str, str]) -> str:
    """A text of a checklist in the reader's language, else in English."""
    language = (get_language() or "en").split("-")[0]
    return texts.get(language) or texts.get("en", "")


def before(day: date, span: str) -> date:
    """The day a span ("P6M", ISO 8601) before another."""
    count, unit = SPAN.fullmatch(span).groups()  # type: ignore[union-attr]
    earlier: date = day - relativedelta(**{UNITS[unit]: int(count)})
    return earlier


def read(text: str) -> Checklist:
    """Parse YAML text. Raises Wrong."""
    if len(text) > 200_000:
        raise Wrong([_("This checklist is too long. Keep it under 200,000 letters.")])
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise Wrong([_("Line %(line)d is not YAML. Check its spaces.") % {"line": line}]) from None
    return parse(data)


def parse(data: Any) -> Checklist:
    """Check and read a checklist. Raises Wrong with everything that is wrong with it."""
    if not isinstance(data, dict) or not isinstance(data.get("items"), list):
        raise Wrong([_("A checklist has a key, a version, a title and a list of items.")])
    problems: list[str] = []
    if not (isinstance(data.get("key"), str) and KEY.fullmatch(data["key"])):
        problems.append(_("The checklist's key needs small letters and underscores."))
    if not str(data.get("version", "")).strip():
        problems.append(_("Write a version, for example the month: 2026-11."))
    _check_texts(data, "title", _("The checklist"), problems)
    items = [item for item in data["items"] if isinstance(item, dict)]
    if not items or len(items) != len(data["items"]):
        problems.append(_("Each item is a block with a key, a tier, a form and evidence."))
    keys = [str(item.get("key", "")) for item in items]
    for item in items:
        _check_item(item, keys, problems)
    twice = sorted({key for key in keys if keys.count(key) > 1})
    problems += [_("The key “%(key)s” stands twice.") % {"key": key} for key in twice]
    purposes = _words(data.get("purposes"))
    if not set(purposes) <= set(Purpose.values):
        problems.append(_("A purpose of this checklist is not known."))
    if problems:
        raise Wrong(problems)
    return Checklist(
        key=data["key"], version=str(data["version"]), title=data["title"],
        codes=_words(data.get("codes")), purposes=purposes,
        items=tuple(_item(item) for item in items), words=_words(data.get("words")),
        reviewed_by=str(data.get("reviewed_by") or ""),
    )  # fmt: skip


def _item(data: dict[str, Any]) -> Item:
    known = {name: data[name] for name in Item.__dataclass_fields__ if name in data}
    return Item(**known)


def _words(value: Any) -> tuple[str, ...]:
    return tuple(str(word) for word in value) if isinstance(value, list) else ()


def _check_texts(data: dict[str, Any], name: str, where: str, problems: list[str]) -> None:
    texts = data.get(name)
    if not isinstance(texts, dict) or not str(texts.get("en", "")).strip():
        told = {"where": where, "name": name}
        problems.append(_("%(where)s needs “%(name)s” with a text under “en”.") % told)
    elif not all(isinstance(text, str) and len(text) <= 300 for text in texts.values()):
        told = {"where": where, "name": name}
        problems.append(_("%(where)s: the texts of “%(name)s” have at most 300 letters.") % told)


def _check_item(item: dict[str, Any], keys: list[str], problems: list[str]) -> None:
    key = str(item.get("key", ""))
    where = _("Item “%(key)s”") % {"key": key}
    if not KEY.fullmatch(key):
        problems.append(_("%(where)s: a key has small letters and underscores.") % {"where": where})
    for name in sorted(set(item) - set(Item.__dataclass_fields__)):
        told = {"where": where, "name": name}
        problems.append(_("%(where)s: “%(name)s” is not known here.") % told)
    for name in ("title", "why", *[name for name in ("ask", "question") if name in item]):
        _check_texts(item, name, where, problems)
    allowed = {"tier": TIERS, "form": FORMS, "blinding": tuple(BlindingClass.values)}
    for name, values in allowed.items():
        if item.get(name) not in values:
            told = {"where": where, "name": name, "values": ", ".join(values)}
            problems.append(_("%(where)s: “%(name)s” is one of: %(values)s.") % told)
    if item.get("tier") == "conditional" and not {"ask", "ask_of", "when"} & set(item):
        problems.append(
            _("%(where)s: a conditional item needs “ask”, “ask_of” or “when”.") % {"where": where}
        )
    if item.get("ask_of", "") and item["ask_of"] not in keys:
        problems.append(_("%(where)s: “ask_of” names an item that is not here.") % {"where": where})
    when = item.get("when", {})
    if not isinstance(when, dict) or not set(_words(when.get("purpose"))) <= set(Purpose.values):
        problems.append(_("%(where)s: “when” names an unknown purpose.") % {"where": where})
    if not _is_evidence(item.get("evidence"), depth=0):
        problems.append(_("%(where)s: its evidence cannot be tested.") % {"where": where})


def _is_evidence(rule: Any, depth: int) -> bool:
    """Whether every part of an evidence rule is one that `evaluating` knows how to test."""
    if not isinstance(rule, dict) or depth > 2:
        return False
    kinds = [kind for kind in RULES if kind in rule]
    if len(kinds) != 1 or not set(rule) <= {kinds[0], *RULES[kinds[0]]}:
        return False
    kind, value = kinds[0], rule[kinds[0]]
    spans = [rule[name] for name in ("within", "earlier") if name in rule]
    if not all(isinstance(span, str) and SPAN.fullmatch(span) for span in spans):
        return False
    if kind == "any":
        return (
            isinstance(value, list)
            and bool(value)
            and all(_is_evidence(one, depth + 1) for one in value)
        )
    if kind == "document":
        return isinstance(value, list) and set(value) <= set(DocumentKind.values)
    if kind == "images":
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if kind == "answer":
        return value in ANSWERS
    return isinstance(value, str) if kind == "lab" else isinstance(value, int)


def shipped() -> dict[str, str]:
    """The checklists that come with SecondOp: key -> YAML text."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(SHIPPED.glob("*.yaml"))}

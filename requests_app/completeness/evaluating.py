"""Compare checklists with evidence: what is there, what is old, what is missing, and why.

Pure: no queries. The sentences name what was found, so that nobody wonders why a report on paper
does not count as images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from requests_app.completeness.definition import Checklist, Item, before, said
from requests_app.completeness.evidence import Evidence, Paper, Series

State = Literal["met", "old", "missing", "unknown", "not_needed", "waived"]


@dataclass(frozen=True)
class Finding:
    """How one item stands."""

    name: str  # "breast_cancer.mri"
    item: Item
    state: State
    tier: str  # as it counts for this request: a conditional item that applies is required
    why_not: str = ""  # what was found instead, in words

    @property
    def blocks(self) -> bool:
        return self.tier == "required" and self.state == "missing"

    @property
    def title(self) -> str:
        return said(self.item.title)

    @property
    def why(self) -> str:
        return said(self.item.why)

    @property
    def asks(self) -> str:
        return said(self.item.ask)

    @property
    def question(self) -> str:
        return said(self.item.question) or self.title


@dataclass(frozen=True)
class Completeness:
    findings: list[Finding] = field(default_factory=list)

    @property
    def percent(self) -> int:
        """Of the items that count and are not waived, how many are here. 100 when none counts."""
        counted = [f for f in self.findings if f.tier == "required" and f.state != "waived"]
        done = sum(f.state in ("met", "old") for f in counted)
        return 100 * done // len(counted) if counted else 100

    @property
    def gaps(self) -> list[Finding]:
        """What stands in the way of a review."""
        return [finding for finding in self.findings if finding.blocks]

    @property
    def open_questions(self) -> list[Finding]:
        """Conditional items nobody has said anything about yet."""
        return [finding for finding in self.findings if finding.state == "unknown"]

    @property
    def is_enough(self) -> bool:
        return not self.gaps


@dataclass(frozen=True)
class Tested:
    is_met: bool
    is_old: bool = False
    why_not: str = ""


def evaluate(checklists: list[Checklist], evidence: Evidence, today: date) -> Completeness:
    findings: list[Finding] = []
    for checklist in checklists:
        items = {item.key: item for item in checklist.items}
        findings += [
            _finding(checklist.key, item, items, evidence, today) for item in checklist.items
        ]
    return Completeness(findings)


def _finding(
    key: str, item: Item, items: dict[str, Item], evidence: Evidence, today: date
) -> Finding:
    name = f"{key}.{item.key}"
    tested = _test(item.evidence, evidence, today, name)
    if not tested.is_met and item.or_answer and f"item:{name}" in evidence.answers:
        tested = Tested(True)
    applies = _applies(key, item, items, evidence)
    tier = "required" if item.tier == "conditional" and applies == "yes" else item.tier
    if tested.is_met:
        return Finding(name, item, "old" if tested.is_old else "met", tier, tested.why_not)
    if applies == "no":
        return Finding(name, item, "not_needed", "optional")
    if name in evidence.waivers:
        return Finding(name, item, "waived", tier, evidence.waivers[name].reason)
    if applies == "unknown":
        return Finding(name, item, "unknown", "conditional", tested.why_not)
    return Finding(name, item, "missing", tier, tested.why_not)


def _applies(key: str, item: Item, items: dict[str, Item], evidence: Evidence) -> str:
    """Return yes, no or unknown. What is not conditional always applies."""
    if item.when and not evidence.purposes & set(item.when.get("purpose", [])):
        return "no"
    asked = items[item.ask_of] if item.ask_of else item
    if not asked.ask:
        return "yes"
    return evidence.applies.get(f"{key}.{asked.key}", "unknown")


def _test(rule: dict[str, Any], evidence: Evidence, today: date, name: str) -> Tested:
    for kind, test in TESTS.items():
        if kind in rule:
            return test(rule, evidence, today, name)
    raise AssertionError(rule)  # definition.parse lets no other through


def _any(rule: dict[str, Any], evidence: Evidence, today: date, name: str) -> Tested:
    tested = [_test(one, evidence, today, name) for one in rule["any"]]
    met = [one for one in tested if one.is_met]
    return min(met, key=lambda one: one.is_old) if met else tested[0]


def _answer(rule: dict[str, Any], evidence: Evidence, today: date, name: str) -> Tested:
    wanted = f"item:{name}" if rule["answer"] == "item" else rule["answer"]
    return Tested(wanted in evidence.answers)


def _slides(rule: dict[str, Any], evidence: Evidence, today: date, name: str) -> Tested:
    return Tested(evidence.slides >= rule["slides"])


def _lab(rule: dict[str, Any], evidence: Evidence, today: date, name: str) -> Tested:
    """Values of one analyte on different days, the last of them recent."""
    mine = [value for value in evidence.values if value.analyte == rule["lab"]]
    days = {value.on for value in mine if value.on}
    wanted = rule.get("min_values", 1)
    if len(days) < wanted:
        found = ngettext("%(n)d value with a date is here.", "%(n)d values with a date are here.",
                         len(days)) % {"n": len(days)}  # fmt: skip
        return Tested(False, why_not=found if mine else "")
    return _recent(rule, max(days), today)


def _document(rule: dict[str, Any], evidence: Evidence, today: date, name: str) -> Tested:
    mine = [paper for paper in evidence.papers if paper.kind in rule["document"]]
    told = [paper for paper in mine if _mentions(rule, paper)]
    if len(told) < rule.get("min_documents", 1):
        if mine and "mentions" in rule:
            return Tested(False, why_not=_("A paper of this kind is here, but not this one."))
        return Tested(False, why_not=_images_only(rule, evidence))
    return _recent(rule, max((paper.on for paper in told if paper.on), default=None), today)


def _mentions(rule: dict[str, Any], paper: Paper) -> bool:
    """Whether the paper names one of the words. A picture of a page may: a person looks."""
    words = rule.get("mentions")
    return not words or not paper.text.strip() or any(w.casefold() in paper.text for w in words)


def _images_only(rule: dict[str, Any], evidence: Evidence) -> str:
    if "imaging_report" in rule["document"] and evidence.series:
        return _("The images are here, the written report is not.")
    return ""


def _images(rule: dict[str, Any], evidence: Evidence, today: date, name: str) -> Tested:
    """Images by what their headers say. Each condition that fails has its sentence."""
    wanted = [one.upper() for one in rule["images"]]
    mine = [one for one in evidence.series if not wanted or one.modality in wanted]
    if not mine:
        has_report = any(paper.kind == "imaging_report" for paper in evidence.papers)
        found = _("A report is here, the images are not.") if has_report else ""
        return Tested(False, why_not=found)
    for passes, sentence in _conditions(rule):
        fitting = [one for one in mine if passes(one)]
        if not fitting:
            return Tested(False, why_not=sentence)
        mine = fitting
    return _counted(rule, mine, evidence, today)


def _counted(rule: dict[str, Any], mine: list[Series], evidence: Evidence, today: date) -> Tested:
    sequences = rule.get("sequences", [])
    lacking = [names[0] for names in sequences if not any(_is_named(one, names) for one in mine)]
    if lacking:
        told = {"names": ", ".join(lacking)}
        return Tested(False, why_not=_("These series are missing: %(names)s.") % told)
    if sum(one.instances for one in mine) < rule.get("min_images", 1):
        return Tested(False, why_not=_("There are fewer images than a whole examination has."))
    if len({one.study for one in mine}) < rule.get("min_studies", 1):
        return Tested(False, why_not=_("Only one examination of this kind is here."))
    days = sorted(one.on for one in mine if one.on)
    if "earlier" in rule:
        newest = max((one.on for one in evidence.series if one.on), default=today)
        is_met = bool(days) and days[0] <= before(newest, rule["earlier"])
        return Tested(is_met, why_not="" if is_met else _("No earlier examination is here."))
    return _recent(rule, days[-1] if days else None, today)


def _conditions(rule: dict[str, Any]) -> list[tuple[Callable[[Series], bool], str]]:
    checks: list[tuple[Callable[[Series], bool], str]] = []
    if parts := rule.get("body_part"):
        sentence = _("Images are here, but of another part of the body.")
        checks.append((lambda one: _shows(one, parts), sentence))
    if words := rule.get("mentions"):
        sentence = _("Images are here, but not these.")
        checks.append((lambda one: _is_named(one, words), sentence))
    if rule.get("contrast"):
        sentence = _("Images are here, but without contrast.")
        checks.append((lambda one: one.has_contrast, sentence))
    if limit := rule.get("slice_thickness_max"):
        sentence = _("The slices are thicker than %(limit)s mm.") % {"limit": limit}
        checks.append((lambda one: _is_thin(one, limit), sentence))
    if rule.get("multi_frame"):
        sentence = _("Still pictures are here, moving ones are needed.")
        checks.append((lambda one: one.frames > 1, sentence))
    return checks


def _shows(one: Series, parts: list[str]) -> bool:
    """The body part by its header, else by the words of study and series: many leave it empty."""
    named = one.body_part or one.description
    return any(part.upper() in named for part in parts) or not named.strip()


def _is_named(one: Series, words: list[str]) -> bool:
    return any(word.upper() in one.description for word in words)


def _is_thin(one: Series, limit: float) -> bool:
    return one.slice_thickness is not None and 0 < one.slice_thickness <= limit


def _recent(rule: dict[str, Any], on: date | None, today: date) -> Tested:
    """Old records are taken and flagged, never refused."""
    if "within" not in rule or on is None:
        return Tested(True)
    is_old = on < before(today, rule["within"])
    return Tested(True, is_old, _("It is older than usual.") if is_old else "")


TESTS: dict[str, Callable[[dict[str, Any], Evidence, date, str], Tested]] = {
    "images": _images,
    "document": _document,
    "lab": _lab,
    "slides": _slides,
    "answer": _answer,
    "any": _any,
}

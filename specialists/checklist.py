"""What a quality reviewer looks at: facts counted from the snapshot, and questions for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from specialists.readability import readability_of

Text = str | Promise

# A machine cannot answer these. From domain/WORKFLOWS 4.3, state 12.
LOOK_YOURSELF: tuple[Text, ...] = (
    gettext_lazy("Does the diagnosis follow from the records?"),
    gettext_lazy("Is the plan sensible and safe, with allergies and medicines in mind?"),
    gettext_lazy("Are the options described fairly, the first doctor's plan included?"),
    gettext_lazy("Does the plain summary say the same as the medical part, and is it kind?"),
    gettext_lazy("Is anything urgent that should be a phone call first?"),
)


@dataclass(frozen=True)
class Item:
    label: Text
    note: Text
    is_fine: bool


def checklist(snapshot: dict[str, Any]) -> list[Item]:
    """Return one line for each thing that can be counted, over all opinions of the report."""
    items: list[Item] = []
    for opinion in snapshot["opinions"]:
        prefix = f"{opinion['letter']}. " if len(snapshot["opinions"]) > 1 else ""
        items += [
            Item(f"{prefix}{item.label}", item.note, item.is_fine)
            for item in _of_opinion(opinion, snapshot)
        ]
    return items


def _of_opinion(opinion: dict[str, Any], snapshot: dict[str, Any]) -> list[Item]:
    asked, answers = len(snapshot["questions"]), opinion["answers"]
    answered = sum(bool(answer["text"].strip()) for answer in answers)
    options = opinion["options"]
    read = readability_of(opinion["summary"], snapshot["language"])
    return [
        Item(
            _("Questions answered"),
            _("%(done)d of %(all)d") % {"done": answered, "all": asked},
            answered == asked,
        ),
        Item(
            _("First doctor's plan among the options"),
            _("%(n)d options in all") % {"n": len(options)},
            any(option["is_first_doctors_plan"] for option in options),
        ),
        Item(
            _("One option recommended"),
            next((o["name"] for o in options if o["is_recommended"]), _("None")),
            sum(option["is_recommended"] for option in options) == 1,
        ),
        Item(_("Plain summary"), read.sentence, read.is_plain),
        Item(_("Limits are stated"), opinion["limits"], bool(opinion["limits"].strip())),
        _conflicts(opinion),
        _concordance(opinion),
        _reading(opinion, snapshot),
        *([_seal(opinion)] if snapshot["review"]["code"] == "sealed" else []),
    ]


def _conflicts(opinion: dict[str, Any]) -> Item:
    declared = opinion["conflicts"].strip()
    return Item(_("Conflicts of interest"), declared or _("Nothing was written"), bool(declared))


def _concordance(opinion: dict[str, Any]) -> Item:
    differing = [
        row["axis"]["label"] for row in opinion["comparisons"] if row["result"]["code"] != "same"
    ]
    explained = all(row["why"].strip() for row in opinion["comparisons"])
    note = _("Not the same: %(axes)s") % {"axes": ", ".join(differing)} if differing else _("Same")
    return Item(_("Compared with the first opinion"), note, explained)


def _reading(opinion: dict[str, Any], snapshot: dict[str, Any]) -> Item:
    opened = set(opinion["blinding"]["opened"])
    unopened = [str(d["number"]) for d in snapshot["documents"] if d["number"] not in opened]
    note = _("Not opened: record no. %(numbers)s") % {"numbers": ", ".join(unopened)}
    return Item(_("Records opened"), note if unopened else _("All"), not unopened)


def _seal(opinion: dict[str, Any]) -> Item:
    blinding = opinion["blinding"]
    if blinding["seal_broken_at"]:
        return Item(_("Seal"), _("Opened early for safety"), False)
    intact = bool(blinding.get("is_intact"))
    return Item(_("Seal"), _("Matches its fingerprint") if intact else _("Does not match"), intact)

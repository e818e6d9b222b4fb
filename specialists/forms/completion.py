"""What follows the reveal, as one form: a section for each part of the page."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from secondop.lib.forms import CountedTextarea, Radios
from specialists.models import Answer, Comparison, Opinion, TreatmentOption
from specialists.workflow.completing import OPTION_FIELDS, WHOLE_TEXTS

OPTION_LABELS = {
    "name": gettext_lazy("Name"),
    "what_it_involves": gettext_lazy("What it involves"),
    "benefits": gettext_lazy("Benefits"),
    "harms": gettext_lazy("Harms and burdens"),
    "evidence": gettext_lazy("How good the evidence is"),
    "fits_priorities": gettext_lazy("How it fits what matters to the patient"),
}
OPTIONAL_PARTS = ("what_it_involves", "evidence", "fits_priorities")


def _text(label: Any, limit: int, rows: int, hint: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=hint,
        max_length=limit,
        required=False,
        widget=CountedTextarea(rows=rows),
    )


class CompletionForm(forms.Form):
    """Names: `compare-<axis>-why`, `answer-<question>-text`, `option-<id>-benefits`."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    plain_summary = _text(
        gettext_lazy("Summary for the patient"),
        8000,
        9,
        gettext_lazy("What it is, what you advise and why, what to do now. Short sentences."),
    )
    limits = _text(gettext_lazy("What this opinion cannot tell"), 4000, 6)
    conflicts = forms.CharField(
        label=gettext_lazy("Conflicts of interest"),
        help_text=gettext_lazy("Leave empty if you have none. The report then says so."),
        max_length=500,
        required=False,
    )

    def __init__(self, opinion: Opinion, data: Any = None) -> None:
        self.comparisons = sorted(
            opinion.comparisons.all(), key=lambda row: Comparison.Axis.values.index(row.axis)
        )
        self.answers = list(
            opinion.answers.select_related("question__wording").order_by("question__position")
        )
        self.options = list(opinion.options.order_by("position"))
        first = {name: getattr(opinion, name) for name in (*WHOLE_TEXTS, "version")}
        super().__init__(data, initial=first)
        for comparison in self.comparisons:
            self._add_comparison(comparison)
        for answer in self.answers:
            self._add_answer(answer)
        for option in self.options:
            self._add_option(option)
        self._add_recommended()

    def _add(self, name: str, field: forms.Field, initial: Any) -> None:
        self.fields[name] = field
        self.initial[name] = initial

    def _add_comparison(self, row: Comparison) -> None:
        result = forms.ChoiceField(
            label=row.get_axis_display(),
            choices=Comparison.Result.choices,
            required=False,
            widget=Radios(),
        )
        self._add(f"compare-{row.axis}-result", result, row.result)
        self._add(f"compare-{row.axis}-why", _text(gettext_lazy("Why"), 2000, 2), row.why)

    def _add_answer(self, row: Answer) -> None:
        self._add(
            f"answer-{row.question_id}-text",
            _text(gettext_lazy("Your answer"), 4000, 4),
            row.text,
        )
        cannot = forms.BooleanField(
            label=gettext_lazy("This cannot be answered from the records; my answer says why"),
            required=False,
        )
        self._add(f"answer-{row.question_id}-cannot_be_answered", cannot, row.cannot_be_answered)

    def _add_option(self, row: TreatmentOption) -> None:
        for name in OPTION_FIELDS:
            limit = cast(int, cast(Any, TreatmentOption._meta.get_field(name)).max_length)
            field = _text(OPTION_LABELS[name], limit, 1 if name == "name" else 3)
            if name == "name":
                field.widget = forms.TextInput(attrs={"maxlength": None})
            field.is_needed = name not in OPTIONAL_PARTS  # type: ignore[attr-defined]
            self._add(f"option-{row.pk}-{name}", field, getattr(row, name))

    def _add_recommended(self) -> None:
        choices = [
            (str(row.pk), row.name or _("Option %(n)d") % {"n": n})
            for n, row in enumerate(self.options, 1)
        ]
        field = forms.ChoiceField(
            label=gettext_lazy("Which option would you choose?"),
            choices=choices,
            required=False,
            widget=Radios(),
        )
        chosen = next((str(row.pk) for row in self.options if row.is_recommended), "")
        self._add("recommended", field, chosen)

    # For the template: bound fields, grouped as the page shows them.

    def comparison_rows(self) -> list[dict[str, Any]]:
        return [
            {
                "axis": row.axis,
                "label": row.get_axis_display(),
                "result": self[f"compare-{row.axis}-result"],
                "why": self[f"compare-{row.axis}-why"],
            }
            for row in self.comparisons
        ]

    def answer_rows(self) -> list[dict[str, Any]]:
        return [
            {
                "number": number,
                "question": row.question,
                "text": self[f"answer-{row.question_id}-text"],
                "cannot": self[f"answer-{row.question_id}-cannot_be_answered"],
            }
            for number, row in enumerate(self.answers, 1)
        ]

    def option_columns(self) -> list[dict[str, Any]]:
        return [
            {
                "number": number,
                "option": row,
                "fields": [self[f"option-{row.pk}-{name}"] for name in OPTION_FIELDS],
            }
            for number, row in enumerate(self.options, 1)
        ]

    def kept(self, *, only_sent: bool) -> dict[str, Any]:
        """The cleaned values, as `workflow.save_completion` takes them.

        An autosave sends what changed; a whole page sends everything but unticked boxes.
        """
        kept: dict[str, Any] = {"comparisons": {}, "answers": {}, "options": {}}
        for name in self.fields:
            if name == "version" or name not in self.cleaned_data:
                continue
            if only_sent and name not in self.data:
                continue
            value = self.cleaned_data[name]
            if name in WHOLE_TEXTS:
                kept[name] = value
            elif name == "recommended":
                kept[name] = UUID(value) if value else None
            else:
                self._keep_row(kept, name, value)
        return kept

    def _keep_row(self, kept: dict[str, Any], name: str, value: Any) -> None:
        kind, rest = name.split("-", 1)
        row, _dash, field = rest.rpartition("-")
        group = {"compare": "comparisons", "answer": "answers", "option": "options"}[kind]
        kept[group].setdefault(row, {})[field] = value

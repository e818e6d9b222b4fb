"""The forms of the intake sections. Blank is allowed while saving by itself, not on Continue."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from records.icd10_field import Icd10Field
from records.models import OriginalDiagnosis, Patient, SafetyFacts
from requests_app.intake import MAX_QUESTIONS
from requests_app.models.opinion_request import Purpose
from secondop.lib.countries import countries
from secondop.lib.forms import (
    CheckboxTiles,
    ComboBox,
    CountedTextarea,
    MemorableDateField,
    Radios,
    RadioTiles,
)

FARTHEST = timedelta(days=5 * 366)


def _text(label: Any, *, limit: int, width: str = "xl", hint: Any = "", **kwargs: Any) -> Any:
    attrs = {"class": f"usa-input--{width}", **kwargs.pop("attrs", {})}
    return forms.CharField(
        label=label, max_length=limit, help_text=hint, widget=forms.TextInput(attrs), **kwargs
    )


def _long_text(label: Any, *, limit: int, rows: int = 5, hint: Any = "") -> Any:
    return forms.CharField(
        label=label, max_length=limit, help_text=hint, required=False,
        widget=CountedTextarea(rows=rows),
    )  # fmt: skip


def _known(label: Any, hint: Any = "", *, required: bool = True) -> Any:
    return forms.ChoiceField(
        label=label, help_text=hint, choices=SafetyFacts.Known.choices, widget=Radios,
        required=required,
    )  # fmt: skip


class SectionForm(forms.Form):
    """A form that can be read in part: `parts_of` names the inputs that make up one field."""

    def parts_of(self, name: str) -> list[str]:
        widget: Any = self.fields[name].widget
        suffixes = getattr(widget, "widgets_names", None)  # a MultiWidget, such as a date
        if suffixes:
            return [name + suffix for suffix in suffixes]
        return [name]

    def touched(self, posted: QueryDict) -> list[str]:
        return [name for name in self.fields if any(part in posted for part in self.parts_of(name))]

    def allow_blanks(self) -> None:
        for field in self.fields.values():
            field.required = False

    def good(self, names: Iterable[str]) -> dict[str, Any]:
        """The answers among `names` that are fine as they stand."""
        return {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}


class AboutForm(SectionForm):
    full_name = _text(_("Full name"), limit=150, attrs={"autocomplete": "off"})
    born_on = MemorableDateField(
        label=_("Date of birth"), help_text=_("For example: June 12 1968"), not_future=True
    )
    sex = forms.ChoiceField(
        label=_("Sex"),
        help_text=_("Doctors need this to read test results in the right way."),
        choices=Patient.Sex.choices,
        widget=Radios,
    )
    phone = _text(
        _("Phone"), limit=40, width="md", required=False, attrs={"inputmode": "tel"},
        hint=_("We call only when it matters, for example when a report waits for you."),
    )  # fmt: skip
    country = forms.ChoiceField(
        label=_("Country where you live"), required=False, widget=ComboBox,
        choices=lambda: [("", _("Choose a country")), *countries()],
    )  # fmt: skip
    has_allergies = _known(_("Any allergies, to medicines or to anything else?"))
    allergies = _text(_("Which allergies?"), limit=300, required=False)
    has_implants = _known(
        _("Any implants or metal in the body?"),
        _("For example a pacemaker, a clip, a metal joint or a pump."),
    )
    implants = _text(_("Which implants?"), limit=300, required=False)
    takes_anticoagulants = _known(
        _("Any blood thinners?"),
        _("For example warfarin, Eliquis, Xarelto, Plavix or daily aspirin."),
    )
    anticoagulants = _text(_("Which blood thinners?"), limit=300, required=False)
    has_kidney_disease = _known(_("Any kidney disease?"), required=False)
    is_pregnant = _known(_("Pregnant now, or possibly pregnant?"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for answer, details in (
            ("has_allergies", "allergies"),
            ("has_implants", "implants"),
            ("takes_anticoagulants", "anticoagulants"),
        ):
            if cleaned.get(answer) in ("no", "unknown") and details in cleaned:
                cleaned[details] = ""
        return cleaned


class ToldForm(SectionForm):
    diagnosis = _text(
        _("What is it called?"), limit=300, required=False,
        hint=_("Your own words are fine. Copy the name from a letter if you have one."),
    )  # fmt: skip
    icd10_code = Icd10Field(
        label=_("Find it in the list of diagnoses"),
        help_text=_("Type a few letters, such as “breast”, or a code from a bill or letter."),
    )
    was_not_named = forms.BooleanField(
        label=_("I was not given a name for what I have"), required=False
    )
    treatment = _long_text(
        _("What treatment did they suggest?"), limit=2000, rows=4,
        hint=_("For example an operation, a medicine, or to wait and watch."),
    )  # fmt: skip
    treatment_state = forms.ChoiceField(
        label=_("Has this treatment started?"),
        choices=OriginalDiagnosis.TreatmentState.choices,
        widget=Radios,
    )
    treatment_planned_on = MemorableDateField(
        label=_("Is there a date for the treatment?"), required=False,
        help_text=_("We try to be in time. Do not put off urgent treatment to wait for us."),
    )  # fmt: skip
    doctor_name = _text(_("Who told you?"), limit=150, required=False,
                        hint=_("The doctor's name"))  # fmt: skip
    hospital_name = _text(_("Where?"), limit=200, required=False,
                          hint=_("The hospital or practice"))  # fmt: skip
    told_on = MemorableDateField(
        label=_("When were you told?"), required=False, not_future=True,
        help_text=_("A day close to it is fine."),
    )  # fmt: skip

    def __init__(self, data: Any = None, *, born_on: date | None = None, **kwargs: Any) -> None:
        if data is not None and "icd10_code_pick" in data:
            data = data.copy()
            pick = data.get("icd10_code_pick")
            data["icd10_code"] = "" if pick == "-" else pick
        super().__init__(data, **kwargs)
        self.born_on = born_on
        self.is_partial = False

    def allow_blanks(self) -> None:
        super().allow_blanks()
        self.is_partial = True

    def clean_told_on(self) -> date | None:
        told_on: date | None = self.cleaned_data["told_on"]
        if told_on and self.born_on and told_on < self.born_on:
            raise forms.ValidationError(_("This day is before the date of birth. Check the year."))
        return told_on

    def clean_treatment_planned_on(self) -> date | None:
        planned_on: date | None = self.cleaned_data["treatment_planned_on"]
        if planned_on and planned_on > timezone.localdate() + FARTHEST:
            raise forms.ValidationError(_("This is more than five years away. Check the year."))
        if planned_on and self.born_on and planned_on < self.born_on:
            raise forms.ValidationError(_("This day is before the date of birth. Check the year."))
        return planned_on

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        named = cleaned.get("diagnosis") or cleaned.get("icd10_code")
        if cleaned.get("was_not_named") and named:
            self.add_error(
                "was_not_named",
                _("You wrote a name above too. Untick this box, or empty the name and the code."),
            )
            for name in ("diagnosis", "icd10_code"):
                cleaned.pop(name, None)  # they cannot be saved together
        elif not (self.is_partial or named or cleaned.get("was_not_named") or self.errors):
            self.add_error(
                "diagnosis", _("Write what you were told, or tick “I was not given a name”.")
            )
        if cleaned.get("treatment_state") == "" and self.is_partial:
            cleaned.pop("treatment_state")
        return cleaned


class QuestionList(CountedTextarea):
    """Eight boxes of one name; `templates/requests_app/_question_rows.html` draws them."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        typed = data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])
        return [str(text) for text in typed]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data


def questions_typed(texts: Iterable[str]) -> list[str]:
    """Without blanks and doubles, in order."""
    bare = (text.strip().replace("\r\n", "\n") for text in texts)
    return list(dict.fromkeys(text for text in bare if text))


class QuestionsField(forms.Field):
    """One to eight questions, in order; blank boxes do not count."""

    widget = QuestionList
    max_length = 500

    def to_python(self, value: Any) -> list[str]:
        return questions_typed(value or [])

    def validate(self, value: list[str]) -> None:
        if self.required and not value:
            raise forms.ValidationError(_("Write at least one question."), code="required")
        if len(value) > MAX_QUESTIONS:
            raise forms.ValidationError(
                _("Please choose your %(n)d most important questions."),
                params={"n": MAX_QUESTIONS},
            )
        for number, text in enumerate(value, start=1):
            if len(text) > self.max_length:
                raise forms.ValidationError(
                    _("Question %(number)d is too long. It has %(n)d characters, the most is"
                      " %(most)d. Split it in two, or tell the rest in your story."),
                    params={"number": number, "n": len(text), "most": self.max_length},
                )  # fmt: skip


class QuestionsForm(SectionForm):
    purposes = forms.MultipleChoiceField(
        label=_("Why do you want a second opinion?"),
        help_text=_("Choose all that are true for you."),
        choices=Purpose.choices,
        widget=CheckboxTiles,
    )
    question = QuestionsField(label=_("Your questions"))
    story = _long_text(
        _("What has happened so far?"), limit=4000, rows=6,
        hint=_("How it began, what was done, how you are now. Short is fine."),
    )  # fmt: skip
    what_matters = _long_text(
        _("What matters most to you?"), limit=4000, rows=4,
        hint=_("For example: to keep working, to avoid an operation, to have less pain."),
    )  # fmt: skip
    private_reason = _long_text(
        _("Is there a reason you would rather not tell a doctor?"), limit=2000, rows=3,
        hint=_("For example: “I do not feel heard by my doctor.”"),
    )  # fmt: skip


class ReviewForm(SectionForm):
    review_mode = forms.ChoiceField(
        label=_("Which kind of review do you want?"),
        choices=[
            ("sealed", _("Sealed review (we suggest this one)")),
            ("open", _("Open review")),
        ],
        widget=RadioTiles(
            hints={
                "sealed": _(
                    "The specialist first sees your records without knowing what your doctor said."
                    " They write down their own view. Only then do they see the first one."
                ),
                "open": _("The specialist sees everything from the start, your doctor's view too."),
            }
        ),
    )


class TruthForm(forms.Form):
    truth_name = _text(
        _("Type your full name"), limit=150, attrs={"autocomplete": "name"},
        hint=_("By typing your name you sign this request."),
    )  # fmt: skip

    def __init__(self, data: Any = None, *, names: Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.names = {_loose(name) for name in names if name}

    def clean_truth_name(self) -> str:
        typed = str(self.cleaned_data["truth_name"]).strip()
        if len(typed.split()) < 2 and _loose(typed) not in self.names:
            raise forms.ValidationError(_("Please type your first and your last name."))
        return typed


def _loose(name: str) -> str:
    return " ".join(name.casefold().split())


FORMS: dict[str, type[SectionForm]] = {
    "about": AboutForm,
    "told": ToldForm,
    "questions": QuestionsForm,
    "review": ReviewForm,
}

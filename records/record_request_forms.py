"""Forms about record holders: naming one, asking, what came of it, signing, the door's answers."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from records import authorizations
from records.models import Authorization, FirstDoctor, RecordHolder, RecordRequest
from records.models.record_request import RecordRequestItem
from records.record_requests import ENDINGS, Item
from secondop.lib.countries import countries
from secondop.lib.forms import (
    ComboBox,
    CountedTextarea,
    MemorableDateField,
    Radios,
    RadioTiles,
    not_in_the_past,
)

TEXT_LENGTH = 2000
ROWS = 4  # items in one form; the completeness page asks for as many as there are


class HolderForm(forms.ModelForm[RecordHolder]):
    class Meta:
        model = RecordHolder
        fields = [
            "name", "kind", "contact_name", "address", "country", "email", "phone", "fax",
            "language", "is_first_doctor",
        ]  # fmt: skip
        labels = {
            "name": _("Name of the place"),
            "kind": _("What kind of place is it?"),
            "contact_name": _("Doctor or desk there"),
            "address": _("Address"),
            "country": _("Country"),
            "email": _("E-mail of the records desk"),
            "phone": _("Telephone"),
            "fax": _("Fax"),
            "language": _("Language of our letters"),
            "is_first_doctor": _("The first diagnosis was made here"),
        }
        widgets = {
            "kind": Radios,
            "address": forms.Textarea(attrs={"rows": 3}),
            "language": Radios,
        }

    country = forms.ChoiceField(
        label=_("Country"), choices=lambda: [("", ""), *countries()], widget=ComboBox,
        help_text=_("Its law says how long they may take."),
    )  # fmt: skip

    def __init__(self, *args: Any, is_patient: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind: Any = self.fields["kind"]
        kind.choices = RecordHolder.Kind.choices
        if is_patient:  # the clinic finds the desk; the patient knows the place
            for name in ("contact_name", "fax", "language", "is_first_doctor"):
                del self.fields[name]
            self.fields["email"].required = False
            self.fields["address"].help_text = _("A town is enough.")  # type: ignore[assignment]


class ItemForm(forms.Form):
    """One thing to ask for. An empty row asks for nothing."""

    kind = forms.ChoiceField(label=_("Kind"), choices=[("", ""), *RecordRequestItem.Kind.choices],
                             required=False)  # fmt: skip
    what = forms.CharField(label=_("What exactly"), max_length=300, required=False,
                           help_text=_("For example: MRI of the brain"))  # fmt: skip
    form = forms.ChoiceField(label=_("Images or reports"), choices=RecordRequestItem.Form.choices,
                             required=False, initial="reports")  # fmt: skip
    from_on = forms.DateField(label=_("From"), required=False,
                              widget=forms.DateInput(attrs={"type": "date"}))  # fmt: skip
    until_on = forms.DateField(label=_("Until"), required=False,
                               widget=forms.DateInput(attrs={"type": "date"}))  # fmt: skip

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        if bool(typed.get("kind")) != bool(str(typed.get("what", "")).strip()):
            raise ValidationError(_("Say both: the kind, and what exactly."))
        first, last = typed.get("from_on"), typed.get("until_on")
        if first and last and first > last:
            raise ValidationError(_("The first day must not be after the last."))
        return typed

    def item(self) -> Item | None:
        typed = self.cleaned_data
        if not typed.get("kind"):
            return None
        form = typed["form"] or RecordRequestItem.Form.REPORTS
        return Item(
            kind=typed["kind"], what=typed["what"].strip(), form=form,
            from_on=typed["from_on"], until_on=typed["until_on"],
        )  # fmt: skip


class BaseItems(forms.BaseFormSet[ItemForm]):
    def clean(self) -> None:
        if not any(self.errors) and not self.items():
            raise ValidationError(_("Say what you ask for: one row at least."))

    def items(self) -> list[Item]:
        return [item for form in self.forms if (item := form.item())]


ItemsForm: Any = forms.formset_factory(ItemForm, formset=BaseItems, extra=ROWS, max_num=20)


class SendForm(forms.Form):
    channel = forms.ChoiceField(
        label=_("How does it go out?"), choices=RecordRequest.Channel.choices, widget=Radios
    )

    def __init__(self, *args: Any, holder: RecordHolder, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        channel: Any = self.fields["channel"]
        if not holder.email:
            channel.choices = [c for c in RecordRequest.Channel.choices if c[0] != "email"]
        channel.initial = "email" if holder.email else "post"


class OutcomeForm(forms.Form):
    outcome = forms.ChoiceField(
        label=_("What came of it?"), widget=Radios,
        choices=[(str(s), s.label) for s in ENDINGS],
    )  # fmt: skip
    text = forms.CharField(
        label=_("In their words"), required=False, max_length=TEXT_LENGTH,
        widget=CountedTextarea(rows=2),
    )  # fmt: skip


class WordsForm(forms.Form):
    text = forms.CharField(
        label=_("What happened"), max_length=TEXT_LENGTH, widget=CountedTextarea(rows=2)
    )


class PromiseForm(forms.Form):
    day = MemorableDateField(label=_("They named this day"), validators=[not_in_the_past])


class SignForm(forms.Form):
    """SECURITY: the typed name must be the signer's; the tick is asked where it is the first
    doctor's place and the patient does not want that told."""

    tells_first_doctor = forms.BooleanField(
        label=_("I know that this is my first doctor's place. It may be asked all the same."),
        required=False,
    )
    name = forms.CharField(
        label=_("Type your full name to sign"), max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )  # fmt: skip

    def __init__(self, *args: Any, authorization: Authorization, user: Any, asks_consent: bool,
                 **kwargs: Any) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        patient = authorization.case_file.patient
        self.expected = authorizations.signer_name(user, patient)
        self.fields["name"].help_text = _("As it stands here: %(name)s") % {"name": self.expected}
        if asks_consent:
            self.fields["tells_first_doctor"].required = True
        else:
            del self.fields["tells_first_doctor"]

    def clean_name(self) -> str:
        typed = str(self.cleaned_data["name"])
        if self.expected and not authorizations.is_name_of(typed, self.expected):
            raise ValidationError(
                _("Please type the name as it stands here: %(name)s") % {"name": self.expected}
            )
        return typed


class FirstDoctorForm(forms.Form):
    """Where the clinic says that they must take part, that is the only choice there is."""

    choice = forms.ChoiceField(
        label=_("Should your first doctor know?"),
        choices=[c for c in FirstDoctor.Choice.choices if c[0] != "takes_part"],
        widget=RadioTiles(
            hints={
                "not_told": _("We write nothing to them. You can tell them yourself."),
                "told_after": _("Then the clinic writes them a short letter. You can change your"
                                " mind until then."),
                "invited": _("They get a link to send records and to say what they think. Your"
                             " specialist reads that only after their own opinion is fixed."),
                "takes_part": _("They are asked for records and their view, and the clinic writes"
                                " to them once you have your report."),
            }
        ),
    )  # fmt: skip

    def __init__(self, *args: Any, must_take_part: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if must_take_part:
            choice: Any = self.fields["choice"]
            choice.choices = [
                (str(FirstDoctor.Choice.TAKES_PART), _("I agree that my first doctor takes part"))
            ]


class DutyForm(forms.Form):
    """A country where the first doctor must take part, and who says so."""

    country = forms.ChoiceField(
        label=_("Country where the patient lives"),
        widget=ComboBox,
        choices=lambda: [("", ""), *countries()],
    )
    source = forms.CharField(
        label=_("What says so"), max_length=300,
        help_text=_("The law with its section, the rule of a board, or the advice you were given."
                    " Patients read it."),
    )  # fmt: skip


# --- the door ----------------------------------------------------------------------------------
class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("The code in our letter"), max_length=120,
        help_text=_("13 groups of four letters or digits. Capitals and spaces do not matter."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false",
                                      "class": "usa-input--xl"}),
    )  # fmt: skip


class NoteForm(forms.Form):
    text = forms.CharField(
        label=_("Your note"), max_length=TEXT_LENGTH, widget=CountedTextarea(rows=3)
    )


class NeedTimeForm(forms.Form):
    day = MemorableDateField(label=_("Until which day?"), validators=[not_in_the_past])
    text = forms.CharField(
        label=_("Why do you need longer?"), required=False, max_length=TEXT_LENGTH,
        widget=CountedTextarea(rows=2),
    )  # fmt: skip

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if (day - timezone.localdate()).days > 366:
            raise ValidationError(_("Choose a day within the next year."))
        return day


class NoForm(forms.Form):
    """We do not have it, or we will not give it."""

    answer = forms.ChoiceField(
        label=_("What is the case?"), widget=Radios,
        choices=[("not_held", _("We do not have these records")),
                 ("refused", _("We cannot give them"))],
    )  # fmt: skip
    text = forms.CharField(
        label=_("Why, or who has them?"), required=False, max_length=TEXT_LENGTH,
        widget=CountedTextarea(rows=2),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        if typed.get("answer") == "refused" and not str(typed.get("text", "")).strip():
            self.add_error("text", _("Please give the reason. The patient has a right to it."))
        return typed

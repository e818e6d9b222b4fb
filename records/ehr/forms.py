"""Forms of the pages about record systems of hospitals."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.validators import URLValidator
from django.utils.translation import gettext_lazy as _

from records.ehr.client import ID
from records.models import CaseFile, Ehr, HolderLink, RecordRequest
from secondop.lib.forms import MemorableDateField, RadioTiles

HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?", re.IGNORECASE)


def is_base(address: str, is_inside: bool) -> bool:
    """Whether it can be the base of a FHIR server. In our own network a host needs no dot.

    Where it really leads is decided when it is dialled: see `records.transfers.net`.
    """
    if not is_inside:
        try:
            URLValidator(schemes=["https"])(address)
        except forms.ValidationError:
            return False
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        is_number = parts.port is None or parts.port > 0
    except ValueError:
        return False
    allowed = ("https", "http") if is_inside else ("https",)
    is_host = ":" in host or all(HOST.fullmatch(label) for label in host.split("."))
    odd = "@" in parts.netloc or parts.query or parts.fragment or any(c.isspace() for c in address)
    return parts.scheme in allowed and bool(host) and is_host and is_number and not odd


class EhrForm(forms.ModelForm[Ehr]):
    address = forms.CharField(
        label=_("FHIR address (R4)"), max_length=300,
        widget=forms.URLInput(attrs={"class": "usa-input"}),
        help_text=_("For example https://fhir.hospital.example/r4"),
    )  # fmt: skip
    token = forms.CharField(
        label=_("Token"), required=False, max_length=8000, widget=forms.PasswordInput,
        help_text=_("Only for the second way. It is stored sealed and never shown again."),
    )  # fmt: skip
    client_secret = forms.CharField(
        label=_("Client secret"), required=False, max_length=400, widget=forms.PasswordInput,
        help_text=_("Only when the hospital gave you one. It is stored sealed."),
    )  # fmt: skip

    class Meta:
        model = Ehr
        fields = ["title", "way", "address", "client_id", "client_secret", "scopes",
                  "asks_offline", "token", "ca_certificate", "is_inside"]  # fmt: skip
        labels = {
            "title": _("Name of the hospital, as patients know it"),
            "way": _("How do we get in?"),
            "client_id": _("Client id"),
            "scopes": _("Scopes"),
            "asks_offline": _("Ask for a token that can be renewed (offline_access)"),
            "ca_certificate": _("Certificate of its authority (PEM)"),
            "is_inside": _("It stands in our own network"),
        }
        help_texts = {
            "client_id": _("The hospital gives it when you register SecondOp there."),
            "scopes": _("Leave this empty to ask only for what is read."),
            "asks_offline": _("Only needed when copying takes longer than its tokens live."),
            "ca_certificate": _("Only when the certificate is not signed by a public authority."),
            "is_inside": _("Allows private addresses for this one system. Others stay refused."),
        }
        widgets = {
            "way": RadioTiles,
            "ca_certificate": forms.Textarea(attrs={"rows": 4, "class": "usa-textarea"}),
        }

    def clean_address(self) -> str:
        address = str(self.cleaned_data["address"]).strip()
        return address if "://" in address else f"https://{address}"

    def clean(self) -> dict[str, Any]:
        told: dict[str, Any] = super().clean() or {}
        if told.get("address") and not is_base(told["address"], bool(told.get("is_inside"))):
            self.add_error("address", _("Give an address that begins with https:// and has no ?."))
        if told.get("way") == Ehr.Way.SMART and not told.get("client_id"):
            self.add_error("client_id", _("Give the client id that the hospital gave you."))
        if told.get("way") == Ehr.Way.TOKEN and not told.get("token"):
            self.add_error("token", _("Give the token that the hospital gave you."))
        return told


class EhrSearchForm(forms.Form):
    """The clinic's way: whom to look for, by a number there or by name and birth date."""

    ehr = forms.ModelChoiceField(Ehr.objects.none(), label=_("Which hospital?"))
    number = forms.CharField(
        label=_("Patient number there"), required=False, max_length=64,
        help_text=_("The surest way, when you know it."),
    )  # fmt: skip
    name = forms.CharField(label=_("Family name"), required=False, max_length=100)
    born_on = MemorableDateField(label=_("Date of birth"), required=False, not_future=True)
    record_request = forms.ModelChoiceField(
        RecordRequest.objects.none(), required=False,
        label=_("Which record request does it answer?"),
        help_text=_("Nothing more is copied once the patient's permission for it has ended."),
    )  # fmt: skip

    def __init__(self, *arguments: Any, case_file: CaseFile, **more: Any) -> None:
        super().__init__(*arguments, **more)
        rows = Ehr.objects.in_use().filter(clinic=case_file.clinic_id, way=Ehr.Way.TOKEN)
        self.fields["ehr"].queryset = rows.order_by("title")  # type: ignore[attr-defined]
        self.fields["ehr"].label_from_instance = lambda one: one.title  # type: ignore[attr-defined]
        asked = RecordRequest.objects.filter(
            case_file=case_file, pk__in=HolderLink.objects.live().values("record_request")
        )
        self.fields["record_request"].queryset = asked  # type: ignore[attr-defined]

    def clean_number(self) -> str:
        number = str(self.cleaned_data["number"]).strip()
        if number and not ID.fullmatch(number):
            raise forms.ValidationError(_("Use letters, figures, dots and hyphens alone."))
        return number

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        if (
            not self.errors
            and not told.get("number")
            and not (len(str(told.get("name") or "").strip()) > 1 and told.get("born_on"))
        ):
            self.add_error("number", _("Give the number, or the name and the date of birth."))
        return told

    def query(self) -> dict[str, str]:
        if number := self.cleaned_data["number"]:
            return {"number": number}
        born_on = self.cleaned_data["born_on"]
        return {"name": self.cleaned_data["name"].strip(), "born_on": born_on.isoformat()}

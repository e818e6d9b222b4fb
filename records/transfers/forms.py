"""Forms of the pages about other systems."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _

from records.dicom.values import is_uid
from records.models import CaseFile, HolderLink, Peer, RecordRequest
from records.models.imaging import ImagingStudy
from secondop.lib.forms import MemorableDateField

AE = re.compile(r"[\x21-\x5b\x5d-\x7e]([\x20-\x5b\x5d-\x7e]{0,14}[\x21-\x5b\x5d-\x7e])?")


class PeerForm(forms.ModelForm[Peer]):
    token = forms.CharField(
        label=_("Token"), required=False, max_length=4000, widget=forms.PasswordInput,
        help_text=_("For DICOMweb. It is stored sealed and never shown again."),
    )  # fmt: skip
    user = forms.CharField(label=_("User name, instead of a token"), required=False, max_length=200)
    password = forms.CharField(
        label=_("Password"), required=False, max_length=400, widget=forms.PasswordInput
    )

    class Meta:
        model = Peer
        fields = ["title", "kind", "address", "port", "their_ae", "our_ae", "fetch", "uses_tls",
                  "ca_certificate", "is_inside"]  # fmt: skip
        labels = {
            "title": _("Name of the system"),
            "kind": _("How does it talk?"),
            "address": _("Address"),
            "port": _("Port"),
            "their_ae": _("Its AE title"),
            "our_ae": _("Our AE title"),
            "fetch": _("How do images come?"),
            "uses_tls": _("The connection is encrypted (TLS)"),
            "ca_certificate": _("Certificate of its authority (PEM)"),
            "is_inside": _("It stands in our own network"),
        }
        help_texts = {
            "address": _("For DICOMweb the whole address, else the name of the computer."),
            "port": _("For the DICOM network. For DICOMweb leave 0."),
            "ca_certificate": _("Only when the certificate is not signed by a public authority."),
            "is_inside": _("Allows private addresses for this one system. Others stay refused."),
        }
        widgets = {"ca_certificate": forms.Textarea(attrs={"rows": 4, "class": "usa-textarea"})}

    def clean(self) -> dict[str, Any]:
        told: dict[str, Any] = super().clean() or {}
        address = told.get("address", "")
        if told.get("kind") == Peer.Kind.DICOMWEB:
            parts = urlsplit(address)
            wanted = "https" if told.get("uses_tls") else "http"
            if parts.scheme != wanted or not parts.hostname or "@" in parts.netloc:
                self.add_error("address", _("Give an address such as https://host/dicom-web."))
            told["port"] = 0
        else:
            if not re.fullmatch(r"[A-Za-z0-9.:\-]+", address):
                self.add_error("address", _("Give the name or number of the computer alone."))
            if not told.get("port"):
                self.add_error("port", _("Give a port, often 104 or 11112."))
            for name in ("their_ae", "our_ae"):
                if not AE.fullmatch(told.get(name, "")):
                    self.add_error(name, _("Give a name of 1 to 16 letters and figures."))
        return told


class FetchForm(forms.Form):
    """Whom to look for. At least one answer that names a person or an examination."""

    peer = forms.ModelChoiceField(Peer.objects.none(), label=_("Which system?"))
    PatientID = forms.CharField(
        label=_("Patient number there"), required=False, max_length=64,
        help_text=_("The surest way, when you know it."),
    )  # fmt: skip
    PatientName = forms.CharField(
        label=_("Name"), required=False, max_length=64,
        help_text=_("The family name comes first. A * stands for whatever follows."),
    )  # fmt: skip
    PatientBirthDate = MemorableDateField(label=_("Date of birth"), required=False, not_future=True)
    AccessionNumber = forms.CharField(
        label=_("Number of the examination"), required=False, max_length=16
    )
    StudyInstanceUID = forms.CharField(label=_("Study UID"), required=False, max_length=64)
    record_request = forms.ModelChoiceField(
        RecordRequest.objects.none(), required=False,
        label=_("Which record request does it answer?"),
        help_text=_("Nothing more is copied once the patient's permission for it has ended."),
    )  # fmt: skip

    def __init__(self, *arguments: Any, case_file: CaseFile, **more: Any) -> None:
        super().__init__(*arguments, **more)
        peers = Peer.objects.in_use().filter(clinic=case_file.clinic_id).order_by("title")
        self.fields["peer"].queryset = peers  # type: ignore[attr-defined]
        self.fields["peer"].label_from_instance = lambda one: one.title  # type: ignore[attr-defined]
        asked = RecordRequest.objects.filter(
            case_file=case_file, pk__in=HolderLink.objects.live().values("record_request")
        )
        self.fields["record_request"].queryset = asked  # type: ignore[attr-defined]

    def clean_StudyInstanceUID(self) -> str:  # noqa: N802 - DICOM keywords stay verbatim
        uid = str(self.cleaned_data["StudyInstanceUID"]).strip()
        if uid and not is_uid(uid):
            raise forms.ValidationError(_("This is not a study UID: figures and dots alone."))
        return uid

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        name = str(told.get("PatientName", "")).replace("*", "").replace("^", "").strip()
        others = ("PatientID", "AccessionNumber", "StudyInstanceUID")
        if not self.errors and len(name) < 2 and not any(told.get(key) for key in others):
            self.add_error("PatientName", _("Give a name or a number to look for."))
        for key in ("PatientID", "AccessionNumber"):
            if set(str(told.get(key, ""))) & set("*?\\"):
                self.add_error(key, _("Give the whole number, without * or ?."))
        return told

    def query(self) -> dict[str, str]:
        told = {key: value for key, value in self.cleaned_data.items() if isinstance(value, str)}
        born = self.cleaned_data.get("PatientBirthDate")
        return told | ({"PatientBirthDate": f"{born:%Y%m%d}"} if born else {})


class SendForm(forms.Form):
    peer = forms.ModelChoiceField(Peer.objects.none(), label=_("To which system?"))
    studies = forms.ModelMultipleChoiceField(
        ImagingStudy.objects.none(), label=_("Which images?"), widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *arguments: Any, case_file: CaseFile, **more: Any) -> None:
        super().__init__(*arguments, **more)
        peers = Peer.objects.in_use().filter(clinic=case_file.clinic_id).order_by("title")
        self.fields["peer"].queryset = peers  # type: ignore[attr-defined]
        self.fields["peer"].label_from_instance = lambda one: one.title  # type: ignore[attr-defined]
        rows = ImagingStudy.objects.filter(
            case_file=case_file, status=ImagingStudy.Status.AVAILABLE
        ).order_by("received_at", "pk")
        self.fields["studies"].queryset = rows  # type: ignore[attr-defined]
        self.fields["studies"].label_from_instance = _study_label  # type: ignore[attr-defined]


def _study_label(study: ImagingStudy) -> str:
    def told(tag: str) -> str:
        return str((study.search.get(tag, {}).get("Value") or [""])[0])

    words = [told("00080020"), told("00081030")]
    count = _("%(n)s images") % {"n": study.instance_count}
    return " · ".join([word for word in words if word] + [str(count)])

"""Forms of the records app. Used by its views only."""

from django import forms
from django.utils.translation import gettext_lazy as _

from records.models import DocumentKind


class KindForm(forms.Form):
    """What a document is."""

    kind = forms.ChoiceField(label=_("What is this?"), choices=DocumentKind.choices)

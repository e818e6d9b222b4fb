"""Forms of accounts: allauth's with our words, and our own. Views only."""

from __future__ import annotations

from typing import Any, ClassVar
from zoneinfo import available_timezones

from allauth.account import forms as account_forms
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from secondop.accounts.models import Clinic, Invitation, Membership, User
from secondop.accounts.roles import ROLES
from secondop.accounts.second_factor import remember_second_factor_was_shown
from secondop.lib.forms import ComboBox, RadioTiles

Words = dict[str, tuple[str | Promise, str | Promise]]

EMAIL = _("E-mail address")
NEW_PASSWORD = (
    _("New password"),
    _("At least 12 characters. Four or five words that do not belong together work well."),
)
CODE = (
    _("Code"),
    _("Six digits from your authenticator app, or one of your recovery codes."),
)


class PlainWords:
    """Labels and hints of ours on somebody else's form; no placeholders, which vanish."""

    words: ClassVar[Words] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():  # type: ignore[attr-defined]
            field.widget.attrs.pop("placeholder", None)
            if name in self.words:
                field.label, field.help_text = self.words[name]
            if name == "code":
                field.widget.attrs |= {"inputmode": "numeric", "class": "usa-input--md"}


class LoginForm(PlainWords, account_forms.LoginForm):  # type: ignore[misc]
    words = {"login": (EMAIL, ""), "password": (_("Password"), "")}


class SignupForm(PlainWords, account_forms.SignupForm):  # type: ignore[misc]
    words = {
        "email": (EMAIL, _("We send a link there, to be sure that it is yours.")),
        "password1": (_("Choose a password"), NEW_PASSWORD[1]),
    }


class AddEmailForm(PlainWords, account_forms.AddEmailForm):  # type: ignore[misc]
    words = {"email": (_("New e-mail address"), _("We send a link there first."))}


class ChangePasswordForm(PlainWords, account_forms.ChangePasswordForm):  # type: ignore[misc]
    words = {
        "oldpassword": (_("Your present password"), ""),
        "password1": NEW_PASSWORD,
        "password2": (_("New password again"), ""),
    }


class ResetPasswordForm(PlainWords, account_forms.ResetPasswordForm):  # type: ignore[misc]
    words = {"email": (EMAIL, "")}


class ResetPasswordKeyForm(PlainWords, account_forms.ResetPasswordKeyForm):  # type: ignore[misc]
    words = {"password1": NEW_PASSWORD, "password2": (_("New password again"), "")}


class ReauthenticateForm(PlainWords, account_forms.ReauthenticateForm):  # type: ignore[misc]
    words = {"password": (_("Password"), "")}


class CodeForm(PlainWords, mfa_forms.AuthenticateForm):  # type: ignore[misc]
    words = {"code": CODE}


class CodeAgainForm(PlainWords, mfa_forms.ReauthenticateForm):  # type: ignore[misc]
    words = {"code": CODE}


class ActivateAppForm(PlainWords, ActivateTOTPForm):  # type: ignore[misc]
    words = {"code": (_("Code"), _("The six digits that the app shows now."))}

    def clean_code(self) -> str:
        code = str(super().clean_code())
        remember_second_factor_was_shown("totp")
        return code


class AddPasskeyForm(PlainWords, AddWebAuthnForm):  # type: ignore[misc]
    words = {
        "name": (_("Name"), _("So that you know it later, for example “work laptop”.")),
        "passwordless": (_("Let me sign in with this passkey alone, without my password"), ""),
    }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if cleaned.get("credential"):
            remember_second_factor_was_shown("webauthn")
        return cleaned


class RenamePasskeyForm(PlainWords, EditWebAuthnForm):  # type: ignore[misc]
    words = {"name": (_("Name"), "")}


class ProfileForm(forms.ModelForm[User]):
    class Meta:
        model = User
        fields = ("full_name", "phone", "language", "time_zone")
        labels = {
            "full_name": _("Your full name"),
            "phone": _("Phone"),
            "language": _("Language"),
            "time_zone": _("Time zone"),
        }
        help_texts = {
            "phone": _("The clinic calls you there when something cannot wait."),
            "language": _("For these pages and for our e-mails."),
            "time_zone": _("The times you see are in this zone."),
        }
        widgets = {
            "full_name": forms.TextInput({"autocomplete": "name"}),
            "phone": forms.TextInput({"autocomplete": "tel", "type": "tel"}),
        }

    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        help_text=_("The times you see are in this zone."),
        choices=[(name, name.replace("_", " ")) for name in sorted(available_timezones())],
        widget=ComboBox,
    )


class InviteForm(forms.Form):
    email = forms.EmailField(label=EMAIL, help_text=_("We send the invitation there."))
    role = forms.ChoiceField(
        label=_("Role"),
        choices=[(key, role.title) for key, role in ROLES.items()],
        widget=RadioTiles(hints={key: role.may_in_words for key, role in ROLES.items()}),
    )

    def __init__(self, *args: Any, clinic: Clinic, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.clinic = clinic

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        email, role = cleaned.get("email"), cleaned.get("role")
        if not email or not role:
            return cleaned
        here = Membership.objects.live().filter(clinic=self.clinic, role=role)
        if here.filter(user__email=email).exists():
            raise ValidationError(_("This person has this role already."))
        if Invitation.objects.open().filter(clinic=self.clinic, role=role, email=email).exists():
            raise ValidationError(
                _("This person is invited already. You can send it again from the list.")
            )
        return cleaned


class JoinForm(forms.Form):
    """Name and password of somebody who has no account yet."""

    full_name = forms.CharField(
        label=_("Your full name"),
        max_length=150,
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_("Choose a password"),
        help_text=NEW_PASSWORD[1],
        strip=False,
        max_length=128,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        validate_password(password, User(email=self.email))
        return password


class ClinicForm(forms.ModelForm[Clinic]):
    class Meta:
        model = Clinic
        fields = (
            "name", "phone", "email", "emergency_number", "time_zone", "is_open", "offer_hours",
            "review_hours", "follow_up_days", "unopened_call_hours", "demands_second_look",
        )  # fmt: skip
        labels = {
            "name": _("Name of the clinic"),
            "phone": _("Phone for patients"),
            "email": _("E-mail address for patients"),
            "emergency_number": _("Emergency number"),
            "is_open": _("We take new requests"),
            "offer_hours": _("Hours a specialist has to answer an offer"),
            "review_hours": _("Hours a specialist has for a review"),
            "follow_up_days": _("Days a patient can ask follow-up questions"),
            "unopened_call_hours": _("Hours until we call a patient who has not opened the report"),
            "demands_second_look": _("A second coordinator must agree before a record is shown"),
        }
        help_texts = {
            "emergency_number": _("Shown at the foot of every page."),
            "demands_second_look": _(
                "In sealed reviews. Until two people have agreed, the specialist does not get it."
            ),
        }

    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=[(name, name.replace("_", " ")) for name in sorted(available_timezones())],
        widget=ComboBox,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("offer_hours", "review_hours", "follow_up_days", "unopened_call_hours"):
            field = self.fields[name]
            field.widget.attrs |= {"class": "usa-input--xs", "inputmode": "numeric", "min": "1"}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("offer_hours", "review_hours", "follow_up_days", "unopened_call_hours"):
            if cleaned.get(name) is not None and not 1 <= cleaned[name] <= 720:
                self.add_error(name, _("Please write a number from 1 to 720."))
        return cleaned

"""Settings of sign-in, second factors and lock-out; pulled into `secondop.settings`."""

from environ import FileAwareEnv

_env = FileAwareEnv()

ACCOUNT_ADAPTER = "secondop.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS = 3
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a changed password or address is told to its owner
ACCOUNT_CHANGE_EMAIL = True  # one address; the old one works until the new one is confirmed
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # to change the address
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_RATE_LIMITS = {  # beside allauth's own
    "invitation": "20/m/ip",
    "join": "20/m/ip",
    "door": "20/m/ip",  # opening a record holder's link, or typing its code
    "door_answer": "30/m/ip",
}
ACCOUNT_FORMS = {
    "login": "secondop.accounts.forms.LoginForm",
    "signup": "secondop.accounts.forms.SignupForm",
    "add_email": "secondop.accounts.forms.AddEmailForm",
    "change_password": "secondop.accounts.forms.ChangePasswordForm",
    "reset_password": "secondop.accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "secondop.accounts.forms.ResetPasswordKeyForm",
    "reauthenticate": "secondop.accounts.forms.ReauthenticateForm",
}
PASSWORD_RESET_TIMEOUT = 3600  # seconds a link to choose a new password works
USERSESSIONS_TRACK_ACTIVITY = False

MFA_ADAPTER = "secondop.accounts.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "SecondOp"
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Nobody signs in before the first address is confirmed, so nobody can lock its owner out; and
# somebody with a second factor must be able to change the address.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# Browsers offer passkeys on https and on localhost alone; without https this must be localhost.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not _env.str("SITE_URL", default="").startswith("https://")
MFA_FORMS = {
    "authenticate": "secondop.accounts.forms.CodeForm",
    "reauthenticate": "secondop.accounts.forms.CodeAgainForm",
    "activate_totp": "secondop.accounts.forms.ActivateAppForm",
    "add_webauthn": "secondop.accounts.forms.AddPasskeyForm",
    "edit_webauthn": "secondop.accounts.forms.RenamePasskeyForm",
}

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "secondop.accounts.lockout.username_of"
AXES_LOCKOUT_CALLABLE = "secondop.accounts.lockout.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # the page says when it ends; keep to it
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False  # PRIVACY: no address in the log

if _env.bool("BEHIND_PROXY", default=False):
    # SECURITY: only the address that our own proxy wrote counts, never what the client claims.
    AXES_IPWARE_PROXY_COUNT = 1
    AXES_IPWARE_META_PRECEDENCE_ORDER = ("HTTP_X_FORWARDED_FOR",)
    ALLAUTH_TRUSTED_PROXY_COUNT = 1

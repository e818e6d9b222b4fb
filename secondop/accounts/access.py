"""Who may use which route of this app and of allauth, and what it shows. Checked on every request.

A route of allauth that is not here (sign-in by mailed code, for example) is refused.
"""

from secondop.accounts.roles import ADMINISTRATOR
from secondop.lib.routes import ANYBODY, SIGNED_IN, Route, route


def _before(name: str, methods: str, shows: str) -> Route:
    """Open to somebody signed in who has no second factor yet."""
    return route(name, methods, SIGNED_IN, shows, without_second_factor=True)


ROUTES = [
    _before("accounts:start", "GET", "Sends each kind of person to their first page"),
    _before("accounts:second_factor", "GET", "Asks staff to set up a second factor"),
    route("accounts:profile", "GET POST", SIGNED_IN, "Own name, language, time zone"),
    route("accounts:roles", "GET", SIGNED_IN, "What each role may do; no data of anybody"),
    route("accounts:members", "GET", ADMINISTRATOR, "Staff of the clinic, invitations, roles"),
    route("accounts:invite", "GET POST", ADMINISTRATOR, "Invite somebody"),
    route("accounts:revoke_invitation", "POST", ADMINISTRATOR, "Take an invitation back"),
    route("accounts:resend_invitation", "POST", ADMINISTRATOR, "Send an invitation again"),
    route("accounts:end_membership", "GET POST", ADMINISTRATOR, "End a role"),
    route("accounts:clinic", "GET POST", ADMINISTRATOR, "Settings of the clinic"),
    route("accounts:invitation", "GET", ANYBODY, "Exchange an invitation link for a short cookie"),
    route("accounts:join", "GET POST", ANYBODY, "Accept an invitation"),
    # allauth: the way in
    route("account_login", "GET POST", ANYBODY, "Sign in"),
    route("account_logout", "GET POST", ANYBODY, "Sign out"),
    route("account_signup", "GET POST", ANYBODY, "Make an account"),
    route("account_inactive", "GET", ANYBODY, "This account is switched off"),
    route("account_email_verification_sent", "GET", ANYBODY, "Look into your mailbox"),
    route("account_confirm_email", "GET POST", ANYBODY, "Confirm an e-mail address by link"),
    route("account_reset_password", "GET POST", ANYBODY, "Ask for a link to a new password"),
    route("account_reset_password_done", "GET", ANYBODY, "Look into your mailbox"),
    route("account_reset_password_from_key", "GET POST", ANYBODY, "Choose a new password by link"),
    route("account_reset_password_from_key_done", "GET", ANYBODY, "The password is changed"),
    route("mfa_authenticate", "GET POST", ANYBODY, "The second step of signing in"),
    route("mfa_login_webauthn", "GET POST", ANYBODY, "Sign in with a passkey"),
    # allauth: one's own account
    route("account_email", "GET POST", SIGNED_IN, "Change the e-mail address"),
    route("account_change_password", "GET POST", SIGNED_IN, "Change the password"),
    route("usersessions_list", "GET POST", SIGNED_IN, "Where one is signed in; end the others"),
    _before("account_reauthenticate", "GET POST", "The password once more"),
    _before("mfa_reauthenticate", "GET POST", "A code once more"),
    _before("mfa_reauthenticate_webauthn", "GET POST", "The passkey once more"),
    _before("mfa_index", "GET", "Own second factors"),
    _before("mfa_activate_totp", "GET POST", "Set up an authenticator app"),
    _before("mfa_add_webauthn", "GET POST", "Set up a passkey"),
    _before("mfa_view_recovery_codes", "GET", "Own recovery codes, shown once"),
    route("mfa_generate_recovery_codes", "GET POST", SIGNED_IN, "New recovery codes"),
    route("mfa_deactivate_totp", "GET POST", SIGNED_IN, "Stop using an authenticator app"),
    route("mfa_list_webauthn", "GET", SIGNED_IN, "Own passkeys"),
    route("mfa_edit_webauthn", "GET POST", SIGNED_IN, "Rename an own passkey"),
    route("mfa_remove_webauthn", "GET POST", SIGNED_IN, "Remove an own passkey"),
]

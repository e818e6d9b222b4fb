"""Who may use which route of this app, and what it shows. Checked on every request."""

from secondop.accounts.roles import ADMINISTRATOR
from secondop.lib.routes import ANYBODY, SIGNED_IN, route

ROUTES = [
    route(
        "accounts:start",
        "GET",
        SIGNED_IN,
        "Sends each kind of person to their first page", without_second_factor=True,
    ),
    route(
        "accounts:second_factor",
        "GET",
        SIGNED_IN,
        "Asks staff to set up a second factor", without_second_factor=True,
    ),
    route("accounts:profile", "GET POST", SIGNED_IN, "Own name, language, time zone"),
    route("accounts:members", "GET", ADMINISTRATOR, "Staff of the clinic, invitations, roles"),
    route("accounts:invite", "GET POST", ADMINISTRATOR, "Invite somebody"),
    route("accounts:revoke_invitation", "POST", ADMINISTRATOR, "Take an invitation back"),
    route("accounts:end_membership", "GET POST", ADMINISTRATOR, "End a role"),
    route("accounts:clinic", "GET POST", ADMINISTRATOR, "Settings of the clinic"),
    route("accounts:invitation", "GET", ANYBODY, "Exchange an invitation link for a short cookie"),
    route("accounts:join", "GET POST", ANYBODY, "Accept an invitation"),
]

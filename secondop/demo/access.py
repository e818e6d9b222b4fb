"""Who may use which route of this app, and what it shows. Checked on every request."""

from secondop.lib.routes import ANYBODY, route

ROUTES = [
    route("demo:mail", "GET", ANYBODY, "Mails this playground would have sent"),
    route("demo:logins", "GET", ANYBODY, "Who can sign in to the playground"),
]

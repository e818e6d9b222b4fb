"""Who may use which route of this app, and what it shows. Checked on every request."""

from secondop.lib.routes import SIGNED_IN, route

ROUTES = [
    route("notifications:inbox", "GET", SIGNED_IN, "Own notifications"),
    route("notifications:open", "POST", SIGNED_IN, "Mark as read and go on"),
    route("notifications:read_all", "POST", SIGNED_IN, "Mark all as read"),
]

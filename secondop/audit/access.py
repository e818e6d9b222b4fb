"""Who may use which route of this app, and what it shows. Checked on every request."""

from secondop.accounts.roles import AUDITOR
from secondop.lib.routes import route

ROUTES = [
    route("audit:trail", "GET", AUDITOR, "The audit trail of the clinic"),
]

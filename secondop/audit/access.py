"""Who may use which route of this app, and what it shows. Checked on every request."""

from secondop.lib.routes import route

ROUTES = [
    route("audit:trail", "GET", "auditor", "The audit trail of the clinic"),
    route("audit:export", "GET", "auditor", "The audit trail as a file", audit="audit.exported"),
]

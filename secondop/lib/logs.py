"""What no log line may hold. Wired as a filter of the one log handler in `secondop.settings`."""

from __future__ import annotations

import logging
import re

# Addresses that are keys themselves: an invitation, a confirmed address, a new password.
SECRET_LINKS = re.compile(r"(/account/(?:invitation|confirm-email|password/reset/key)/)[^/\s\"']+")


class without_secret_links(logging.Filter):
    """Put `...` for the secret part of such an address. SECURITY: whoever has it may use it."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if SECRET_LINKS.search(said):
            record.msg, record.args = SECRET_LINKS.sub(r"\1...", said), None
        return True

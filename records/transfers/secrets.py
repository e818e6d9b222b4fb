"""Passwords and tokens of other systems, encrypted in their rows."""

from __future__ import annotations

from secondop.jobs.models import PermanentFailure
from secondop.lib.ciphers import KeyLost, decrypted, encrypted

PURPOSE = "records.transfers.peer"


def seal(plain: str) -> str:
    return encrypted(plain, PURPOSE) if plain else ""


def unseal(sealed: str) -> str:
    """Raises PermanentFailure when the installation's key was changed since."""
    try:
        return decrypted(sealed, PURPOSE) if sealed else ""
    except KeyLost:
        raise PermanentFailure("peer_secret_lost") from None

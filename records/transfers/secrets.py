"""Passwords and tokens of peers, sealed with a key made of the installation's own secret."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from secondop.jobs.models import PermanentFailure


def _box() -> Fernet:
    key = hmac.digest(settings.SECRET_KEY.encode(), b"records.transfers.peer", hashlib.sha256)
    return Fernet(base64.urlsafe_b64encode(key))


def seal(plain: str) -> str:
    return _box().encrypt(plain.encode()).decode() if plain else ""


def unseal(sealed: str) -> str:
    """Raises PermanentFailure when the installation's key was changed since."""
    try:
        return _box().decrypt(sealed.encode()).decode() if sealed else ""
    except InvalidToken:
        raise PermanentFailure("peer_secret_lost") from None

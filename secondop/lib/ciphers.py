"""Short secrets that we must read again (passwords of other systems, seeds of second factors) are
kept encrypted: whoever has the database alone cannot use them.

The key is made of SECRET_KEY, another one for each purpose. What was encrypted under a former
SECRET_KEY opens while that one stands in SECRET_KEY_FALLBACKS; `manage.py encrypt_again` writes it
under the present one. Fernet: AES-128-CBC with HMAC-SHA-256.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

MARK = "gAAAA"  # how a Fernet token begins: version 0x80 and a time before the year 4147


class KeyLost(Exception):
    """It was encrypted under a SECRET_KEY that is not known here."""


def encrypted(plain: str, purpose: str) -> str:
    return _box(purpose).encrypt(plain.encode()).decode()


def decrypted(token: str, purpose: str) -> str:
    """Raises KeyLost."""
    try:
        return _box(purpose).decrypt(token.encode()).decode()
    except InvalidToken:
        raise KeyLost from None


def encrypted_again(token: str, purpose: str) -> str:
    """The same secret under the present key. Raises KeyLost."""
    return encrypted(decrypted(token, purpose), purpose)


def _box(purpose: str) -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    derived = [hmac.digest(key.encode(), purpose.encode(), hashlib.sha256) for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])

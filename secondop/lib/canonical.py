"""Canonical JSON and its hash: the same content gives the same bytes on every machine."""

import hashlib
import json
import unicodedata
from typing import Any


def _normal(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, dict):
        return {_normal(str(key)): _normal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_normal(item) for item in value]
    if isinstance(value, float):
        raise TypeError("canonical JSON holds no floats: write a quantity as text with its unit")
    return value


def canonical_json(content: Any) -> str:
    """Return JSON with sorted keys, no spaces, NFC text and no floats.

    Source: the parts of RFC 8785 (JSON Canonicalization Scheme) that matter without floats.
    Raises: TypeError for floats and anything JSON has no word for.
    """
    return json.dumps(
        _normal(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def sha256_of(text: str) -> str:
    """Return the SHA-256 of the text's UTF-8 bytes as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()

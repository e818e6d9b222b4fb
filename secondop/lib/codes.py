"""Short random codes that people can read aloud. Not secrets: rows decide who may open what."""

import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # without 0 O 1 I L U


def spoken_code(prefix: str, groups: int = 2, size: int = 3) -> str:
    """Return a code such as `SO-7KQ-3MF` (30^6 = 729 million values)."""
    parts = ["".join(secrets.choice(ALPHABET) for _ in range(size)) for _ in range(groups)]
    return "-".join([prefix, *parts])

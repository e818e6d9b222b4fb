"""Numbers to call in an emergency or a crisis, by country. The start pages use it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from secondop.accounts.models import Clinic
from secondop.lib.countries import country_names

# Free lines for people who think of ending their life, as their operators publish them.
CRISIS_LINES = {
    "US": "988",
    "CA": "988",
    "GB": "116 123",
    "IE": "116 123",
    "DE": "0800 111 0 111",
    "AT": "142",
    "CH": "143",
    "FR": "3114",
    "ES": "024",
    "MX": "800 911 2000",
    "NL": "113",
    "AU": "13 11 14",
    "NZ": "1737",
}


@dataclass(frozen=True)
class Numbers:
    country: str
    emergency: str
    crisis: str  # empty when we do not know one


def numbers(clinics: Iterable[Clinic]) -> list[Numbers]:
    """What to call in each country where a clinic of this installation works."""
    names = country_names()
    found = {
        clinic.country: Numbers(
            names.get(clinic.country, clinic.country),
            clinic.emergency_number,
            CRISIS_LINES.get(clinic.country, ""),
        )
        for clinic in clinics
    }
    return list(found.values()) or [Numbers(names["US"], "911", CRISIS_LINES["US"])]

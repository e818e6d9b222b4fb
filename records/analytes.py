"""What laboratories measure: one key for every name, code and unit of the same thing.

`records/analytes.toml` holds the table; the checklists count evidence by these keys.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import get_language

LOINC = "http://loinc.org"
TABLE = Path(__file__).with_name("analytes.toml")


@dataclass(frozen=True)
class Analyte:
    key: str
    en: str
    es: str
    unit: str  # the unit of its series
    loinc: tuple[str, ...]
    units: dict[str, Decimal]  # as `normal_unit` writes them -> factor
    offsets: dict[str, Decimal] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.es if (get_language() or "en").startswith("es") else self.en

    def converted(self, value: Decimal, unit: str) -> Decimal | None:
        """The value in the unit of the series; None when the unit is not known for it.

        A value without a unit is not guessed: 13 may be g/dL, 130 g/L, and both may be wrong.
        """
        factor = self.units.get(normal_unit(unit))
        if factor is None:
            return None
        exact = value * factor + self.offsets.get(normal_unit(unit), Decimal(0))
        return exact if factor == 1 else _four_figures(exact)


def _four_figures(value: Decimal) -> Decimal:
    """A converted value is not more exact than its factor."""
    if not value:
        return value
    return round(value, max(0, 3 - value.adjusted())).normalize() + Decimal(0)


@cache
def analytes() -> dict[str, Analyte]:
    """Key -> analyte, in the order of the table."""
    told = tomllib.loads(TABLE.read_text(), parse_float=Decimal)
    return {key: _analyte(key, row) for key, row in told.items()}


def _analyte(key: str, row: dict[str, Any]) -> Analyte:
    units = {normal_unit(row["unit"]): Decimal(1)}
    units |= {normal_unit(unit): Decimal(factor) for unit, factor in row["units"].items()}
    offsets = {normal_unit(u): Decimal(much) for u, much in row.get("offsets", {}).items()}
    return Analyte(
        key=key, en=row["en"], es=row["es"], unit=row["unit"], loinc=tuple(row["loinc"]),
        units=units, offsets=offsets, names=tuple(row["names"]),
    )  # fmt: skip


@cache
def _by_code() -> dict[str, str]:
    return {code: one.key for one in analytes().values() for code in one.loinc}


@cache
def _by_name() -> dict[str, str]:
    return {folded(name): one.key for one in analytes().values() for name in one.names}


def key_of(code_system: str, code: str, name: str) -> str:
    """The key of what a laboratory calls `name`; "" when the table does not know it.

    A LOINC code decides alone: "Hemoglobin" with the code of a urine strip is no blood value.
    """
    if code_system == LOINC and code:
        return _by_code().get(code.strip(), "")
    return _by_name().get(folded(name), "")


def folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in apart if not unicodedata.combining(c)).split())


def normal_unit(unit: str) -> str:
    """A unit without annotation, in one spelling: "µmol/l" and "umol/L" become one."""
    bare = re.sub(r"\{[^}]*\}", "", unit).strip().replace("\u00b5", "u").replace("\u03bc", "u")
    bare = re.sub(r"^mcg\b", "ug", bare.replace("×", "x").replace("^", "*"))  # noqa: RUF001
    bare = re.sub(r"^x ?10", "10", bare).replace("10E", "10*").replace("10e", "10*")
    return re.sub(r"\s+", "", bare).casefold().removesuffix("/").replace("//", "/")

"""QIDO-RS matching over the JSON model. Source: PS3.18 section 8.3.4, PS3.4 C.2.2.2."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from django.http import QueryDict

from records.dicom.dictionary import tag_of, vr_of
from records.dicom.values import Attributes

MAX_LIMIT = 20_000
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_WILD = frozenset({"PN", "LO", "SH", "LT", "ST", "CS", "AE", "UC", "UT"})


class BadQuery(Exception):
    """The request asks what cannot be asked: 400."""


@dataclass
class Query:
    matches: dict[str, str] = field(default_factory=dict)  # tag -> value as sent
    include: set[str] = field(default_factory=set)
    include_all: bool = False
    limit: int = MAX_LIMIT
    offset: int = 0
    is_fuzzy: bool = False

    @property
    def is_plain(self) -> bool:
        return not self.matches


def parse(params: QueryDict) -> Query:
    """Raises BadQuery for an unknown key or a number that is none."""
    query = Query()
    for name, values in params.lists():
        if name in ("limit", "offset"):
            if not re.fullmatch(r"[0-9]{1,9}", values[-1]):
                raise BadQuery
            setattr(query, name, int(values[-1]))
        elif name == "includefield":
            _include(query, values)
        elif name == "fuzzymatching":
            query.is_fuzzy = values[-1].lower() == "true"
        elif name not in ("accept", "charset"):
            query.matches[_tag(name)] = values[-1]
    query.limit = min(query.limit, MAX_LIMIT)
    return query


def _include(query: Query, values: list[str]) -> None:
    for value in values:
        for name in filter(None, value.split(",")):
            if name == "all":
                query.include_all = True
            else:
                query.include.add(_tag(name))


def _tag(name: str) -> str:
    name = name.rpartition(".")[2]  # into a sequence: matched where we hold it flat
    if _TAG.fullmatch(name):
        return name.upper()
    found = tag_of(name)
    if found is None:
        raise BadQuery
    return f"{found:08X}"


def answer(rows: list[Attributes], query: Query, required: set[str]) -> list[Attributes]:
    """The rows that match, from `offset`, at most `limit`, with the attributes asked for."""
    found = [row for row in rows if all(_fits(row, tag, v) for tag, v in query.matches.items())]
    page = found[query.offset : query.offset + query.limit]
    if query.include_all:
        return page
    wanted = required | query.include | set(query.matches)
    return [{tag: row[tag] for tag in sorted(row) if tag in wanted} for row in page]


def _fits(row: Attributes, tag: str, wanted: str) -> bool:
    if wanted in ("", "*", '""'):
        return True
    vr = vr_of(int(tag, 16)) or "LO"
    values = [_plain(value) for value in row.get(tag, {}).get("Value", [])]
    if vr in ("UI", "IS"):
        return bool(set(re.split(r"[,\\]", wanted)) & set(values))
    if vr in ("DA", "TM", "DT") and "-" in wanted:
        first, _dash, last = wanted.partition("-")
        return any(_is_within(value, first, last) for value in values)
    if vr in ("DA", "TM", "DT"):
        return any(value.startswith(wanted) for value in values)
    return any(_is_like(value, wanted, vr) for value in values)


def _is_within(value: str, first: str, last: str) -> bool:
    if first and value < first:
        return False
    return not last or value <= last or value.startswith(last)


def _is_like(value: str, wanted: str, vr: str) -> bool:
    if vr == "PN":
        value, wanted = value.casefold().rstrip("^"), wanted.casefold().rstrip("^")
    if vr in _WILD and ("*" in wanted or "?" in wanted):
        # SECURITY: fnmatch never goes back over what a star took; `.*a.*a.*a` would, for hours.
        return fnmatchcase(value, wanted.replace("[", "[[]"))
    return value == wanted


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "=".join(
            str(value.get(k, "")) for k in ("Alphabetic", "Ideographic", "Phonetic")
        ).rstrip("=")
    return "" if value is None else str(value)

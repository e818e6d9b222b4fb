"""Check an exported report or seal with nothing but its text: no database, no key, no network.

`static/secondop/js/verify.js` does the same in a browser, with the same codes; a test feeds both
the same damaged files. The rules stand in docs/sealed-review.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from secondop.lib.canonical import canonical_json, sha256_of

REPORT, SEAL, SEALED = "secondop.report/2", "secondop.seal/1", "secondop.independent-opinion/1"
RULE = "secondop.canonical-json/1"
LARGEST = 2**53 - 1

PROBLEMS: dict[str, str | Promise] = {
    "not_json": _("This is not a file that SecondOp exported."),
    "unknown_format": _("This is not a report or a seal of a format this program knows."),
    "not_canonical": _("The file is not in the form it was exported in: something was changed."),
    "integrity": _("The fingerprint in the file does not match the rest of it: it was changed."),
    "fingerprint": _("The file is not the one whose fingerprint you gave."),
    "seal_hash": _("A sealed opinion does not match its fingerprint: it was changed."),
    "seal_other_case": _("A seal belongs to another case."),
    "seal_differs": _("What the report says was sealed is not what was sealed."),
    "order": _("The steps are not in the order seal, then opening of the first diagnosis."),
    "opened": _("What the report says was opened before the seal does not match the access log."),
    "revisions": _("The changes after the seal do not lead from what was sealed to what stands."),
    "seal_missing": _("An opinion that counts as sealed has no seal."),
}
PROVEN: dict[str, str | Promise] = {
    "whole": _("The file is whole: every letter is as it was when the report was made."),
    "sealed": _("Every sealed opinion matches its fingerprint."),
    "order": _("Each was sealed before the first diagnosis was opened to its author."),
    "opened": _("What was opened before the seal is what the access log in the file says."),
    "revisions": _("Every change after the seal is listed, with what stood before and why."),
}
NOT_PROVEN: dict[str, str | Promise] = {
    "issued": _(
        "That the clinic issued this very file. Compare its fingerprint with the one that is "
        "printed on the report you got from the clinic."
    ),
    "clock": _("The time of day. Times are those of the clinic's server; the order is proven."),
    "log": _("That the access log is complete. An auditor of the clinic can check its chain."),
    "outside": _("What somebody may have told the specialist outside this program."),
    "broken": _("One opinion was opened early, for safety. It does not count as sealed."),
    "open": _("This was an open review: nothing was sealed, so nothing can be proven about it."),
}


@dataclass
class Finding:
    """Codes of `PROBLEMS`, `PROVEN` and `NOT_PROVEN`, and the fingerprint of the file."""

    sha256: str = ""
    problems: list[str] = field(default_factory=list)
    proven: list[str] = field(default_factory=list)
    not_proven: list[str] = field(default_factory=list)


def verify(text: str, *, fingerprint: str = "") -> Finding:
    """Return what the text proves. It is in order when `problems` is empty."""
    try:
        content = _read(text)
        is_canonical = canonical_json(content) == text
        found = Finding(sha256_of(text))
    except (ValueError, TypeError, RecursionError):
        return Finding(problems=["not_json"])
    form = content.get("format") if isinstance(content, dict) else None
    if form not in (REPORT, SEAL):
        return Finding(found.sha256, ["unknown_format" if form else "not_json"])
    if not is_canonical:
        found.problems.append("not_canonical")
    if fingerprint and fingerprint.strip().lower() != found.sha256:
        found.problems.append("fingerprint")
    try:
        _check_report(content, found) if form == REPORT else _check_seal(content, found)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError):
        found.problems.append("not_json")
    found.problems = list(dict.fromkeys(found.problems))
    found.not_proven = list(dict.fromkeys(found.not_proven))
    if found.problems:
        found.proven = []
    elif fingerprint:
        found.not_proven = [code for code in found.not_proven if code != "issued"]
    return found


def _read(text: str) -> Any:
    """Whole numbers that a browser keeps exactly, and text that UTF-8 can hold; else ValueError."""
    content = json.loads(text, parse_int=_whole, parse_float=_no_number, parse_constant=_no_number)
    canonical_json(content).encode("utf-8")  # an escaped half of a pair is no letter
    return content


def _whole(digits: str) -> int:
    if len(digits) > len(str(LARGEST)) + 1 or abs(int(digits)) > LARGEST:
        raise ValueError("too large a number")
    return int(digits)


def _no_number(written: str) -> Any:
    raise ValueError("not a whole number")


def _check_seal(content: dict[str, Any], found: Finding) -> None:
    if sha256_of(canonical_json(content["sealed"])) != content["sha256"]:
        found.problems.append("seal_hash")
    if content["sealed"]["format"] != SEALED or set(content) != {"format", "sealed", "sha256"}:
        found.problems.append("unknown_format")
    found.proven += ["sealed"]
    found.not_proven += ["issued", "clock", "outside"]


def _check_report(report: dict[str, Any], found: Finding) -> None:
    rest = {key: value for key, value in report.items() if key != "integrity"}
    if report["integrity"] != {"rule": RULE, "sha256": sha256_of(canonical_json(rest))}:
        found.problems.append("integrity")
    found.proven.append("whole")
    found.not_proven += ["issued", "clock"]
    opinions = report["opinions"]
    for opinion in opinions:  # by its own mode: a report that is called open hides no seal
        _check_opinion(opinion, report, found)
    if any(opinion["blinding"]["seal"] for opinion in opinions):
        found.proven += ["sealed", "order", "opened", "revisions"]
    elif report["review"]["code"] != "sealed":
        found.not_proven.append("open")
        return
    found.not_proven += ["log", "outside"]


def _check_opinion(opinion: dict[str, Any], report: dict[str, Any], found: Finding) -> None:
    blinding = opinion["blinding"]
    envelope, trail = blinding["seal"], blinding["trail"]
    if not isinstance(trail, list):
        raise TypeError("the log is no list")
    if not envelope:
        _check_unsealed(blinding, found)
        return
    sealed = envelope["sealed"]
    hashes = {sha256_of(canonical_json(sealed)), envelope["sha256"], blinding["sha256"]}
    if len(hashes) != 1:
        found.problems.append("seal_hash")
    if sealed["format"] != SEALED or sealed["case_file"] != report["patient"]["alias"]:
        found.problems.append("seal_other_case")
    if sealed["opinion"] != opinion["sealed"] or not _is_as_sealed(blinding, sealed):
        found.problems.append("seal_differs")
    if not (_is_in_order(trail, sealed["audit"].get("number", 0)) and _is_in_time(blinding)):
        found.problems.append("order")
    if not _is_as_opened(blinding, trail, sealed["audit"].get("number", 0)):
        found.problems.append("opened")
    if not _is_revised(opinion):
        found.problems.append("revisions")


def _check_unsealed(blinding: dict[str, Any], found: Finding) -> None:
    """Opened early for safety, or an open review; the log must say the same."""
    verbs = {event["verb"] for event in blinding["trail"]}
    if blinding["seal_broken_at"] and "opinion.seal_broken" in verbs:
        found.not_proven.append("broken")
    elif blinding["mode"] == "open" and "opinion.sealed" not in verbs:
        found.not_proven.append("open")
    else:
        found.problems.append("seal_missing")


def _is_as_sealed(blinding: dict[str, Any], sealed: dict[str, Any]) -> bool:
    """What is printed of the seal, beside its fingerprint: time, and place in the access log."""
    at = sealed["sealed_at"]  # with microseconds; printed without
    return bool(
        blinding["sealed_at"] == at[:19] + at[26:]
        and blinding["audit_number"] == sealed["audit"].get("number", 0)
        and blinding["audit_hash"] == sealed["audit"].get("hash", "")
        and blinding["is_intact"] is True
        and blinding["mode"] == "sealed"
    )


def _is_in_time(blinding: dict[str, Any]) -> bool:
    """The printed reveal lies between the seal and its own entry in the log; none came before."""
    trail, sealed_at = blinding["trail"], blinding["sealed_at"]
    noted = [event["at"] for event in trail if event["verb"] == "opinion.revealed"]
    is_broken = any(event["verb"] == "opinion.seal_broken" for event in trail)
    latest = max(sealed_at, *noted)  # a clock that was set back: the seal's own time
    is_between = sealed_at <= blinding["revealed_at"] <= latest
    return bool(is_between and not is_broken and not blinding["seal_broken_at"])


def _is_in_order(trail: list[dict[str, Any]], last_before: int) -> bool:
    """By the numbers of the access log's chain, which no clock can turn round."""
    numbers = [event["number"] for event in trail]
    places = {event["verb"]: event["number"] for event in reversed(trail)}  # the first of each
    sealed, revealed = places.get("opinion.sealed", 0), places.get("opinion.revealed", 0)
    return numbers == sorted(set(numbers)) and last_before < sealed < revealed


def _is_as_opened(blinding: dict[str, Any], trail: list[dict[str, Any]], last_before: int) -> bool:
    opened = [event for event in trail if event["record"]]
    before = {event["record"] for event in opened if event["number"] <= last_before}
    after = {event["record"] for event in opened} - before
    read = [event for event in trail if event["verb"] == "message.opened"]
    messages = sum(event["number"] <= last_before for event in read)
    images = {event["images"] for event in trail if event["number"] <= last_before} - {""}
    has_shown = any(event["verb"] == "opinions.shown" for event in trail)
    return bool(
        blinding["opened_before"] == sorted(before)
        and blinding["opened_after"] == sorted(after)
        and blinding["opened"] == sorted(before | after)
        and blinding.get("messages_before", 0) == messages
        and blinding.get("images_before", 0) == len(images)
        and (has_shown or not blinding.get("shown"))
    )


def _is_revised(opinion: dict[str, Any]) -> bool:
    """From each sealed field, change by change, to what stands in the report now."""
    now = dict(opinion["sealed"])
    for row in opinion["revisions"]:
        if now.get(row["name"]) != row["before_code"] or not row["reason"].strip():
            return False
        now[row["name"]] = row["after_code"]
    stands = {name: opinion[name] for name in now}
    stands["certainty"] = opinion["certainty"]["code"]
    return bool(now == stands and opinion["blinding"]["changed_after"] == len(opinion["revisions"]))

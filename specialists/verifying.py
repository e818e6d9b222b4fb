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
        content = json.loads(text)
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
    except (KeyError, TypeError, AttributeError, IndexError):
        found.problems.append("not_json")
    found.problems = list(dict.fromkeys(found.problems))
    if found.problems:
        found.proven = []
    elif fingerprint:
        found.not_proven = [code for code in found.not_proven if code != "issued"]
    return found


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
    if report["review"]["code"] != "sealed":
        found.not_proven.append("open")
        return
    for opinion in report["opinions"]:
        _check_opinion(opinion, report, found)
    if any(opinion["blinding"]["seal"] for opinion in report["opinions"]):
        found.proven += ["sealed", "order", "opened", "revisions"]
    found.not_proven += ["log", "outside"]


def _check_opinion(opinion: dict[str, Any], report: dict[str, Any], found: Finding) -> None:
    blinding = opinion["blinding"]
    envelope = blinding["seal"]
    if not envelope:
        is_broken = bool(blinding["seal_broken_at"])
        (found.not_proven if is_broken else found.problems).append(
            "broken" if is_broken else "seal_missing"
        )
        return
    sealed, trail = envelope["sealed"], blinding["trail"]
    hashes = {sha256_of(canonical_json(sealed)), envelope["sha256"], blinding["sha256"]}
    if len(hashes) != 1:
        found.problems.append("seal_hash")
    if sealed["format"] != SEALED or sealed["case_file"] != report["patient"]["alias"]:
        found.problems.append("seal_other_case")
    if sealed["opinion"] != opinion["sealed"]:
        found.problems.append("seal_differs")
    if not _is_in_order(trail, sealed["audit"].get("number", 0)):
        found.problems.append("order")
    if not _is_as_opened(blinding, trail, sealed["audit"].get("number", 0)):
        found.problems.append("opened")
    if not _is_revised(opinion):
        found.problems.append("revisions")


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
    return bool(
        blinding["opened_before"] == sorted(before)
        and blinding["opened_after"] == sorted(after)
        and blinding.get("messages_before", 0) == messages
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

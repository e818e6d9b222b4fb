"""Which specialist opened what, and when: after that a decision at the desk cannot be undone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from records.models import CaseFile
from secondop.accounts.models import User
from secondop.accounts.roles import SPECIALIST
from secondop.audit.models import AuditEvent

VERBS = ("document.opened", "document.read", "document.downloaded", "imaging.opened",
         "case_file.read")  # fmt: skip
MOST = 5000  # events; far more than any review makes, since openings are noted once a sitting


@dataclass(frozen=True)
class Opening:
    who: str
    at: datetime


class Openings:
    """Every opening by a specialist of one case file. Three queries."""

    def __init__(self, case_file: CaseFile) -> None:
        readers = case_file.grants.filter(as_role=SPECIALIST).values_list("to", flat=True)
        names = {user.pk: user.display_name for user in User.objects.filter(pk__in=set(readers))}
        self._about: dict[str, list[Opening]] = defaultdict(list)
        self._file: list[Opening] = []
        if not names:
            return
        events = AuditEvent.objects.filter(
            case_file_id=case_file.pk, verb__in=VERBS, actor_id__in=list(names)
        ).order_by("number")
        rows = events.values_list("verb", "about_id", "actor_id", "at")[:MOST]
        for verb, about_id, actor_id, at in rows:
            opening = Opening(names.get(actor_id, ""), at)  # type: ignore[arg-type]
            if verb == "case_file.read":
                self._file.append(opening)
            else:
                self._about[about_id].append(opening)

    def of(self, *pks: Any, since: datetime | None = None) -> Opening | None:
        """The first time one of these rows was opened, after `since`."""
        found = [opening for pk in pks for opening in self._about.get(str(pk), [])]
        return _first(found, since)

    def of_file(self, *, since: datetime | None = None) -> Opening | None:
        """The first time the page with the patient's words was opened, after `since`."""
        return _first(self._file, since)


def _first(found: list[Opening], since: datetime | None) -> Opening | None:
    late_enough = [opening for opening in found if since is None or opening.at >= since]
    return min(late_enough, key=lambda opening: opening.at, default=None)

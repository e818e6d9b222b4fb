"""Answers to "may this person do this now?". Imports nothing of ours; used by every rule."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise

FORBIDDEN, CONFLICT = 403, 409


class Refused(Exception):
    """A rule said no. `status` is the HTTP code with which the edge answers."""

    def __init__(self, reason: str | Promise, status: int) -> None:
        super().__init__(str(reason))
        self.reason, self.status = str(reason), status


@dataclass(frozen=True)
class Verdict:
    """True when allowed; otherwise carries the sentence to show the person."""

    reason: str | Promise = ""
    status: int = 200

    def __bool__(self) -> bool:
        return self.status == 200

    def or_raise(self) -> None:
        if not self:
            raise Refused(self.reason, self.status)


YES = Verdict()


def never(reason: str | Promise) -> Verdict:
    """Not yours to do, whatever the state: HTTP 403."""
    return Verdict(reason, FORBIDDEN)


def not_now(reason: str | Promise) -> Verdict:
    """Yours to do, but not in this state: HTTP 409."""
    return Verdict(reason, CONFLICT)

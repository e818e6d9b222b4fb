"""Images as the coordinator decides about them: what is held, and what a sealed reader may see.

For the plain images page and for the blinding desk, which includes the two pieces:

    {% load imaging_desk %}
    {% imaging_at_the_desk case_file as images %}
    {% for study in images.held %}{% include "records/_study_at_the_desk.html" %}{% endfor %}
    {% for row in images.series %}{% include "records/_series_at_the_desk.html" %}{% endfor %}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import F, Sum, Window
from django.db.models.functions import RowNumber
from django.http import Http404
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records import imaging_rules as rules
from records.dicom.problems import sentence
from records.dicom.values import VIDEO, first, text
from records.identity_checks import PROBLEM
from records.imaging import View, view_of
from records.imaging_pages import address, day_of, title_of
from records.models import CaseFile, ImagingCover, ImagingSeries, ImagingStudy
from records.models.case_file import BlindingClass
from secondop.lib.verdicts import YES, Verdict, not_now

PICTURES = 12  # beside the decision; the rest is a page away
SIDE = 512
STATES: dict[str, tuple[str, str | Promise]] = {
    "": ("wait", gettext_lazy("Not decided: kept back")),
    BlindingClass.CLEAR: ("done", gettext_lazy("The specialist sees it")),
    BlindingClass.CHECK: ("todo", gettext_lazy("To be looked at: kept back")),
    BlindingClass.WITHHELD: ("todo", gettext_lazy("Kept back")),
}


@dataclass(frozen=True)
class DeskPicture:
    url: str
    number: int


@dataclass(frozen=True)
class DeskSeries:
    """Everything `_series_at_the_desk.html` shows of one series."""

    series: ImagingSeries
    title: str
    study: str
    badge: str
    state: str | Promise
    pictures: list[DeskPicture]  # all of them up to a dozen, when letters may be in the pixels
    total: int
    may_clear: Verdict  # asked as if the pictures had been looked at
    may_cover: Verdict
    page_url: str
    is_covering: bool  # copies are being made
    failed: bool  # they could not be made

    @property
    def must_look(self) -> bool:
        return self.series.may_show_text


@dataclass(frozen=True)
class HeldStudy:
    study: ImagingStudy
    title: str
    people: list[str]  # whom these images and the others name
    problem: str
    may_release: Verdict
    may_refuse: Verdict
    may_reconsider: Verdict


@dataclass(frozen=True)
class ImagingDesk:
    held: list[HeldStudy]
    series: list[DeskSeries]


def at_the_desk(case_file: CaseFile, user: Any) -> ImagingDesk:
    """For a coordinator with full sight; empty for everybody else. A fixed number of queries."""
    if not rules.may_decide(user, case_file.pk):
        return ImagingDesk([], [])
    try:
        view = view_of(user, case_file.pk)
    except Http404:
        return ImagingDesk([], [])
    if view.is_sealed:  # SECURITY: a coordinator who reviews this very case decides nothing here
        return ImagingDesk([], [])
    studies = ImagingStudy.objects.filter(case_file=case_file).exclude(status="removed")
    held = [_held(study) for study in studies.order_by("received_at", "pk") if _is_open(study)]
    return ImagingDesk(held, _all_series(view))


def _is_open(study: ImagingStudy) -> bool:
    return study.status in ("held", "quarantined", "rejected")


def one_at_the_desk(view: View, series: ImagingSeries) -> DeskSeries | None:
    """One series for a coordinator; None for everybody else."""
    if view.is_sealed or not rules.may_decide(view.user, view.case_file.pk):
        return None
    return next((row for row in _all_series(view) if row.series.pk == series.pk), None)


def _held(study: ImagingStudy) -> HeldStudy:
    """Rules told from the row: who asks was found to be a coordinator."""
    yes, no = YES, not_now(_("These images are not held back."))
    return HeldStudy(
        study=study,
        title=text(study.search, "00081030").strip() or _("Study without a title"),
        people=list(filter(None, [text(study.search, "00100010").replace("^", " ").strip(),
                                  day_of(study.search, "00100030")])),
        problem=sentence(study.problem) if study.problem else "",
        may_release=yes if study.status == "held" and study.problem != PROBLEM else no,
        may_refuse=yes if study.status in ("held", "quarantined") else no,
        may_reconsider=yes if study.status == "rejected" else no,
    )  # fmt: skip


def _all_series(view: View) -> list[DeskSeries]:
    rows = view.series().filter(study__status="available").select_related("study")
    found = sorted(rows, key=lambda one: (str(one.study.received_at), _number(one), str(one.pk)))
    pictures, totals = _pictures(view, found)
    jobs = dict[Any, str]()
    for pk, status in (
        ImagingCover.objects.filter(series__in=found)
        .order_by("created_at")
        .values_list("series", "status")
    ):
        jobs[pk] = status
    covered = {one.parent_id for one in found if one.parent_id}
    return [
        _desk_series(view, one, pictures.get(one.pk, []), totals.get(one.pk, 0),
                     jobs.get(one.pk, ""), one.pk in covered)
        for one in found
    ]  # fmt: skip


def _number(series: ImagingSeries) -> int:
    number = first(series.search, "00200011", 0)
    return number if isinstance(number, int) else 0


def _desk_series(
    view: View, series: ImagingSeries, pictures: list[DeskPicture], total: int, job: str,
    has_copy: bool,
) -> DeskSeries:  # fmt: skip
    badge, state = STATES[series.blinding_class]
    is_covering = job in ("queued", "running", "failed")
    may_clear = YES
    if not series.has_pictures:
        may_clear = not_now(_("This series holds no pictures, only findings. It stays closed."))
    elif has_copy or is_covering:
        may_clear = not_now(_("Places in this series were covered. Show the covered copy instead."))
    return DeskSeries(
        series=series,
        title=title_of(view, series),
        study=text(series.study.search, "00081030").strip(),
        badge=badge,
        state=state,
        pictures=pictures if series.may_show_text else pictures[: PICTURES // 4],
        total=total,
        may_clear=may_clear,
        may_cover=YES if series.has_pictures and not series.parent_id and not is_covering
        else not_now(""),
        page_url=reverse("records:images_series", args=[series.pk]),
        is_covering=is_covering,
        failed=job == "dead",
    )  # fmt: skip


def _pictures(
    view: View, series: list[ImagingSeries]
) -> tuple[dict[Any, list[DeskPicture]], dict[Any, int]]:
    """The first dozen pictures of each series, and how many there are in all, in two queries."""
    by_pk = {one.pk: one for one in series}
    rows = view.instances().filter(series__in=by_pk, frame_count__gt=0)
    counted = rows.order_by().values("series").annotate(n=Sum("frame_count"))
    totals: dict[Any, int] = dict(counted.values_list("series", "n"))
    place = Window(RowNumber(), partition_by=[F("series")], order_by=["InstanceNumber", "id"])
    few = rows.annotate(place=place).filter(place__lte=PICTURES).order_by("series", "place")
    found: dict[Any, list[DeskPicture]] = {}
    for pk, uid, frames, syntax in few.values_list(
        "series", "SOPInstanceUID", "frame_count", "TransferSyntaxUID"
    ):
        if VIDEO.match(syntax):
            continue
        kept = found.setdefault(pk, [])
        for frame in range(1, frames + 1):
            if len(kept) >= PICTURES:
                break
            url = address(view, "frame_rendered", by_pk[pk], uid, frame)
            kept.append(DeskPicture(f"{url}?viewport={SIDE},{SIDE}", len(kept) + 1))
    return found, totals

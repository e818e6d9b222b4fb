"""What of the images of a case file one person may see, under which names, and how it is told.

Every edge (DICOMweb, pages) asks here. SECURITY: rows are chosen by sight first; a sealed reader
meets aliases and projections only, and series that no person cleared do not exist.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db.models import Count, Q
from django.http import Http404

from records.blinding import sight_of
from records.dicom.projection import project
from records.dicom.values import Attributes
from records.models import CaseFile, ImagingInstance, ImagingSeries, ImagingStudy
from records.models.imaging import InstanceQuerySet, SeriesQuerySet
from secondop.audit.trail import note
from secondop.lib.access import get_visible

NOTED_SECONDS = 3600


@dataclass(frozen=True)
class View:
    """One person's view of the images of one case file."""

    case_file: CaseFile
    user: Any
    sight: str  # sealed or full
    fills: bool  # the patient or the clinic: sees what is held, too
    is_staff: bool = False  # the clinic: also what is held because it may be somebody else's

    @property
    def is_sealed(self) -> bool:
        return self.sight == "sealed"

    @property
    def key(self) -> bytes:
        return bytes.fromhex(self.case_file.alias_key)

    def _uid(self, keyword: str) -> str:
        return "alias_uid" if self.is_sealed else keyword

    def _let_in(self, of: str) -> Q:
        """PRIVACY: a stranger's images that came by mistake are opened by the clinic alone."""
        available = Q(**{f"{of}status": "available"})
        if not self.fills:
            return available
        held = Q(**{f"{of}status": "held"})
        strangers = Q() if self.is_staff else Q(**{f"{of}problem": "other_patient"})
        return available | (held & ~strangers if strangers else held)

    def studies(self) -> Any:
        rows = ImagingStudy.objects.filter(case_file=self.case_file)
        rows = rows.filter(self._let_in(""))
        if self.is_sealed:
            rows = rows.filter(pk__in=self.series().values("study"))
        return rows.order_by("received_at", "pk")

    def series(self) -> Any:
        rows = ImagingSeries.objects.filter(case_file=self.case_file)
        if self.is_sealed:
            return rows.filter(SeriesQuerySet.SEALED or Q(pk=None))
        return rows.filter(self._let_in("study__"))

    def instances(self) -> Any:
        rows = ImagingInstance.objects.filter(case_file=self.case_file)
        rows = rows.filter(pack__quarantined_at=None)
        if self.is_sealed:
            return rows.filter(InstanceQuerySet.SEALED or Q(pk=None))
        return rows.filter(self._let_in("study__"))

    def study(self, uid: str) -> ImagingStudy:
        found = self.studies().filter(**{self._uid("StudyInstanceUID"): uid}).first()
        if not found:
            raise Http404
        return found  # type: ignore[no-any-return]

    def one_series(self, study: str, uid: str) -> ImagingSeries:
        """One query: the names of study and series are asked together."""
        named = {
            f"study__{self._uid('StudyInstanceUID')}": study,
            self._uid("SeriesInstanceUID"): uid,
        }
        found = self.series().filter(**named).select_related("study").first()
        if not found:
            raise Http404
        return found  # type: ignore[no-any-return]

    def instance(self, study: str, series: str, uid: str) -> ImagingInstance:
        named = {
            f"study__{self._uid('StudyInstanceUID')}": study,
            f"series__{self._uid('SeriesInstanceUID')}": series,
            self._uid("SOPInstanceUID"): uid,
        }
        found = self.instances().filter(**named).select_related("pack").first()
        if not found:
            raise Http404
        return found  # type: ignore[no-any-return]

    def header(self, attributes: Attributes) -> Attributes:
        """The header of an object as this person may see it."""
        if not self.is_sealed:
            return attributes
        return project(attributes, key=self.key, alias=self.case_file.alias)

    # --- what QIDO tells -----------------------------------------------------------------------
    def told_studies(self) -> list[Attributes]:
        counts = self.series().values("study").annotate(n=Count("pk")).values_list("study", "n")
        series_of = dict(counts)
        pictures: dict[Any, int] = {}
        modalities: dict[Any, list[str]] = {}
        for study, modality, every, some in self.series().values_list(
            "study", "modality", "instance_count", "picture_count"
        ):
            pictures[study] = pictures.get(study, 0) + (some if self.is_sealed else every)
            if modality not in modalities.setdefault(study, []):
                modalities[study].append(modality)
        told = []
        for study in self.studies():
            row = self.header({**study.search, **_uid_of("0020000D", study.StudyInstanceUID)})
            row["00080061"] = {
                "vr": "CS",
                "Value": sorted(filter(None, modalities.get(study.pk, []))),
            }
            row["00201206"] = {"vr": "IS", "Value": [series_of.get(study.pk, 0)]}
            row["00201208"] = {"vr": "IS", "Value": [pictures.get(study.pk, 0)]}
            told.append(row)
        return told

    def told_series(self, study: ImagingStudy) -> list[Attributes]:
        told = []
        for series in self.series().filter(study=study).order_by("pk"):
            row = self.header({**series.search, **_uid_of("0020000E", series.SeriesInstanceUID)})
            row |= self.header(_uid_of("0020000D", study.StudyInstanceUID))
            count = series.picture_count if self.is_sealed else series.instance_count
            row["00201209"] = {"vr": "IS", "Value": [count]}
            told.append(row)
        told.sort(key=lambda row: (row.get("00200011", {}).get("Value") or [0])[0] or 0)
        return told

    def told_instances(self, series: ImagingSeries) -> list[str]:
        """As JSON text, one for each instance, in order: the fast way when nothing is asked."""
        rows = self.instances().filter(series=series).order_by("InstanceNumber", "id")
        texts = list(rows.values_list("search", flat=True))
        if not self.is_sealed:
            return texts
        return [json.dumps(self.header(json.loads(text))) for text in texts]

    def note_opened(self, study: ImagingStudy) -> None:
        """One audit event for each person, study and hour: a viewer asks a thousand times."""
        if cache.add(f"imaging-opened:{self.user.pk}:{study.pk}:{self.sight}", 1, NOTED_SECONDS):
            note("imaging.opened", by=self.user, about=study, sight=self.sight)


def _uid_of(tag: str, uid: str) -> Attributes:
    return {tag: {"vr": "UI", "Value": [uid]}}


def view_of(user: Any, pk: UUID) -> View:
    """The images of a case file as `user` may see them; Http404 when not at all."""
    case_file = get_visible(CaseFile, user, pk)
    sight = sight_of(user, case_file)
    if not sight:
        raise Http404
    is_staff = sight == "full" and _is(case_file, "coordinator", user)
    fills = is_staff or (sight == "full" and _is(case_file, "patient", user))
    return View(case_file, user, sight, fills, is_staff)


def _is(case_file: CaseFile, kind: str, user: Any) -> bool:
    return CaseFile.objects.visible_as(kind, user).filter(pk=case_file.pk).exists()

"""Every step of a parcel of slides or blocks: asked for, on its way, here, back, lost, found."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from records.models import CaseFile, RecordHolder, Specimen
from secondop.audit.trail import note
from secondop.lib.transitions import transition
from secondop.lib.verdicts import YES, Verdict, never, not_now

Status = Specimen.Status
RETURN_DAYS = 60  # laboratories ask for their slides after one to three months
# What may be typed with each step.
FIELDS: dict[str, tuple[str, ...]] = {
    Status.SHIPPED: ("count_sent", "courier", "tracking"),
    Status.RECEIVED: ("count_received", "condition", "return_due_on"),
    Status.RETURNING: ("count_returned", "return_courier", "return_tracking"),
    Status.RETURNED: ("count_returned",),
    Status.LOST: (),
    Status.CANCELLED: (),
}


def may_change(user: Any, case_file: CaseFile) -> Verdict:
    """The chain of custody is the clinic's to keep."""
    own = CaseFile.objects.visible_as("coordinator", user).filter(pk=case_file.pk)
    if not own.exists():
        return never(_("Only the clinic's coordinators do this."))
    if CaseFile.objects.visible_as("patient", user).filter(pk=case_file.pk).exists():
        return never(_("Nobody works on their own request."))
    return YES


def add(
    case_file: CaseFile, *, holder: RecordHolder | None, kind: str, accession: str, label: str,
    by: Any,
) -> Specimen:  # fmt: skip
    """Write down that a laboratory was asked for slides or blocks."""
    may_change(by, case_file).or_raise()
    specimen = Specimen.objects.create(
        clinic_id=case_file.clinic_id, case_file=case_file, holder=holder, kind=kind,
        accession=accession, label=label, made_by=by,
    )  # fmt: skip
    note("specimen.added", by=by, about=specimen, kind=kind)
    return specimen


@transition
def step(specimen: Specimen, /, new: str, *, by: Any, **told: Any) -> None:
    """Move one parcel on, with what is known of the step. Raises Refused for an impossible one."""
    may_change(by, specimen.case_file).or_raise()
    unknown = set(told) - set(FIELDS.get(new, ()))
    if new not in FIELDS or unknown:
        not_now(_("This does not go with that step.")).or_raise()
    for name, value in told.items():
        setattr(specimen, name, value)
    if new == Status.RECEIVED and specimen.return_due_on is None:
        specimen.return_due_on = timezone.localdate() + timedelta(days=RETURN_DAYS)
        told["return_due_on"] = specimen.return_due_on
    specimen.save(update_fields=list(told))
    specimen.move_to(new)
    note("specimen.moved", by=by, about=specimen, new=str(new), missing=missing_of(specimen))


def missing_of(specimen: Specimen) -> int:
    """How many pieces fewer there are than before: of the last two counts that are known."""
    counts = [specimen.count_sent, specimen.count_received, specimen.count_returned]
    known = [count for count in counts if count is not None]
    return max(0, known[-2] - known[-1]) if len(known) > 1 else 0


def overdue(today: date) -> Any:
    """Parcels that should be back by now, longest first."""
    rows = Specimen.objects.filter(status__in=[Status.RECEIVED, Status.RETURNING])
    return rows.filter(return_due_on__lt=today).order_by("return_due_on", "pk")

"""What a coordinator decides at the blinding desk: show, show a copy, withhold, undo, agree.

Each step locks the request, asks the rule, compares what the page has seen, writes a row and one
audit event. SECURITY: whatever hides takes effect at once; whatever shows waits for the second
person where the clinic demands one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from records import imaging_desk_workflow, imaging_workflow, redaction
from records.models import BlindingHit, BlindingSearch, Document
from records.models.case_file import BlindingClass
from requests_app import rules
from requests_app.desk_items import Desk, Item, desk_of
from requests_app.models import DeskDecision, OpinionRequest
from secondop.accounts.roles import COORDINATOR
from secondop.audit.trail import note
from secondop.lib.templatetags.ui import exact_time
from secondop.lib.transitions import lock
from secondop.lib.verdicts import CONFLICT, YES, Refused, Verdict, never, not_now

About, Choice, State = DeskDecision.About, DeskDecision.Choice, DeskDecision.State
VERBS = {
    About.DOCUMENT: "document.classified", About.QUESTION: "question.classified",
    About.STATEMENT: "statement.classified", About.SERIES: "imaging.classified",
}  # fmt: skip
CLASSES = {
    Choice.RELEASE: BlindingClass.CLEAR, Choice.NEUTRAL: BlindingClass.WITHHELD,
    Choice.REDACT: BlindingClass.WITHHELD, Choice.UNSURE: BlindingClass.CHECK,
    Choice.WITHHOLD: BlindingClass.WITHHELD,
}  # fmt: skip
OPEN = (State.WAITING, State.IN_FORCE)


class ItemChanged(Refused):
    """A colleague decided about the same item after this page was loaded."""


@contextmanager
def _at_desk(opinion_request: OpinionRequest, key: str, by: Any) -> Iterator[tuple[Desk, Item]]:
    """The item as it is now, with the request locked. Raises Refused."""
    with transaction.atomic():
        fresh = lock(opinion_request)
        rules.may_prepare(by, fresh).or_raise()
        desk = desk_of(fresh)
        item = desk.find(key)
        if item is None:
            not_now(_("This is not on the desk any more.")).or_raise()
        assert item is not None  # noqa: S101  (or_raise has raised)
        yield desk, item


def _refuse_if_changed(item: Item, seen: str) -> None:
    if seen == item.seen:
        return
    if not item.decision:
        sentence = _("This has changed since you loaded the page: the search has ended, or a "
                     "colleague was faster. Nothing was changed; look again.")  # fmt: skip
        raise ItemChanged(sentence, CONFLICT)
    who = item.decision.by.display_name
    sentence = _("%(who)s decided about this in the meantime. Nothing was changed; look again.")
    raise ItemChanged(sentence % {"who": who}, CONFLICT)


def decide(
    opinion_request: OpinionRequest, key: str, *, choice: str, seen: str, by: Any,
    neutral: str = "", has_seen_pictures: bool = False,
) -> DeskDecision:  # fmt: skip
    """Decide about one item. Raises Refused, ItemChanged (409)."""
    with _at_desk(opinion_request, key, by) as (_desk, item):
        _refuse_if_changed(item, seen)
        may_choose(item, choice).or_raise()
        if item.about == About.DOCUMENT and choice not in (Choice.RELEASE, Choice.REDACT):
            neutral = neutral or item.neutral
        shows = choice in DeskDecision.SHOWS
        waits = shows and item.row.clinic.demands_second_look
        _close_open(item, by)
        decision = DeskDecision.objects.create(
            clinic_id=item.row.clinic_id, case_file_id=opinion_request.case_file_id,
            about_type=item.about, about_id=item.row.pk, choice=choice, neutral=neutral,
            class_before=item.row.blinding_class, neutral_before=item.neutral,
            state=State.WAITING if waits else State.IN_FORCE, by=by,
        )  # fmt: skip
        if choice == Choice.REDACT:
            _redact(item, decision, by)
        elif waits:
            _note(item, decision, by)
        else:
            _apply(item, decision, by=by, has_seen_pictures=has_seen_pictures)
        _looked_at(item)
    return decision


def may_choose(item: Item, choice: str) -> Verdict:
    """Which answers fit which item."""
    if choice not in Choice.values:
        return not_now(_("Choose one. Until you do, it is withheld."))
    if choice == Choice.RELEASE and not (verdict := may_show(item)):
        return verdict
    if choice == Choice.REDACT and item.about != About.DOCUMENT:
        return not_now(_("Only a document can be redacted here."))
    if choice == Choice.REDACT:
        return redaction.may_cover(item.row)
    if choice == Choice.NEUTRAL and item.about not in (About.QUESTION, About.STATEMENT):
        return not_now(_("Only the patient's words can be put in other words."))
    return YES


def may_show(item: Item, *, as_copy: bool = False) -> Verdict:
    """SECURITY: nobody shows what is still being searched: its hits are not known yet."""
    if item.is_being_searched(as_copy=as_copy):
        return not_now(_("The search in this has not ended. Show it when you have seen what was "
                         "found; until then it is withheld."))  # fmt: skip
    return YES


def _close_open(item: Item, by: Any) -> None:
    """A new decision takes the place of one that still waits for somebody."""
    if item.decision and item.decision.state == State.WAITING:
        DeskDecision.objects.filter(pk=item.decision.pk).update(
            state=State.UNDONE, undone_by=by, undone_at=timezone.now()
        )


def _redact(item: Item, decision: DeskDecision, by: Any) -> None:
    """Withhold the original at once; a worker makes the copy and lets it stand."""
    redaction.ask_for_copy(item.row, by=by)
    _write(item, BlindingClass.WITHHELD, decision.neutral, by)
    _note(item, decision, by)


def _apply(item: Item, decision: DeskDecision, *, by: Any, has_seen_pictures: bool = False) -> None:
    """Let a decision take effect on the item itself."""
    if item.about == About.DOCUMENT:
        redaction.take_back(item.row, by=by)
    if item.about == About.SERIES:  # writes its own audit event, and asks for eyes on pictures
        imaging_workflow.classify(
            item.row, CLASSES[Choice(decision.choice)], by=by,
            has_seen_pictures=has_seen_pictures, is_agreed=True,
        )  # fmt: skip
        return
    neutral = decision.neutral
    if item.about != About.DOCUMENT and decision.choice != Choice.NEUTRAL:
        neutral = ""
    _write(item, CLASSES[Choice(decision.choice)], neutral, by)
    _note(item, decision, by)


def _write(item: Item, blinding_class: str, neutral: str, by: Any) -> None:
    row = item.row
    row.blinding_class = blinding_class
    if item.about == About.DOCUMENT:
        row.neutral_title = neutral[:120]
        row.classified_by = by if blinding_class else None
        row.classified_at = timezone.now() if blinding_class else None
        fields = ["blinding_class", "neutral_title", "classified_by", "classified_at"]
    else:
        row.neutral_text = neutral
        fields = ["blinding_class", "neutral_text"]
    row.save(update_fields=fields)


def _note(item: Item, decision: DeskDecision, by: Any) -> None:
    note(
        VERBS[About(item.about)], by=by, about=item.row, role=COORDINATOR,
        blinding_class=str(item.row.blinding_class), choice=str(decision.choice),
        state=str(decision.state), is_reworded=decision.choice == Choice.NEUTRAL,
    )  # fmt: skip


def _looked_at(item: Item) -> None:
    """A person has seen what the search found since the last decision."""
    pks = [item.row.pk, *([item.copy.pk] if item.copy else [])]
    searches = BlindingSearch.objects.of(item.about, *pks).filter(needs_another_look=True)
    searches.update(needs_another_look=False, another_look_since=None)
    BlindingHit.objects.of(item.about, *pks).filter(is_new=True).update(is_new=False)


# --- undo, and the second person ----------------------------------------------------------------


def may_undo(item: Item) -> Verdict:
    """Until a specialist has opened what was shown."""
    decision = item.decision
    if decision is None:
        return not_now(_("Nothing was decided about this yet."))
    if item.opened and decision.shows_something and decision.state == State.IN_FORCE:
        sentence = _("%(who)s opened this on %(when)s, so it cannot be undone. You can still "
                     "withhold it from now on.")  # fmt: skip
        return not_now(sentence % {"who": item.opened.who, "when": exact_time(item.opened.at)})
    if decision.class_before == BlindingClass.CLEAR and item.state == "look_again":
        return not_now(_("New hits came in since. Decide again instead."))
    return YES


def undo(opinion_request: OpinionRequest, key: str, *, seen: str, by: Any) -> Item:
    """Put an item back to what it was before the last decision."""
    with _at_desk(opinion_request, key, by) as (_desk, item):
        _refuse_if_changed(item, seen)
        may_undo(item).or_raise()
        decision = item.decision
        assert decision is not None  # noqa: S101  (may_undo has seen it)
        if item.about == About.DOCUMENT and decision.choice == Choice.REDACT:
            redaction.take_back(item.row, by=by)
        was_applied = decision.state == State.IN_FORCE or decision.choice == Choice.REDACT
        if was_applied and item.about == About.SERIES:
            _put_series_back(item, decision, by)
        elif was_applied:
            _write(item, decision.class_before, decision.neutral_before, by)
        decision.state, decision.undone_by = State.UNDONE, by
        decision.undone_at = timezone.now()
        decision.save(update_fields=["state", "undone_by", "undone_at"])
        note("decision.undone", by=by, about=item.row, role=COORDINATOR,
             choice=str(decision.choice))  # fmt: skip
    return item


def _put_series_back(item: Item, decision: DeskDecision, by: Any) -> None:
    if not decision.class_before:
        imaging_desk_workflow.declassify(item.row, by=by)
        return
    imaging_workflow.classify(
        item.row, decision.class_before, by=by, has_seen_pictures=True, is_agreed=True
    )


def may_second(user: Any, item: Item) -> Verdict:
    """The second person is another one, and sees the finished copy."""
    decision = item.decision
    if decision is None or decision.state != State.WAITING:
        return not_now(_("Nothing waits for a second look here."))
    if decision.by_id == user.pk:
        return never(_("You decided this yourself. A colleague must look."))
    if decision.choice == Choice.REDACT and item.copy is None:
        return not_now(_("The copy is still being made. Look at it first."))
    if item.state == "look_again":
        return not_now(_("New hits came in since. Somebody must decide again."))
    return YES


def second(
    opinion_request: OpinionRequest, key: str, *, agrees: bool, seen: str, by: Any,
    has_seen_pictures: bool = False,
) -> Item:  # fmt: skip
    """Agree, so that the specialist gets it, or do not, so that it stays closed."""
    with _at_desk(opinion_request, key, by) as (_desk, item):
        _refuse_if_changed(item, seen)
        may_second(by, item).or_raise()
        if agrees:
            is_copy = item.decision is not None and item.decision.choice == Choice.REDACT
            may_show(item, as_copy=is_copy).or_raise()
        decision = item.decision
        assert decision is not None  # noqa: S101  (may_second has seen it)
        decision.second_by, decision.second_at = by, timezone.now()
        decision.state = State.IN_FORCE if agrees else State.REFUSED
        decision.save(update_fields=["second_by", "second_at", "state"])
        if agrees and decision.choice == Choice.REDACT:
            _show_copy(item, by)
        elif agrees:
            _apply(item, decision, by=by, has_seen_pictures=has_seen_pictures)
        elif decision.choice == Choice.REDACT:
            redaction.take_back(item.row, by=by)
        verb = "decision.agreed" if agrees else "decision.not_agreed"
        note(verb, by=by, about=item.row, role=COORDINATOR, choice=str(decision.choice))
    return item


def confirm_copy(opinion_request: OpinionRequest, key: str, *, seen: str, by: Any) -> Item:
    """Show a copy in which the search still found something: a person has looked at it."""
    with _at_desk(opinion_request, key, by) as (_desk, item):
        _refuse_if_changed(item, seen)
        decision = item.decision
        if item.copy is None or decision is None or decision.choice != Choice.REDACT:
            not_now(_("There is no copy to look at.")).or_raise()
        if decision and decision.state == State.WAITING:
            not_now(_("A colleague must agree to this copy.")).or_raise()
        may_show(item, as_copy=True).or_raise()
        _show_copy(item, by)
        _looked_at(item)
    return item


def _show_copy(item: Item, by: Any) -> None:
    copy = Document.objects.select_for_update(of=("self",)).get(pk=item.copy.pk)  # type: ignore[union-attr]
    copy.blinding_class, copy.classified_by = BlindingClass.CLEAR, by
    copy.classified_at, copy.neutral_title = timezone.now(), item.row.neutral_title
    copy.save(update_fields=["blinding_class", "classified_by", "classified_at", "neutral_title"])
    note("document.classified", by=by, about=copy, role=COORDINATOR,
         blinding_class=str(copy.blinding_class), choice="redact", state="in_force")  # fmt: skip

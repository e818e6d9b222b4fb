"""What the worker found that would give the first opinion away, and the words it looks for.

SECURITY: for the blinding desk alone. A sealed reader never gets a row, a count or an address of
any of these; nothing here has a `visible_as` for specialists.
"""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now, Upper
from django.utils.translation import gettext_lazy as _

from records.models.case_file import CaseFile
from secondop.accounts.models import Clinic
from secondop.jobs.models import Job, JobQuerySet


class AboutType(models.TextChoices):
    """What kind of item was searched. `about_id` is the primary key of its row."""

    DOCUMENT = "document", _("Document")
    IMAGING_STUDY = "imaging_study", _("Imaging study")
    IMAGING_SERIES = "imaging_series", _("Image series")
    QUESTION = "question", _("Question")
    STATEMENT = "statement", _("What the patient wrote")
    MESSAGE = "message", _("Message")
    SAFETY_FACTS = "safety_facts", _("Safety facts")


class OfItems(models.QuerySet[Any]):
    def of(self, about_type: str, *about_ids: Any) -> Self:
        """Rows about these items of one kind."""
        return self.filter(about_type=about_type, about_id__in=about_ids)

    def visible_as(self, kind: str, user: Any) -> Self:
        """The clinic's coordinators only, and none who reviews the file sealed."""
        if kind != "coordinator":
            return self.none()
        return self.filter(case_file__in=CaseFile.objects.visible_as("coordinator", user))

    def visible_to(self, user: Any) -> Self:
        return self.visible_as("coordinator", user)


class BlindingHit(models.Model):
    """One place in one item that would give something away. Replaced whenever it is searched."""

    class Place(models.TextChoices):
        PAGE_TEXT = "page_text", _("Text on the page")
        HIDDEN_TEXT = "hidden_text", _("Text that the page does not show")
        OCR = "ocr", _("Words in the picture")
        FORM_FIELD = "form_field", _("Form field")
        ANNOTATION = "annotation", _("Comment or mark on the page")
        BOOKMARK = "bookmark", _("Bookmark")
        ATTACHMENT = "attachment", _("File attached inside")
        METADATA = "document_metadata", _("Properties of the file")
        EARLIER = "earlier_revision", _("Earlier version inside the file")
        FILE_NAME = "file_name", _("File name")
        SECTION = "section", _("Section of the record")
        CODE = "code", _("Code of the record")
        HEADER = "header", _("Header of the images")
        SR_CONTENT = "sr_content", _("Structured report")
        WORDS = "words", _("The patient's own words")
        NEUTRAL = "neutral", _("The neutral title or wording")

    class Why(models.TextChoices):
        DIAGNOSIS = "diagnosis", _("The original diagnosis, as typed")
        CODE_TITLE = "code_title", _("Name of the diagnosis code")
        SYNONYM = "synonym", _("Another name of the diagnosis")
        ABBREVIATION = "abbreviation", _("Abbreviation of the diagnosis")
        TREATMENT = "treatment", _("The treatment that was suggested")
        DRUG = "drug", _("Drug typical of the diagnosis")
        REGIMEN = "regimen", _("Treatment plan typical of the diagnosis")
        DOCTOR = "doctor", _("Name of the first doctor")
        HOSPITAL = "hospital", _("Name of the first hospital")
        PATIENT = "patient", _("The patient's own name")
        CODE = "code", _("Code of the diagnosis")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(
        CaseFile, models.CASCADE, related_name="blinding_hits", db_index=False
    )
    about_type = models.CharField(max_length=20, choices=AboutType.choices)
    about_id = models.UUIDField()
    position = models.PositiveIntegerField()  # order of reading within the item
    place = models.CharField(max_length=20, choices=Place.choices)
    where = models.CharField(max_length=200, blank=True)  # "Problem List", "StudyDescription"
    page = models.PositiveIntegerField(null=True, blank=True)  # from 1
    line = models.PositiveIntegerField(null=True, blank=True)  # from 1, where there are lines
    # [[x0, y0, x1, y1], ...] as fractions of the page's picture, origin at its top left
    boxes = models.JSONField(default=list, blank=True)
    found = models.CharField(max_length=300)  # as it stands there
    excerpt = models.CharField(max_length=400)
    found_at = models.PositiveSmallIntegerField(default=0)  # where `found` begins in `excerpt`
    why = models.CharField(max_length=20, choices=Why.choices)
    because = models.CharField(max_length=300)  # the listed phrase that it equals or resembles
    is_exact = models.BooleanField(default=True)  # False: misspelt, or its words in another order
    confidence = models.FloatField(null=True, blank=True)  # 0..100, how sure the reading was: OCR
    is_new = models.BooleanField(default=False)  # not known when the item was last decided about

    objects = OfItems.as_manager()

    class Meta:
        ordering = ["about_type", "about_id", "position"]
        indexes = [
            models.Index(fields=["about_type", "about_id", "position"], name="hit_of_item"),
            models.Index(fields=["case_file"], name="hit_of_case_file"),
        ]

    class Privacy:
        private = {"where", "found", "excerpt", "because", "why", "boxes"}
        plain = {
            "id",
            "clinic",
            "case_file",
            "about_type",
            "about_id",
            "position",
            "place",
            "page",
            "line",
            "found_at",
            "is_exact",
            "confidence",
            "is_new",
        }

    def __str__(self) -> str:
        return f"hit {str(self.pk)[:8]}"


class BlindingSearchQuerySet(JobQuerySet):
    def of(self, about_type: str, *about_ids: Any) -> Self:
        """Searches of these items of one kind."""
        return self.filter(about_type=about_type, about_id__in=about_ids)

    def unfinished(self) -> Self:
        """Items whose hits are not complete yet: what is on the desk may still grow."""
        return self.exclude(status=Job.Status.DONE)


class BlindingSearch(Job):
    """Search one item. One row an item; asking again raises `run`, and an older run cannot close.

    `status` done means that the item's hits are complete for `run`.
    """

    TASK = "records.tasks.search_item"
    QUEUE = "records"
    TITLE = "Search for what gives the diagnosis away"
    LEASE = 4 * Job.LEASE

    class PoorReason(models.TextChoices):
        LOW_CONFIDENCE = "low_confidence", _("Handwriting or a poor scan: withhold it.")
        UNREAD_PARTS = (
            "unread_parts",
            _("Something here is not words that could be read: a stamp, handwriting, a drawing or "
              "a logo. Look at it, else withhold it."),
        )  # fmt: skip
        NO_READER = (
            "no_reader",
            _("Pages that are only pictures could not be read: withheld until a person looks."),
        )
        TOO_LONG = "too_long", _("Too long to read to the end: withhold what was not read.")
        DAMAGED = "damaged", _("Parts of the file could not be read: withhold it.")

    case_file = models.ForeignKey(
        CaseFile, models.CASCADE, related_name="blinding_searches", db_index=False
    )
    about_type = models.CharField(max_length=20, choices=AboutType.choices)
    about_id = models.UUIDField()
    run = models.PositiveIntegerField(default=1)
    searched_at = models.DateTimeField(null=True, blank=True)  # when the last run ended
    hit_count = models.PositiveIntegerField(default=0)
    is_poorly_read = models.BooleanField(default=False)
    poor_reason = models.CharField(max_length=20, choices=PoorReason.choices, blank=True)
    poor_pages = models.JSONField(default=list, blank=True)  # numbers from 1
    # Found after somebody had cleared the item: it is withheld again until a person decides.
    needs_another_look = models.BooleanField(default=False)
    another_look_since = models.DateTimeField(null=True, blank=True)
    texts_key = models.CharField(max_length=100, blank=True)  # what was read, kept for the next run
    texts_of = models.CharField(max_length=80, blank=True)  # which bytes, by which reader

    objects = BlindingSearchQuerySet.as_manager()  # type: ignore[misc]

    class Meta(Job.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["about_type", "about_id"], name="blinding_search_once_an_item"
            )
        ]
        indexes = [
            *Job.Meta.indexes,
            models.Index(fields=["case_file"], name="blinding_search_of_case_file"),
        ]

    class Privacy:
        private = {"hit_count"}
        plain = Job.JOB_FIELDS | {
            "case_file",
            "about_type",
            "about_id",
            "run",
            "searched_at",
            "is_poorly_read",
            "poor_reason",
            "poor_pages",
            "needs_another_look",
            "another_look_since",
            "texts_key",
            "texts_of",
        }

    def _mine(self) -> models.QuerySet[Any]:
        """A run that was asked for meanwhile takes the place of this one."""
        return super()._mine().filter(run=self.run)


class GiveawayTermQuerySet(models.QuerySet["GiveawayTerm"]):
    def visible_as(self, kind: str, user: Any) -> Self:
        """Who prepares reviews at a clinic reads and edits its list."""
        if kind not in ("coordinator", "administrator") or not user.is_authenticated:
            return self.none()
        return self.filter(clinic_id__in=user.clinics_as(kind))

    def visible_to(self, user: Any) -> Self:
        return self.visible_as("coordinator", user) | self.visible_as("administrator", user)


class GiveawayTerm(models.Model):
    """A word that a clinic adds to the shipped list (`records/giveaways.yaml`), or takes out.

    A row that equals a shipped term and is not active switches the shipped one off here.
    """

    class Kind(models.TextChoices):
        SYNONYM = "synonym", _("Another name")
        ABBREVIATION = "abbreviation", _("Abbreviation")
        DRUG = "drug", _("Drug")
        REGIMEN = "regimen", _("Treatment plan")

    class Language(models.TextChoices):
        ENGLISH = "en", _("English")
        SPANISH = "es", _("Spanish")
        ANY = "", _("Any language")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="giveaway_terms")
    concept = models.CharField(max_length=40)  # "breast_cancer", or one of the clinic's own
    kind = models.CharField(max_length=20, choices=Kind.choices)
    language = models.CharField(max_length=2, choices=Language.choices, blank=True)
    term = models.CharField(max_length=120)
    icd10_prefixes = ArrayField(models.CharField(max_length=8), default=list, blank=True)
    is_active = models.BooleanField(default=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    added_at = models.DateTimeField(db_default=Now())

    objects = GiveawayTermQuerySet.as_manager()

    class Meta:
        ordering = ["concept", "kind", "term"]
        constraints = [
            models.UniqueConstraint(
                "clinic", "concept", Upper("term"), name="giveaway_term_once_a_clinic"
            )
        ]

    class Privacy:
        private: set[str] = set()
        plain = {
            "id",
            "clinic",
            "concept",
            "kind",
            "language",
            "term",
            "icd10_prefixes",
            "is_active",
            "added_by",
            "added_at",
        }

    def __str__(self) -> str:
        return f"giveaway term {str(self.pk)[:8]}"

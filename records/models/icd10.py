"""ICD-10-CM, searchable as people type. Loaded by `manage.py load_icd10cm`."""

from __future__ import annotations

from typing import Any, Self

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Length


class IcdCodeQuerySet(models.QuerySet["IcdCode"]):
    def visible_to(self, user: Any) -> Self:
        """A public classification: everybody may read it."""
        return self


class IcdCode(models.Model):
    code = models.CharField(primary_key=True, max_length=8)  # with the dot: C50.911
    title = models.CharField(max_length=300)
    inclusion_terms = models.TextField(blank=True)  # one a line
    search_text = models.TextField()  # records.icd10.plain: every word has a space before it
    is_billable = models.BooleanField()  # a leaf of the classification

    objects = IcdCodeQuerySet.as_manager()

    class Meta:
        indexes = [
            GinIndex(fields=["search_text"], opclasses=["gin_trgm_ops"], name="icd_search"),
            # Short titles first: a word in 20,000 titles is found by walking this, not by sorting.
            models.Index(Length("title"), "code", name="icd_by_length"),
        ]

    class Privacy:
        private: set[str] = set()
        plain = {"code", "title", "inclusion_terms", "search_text", "is_billable"}

    def __str__(self) -> str:
        return self.code


class IcdWord(models.Model):
    """Every word of the classification once, to guess what a mistyped word should have been."""

    word = models.CharField(primary_key=True, max_length=60)
    uses = models.PositiveIntegerField()

    class Meta:
        indexes = [GinIndex(fields=["word"], opclasses=["gin_trgm_ops"], name="icd_word_search")]

    class Privacy:
        private: set[str] = set()
        plain = {"word", "uses"}

    def __str__(self) -> str:
        return self.word

"""`manifest.json`: what is in a copy of a case file, and how to know that nothing changed."""

from __future__ import annotations

import json
from typing import Any

from records.export.contents import Contents, Original
from records.models import ClinicalFact

FORMAT = "secondop-case-file"
VERSION = 1
NOT_YET = "0" * 64  # in the place of a hash that is still being counted


def written(contents: Contents, members: list[dict[str, Any]]) -> bytes:
    paths = {one.document.pk: one.path for one in contents.originals}
    left_out = contents.left_out
    told = {
        "format": FORMAT,
        "version": VERSION,
        "totals": {
            "members": len(members),
            "size_bytes": sum(member["size_bytes"] for member in members),
            "documents": len(contents.originals),
            "images": contents.image_count,
            "studies": len(contents.studies),
            "facts": len(contents.facts),
        },
        "left_out": {"documents": left_out.documents, "studies": left_out.studies},
        "documents": [_document(one) for one in contents.originals],
        "safety": contents.safety,
        "questions": contents.questions,
        "reports": [{"path": one.path, "title": one.title} for one in contents.papers],
        "typed_facts": [
            _typed(fact, paths[fact.document_id])
            for fact in contents.facts
            if fact.by_id and fact.document_id in paths
        ],
        "members": members,
    }
    return json.dumps(told, indent=1, ensure_ascii=False).encode()


def _document(one: Original) -> dict[str, Any]:
    document = one.document
    return {
        "path": one.path,
        "title": one.title,
        "kind": document.kind,
        "dated_on": document.dated_on.isoformat() if document.dated_on else "",
        "media_type": document.media_type,
        "sha256": document.sha256,
    }


def _typed(fact: ClinicalFact, path: str) -> dict[str, Any]:
    """A value that a person read off a paper: no machine finds it there again."""
    return {
        "document": path,
        "analyte": fact.analyte,
        "value": str(fact.value.normalize()) if fact.value is not None else "",
        "value_text": fact.value_text,
        "unit": fact.unit,
        "on": fact.on.isoformat() if fact.on else "",
        "page": fact.page,
    }

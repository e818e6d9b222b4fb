"""How fast ICD-10-CM is searched while somebody types: p50 and p95 over all codes, in ms.

`make bench ARGS=icd10_search`; the figure to keep is p95 under 50 ms.
"""

from __future__ import annotations

import os
import statistics
import time

TYPED = [
    "c50.912", "C50912", "c50", "i21", "s72.001a", "z", "e11.9", "M54.5", "breast cancer",
    "malignant neoplasm of breast", "left breast malignant", "heart attack", "stroke",
    "fracture", "fracture left", "left femur fracture", "unspecified", "of", "ca", "the",
    "diabetes type 2", "type 2 diabetes mellitus", "diabtes", "carcinma", "fractre femr",
    "brest cancer", "prostrate cancer", "hypertension", "high blood pressure", "asthma",
    "sjögren", "ménière", "crohn", "crohn's disease", "parkinson", "alzheimer",
    "multiple sclerosis",
    "lung cancer", "lung cancer left", "colon cancer", "bowel cancer", "knee arthritis",
    "osteoarthritis of knee", "back pain", "low back pain", "slipped disc", "kidney stones",
    "migraine", "migraine with aura", "depression", "thyroid nodule", "glioblastoma", "leukaemia",
    "initial encounter for closed fracture", "neoplasm fracture", "xyzzy", "qqqq zzzz",
    "unspecified fracture of unspecified", "poisoning by", "accidental", "burn of left hand",
]  # fmt: skip


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "secondop.settings")
    import django

    django.setup()
    from django.core.management import call_command

    from records.icd10 import search
    from records.models import IcdCode

    call_command("migrate", verbosity=0)
    if not IcdCode.objects.exists():
        call_command("load_icd10cm")
    typed = [part for text in TYPED for part in {text[: max(2, len(text) // 2)], text}]
    for text in typed:
        search(text)
    times: list[tuple[float, str]] = []
    for _ in range(5):
        for text in typed:
            started = time.perf_counter()
            search(text)
            times.append(((time.perf_counter() - started) * 1000, text))
    only = [ms for ms, _text in times]
    cuts = statistics.quantiles(only, n=100)
    print(f"icd10_search: {len(only)} searches in {IcdCode.objects.count()} codes")
    worst, text = max(times)
    print(f"p50 {cuts[49]:.1f} ms   p95 {cuts[94]:.1f} ms   worst {worst:.1f} ms ({text!r})")


if __name__ == "__main__":
    main()

"""Original diagnoses and how records word each (`cases.toml`), beside words that say nothing."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Case:
    name: str
    told: dict[str, str]  # fields of OriginalDiagnosis
    patient: str
    literal: list[str]  # words of what was typed, its code and its title
    listed: list[str]  # synonyms, abbreviations, drugs, regimens of the shipped list
    people: list[str] = field(default_factory=list)
    slips: list[str] = field(default_factory=list)  # misspelt, another order, plural

    @property
    def wordings(self) -> list[tuple[str, str]]:
        """(kind of wording, text), the kinds taking turns."""
        kinds = {"literal": self.literal, "listed": self.listed, "people": self.people,
                 "slips": self.slips}  # fmt: skip
        longest = max(map(len, kinds.values()))
        return [
            (kind, texts[n]) for n in range(longest) for kind, texts in kinds.items()
            if n < len(texts)
        ]  # fmt: skip


_TABLE = tomllib.loads(Path(__file__).with_name("cases.toml").read_text("utf-8"))
CASES = [Case(**row) for row in _TABLE["case"]]
CODES: dict[str, str] = _TABLE["codes"]

NEUTRAL_EN = [
    "Technique: axial and sagittal images were obtained before and after contrast.",
    "The examination was compared with the previous one of March 2021.",
    "Vital signs: blood pressure 128/76, pulse 72 per minute, temperature 36.6.",
    "Laboratory: haemoglobin 13.4 g/dl, white cells 6.1, platelets 241, creatinine 0.8 mg/dl.",
    "The patient lives with family, walks without help and does not smoke.",
    "Allergies: penicillin caused a rash in childhood. No implants, no pacemaker.",
    "Echo time 90 ms, repetition time 4000 ms, slice thickness 5 mm, field of view 240 mm.",
    "Medication: paracetamol 500 mg when needed, omeprazole 20 mg in the morning.",
    "Follow-up was arranged in six weeks at the outpatient department.",
    "The lungs are clear. The heart is of normal size. Bones without findings.",
]
NEUTRAL_ES = [
    "Técnica: cortes axiales y sagitales antes y después del contraste.",
    "Se compara con el estudio previo de marzo de 2021.",
    "Tensión arterial 128/76, frecuencia cardiaca 72, temperatura 36,6 grados.",
    "Analítica: hemoglobina 13,4, leucocitos 6.100, plaquetas 241.000, creatinina 0,8.",
    "Vive con su familia, camina sin ayuda y no fuma.",
    "Alergias: penicilina en la infancia. Sin implantes ni marcapasos.",
    "Tratamiento habitual: paracetamol si dolor, omeprazol 20 mg por la mañana.",
    "Revisión en seis semanas en consultas externas.",
]

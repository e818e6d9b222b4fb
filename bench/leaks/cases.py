"""Eight original diagnoses and how records word each: typed, coded, listed, in two languages."""

# ruff: noqa: E501  (tables of carriers read best one a line)
from __future__ import annotations

from dataclasses import dataclass, field


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


CASES = [
    Case(
        "breast",
        {"diagnosis": "Infiltrating ductal carcinoma of the left breast", "icd10_code": "C50.912",
         "treatment": "Mastectomy, then chemotherapy", "doctor_name": "Dr. Helena Marquardt",
         "hospital_name": "Santa Gertrudis Hospital"},
        "Rosalind Achterberg",
        ["infiltrating ductal carcinoma", "C50.912", "mastectomy",
         "Malignant neoplasm of unspecified site of left female breast"],
        ["breast cancer", "cáncer de mama", "IDC", "trastuzumab", "AC-T", "tamoxifeno",
         "carcinoma ductal infiltrante", "DCIS", "lumpectomy", "cuadrantectomía"],
        ["Dr. Marquardt", "Gertrudis", "Achterberg, Rosalind"],
        ["infiltratng ductal carcinma", "carcinoma of the breast", "breast cancers",
         "mastectomies"],
    ),
    Case(
        "prostate",
        {"diagnosis": "prostate adenocarcinoma", "icd10_code": "C61",
         "treatment": "radical prostatectomy", "doctor_name": "Dr Otto Brenninkmeyer",
         "hospital_name": "Clínica Valdeherrero"},
        "Anselmo Quintanilla",
        ["prostate adenocarcinoma", "C61", "radical prostatectomy"],
        ["prostate cancer", "cáncer de próstata", "Gleason score", "leuprolide", "CRPC",
         "bicalutamida", "braquiterapia", "active surveillance"],
        ["Brenninkmeyer", "Valdeherrero", "Quintanilla"],
        ["adenocarcinoma of the prostate", "prostate adenocarcinomas", "prostatectmy"],
    ),
    Case(
        "lung",
        {"diagnosis": "Non-small cell lung cancer", "icd10_code": "C34.11",
         "treatment": "Lobectomy", "doctor_name": "Prof. Ingrid Vasconcelos",
         "hospital_name": "Mount Harrowgate Medical Center"},
        "Desmond Okonjo",
        ["non-small cell lung cancer", "C34.11", "lobectomy"],
        ["NSCLC", "cáncer de pulmón", "osimertinib", "carcinoma broncogénico", "pembrolizumab",
         "lung adenocarcinoma", "lobectomía", "squamous cell carcinoma"],
        ["Vasconcelos", "Harrowgate", "Okonjo"],
        ["cancer of the lung", "Non small cell lung cancers", "lobectmoy"],
    ),
    Case(
        "brain",
        {"diagnosis": "Glioblastoma", "icd10_code": "C71.1", "treatment": "Craniotomy and temozolomide",
         "doctor_name": "Dr. Yusuf Bellerose", "hospital_name": "Instituto Peñalosa"},
        "Wilhelmina Tarantola",
        ["glioblastoma", "C71.1", "temozolomide", "Malignant neoplasm of frontal lobe"],
        ["GBM", "tumor cerebral", "astrocitoma anaplásico", "Stupp protocol", "high-grade glioma",
         "craneotomía", "lomustine", "oligodendroglioma"],
        ["Bellerose", "Peñalosa", "Tarantola"],
        ["glioblastomas", "glioblastma", "craniotomies"],
    ),
    Case(
        "spine",
        {"diagnosis": "hernia discal lumbar", "icd10_code": "M51.26", "treatment": "microdiscectomía",
         "doctor_name": "Dra. Amparo Izquierdo Lis", "hospital_name": "Hospital Fuensanta"},
        "Casimiro Benavides",
        ["hernia discal lumbar", "M51.26", "microdiscectomía"],
        ["herniated disc", "disc herniation", "spinal stenosis", "HNP", "estenosis de canal",
         "laminectomy", "TLIF", "ciática"],
        ["Dra. Izquierdo Lis", "Fuensanta", "Benavides"],
        ["hernias discales", "discal hernia", "microdisectomía"],
    ),
    Case(
        "ms",
        {"diagnosis": "MS", "icd10_code": "G35", "treatment": "start Ocrevus",
         "doctor_name": "Dr. Lachlan Pemberton-Reyes", "hospital_name": "Northmere Infirmary"},
        "Bettina Schlossberg",
        ["MS", "G35", "Ocrevus", "Multiple sclerosis"],
        ["multiple sclerosis", "esclerosis múltiple", "RRMS", "ocrelizumab", "natalizumab",
         "demyelinating disease", "enfermedad desmielinizante", "EDSS"],
        ["Pemberton", "Northmere", "Schlossberg"],
        ["sclerosis, multiple", "demyelinating diseases"],
    ),
    Case(
        "valve",
        {"diagnosis": "Severe aortic stenosis", "icd10_code": "I35.0", "treatment": "TAVI",
         "doctor_name": "Dr. Emeric Castellane", "hospital_name": "Clinique Beaumanoir"},
        "Theodora Lindqvist",
        ["severe aortic stenosis", "I35.0", "TAVI"],
        ["aortic valve replacement", "estenosis aórtica", "TAVR", "valvulopatía",
         "bicuspid aortic valve", "mitral regurgitation", "severe AS", "valvuloplasty"],
        ["Castellane", "Beaumanoir", "Lindqvist"],
        ["stenosis of the aortic valve", "aortic stenoses", "severe aortic stenossis"],
    ),
    Case(
        "thyroid",
        {"diagnosis": "papillary thyroid cancer", "icd10_code": "C73",
         "treatment": "total thyroidectomy", "doctor_name": "Dr. Solveig Arrizabalaga",
         "hospital_name": "Hospital Monteverdi"},
        "Ludovica Ferrantino",
        ["papillary thyroid cancer", "C73", "total thyroidectomy"],
        ["carcinoma papilar", "cáncer de tiroides", "PTC", "radioactive iodine", "tiroidectomía",
         "lenvatinib", "Bethesda VI", "papillary thyroid carcinoma"],
        ["Arrizabalaga", "Monteverdi", "Ferrantino"],
        ["thyroid cancer, papillary", "thyroidectomies", "papilary thyroid cancer"],
    ),
]  # fmt: skip

# The titles of these codes and of what stands above them, as ICD-10-CM has them.
CODES = {
    "C50": "Malignant neoplasm of breast",
    "C50.912": "Malignant neoplasm of unspecified site of left female breast",
    "C61": "Malignant neoplasm of prostate",
    "C34": "Malignant neoplasm of bronchus and lung",
    "C34.11": "Malignant neoplasm of upper lobe, right bronchus or lung",
    "C71": "Malignant neoplasm of brain",
    "C71.1": "Malignant neoplasm of frontal lobe",
    "M51.26": "Other intervertebral disc displacement, lumbar region",
    "G35": "Multiple sclerosis",
    "I35.0": "Nonrheumatic aortic (valve) stenosis",
    "C73": "Malignant neoplasm of thyroid gland",
}

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

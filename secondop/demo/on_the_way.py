"""The ten requests of the playground that have no opinion yet, or never will."""

# ruff: noqa: E501 - prose that people read; breaking it elsewhere helps nobody

from secondop.demo.papers import Paper
from secondop.demo.stories import Story

NO_RISKS = {"has_allergies": "no", "has_implants": "no", "takes_anticoagulants": "no",
            "is_pregnant": "no", "has_kidney_disease": "no"}  # fmt: skip


def _letter(file_name: str, issuer: str, text: str, *, blinding_class: str = "withheld") -> Paper:
    return Paper("letter", file_name, "Letter 1", issuer, "Clinic letter", (("", text),),
                 signed_by="Electronically signed", blinding_class=blinding_class)  # fmt: skip


def _report(kind: str, file_name: str, title: str, issuer: str, text: str) -> Paper:
    return Paper(kind, file_name, title, issuer, title, (("Findings", text),),
                 signed_by="Electronically signed", days_ago=45)  # fmt: skip


ON_THE_WAY = (
    Story(
        patient="ben@patients.example", status="draft", clinic="riverside", sex="male",
        coordinator="", told={"was_not_named": True, "treatment": "Keyhole surgery of the knee"},
        purposes=("need_surgery",), questions=("Do I need keyhole surgery?",), papers=(),
        review_mode="", safety=NO_RISKS,
    ),
    Story(
        patient="grace@patients.example", status="submitted", clinic="riverside", sex="female",
        coordinator="", urgent=True,
        told={"diagnosis": "Thyroid cancer", "icd10_code": "C73",
              "treatment": "Remove the whole thyroid", "treatment_state": "not_started",
              "doctor_name": "Dr F. Kraus", "hospital_name": "Mid-City Hospital"},
        purposes=("confirm_diagnosis", "options"),
        questions=("Is it really cancer?", "Could half of the gland be enough?"),
        what_matters="I sing. I am afraid for my voice.", safety=NO_RISKS,
        papers=(
            _report("imaging_report", "thyroid us.pdf", "Ultrasound of the neck", "City Imaging",
                    "Right lobe: 14 mm nodule, solid, slightly dark, smooth border (TI-RADS 4). No "
                    "suspicious lymph nodes. Left lobe normal."),
            _report("pathology_report", "FNA thyroid.pdf", "Fine needle report", "City Pathology",
                    "Bethesda III: atypia of undetermined significance. Repeat or molecular test "
                    "suggested."),
            _letter("Dr Kraus letter.pdf", "Mid-City Hospital",
                    "I advise removal of the whole thyroid gland for cancer."),
        ),
    ),
    Story(
        patient="omar@patients.example", status="needs_patient", clinic="riverside", sex="male",
        coordinator="coordinator@riverside.example",
        told={"diagnosis": "Slipped disc in the lower back", "icd10_code": "M51.26",
              "treatment": "Back surgery", "treatment_state": "not_started",
              "doctor_name": "Dr C. Boone", "hospital_name": "Spine Center West"},
        purposes=("need_surgery", "options"),
        questions=("Will the pain go away without surgery?",), safety=NO_RISKS,
        papers=(_letter("spine center.pdf", "Spine Center West",
                        "Disc herniation L4/L5. Listed for discectomy. MRI was done on site."),),
        says="Please add the report of your MRI. The letter speaks of it, but we do not have it. The "
             "Spine Center must give you a copy if you ask.",
    ),
    Story(
        patient="laura@patients.example", status="collecting", clinic="riverside", sex="male",
        coordinator="coordinator@riverside.example", acts_for=("George Hill", "1942-06-11"),
        told={"diagnosis": "Prostate cancer", "icd10_code": "C61",
              "treatment": "Radiation", "treatment_state": "not_started",
              "doctor_name": "Dr A. Moreau", "hospital_name": "North Bay Urology"},
        purposes=("options",), questions=("Is treatment better than watching at his age?",),
        is_chased=True, is_prepared=False,
        what_matters="He wants to spend the summer in his garden, not in a hospital.",
        safety={**NO_RISKS, "has_implants": "yes", "implants": "Pacemaker (2021)"},
        papers=(
            _report("pathology_report", "biopsy dad.pdf", "Prostate biopsy", "Bay Pathology",
                    "12 cores, 3 with adenocarcinoma, Gleason 3+3=6, at most 20 % of a core."),
            _report("lab_results", "psa.pdf", "PSA values", "Bay Laboratory",
                    "PSA 5.1 (2024), 5.6 (2025), 6.0 ng/mL (this year)."),
        ),
    ),
    Story(
        patient="elena@patients.example", status="ready", clinic="riverside", sex="female",
        coordinator="tom@riverside.example",
        told={"diagnosis": "Tear of the shoulder tendon", "icd10_code": "M75.121",
              "treatment": "Sew the tendon", "treatment_state": "not_started",
              "doctor_name": "Dr V. Hale", "hospital_name": "Sports Clinic"},
        purposes=("need_surgery",), questions=("Can training replace the operation?",),
        what_matters="I swim.", safety=NO_RISKS,
        papers=(_report("imaging_report", "mri shoulder.pdf", "MRI of the shoulder", "City Imaging",
                        "Supraspinatus: partial tear of the lower surface, below half of the "
                        "thickness. No wasting of the muscle. Biceps tendon in place."),),
    ),
    Story(
        patient="david@patients.example", status="referred", clinic="lakeside", sex="male",
        coordinator="coordinator@lakeside.example",
        told={"diagnosis": "Irregular heartbeat", "icd10_code": "I48.0",
              "treatment": "Ablation (a burn inside the heart)", "treatment_state": "not_started",
              "doctor_name": "Dr E. Roth", "hospital_name": "Metro Heart"},
        purposes=("planned_treatment",), questions=("Should I have the ablation now?",),
        safety={**NO_RISKS, "takes_anticoagulants": "yes", "anticoagulants": "Rivaroxaban 20 mg"},
        papers=(_report("other", "holter.pdf", "Heart rhythm recording", "Metro Heart",
                        "24 hours: three episodes of irregular rhythm, longest 4 hours, average rate "
                        "108. No pauses."),),
        specialists=("okonkwo@lakeside.example",),
        summary_of_offer="Man in his sixties with a rhythm problem. Recording and letter are here. "
                         "Asks whether the planned treatment is right.",
    ),
    Story(
        patient="sofia@patients.example", status="in_review", clinic="riverside", sex="female",
        coordinator="coordinator@riverside.example",
        told={"diagnosis": "DCIS of the right breast", "icd10_code": "D05.11",
              "treatment": "Operation and radiation", "treatment_state": "not_started",
              "doctor_name": "Dr J. Amato", "hospital_name": "Bridge Street Clinic"},
        purposes=("options",),
        questions=("Is radiation needed after the operation?", "Can we watch it instead?"),
        what_matters="I care for two small children.", safety=NO_RISKS,
        papers=(
            _report("imaging_report", "mammo.pdf", "Mammogram report", "Bridge Imaging",
                    "Right breast, outer: fine grouped calcifications over 9 mm, BI-RADS 4b. No mass."),
            _report("pathology_report", "core biopsy.pdf", "Core biopsy report", "Bridge Pathology",
                    "Ductal carcinoma in situ, low grade, solid and cribriform, 6 mm in the longest "
                    "core, no necrosis. ER positive. No invasion."),
            _letter("Amato - surgery and radiation.pdf", "Bridge Street Clinic",
                    "I advise lumpectomy with radiation."),
        ),
        specialists=("feld@riverside.example",),
        summary_of_offer="Woman in her fifties with a finding in one breast. Imaging and biopsy "
                         "reports are complete.",
    ),
    Story(
        patient="ingrid@patients.example", status="returned", clinic="lakeside", sex="female",
        coordinator="coordinator@lakeside.example",
        told={"was_not_named": True, "treatment": "", "treatment_state": "none"},
        purposes=("no_diagnosis",), questions=("Why do I get short of breath on the stairs?",),
        safety=NO_RISKS,
        papers=(_letter("visit.pdf", "Family Practice Elm", "Short of breath for three weeks. Heart "
                        "ultrasound ordered, not done yet.", blinding_class="clear"),),
        says="Please have the heart ultrasound first that your doctor ordered. Without it no "
             "specialist can say more than your doctor can. Come back with the report, and you need "
             "not type anything again.",
    ),
    Story(
        patient="peter@patients.example", status="withdrawn", clinic="riverside", sex="male",
        coordinator="tom@riverside.example",
        told={"diagnosis": "Groin hernia", "icd10_code": "K40.90", "treatment": "Mesh operation",
              "treatment_state": "not_started"},
        purposes=("need_surgery",), questions=("Can I wait with the operation?",), safety=NO_RISKS,
        papers=(_letter("hernia.pdf", "General Surgery East",
                        "Small groin hernia, no complaints. Repair offered."),),
    ),
    Story(
        patient="hannah@patients.example", status="expired", clinic="riverside", sex="female",
        coordinator="tom@riverside.example",
        told={"diagnosis": "Endometriosis", "icd10_code": "N80.9", "treatment": "Hormone treatment",
              "treatment_state": "unknown"},
        purposes=("confirm_diagnosis",), questions=("Can it be something else?",), safety=NO_RISKS,
        papers=(_letter("gyn.pdf", "Women's Practice", "Suspected endometriosis. Ultrasound "
                        "done elsewhere."),),
        says="Please add the report of the ultrasound that the letter mentions.",
    ),
)  # fmt: skip

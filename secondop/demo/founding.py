"""The founding example: one oncologist advises mastectomy, the other lumpectomy."""

# ruff: noqa: E501 - prose that people read; breaking it elsewhere helps nobody

from dataclasses import replace

from secondop.demo.papers import Paper
from secondop.demo.stories import Option, Story, Written

PAPERS = (
    Paper(
        "imaging_report", "mammogram left breast.pdf", "Breast imaging report",
        "Hudson Valley Radiology", "Mammogram and ultrasound, both breasts",
        (
            ("Reason", "Lump felt in the left breast for six weeks."),
            ("Findings", "Breast density: ACR B.\nLeft, upper outer, 2 o'clock, 5 cm from the nipple: "
             "irregular mass with spiculated margin, 18 x 15 x 14 mm on ultrasound. No second mass. "
             "No suspicious calcifications.\nLeft axilla: nodes with thin cortex, none suspicious.\n"
             "Right breast: no suspicious finding."),
            ("Assessment", "Left BI-RADS 5, right BI-RADS 1. Biopsy advised."),
        ),
        signed_by="Dr L. Marsh, radiologist", days_ago=41,
    ),
    Paper(
        "pathology_report", "biopsy report.pdf", "Core biopsy pathology report",
        "Valley Pathology Associates", "Core needle biopsy, left breast",
        (
            ("Specimen", "Four cores, left breast, 2 o'clock, ultrasound-guided."),
            ("Microscopy", "Infiltrating glands and cords, moderate nuclear grade. Nottingham score "
             "3+2+1 = 6. No lymphovascular invasion seen. In-situ component below 5 %."),
            ("Result", "Invasive carcinoma of no special type, grade 2."),
        ),
        table=(("Marker", "Result"), ("Estrogen receptor", "95 %, strong"),
               ("Progesterone receptor", "80 %, strong"), ("HER2 (IHC)", "1+, negative"),
               ("Ki-67", "12 %")),
        signed_by="Dr P. Idowu, pathologist", days_ago=34,
    ),
    Paper(
        "lab_results", "blood.pdf", "Blood test results", "Valley Laboratory", "Blood results",
        (("", "Sample of the morning, fasting."),),
        table=(("Test", "Result", "Range"), ("Hemoglobin", "13.1 g/dL", "12.0-15.5"),
               ("White cells", "6.2 x10^9/L", "4.0-11.0"), ("Platelets", "251 x10^9/L", "150-400"),
               ("Creatinine", "0.8 mg/dL", "0.5-1.1"), ("ALT", "22 U/L", "below 35")),
        days_ago=33,
    ),
    Paper(
        "letter", "Dr Brandt - mastectomy plan.pdf", "Letter 1", "Hudson Valley Oncology",
        "Letter after the first visit",
        (
            ("", "Dear colleague,\nI saw Ms Alvarez for her newly found carcinoma of the left breast, "
             "cT1c cN0, ER and PR positive, HER2 negative."),
            ("Plan", "I recommend mastectomy of the left breast with sentinel node biopsy. In my view "
             "this gives her the most certainty. The operation is planned in four weeks."),
        ),
        signed_by="Dr H. Brandt, oncologist", days_ago=21, blinding_class="withheld",
    ),
)  # fmt: skip

QUESTIONS = (
    "Can I keep my breast without a higher risk of dying from this?",
    "Will I need chemotherapy?",
    "How long can I safely take to decide?",
)

MASTECTOMY = "Mastectomy (remove the whole left breast) with sentinel node biopsy"
LUMPECTOMY = "Lumpectomy (remove the lump, keep the breast), sentinel node biopsy, then radiation"

FELD = Written(
    by="feld@riverside.example",
    independent={
        "diagnosis": "Invasive carcinoma of no special type, left breast, cT1c cN0, grade 2, "
                     "ER and PR positive, HER2 negative (stage IA)",
        "icd10_code": "C50.412",
        "certainty": "certain",
        "reasoning": "One mass of 18 mm on ultrasound, concordant with the biopsy. Strong hormone "
                     "receptors, HER2 1+, Ki-67 12 %. The axilla looks normal. Nothing points to a "
                     "second focus.",
        "differential": "None that the biopsy leaves open.",
        "plan": "Breast-conserving surgery with sentinel node biopsy, whole-breast radiation, then "
                "endocrine therapy. Gene-expression test on the surgical specimen before any "
                "decision about chemotherapy.",
        "further_tests": "Gene-expression test (for example 21-gene) after surgery. Bone density "
                         "before an aromatase inhibitor.",
    },
    compared={
        "diagnosis": ("same", "I read the same cancer, type and receptors from the reports."),
        "stage": ("same", "Both of us call it early: a lump under 2 cm with normal nodes."),
        "treatment": ("different", "The first plan removes the whole breast. For one small lump, "
                      "removing the lump with radiation gives the same length of life."),
        "urgency": ("refined", "Surgery within six to eight weeks of the biopsy is soon enough. "
                    "There is time to decide."),
    },
    answers=(
        "Yes. For one lump of this size, keeping the breast and having radiation gives the same "
        "length of life as removing the breast. Six large trials followed women for 10 to 20 years.",
        "Probably not. Your cancer grows slowly and reacts to hormones. A gene test on the lump "
        "after surgery will tell, and it should be done before anybody decides.",
        "You have time. Surgery within about eight weeks of the biopsy is safe. That leaves you "
        "four weeks from today.",
    ),
    options=(
        Option(MASTECTOMY,
               "Radiation is usually not needed. The chance that cancer comes back in the breast "
               "area is about 2 in 100 over 10 years.",
               "You lose the breast. Recovery takes 4 to 6 weeks. Numbness of the chest is "
               "lasting. Rebuilding the breast means further operations.",
               "One operation under general anesthesia, one to two nights in hospital.",
               "NSABP B-06 and Milan trials: same survival at 20 years.",
               "Does not keep the breast, which matters most to you.", is_first_plan=True),
        Option(LUMPECTOMY,
               "You keep your breast. Same length of life as with removal of the breast. Back to "
               "daily life in 1 to 2 weeks.",
               "Radiation for 3 to 4 weeks, with tiredness and red skin. About 5 in 100 have cancer "
               "come back in the breast over 10 years. 15 in 100 need a second small operation.",
               "A day operation, then radiation on weekdays for 3 to 4 weeks.",
               "NSABP B-06, Milan, EORTC 10801; START-B for the short course of radiation.",
               "Keeps the breast. Fits your wish to be back at work soon.", is_recommended=True),
        Option("Hormone tablets first, operation later",
               "May shrink the lump before surgery. Avoids an operation this season.",
               "The cancer stays in place for months. Some tumors do not shrink. You still need an "
               "operation in the end.",
               "Tablets for 4 to 6 months with an ultrasound every 8 weeks.",
               "Used when surgery must wait.", "Puts off what you want to have behind you."),
    ),
    summary="You have an early breast cancer. It is small and grows slowly. I agree with your "
            "doctor about what it is.\n\nI would treat it in a different way. You can keep your "
            "breast. The lump is taken out, and radiation treats the rest of the breast. People "
            "who choose this live just as long as people whose breast is removed.\n\nYou do not "
            "need to rush. You have about four weeks to decide. After surgery, you take a hormone "
            "tablet each day for at least five years.",
    limits="I read reports. I did not examine you and did not see the images or the slides "
           "themselves. A breast MRI was not among the records.",
)  # fmt: skip

OKAFOR = Written(
    by="okafor@riverside.example",
    independent={
        "diagnosis": "Early invasive breast cancer, left, 18 mm, grade 2, hormone receptor positive",
        "icd10_code": "C50.412",
        "certainty": "certain",
        "reasoning": "Spiculated mass BI-RADS 5 and concordant core biopsy. The breast is small in "
                     "the reports' pictures and the tumor lies in the upper outer part.",
        "differential": "A wider in-situ component cannot be excluded without MRI.",
        "plan": "Breast MRI first. If there is a single focus, both operations are open to her. "
                "With a strong family history I lean toward mastectomy with immediate "
                "reconstruction.",
        "further_tests": "Breast MRI. Genetic counseling: her mother had breast cancer at 44.",
    },
    compared={
        "diagnosis": ("same", "The biopsy leaves no doubt."),
        "stage": ("refined", "Same stage on the records, but I would add an MRI before surgery to "
                  "rule out a second spot."),
        "treatment": ("same", "I also lean toward mastectomy, for another reason: her mother had "
                      "breast cancer at 44, and a gene test should come first."),
        "urgency": ("same", "Within six to eight weeks of the biopsy."),
    },
    answers=(
        "Yes, if the MRI shows one spot and the gene test finds no inherited risk. The length of "
        "life is the same with both operations.",
        "It cannot be answered before surgery. A gene-expression test of the tumor decides.",
        "About four more weeks are safe. Use them for the MRI and the gene test.",
    ),
    options=(
        Option(MASTECTOMY,
               "Lowest chance of cancer in the same breast. If a gene test finds an inherited "
               "risk, it also prevents a second cancer on this side.",
               "Loss of the breast and of feeling there. Longer recovery. About 10 in 100 have a "
               "wound problem after rebuilding.",
               "Operation of 3 to 5 hours with immediate reconstruction, two nights in hospital.",
               "Same survival as lumpectomy without an inherited risk.",
               "Does not keep the breast. Gives the calm of fewer check-ups.",
               is_first_plan=True, is_recommended=True),
        Option(LUMPECTOMY,
               "Keeps the breast, short recovery, same length of life.",
               "Radiation, yearly mammograms, and a higher chance of a new cancer later if a gene "
               "test is positive.",
               "Day operation and 3 to 4 weeks of radiation.",
               "NSABP B-06: same survival at 20 years.", "Keeps the breast."),
    ),
    summary="You have an early breast cancer that can be cured. I agree with your doctor about the "
            "diagnosis.\n\nI lean toward removing the breast and rebuilding it in the same "
            "operation. The reason is your mother's cancer at 44. Before you decide, have two "
            "tests: an MRI of the breast and a gene test.\n\nIf both are fine, keeping your breast "
            "is an equally safe choice. It is your decision.",
    limits="I read reports only. I did not examine you. There was no MRI and no gene test.",
    revision=("plan", "Breast MRI and gene test first. If both are clear, lumpectomy and mastectomy "
              "are equal in survival and the choice is hers; with an inherited risk, mastectomy "
              "with immediate reconstruction.",
              "The first letter planned surgery without a gene test; I want the order to be clear."),
)  # fmt: skip

FOUNDING = Story(
    patient="maria@patients.example", status="delivered", clinic="riverside", sex="female",
    coordinator="coordinator@riverside.example",
    told={
        "diagnosis": "Breast cancer, left side", "icd10_code": "C50.912",
        "treatment": "Remove the left breast (mastectomy)", "treatment_state": "not_started",
        "doctor_name": "Dr H. Brandt", "hospital_name": "Hudson Valley Oncology",
    },
    purposes=("options", "planned_treatment"), questions=QUESTIONS,
    what_matters="I would like to keep my breast if that is as safe. I want to be back at work "
                 "before the summer.",
    story="I found the lump in the shower. My mother had breast cancer at 44.",
    private_reason="Dr Brandt never looked at me while he spoke.",
    safety={"has_allergies": "yes", "allergies": "Penicillin (rash)", "has_implants": "no",
            "takes_anticoagulants": "no", "is_pregnant": "no", "has_kidney_disease": "no"},
    papers=PAPERS, opinions=(FELD, OKAFOR), has_pictures=True,
    summary_of_offer="Woman in her fifties, newly found breast tumor. Imaging, core biopsy and blood "
                     "results are complete. Asks about options.",
)  # fmt: skip

# The same story earlier on its way, so that each desk has it: prepared by nobody yet; and with one
# reader who has sealed while the other still reads, neither knowing of the other.
AT_THE_DESK = replace(
    FOUNDING, patient="nadia@patients.example", status="collecting", opinions=(), is_prepared=False
)
BEING_READ = replace(
    FOUNDING, patient="clara@patients.example", status="in_review", opinions=(), sealed=(OKAFOR,),
    specialists=("feld@riverside.example", "okafor@riverside.example"),
)  # fmt: skip

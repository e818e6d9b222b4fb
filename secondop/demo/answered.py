"""Three more requests that have an opinion: being checked, delivered, finished."""

# ruff: noqa: E501 - prose that people read; breaking it elsewhere helps nobody

from secondop.demo.papers import Paper
from secondop.demo.stories import Option, Story, Written

KNEE = Story(
    patient="james@patients.example", status="quality_check", clinic="riverside", sex="male",
    coordinator="coordinator@riverside.example", review_mode="open",
    told={"diagnosis": "Worn right knee joint", "icd10_code": "M17.11",
          "treatment": "Total knee replacement", "treatment_state": "not_started",
          "doctor_name": "Dr S. Vance", "hospital_name": "County Joint Center"},
    purposes=("need_surgery",),
    questions=("Do I need a new knee now?", "What can I do instead?"),
    what_matters="I look after my wife and cannot be away from home for weeks.",
    safety={"has_allergies": "no", "has_implants": "yes", "implants": "Coronary stent (2019)",
            "takes_anticoagulants": "yes", "anticoagulants": "Aspirin 81 mg", "is_pregnant": "no",
            "has_kidney_disease": "no"},
    papers=(
        Paper("imaging_report", "xray knee.pdf", "X-ray report of the knee", "County Radiology",
              "X-ray of the right knee, standing",
              (("Findings", "Inner joint space narrowed to 2 mm, small bone spurs. Outer side and "
                "kneecap joint normal. Kellgren-Lawrence grade 2 to 3."),),
              signed_by="Dr M. Otero, radiologist", days_ago=50),
        Paper("letter", "knee clinic.pdf", "Letter 1", "County Joint Center", "Clinic letter",
              (("", "Pain on stairs for two years. Walks 30 minutes. Has had no physiotherapy and no "
                "injections. Listed for total knee replacement."),),
              signed_by="Dr S. Vance", days_ago=38, blinding_class="withheld"),
    ),
    opinions=(Written(
        by="lin@riverside.example",
        independent={
            "diagnosis": "Osteoarthritis of the inner side of the right knee, moderate",
            "icd10_code": "M17.11", "certainty": "likely",
            "reasoning": "Standing X-ray: inner side narrowed, other parts normal. Walks 30 minutes.",
            "differential": "A tear of the inner meniscus may add to the pain.",
            "plan": "Twelve weeks of guided exercise, weight, a brace for the inner side. Operation "
                    "only if this fails; then consider a partial replacement.",
            "further_tests": "",
        },
        compared={"diagnosis": ("same", "The X-ray shows it."),
                  "stage": ("refined", "Moderate, and one side only."),
                  "treatment": ("different", "Exercise was never tried. A full replacement comes too "
                                "early."),
                  "urgency": ("different", "Nothing is lost by waiting three months.")},
        answers=("Not now. Most people with a knee like yours are better after 12 weeks of guided "
                 "exercise.",
                 "Guided exercise twice a week, a brace, and losing about 10 pounds. You can do it "
                 "from home."),
        options=(
            Option("Total knee replacement", "Nine of ten people have much less pain after a year.",
                   "1 in 100 has a deep infection. Six weeks of crutches. The stent makes the "
                   "operation riskier.", "Two nights in hospital, months of exercise.",
                   "Good when exercise has failed.", "Away from your wife for weeks.",
                   is_first_plan=True),
            Option("Twelve weeks of guided exercise and a brace",
                   "Half of the people have clearly less pain. No hospital.",
                   "Sore muscles at first. It takes weeks to work.", "Two sessions a week.",
                   "First choice in all guidelines.", "You stay at home.", is_recommended=True),
        ),
        summary="Your knee is worn on one side. You do not need a new knee now. Try 12 weeks of "
                "guided exercise and a brace first. You lose nothing by waiting.",
        limits="I did not examine your knee. I read the X-ray report, not the pictures.",
    ),),
)  # fmt: skip

HEART = Story(
    patient="rosa@patients.example", status="delivered", clinic="lakeside", sex="female",
    coordinator="coordinator@lakeside.example",
    told={"diagnosis": "Leaking heart valve", "icd10_code": "I34.0",
          "treatment": "Open heart surgery", "treatment_state": "not_started",
          "doctor_name": "Dr W. Pell", "hospital_name": "Prairie Medical Center"},
    purposes=("planned_treatment", "options"),
    questions=("Is open surgery the only way?",),
    what_matters="I am 75 and live alone. I want to stay in my own home.",
    safety={"has_allergies": "unknown", "has_implants": "no", "takes_anticoagulants": "yes",
            "anticoagulants": "Apixaban 5 mg twice a day", "is_pregnant": "no",
            "has_kidney_disease": "unknown"},
    papers=(
        Paper("imaging_report", "echo.pdf", "Heart ultrasound report", "Prairie Medical Center",
              "Transthoracic echocardiogram",
              (("Findings", "Left ventricle 54 mm, ejection fraction 58 %. Mitral valve: prolapse of "
                "the middle part of the back leaflet (P2), regurgitant volume 62 mL, EROA 0.42 cm². "
                "Left atrium enlarged. Pulmonary pressure 42 mmHg."),),
              signed_by="Dr R. Stone, cardiologist", days_ago=60),
        Paper("medication_list", "pills.pdf", "List of medicines", "Corner Pharmacy", "Medicines",
              (("", "As dispensed in the last three months."),),
              table=(("Medicine", "Dose", "When"), ("Apixaban", "5 mg", "morning and evening"),
                     ("Bisoprolol", "2.5 mg", "morning")), days_ago=20),
    ),
    opinions=(Written(
        by="okonkwo@lakeside.example",
        independent={
            "diagnosis": "Severe mitral regurgitation from prolapse of the P2 segment",
            "icd10_code": "I34.1", "certainty": "certain",
            "reasoning": "EROA 0.42 cm², volume 62 mL, enlarged left atrium.",
            "differential": "",
            "plan": "Repair, not replacement. Heart team to compare surgical repair with a clip "
                    "through the vein.",
            "further_tests": "Transesophageal echocardiogram.",
        },
        compared={"diagnosis": ("refined", "Same valve; the report shows which part is loose."),
                  "stage": ("same", "Severe."),
                  "treatment": ("refined", "The valve can be repaired, and there is a way through the "
                                "vein to discuss."),
                  "urgency": ("same", "Within two to three months.")},
        answers=("No. Ask whether a clip through a vein in the leg is possible for you.",),
        options=(
            Option("Open heart surgery", "Best long-term repair: 9 of 10 valves hold for 10 years.",
                   "2 in 100 people of your age die of the operation. Weeks of recovery.",
                   "A week in hospital, then rehabilitation.", "", "You need help at home for weeks.",
                   is_first_plan=True),
            Option("Clip through the vein in the leg", "Two nights in hospital, quick recovery.",
                   "Some leak often stays. 1 in 4 needs something more later.",
                   "A tube through the leg under anesthesia.", "", "You are home after two days.",
                   is_recommended=True),
        ),
        summary="One of your heart valves leaks a lot. It should be repaired within three months. "
                "Surgery is one way. A clip through a vein may be another. Ask for a heart team to "
                "look at both.",
        limits="I did not examine you and saw the report, not the moving pictures.",
    ),),
    follow_up="What questions should I ask the heart team when I go there?",
)  # fmt: skip

HAND = Story(
    patient="ahmed@patients.example", status="closed", clinic="riverside", sex="male",
    coordinator="tom@riverside.example",
    told={"diagnosis": "Carpal tunnel syndrome", "icd10_code": "G56.01",
          "treatment": "Operation of the right wrist", "treatment_state": "not_started",
          "doctor_name": "Dr N. Ellis", "hospital_name": "Hand Center"},
    purposes=("need_surgery",), questions=("Is the operation needed?",),
    what_matters="I work with my hands.",
    safety={"has_allergies": "no", "has_implants": "no", "takes_anticoagulants": "no",
            "is_pregnant": "no", "has_kidney_disease": "no"},
    papers=(
        Paper("other", "nerve test.pdf", "Nerve conduction test", "Neurology Associates",
              "Nerve conduction study",
              (("Findings", "Right median nerve: distal motor latency 6.1 ms, sensory response absent. "
                "Ulnar nerve normal. Thenar muscle: signs of nerve loss."),),
              signed_by="Dr T. Abe", days_ago=90),
    ),
    opinions=(Written(
        by="lin@riverside.example",
        independent={"diagnosis": "Severe carpal tunnel syndrome, right",
                     "icd10_code": "G56.01", "certainty": "certain",
                     "reasoning": "Latency 6.1 ms, absent sensory response, muscle already affected.",
                     "differential": "", "plan": "Open the tunnel within weeks.",
                     "further_tests": ""},
        compared={"diagnosis": ("same", "The nerve test is clear."),
                  "stage": ("same", "Severe."), "treatment": ("same", "The nerve needs room."),
                  "urgency": ("refined", "Within four weeks: the muscle is losing strength.")},
        answers=("Yes. The nerve is losing function, and a splint will not bring it back.",),
        options=(
            Option("Operation of the right wrist", "8 of 10 people get lasting relief.",
                   "A tender scar for weeks. 3 in 100 need another operation.",
                   "20 minutes under local anesthesia.", "", "Back to work in about 4 weeks.",
                   is_first_plan=True, is_recommended=True),
            Option("Splint at night", "No operation.", "The muscle may not recover if you wait.",
                   "A splint for 6 weeks.", "", ""),
        ),
        summary="I agree with your doctor. The nerve in your wrist is badly squeezed. Have the "
                "operation soon, best within four weeks.",
        limits="I did not examine your hand.",
    ),),
)  # fmt: skip

ANSWERED = (KNEE, HEART, HAND)

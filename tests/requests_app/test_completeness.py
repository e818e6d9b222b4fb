"""Checklists against evidence: each rule met and not met, and what is said about it."""

from dataclasses import replace
from datetime import date

import pytest

from requests_app.completeness import definition
from requests_app.completeness.definition import Wrong, parse, read
from requests_app.completeness.evaluating import evaluate
from requests_app.completeness.evidence import Evidence, Paper, Series, Value

TODAY = date(2026, 11, 22)
FRESH, OLD = date(2026, 10, 1), date(2024, 1, 1)


def checklist(evidence, **more):
    item = {
        "key": "thing", "tier": "required", "form": "images", "blinding": "clear",
        "title": {"en": "The thing"}, "why": {"en": "It helps."}, "evidence": evidence,
    } | more  # fmt: skip
    return parse({"key": "test", "version": "1", "title": {"en": "Test"}, "items": [item]})


def state(rule, evidence, **more):
    (finding,) = evaluate([checklist(rule, **more)], evidence, TODAY).findings
    return finding.state, finding.why_not


def images(**fields):
    usual = Series("study", FRESH, "MR", "BRAIN", "HEAD T1 POST GD", True, 1.0, 120, 1)
    return Evidence(series=[replace(usual, **fields)])


def papers(*rows):
    return Evidence(papers=[Paper(*row) for row in rows])


class TestImages:
    @pytest.mark.parametrize(
        ("rule", "found", "expected", "sentence"),
        [
            ({"images": ["MR"]}, {}, "met", ""),
            ({"images": ["CT"]}, {}, "missing", ""),
            ({"images": ["MR"], "body_part": ["BRAIN"]}, {}, "met", ""),
            ({"images": ["MR"], "body_part": ["BREAST"]}, {}, "missing", "another part"),
            ({"images": ["MR"], "body_part": ["HEAD"]}, {"body_part": ""}, "met", ""),
            ({"images": ["MR"], "contrast": True}, {}, "met", ""),
            ({"images": ["MR"], "contrast": True}, {"has_contrast": False}, "missing",
             "without contrast"),
            ({"images": ["MR"], "slice_thickness_max": 1.5}, {}, "met", ""),
            ({"images": ["MR"], "slice_thickness_max": 1.5}, {"slice_thickness": 5.0}, "missing",
             "thicker than 1.5 mm"),
            ({"images": ["MR"], "slice_thickness_max": 1.5}, {"slice_thickness": None}, "missing",
             "thicker"),
            ({"images": ["MR"], "sequences": [["T1"]]}, {}, "met", ""),
            ({"images": ["MR"], "sequences": [["T1"], ["FLAIR"]]}, {}, "missing", "FLAIR"),
            ({"images": ["MR"], "multi_frame": True}, {"frames": 40}, "met", ""),
            ({"images": ["MR"], "multi_frame": True}, {}, "missing", "moving ones"),
            ({"images": ["MR"], "min_images": 200}, {}, "missing", "fewer images"),
            ({"images": ["MR"], "min_studies": 2}, {}, "missing", "Only one"),
            ({"images": ["MR"], "within": "P6M"}, {}, "met", ""),
            ({"images": ["MR"], "within": "P6M"}, {"on": OLD}, "old", "older than usual"),
            ({"images": ["MR"], "within": "P6M"}, {"on": None}, "met", ""),
        ],
    )  # fmt: skip
    def test_headers_decide(self, rule, found, expected, sentence):
        got, said = state(rule, images(**found))
        assert got == expected
        assert sentence in said

    def test_a_report_is_not_an_image_and_an_image_is_not_a_report(self):
        report = papers(("imaging_report", FRESH, "mri of the head"))
        assert state({"images": ["MR"]}, report) == (
            "missing", "A report is here, the images are not.",
        )  # fmt: skip
        rule = {"document": ["imaging_report"]}
        assert state(rule, images())[1] == "The images are here, the written report is not."

    def test_an_earlier_examination_is_older_than_the_newest(self):
        rule = {"images": ["MR"], "earlier": "P6M"}
        assert state(rule, images())[0] == "missing"
        both = Evidence(series=[*images().series, *images(on=OLD).series])
        assert state(rule, both)[0] == "met"


class TestPapersAndValues:
    def test_the_kind_and_the_words_decide(self):
        rule = {"document": ["pathology_report"], "mentions": ["HER2", "HER-2"]}
        assert state(rule, papers(("pathology_report", FRESH, "er+, her2 negative")))[0] == "met"
        got, said = state(rule, papers(("pathology_report", FRESH, "benign")))
        assert (got, said) == ("missing", "A paper of this kind is here, but not this one.")
        assert state(rule, papers(("letter", FRESH, "her2")))[0] == "missing"

    def test_a_page_that_nobody_could_read_counts(self):
        rule = {"document": ["pathology_report"], "mentions": ["HER2"]}
        assert state(rule, papers(("pathology_report", FRESH, "  ")))[0] == "met"

    def test_values_count_by_day_and_the_last_must_be_recent(self):
        rule = {"lab": "psa", "min_values": 2, "within": "P3M"}
        assert state(rule, Evidence())[0] == "missing"
        once = Evidence(values=[Value("psa", FRESH), Value("psa", FRESH), Value("psa", None)])
        assert state(rule, once) == ("missing", "1 value with a date is here.")
        assert state(rule, Evidence(values=[Value("psa", FRESH), Value("psa", OLD)]))[0] == "met"
        old = Evidence(values=[Value("psa", OLD), Value("psa", date(2023, 1, 1))])
        assert state(rule, old)[0] == "old"

    def test_any_takes_the_freshest_of_what_is_met(self):
        rule = {"any": [{"lab": "bnp", "within": "P3M"}, {"slides": 1}]}
        old = Evidence(values=[Value("bnp", OLD)])
        assert state(rule, old)[0] == "old"
        assert state(rule, replace(old, slides=4))[0] == "met"


class TestWhetherItApplies:
    RULE = {"images": ["MR"]}
    ASK = {"tier": "conditional", "ask": {"en": "Have you had one?"}}

    @pytest.mark.parametrize(
        ("said", "expected"), [("", "unknown"), ("yes", "missing"), ("no", "not_needed")]
    )
    def test_the_patients_answer_decides(self, said, expected):
        evidence = Evidence(applies={"test.thing": said} if said else {})
        found = evaluate([checklist(self.RULE, **self.ASK)], evidence, TODAY)
        assert found.findings[0].state == expected
        assert bool(found.gaps) == (said == "yes")
        assert bool(found.open_questions) == (said == "")

    def test_the_purpose_decides(self):
        more = {"tier": "conditional", "when": {"purpose": ["need_surgery"]}}
        assert state(self.RULE, Evidence(), **more)[0] == "not_needed"
        asked = Evidence(purposes=frozenset(["need_surgery"]))
        assert state(self.RULE, asked, **more)[0] == "missing"

    def test_what_is_here_needs_no_answer(self):
        assert state(self.RULE, images(), **self.ASK)[0] == "met"

    def test_words_do_where_a_paper_is_not_needed(self):
        rule, told = (
            {"document": ["medication_list"]},
            Evidence(answers=frozenset(["item:test.thing"])),
        )
        assert state(rule, told, or_answer=True)[0] == "met"
        assert state(rule, told)[0] == "missing"


def test_the_percentage_counts_what_is_required():
    two = parse(
        {"key": "test", "version": "1", "title": {"en": "T"}, "items": [
            {"key": key, "tier": tier, "form": "images", "blinding": "clear",
             "title": {"en": key}, "why": {"en": "why"}, "evidence": {"images": [modality]}}
            for key, tier, modality in [
                ("one", "required", "MR"), ("two", "required", "CT"), ("three", "optional", "US")]
        ]}
    )  # fmt: skip
    found = evaluate([two], images(), TODAY)
    assert (found.percent, [gap.name for gap in found.gaps]) == (50, ["test.two"])
    assert evaluate([], Evidence(), TODAY).percent == 100


class TestWriting:
    @pytest.mark.parametrize("key", sorted(definition.shipped()))
    def test_every_shipped_checklist_is_whole_and_speaks_spanish(self, key):
        found = read(definition.shipped()[key])
        assert found.key == key
        for item in found.items:
            for texts in (item.title, item.why, item.ask, item.question):
                assert not texts or set(texts) == {"en", "es"}, (key, item.key)

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            ("items: [", "Line 1 is not YAML"),
            ("just words", "A checklist has a key"),
            ("x" * 200_001, "too long"),
            ("!!python/object/apply:os.system [ls]", "is not YAML"),
        ],
    )
    def test_what_is_no_checklist_gets_a_sentence(self, content, sentence):
        with pytest.raises(Wrong) as wrong:
            read(content)
        assert sentence in wrong.value.args[0][0]

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"tier": "must"}, "“tier” is one of: required, conditional, optional"),
            ({"tier": "conditional"}, "needs “ask”"),
            ({"ask_of": "other"}, "“ask_of” names an item that is not here"),
            ({"when": {"purpose": ["fun"]}}, "unknown purpose"),
            ({"title": {"es": "Solo"}}, "needs “title” with a text under “en”"),
            ({"title": {"en": "x" * 301}}, "at most 300"),
            ({"key": "Big Key"}, "small letters"),
            ({"colour": "red"}, "“colour” is not known here"),
            ({"evidence": {"images": ["MR"], "colour": 1}}, "cannot be tested"),
            ({"evidence": {"images": ["MR"], "within": "6 months"}}, "cannot be tested"),
            ({"evidence": {"document": ["novel"]}}, "cannot be tested"),
            ({"evidence": {"any": []}}, "cannot be tested"),
            ({"evidence": "images"}, "cannot be tested"),
        ],
    )
    def test_each_fault_is_named(self, change, sentence):
        with pytest.raises(Wrong) as wrong:
            checklist(**({"evidence": {"images": ["MR"]}} | change))
        assert any(sentence in problem for problem in wrong.value.args[0]), wrong.value.args[0]

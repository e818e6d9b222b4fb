"""The renderer: labels, hints, errors and the memorable date, read back from the HTML."""

import datetime
import re

from django import forms
from django.http import QueryDict
from django.utils import timezone, translation

from secondop.lib.forms import (
    Checkboxes,
    ComboBox,
    CountedTextarea,
    FilesInput,
    MemorableDateField,
    RadioTiles,
)


class Sample(forms.Form):
    name = forms.CharField(label="Your name", help_text="As on your card", max_length=20)
    nickname = forms.CharField(required=False)
    story = forms.CharField(max_length=10, widget=CountedTextarea, required=False)
    born_on = MemorableDateField(label="Date of birth", not_future=True)
    country = forms.ChoiceField(choices=[("us", "USA"), ("mx", "Mexico")], widget=ComboBox)
    way = forms.ChoiceField(
        choices=[("a", "Sealed"), ("b", "Open")], widget=RadioTiles(hints={"a": "Fresh look"})
    )
    aims = forms.MultipleChoiceField(choices=[("d", "Diagnosis")], widget=Checkboxes)
    files = forms.FileField(widget=FilesInput, required=False)
    agrees = forms.BooleanField(label="I agree")


def typed(**changes):
    data = QueryDict(mutable=True)
    good = {
        "name": "Maria",
        "born_on_month": "6",
        "born_on_day": "12",
        "born_on_year": "1968",
        "country": "mx",
        "way": "a",
        "aims": "d",
        "agrees": "on",
    }
    data.update(good | changes)
    return data


def ids_in(html):
    return set(re.findall(r'\bid="([^"]+)"', html))


def described_by(html):
    return {one for many in re.findall(r'aria-describedby="([^"]+)"', html) for one in many.split()}


class TestUswdsRenderer:
    def test_every_description_points_to_something_on_the_page(self):
        for form in (Sample(), Sample(typed(name="", born_on_day="31", agrees=""))):
            html = str(form)
            assert described_by(html)
            assert described_by(html) <= ids_in(html)

    def test_no_id_is_given_twice(self):
        html = str(Sample(typed(name="", way="", aims="")))
        ids = re.findall(r'\bid="([^"]+)"', html)
        assert len(ids) == len(set(ids))

    def test_every_label_and_error_link_leads_to_a_control(self):
        html = str(Sample(QueryDict()))
        controls = set(re.findall(r"<(?:input|select|textarea)[^>]*?\bid=\"([^\"]+)\"", html))
        assert set(re.findall(r'<label[^>]*for="([^"]+)"', html)) <= controls
        links = set(re.findall(r'href="#([^"]+)"', html))
        assert {"id_name", "id_born_on_month", "id_way_0", "id_aims_0", "id_agrees"} <= links
        assert links <= controls

    def test_only_what_is_not_required_says_optional(self):
        assert "(optional)" in Sample()["nickname"].as_field_group()
        assert "(optional)" not in Sample()["name"].as_field_group()

    def test_what_was_typed_is_escaped_and_kept(self):
        html = str(Sample(typed(name="<b>Maria", story="too long & <more>")))
        assert 'value="&lt;b&gt;Maria"' in html
        assert "too long &amp; &lt;more&gt;" in html

    def test_a_too_long_text_is_refused_with_a_sentence_and_not_cut(self):
        form = Sample(typed(story="x" * 12))
        assert form.errors["story"] == ["Please shorten this to 10 characters. It has 12 now."]
        assert "x" * 12 in form["story"].as_widget()
        assert "maxlength" not in form["story"].as_widget()

    def test_the_combo_box_tells_uswds_the_chosen_value(self):
        assert 'data-default-value="mx"' in Sample(typed())["country"].as_widget()

    def test_an_option_carries_its_hint(self):
        html = Sample()["way"].as_widget()
        assert html.count("Fresh look") == 1
        assert "usa-radio__input--tile" in html

    def test_a_checkbox_has_its_label_after_the_box(self):
        html = Sample()["agrees"].as_field_group()
        assert html.index("<input") < html.index("I agree")

    def test_a_summary_is_shown_only_when_there_is_something_wrong(self):
        assert "There is a problem" not in str(Sample(typed()))
        assert "There is a problem" in str(Sample(typed(name="")))

    def test_a_stored_file_is_never_linked(self):
        html = forms.ClearableFileInput().render("file", "secret/place.pdf")
        assert "place" not in html

    def test_the_sentences_are_ours(self):
        errors = Sample(QueryDict()).errors
        assert errors["name"] == ["Please answer this."]
        assert errors["agrees"] == ["Please tick this box to go on."]


class TestMemorableDateField:
    def test_a_good_date_is_read(self):
        form = Sample(typed(born_on_month="June"))
        assert form.is_valid()
        assert form.cleaned_data["born_on"] == datetime.date(1968, 6, 12)

    def test_a_wrong_date_gets_its_sentence_and_keeps_what_was_typed(self):
        form = Sample(typed(born_on_month="june", born_on_day="31"))
        assert form.errors["born_on"] == ["Day must be between 1 and 30 for June."]
        html = form["born_on"].as_widget()
        assert 'value="june"' in html
        assert 'value="31"' in html
        assert html.count('aria-invalid="true"') == 3

    def test_today_is_taken_and_tomorrow_is_refused(self):
        for days, expected in ((0, True), (1, False)):
            day = timezone.localdate() + datetime.timedelta(days=days)
            parts = {"born_on_month": day.month, "born_on_day": day.day, "born_on_year": day.year}
            form = Sample(typed(**parts))
            assert form.is_valid() is expected
        assert form.errors["born_on"] == ["The date must be today or in the past."]

    def test_a_year_long_ago_is_refused(self):
        form = Sample(typed(born_on_year="1868"))
        assert form.errors["born_on"] == ["The year must be 1900 or later."]

    def test_empty_boxes_are_missing_or_nothing(self):
        empty = {"born_on_month": "", "born_on_day": " ", "born_on_year": ""}
        assert Sample(typed(**empty)).errors["born_on"] == ["Enter a date."]
        assert MemorableDateField(required=False).clean(["", "", ""]) is None

    def test_the_order_of_the_boxes_is_the_readers(self):
        def order():
            return re.findall(r'name="born_on_(\w+)"', Sample()["born_on"].as_widget())

        assert order() == ["month", "day", "year"]
        with translation.override("es"):
            assert order() == ["day", "month", "year"]

    def test_a_change_is_noticed(self):
        initial = {"born_on": datetime.date(1968, 6, 12)}
        assert "born_on" not in Sample(typed(), initial=initial).changed_data
        assert "born_on" in Sample(typed(born_on_day="13"), initial=initial).changed_data

"""`make bench` knows every measurement, and says what is wrong with an unknown one."""

from __future__ import annotations

import pytest

from bench import __main__ as bench


def test_every_script_is_listed_with_its_sentence(capsys):
    assert bench.main(["list"]) == 0
    shown = capsys.readouterr().out
    for name in ("icd10_search", "imaging", "queue", "upload"):
        assert name in shown
    assert all(sentence for sentence in bench.scripts().values())


def test_what_is_no_measurement_is_not_listed():
    assert not {"__init__", "__main__", "corpus", "orthanc"} & set(bench.scripts())


@pytest.mark.parametrize("words", [["nothing_like_it"], ["imaging"]])
def test_what_cannot_run_ends_with_2(words, capsys):
    assert bench.main(words) == 2
    assert "imaging" in capsys.readouterr().out

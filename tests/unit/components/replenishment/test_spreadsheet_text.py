import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demandcast.components.replenishment.spreadsheet_text import (
    guard,
    guarded,
    looks_like_a_formula,
    unguard,
)

texts = st.text(alphabet="'=+-@\t\rab \n", max_size=6) | st.text(max_size=6)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", "'=1"])
def test_what_a_spreadsheet_may_execute_gets_an_apostrophe(text):
    assert looks_like_a_formula(text)
    assert guard(text) == "'" + text


@pytest.mark.parametrize("text", ["", "milk", "007", " =1", "a=b", "'s-Hertogenbosch"])
def test_other_texts_stay_as_they_are(text):
    assert guard(text) == unguard(text) == text


@given(texts)
def test_every_text_comes_back(text):
    assert unguard(guard(text)) == text
    assert not guard(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.lists(texts, min_size=1))
def test_a_column_is_guarded_as_its_texts_are(words):
    column = pl.DataFrame({"a": words}, schema={"a": pl.String}).select(guarded("a"))
    assert column["a"].to_list() == [guard(word) for word in words]

import pytest

from demandcast.pipeline.orders.words import counted


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 lines"), (1, "1 line"), (2, "2 lines"), (1234, "1,234 lines")]
)
def test_one_is_not_many(number, text):
    assert counted(number, "line") == text


def test_a_plural_may_be_another_word():
    assert counted(1, "entry", plural="entries") == "1 entry"
    assert counted(3, "entry", plural="entries") == "3 entries"

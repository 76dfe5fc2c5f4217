import doctest

from demandcast.pipeline.cli import history_texts


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(history_texts).failed == 0
    assert doctest.testmod(history_texts).attempted > 0

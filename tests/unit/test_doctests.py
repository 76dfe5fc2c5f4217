"""Examples in docstrings run, under the public name of their module."""

import doctest
import importlib

import pytest
from pure_modules import pure_modules


@pytest.mark.parametrize("name", pure_modules())
def test_examples_of_the_module_are_true(name):
    failures, _ = doctest.testmod(importlib.import_module(name), verbose=False)
    assert failures == 0


def test_examples_are_found():
    finder = doctest.DocTestFinder(exclude_empty=True)
    module = importlib.import_module("demandcast.schema.periods")
    assert any(test.examples for test in finder.find(module))

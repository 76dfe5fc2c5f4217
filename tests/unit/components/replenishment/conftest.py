"""stockpyl's answers, once per test run."""

import os

import pytest
from stockpyl_values import values_from


@pytest.fixture(scope="session")
def stockpyl(tmp_path_factory):
    folder = tmp_path_factory.getbasetemp()
    # Workers have folders of their own below that of the run.
    return values_from(folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder)

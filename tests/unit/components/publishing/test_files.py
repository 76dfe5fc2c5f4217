import doctest

from demandcast.components.publishing import files


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(files).failed == 0


def test_local_schemes_are_not_remote():
    assert not files.is_remote("file:///srv/serving")
    assert files.is_remote("s3://bucket/serving")

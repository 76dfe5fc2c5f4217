import doctest
import sys

import pytest

from demandcast.pipeline import fingerprint
from demandcast.pipeline.fingerprint import code_digest


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `digested` with a module, a sub-package, a test and a cache."""
    root = tmp_path / "digested"
    for name, text in {
        "__init__.py": "",
        "a.py": "A = 1\n",
        "sub/__init__.py": "",
        "sub/rules.pbtxt": "feature {}",
        "tests/test_a.py": "",
        "__pycache__/a.cpython-311.pyc": "x",
        "notes.md": "hello",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield root
    sys.modules.pop("digested", None)


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(fingerprint).failed == 0


@pytest.mark.parametrize("name", ["a.py", "sub/rules.pbtxt", "sub/__init__.py"])
def test_a_changed_source_changes_the_digest(package, name):
    before = code_digest("digested")
    (package / name).write_text("changed")
    assert code_digest("digested") != before


@pytest.mark.parametrize("name", ["tests/test_a.py", "__pycache__/a.cpython-311.pyc", "notes.md"])
def test_tests_caches_and_prose_do_not_count(package, name):
    before = code_digest("digested")
    (package / name).write_text("changed")
    assert code_digest("digested") == before


def test_a_new_and_a_renamed_source_change_the_digest(package):
    digests = {code_digest("digested")}
    (package / "b.py").write_text("B = 1\n")
    digests.add(code_digest("digested"))
    (package / "b.py").rename(package / "c.py")
    digests.add(code_digest("digested"))
    assert len(digests) == 3


def test_a_single_module_can_be_digested(package):
    before = code_digest("digested.a")
    (package / "sub/rules.pbtxt").write_text("changed")
    assert code_digest("digested.a") == before
    (package / "a.py").write_text("A = 2\n")
    assert code_digest("digested.a") != before


def test_order_and_repetition_do_not_matter(package):
    assert code_digest("digested.a", "digested.sub") == code_digest(
        "digested.sub", "digested.a", "digested.a"
    )


def test_another_library_version_changes_the_digest(package, monkeypatch):
    before = code_digest("digested")
    monkeypatch.setattr(fingerprint, "_version", lambda library: "0.0")
    assert code_digest("digested") != before


def test_an_unknown_package_is_named():
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        code_digest("no_such_package")

import doctest
import sys

import pytest

from demandcast.pipeline import fingerprint
from demandcast.pipeline.fingerprint import code_digest, used_sources


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `digested` with modules that use each other, a test and a cache."""
    root = tmp_path / "digested"
    for name, text in {
        "__init__.py": "",
        "a.py": "import os\nimport json as j\nfrom digested import b\nA = 1\n",
        "b.py": "def late():\n    from digested.sub.c import thing\n",
        "lonely.py": "",
        "sub/__init__.py": "from .d import D",
        "sub/c.py": "thing = open('rules.pbtxt')\n",
        "sub/d.py": "from .. import e\nfrom ..f import F",
        "e.py": "",
        "f.py": "raise RuntimeError('digesting must not import')",
        "sub/rules.pbtxt": "feature {}",
        "sub/other.pbtxt": "feature {}",
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


def test_what_a_module_imports_counts_and_what_that_imports(package):
    assert set(used_sources("digested.a")) == {
        "digested",
        "digested.a",
        "digested.b",
        "digested.sub",  # Python runs it on the way to digested.sub.c.
        "digested.sub.c",
        "digested.sub/rules.pbtxt",
        "digested.sub.d",
        "digested.e",
        "digested.f",
    }


def test_a_module_on_its_own_counts_with_the_packages_around_it(package):
    assert set(used_sources("digested.e")) == {"digested", "digested.e"}


def test_a_package_stands_for_all_its_modules(package):
    modules = {"a", "b", "lonely", "sub", "sub.c", "sub/rules.pbtxt", "sub.d", "e", "f"}
    expected = {"digested"} | {f"digested.{name}" for name in modules}
    assert set(used_sources("digested")) == expected


def test_digesting_imports_nothing(package):
    code_digest("digested")
    assert "digested.sub" not in sys.modules
    assert "digested.f" not in sys.modules


@pytest.mark.parametrize(
    "name", ["__init__.py", "a.py", "b.py", "sub/__init__.py", "sub/c.py", "f.py"]
)
def test_a_changed_source_changes_the_digest(package, name):
    before = code_digest("digested.a")
    (package / name).write_text(f"{(package / name).read_text()}\nCHANGED = True\n")
    assert code_digest("digested.a") != before


def test_a_changed_data_file_changes_the_digest(package):
    before = code_digest("digested.a")
    (package / "sub/rules.pbtxt").write_text("changed")
    assert code_digest("digested.a") != before


@pytest.mark.parametrize(
    "name",
    [
        "lonely.py",
        "sub/other.pbtxt",
        "tests/test_a.py",
        "__pycache__/a.cpython-311.pyc",
        "notes.md",
    ],
)
def test_what_is_not_used_does_not_count(package, name):
    before = code_digest("digested.a")
    (package / name).write_text("CHANGED = True\n")
    assert code_digest("digested.a") == before


def test_a_new_and_a_renamed_source_change_the_digest_of_a_package(package):
    digests = {code_digest("digested")}
    (package / "g.py").write_text("G = 1\n")
    digests.add(code_digest("digested"))
    (package / "g.py").rename(package / "h.py")
    digests.add(code_digest("digested"))
    assert len(digests) == 3


def test_order_and_repetition_do_not_matter(package):
    assert code_digest("digested.a", "digested.sub") == code_digest(
        "digested.sub", "digested.a", "digested.a"
    )


def test_another_library_version_changes_the_digest(package, monkeypatch):
    before = code_digest("digested")
    monkeypatch.setattr(fingerprint, "_version", lambda library: "0.0")
    assert code_digest("digested") != before


@pytest.mark.parametrize("name", ["no_such_package", "demandcast.no_such_package"])
def test_an_unknown_package_is_named(name):
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        code_digest(name)

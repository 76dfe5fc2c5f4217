import doctest

import pytest

from demandcast.components.storage import files
from demandcast.components.storage.files import LocalFiles


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(files).failed == 0


def test_local_schemes_are_not_remote():
    assert not files.is_remote("file:///srv/serving")
    assert files.is_remote("s3://bucket/serving")


def test_local_files_write_copy_and_rename(tmp_path):
    local = LocalFiles()
    first, second, third = (str(tmp_path / name) for name in ("a/one", "b/c/two", "b/three"))
    local.write(first, b"content")
    local.copy(first, second)
    local.rename(second, third)
    assert local.read(third) == b"content"
    assert list(local.blocks(third)) == [b"content"]
    assert local.files_below(str(tmp_path)) == ["a/one", "b/three"]
    assert (local.exists(first), local.exists(second)) == (True, False)


def test_a_local_rename_replaces_a_file(tmp_path):
    (tmp_path / "old").write_text("old")
    (tmp_path / "new").write_text("new")
    LocalFiles().rename(str(tmp_path / "new"), str(tmp_path / "old"))
    assert (tmp_path / "old").read_text() == "new"


def test_local_folders_are_listed_and_removed(tmp_path):
    local = LocalFiles()
    (tmp_path / "1" / "variables").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    assert local.folders(str(tmp_path)) == ["1"]
    assert local.folders(str(tmp_path / "missing")) == []
    local.remove_folder(str(tmp_path / "1"))
    assert local.folders(str(tmp_path)) == []
    with pytest.raises(FileNotFoundError):
        local.read(str(tmp_path / "1"))

import doctest
import errno
import os

import pytest

from demandcast.components.storage import files
from demandcast.components.storage.files import ChangedError, LocalFiles


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


def forbid_links(monkeypatch):
    """A disk without hard links."""

    def link(source, target):
        raise PermissionError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", link)


@pytest.mark.parametrize("links", [True, False])
def test_a_change_holds_only_for_what_was_looked_at(tmp_path, monkeypatch, links):
    if not links:
        forbid_links(monkeypatch)
    local, path = LocalFiles(), str(tmp_path / "x")
    assert local.look(path) is None
    first = local.replace(path, b"1", None)
    assert local.look(path) == (b"1", first)
    with pytest.raises(ChangedError):
        local.replace(path, b"other", None)
    second = local.replace(path, b"2", first)
    for late in (lambda: local.replace(path, b"late", first), lambda: local.remove(path, first)):
        with pytest.raises(ChangedError):
            late()
    assert local.read(path) == b"2"
    local.remove(path, second)
    with pytest.raises(ChangedError):
        local.remove(path, second)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("links", [True, False])
def test_who_removes_by_mistake_what_was_renewed_gives_it_back(tmp_path, monkeypatch, links):
    """The holder of a lock writes it anew between another's look and its removal."""
    if not links:
        forbid_links(monkeypatch)
    local, path = LocalFiles(), str(tmp_path / "lock")
    old = local.replace(path, b"beat 1", None)
    local.replace(path, b"beat 2", old)
    with pytest.raises(ChangedError):
        local.remove(path, old)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("lock", b"beat 2")]


def test_two_that_write_aside_do_not_write_to_one_place():
    assert files.aside_of("/srv/x") != files.aside_of("/srv/x")

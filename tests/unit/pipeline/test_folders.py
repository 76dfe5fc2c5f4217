import os

import pytest

from demandcast.pipeline import folders
from demandcast.pipeline.folders import (
    aside_prefix,
    folders_in,
    last_change,
    size_of,
    whole_folder,
)
from demandcast.schema.errors import BadInputError


def test_folders_without_files_and_links(tmp_path):
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert folders_in(tmp_path) == [tmp_path / "a", tmp_path / "b"]
    assert folders_in(tmp_path / "missing") == []


def test_the_last_change_is_that_of_the_newest_part(tmp_path):
    file = tmp_path / "a" / "file"
    file.parent.mkdir()
    file.write_text("x")
    for path, moment in ((tmp_path, 10), (file.parent, 20), (file, 30)):
        os.utime(path, (moment, moment))
    assert (last_change(tmp_path), last_change(file)) == (30, 30)


def test_sizes_add_up(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_text("x" * 3)
    (tmp_path / "two").write_text("x" * 4)
    assert (size_of(tmp_path), size_of(tmp_path / "two")) == (3 + 4, 4)


def test_links_are_not_followed_and_what_is_gone_is_nothing(tmp_path):
    (tmp_path / "file").write_text("x" * 3)
    (tmp_path / "dangling").symlink_to(tmp_path / "missing")
    assert size_of(tmp_path) == 3
    assert last_change(tmp_path) > 0
    assert (size_of(tmp_path / "missing"), last_change(tmp_path / "missing")) == (0, 0.0)


def test_some_files_may_be_left_out(tmp_path):
    """Nor does it count that such a file was made."""
    for name, moment in (("old", 10), ("lock", 30)):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (moment, moment))
    assert last_change(tmp_path, but=("lock",)) == 10


def test_a_whole_folder_appears_at_the_end(tmp_path):
    folder = tmp_path / "orders" / "p"
    with whole_folder(folder) as aside:
        (aside / "file").write_text("x")
        assert not folder.exists()
    assert [path.name for path in folder.iterdir()] == ["file"]
    assert list(folder.parent.iterdir()) == [folder]


def test_nothing_stays_of_a_folder_that_fails(tmp_path):
    def fail():
        with whole_folder(tmp_path / "p") as aside:
            (aside / "file").write_text("x")
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - our own
        fail()
    assert list(tmp_path.iterdir()) == []


def test_what_a_kill_leaves_has_a_hidden_name_and_no_file_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(folders.shutil, "rmtree", lambda *args, **options: None)

    def be_killed():
        with whole_folder(tmp_path / "p") as aside:
            (aside / "file").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        be_killed()
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(aside_prefix(tmp_path / "p"))
    assert [path.name for path in left.iterdir()] == ["p"]


def test_a_folder_is_never_written_over_but_an_empty_one_may_be_there(tmp_path):
    (tmp_path / "p").mkdir()
    with whole_folder(tmp_path / "p") as aside:
        (aside / "file").write_text("x")
    with pytest.raises(BadInputError, match="never written over"), whole_folder(tmp_path / "p"):
        pass
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(BadInputError, match="cannot be made"),
        whole_folder(tmp_path / "file" / "q"),
    ):
        pass

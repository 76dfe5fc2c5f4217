import os

from demandcast.pipeline.folders import folders_in, last_change, size_of


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

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

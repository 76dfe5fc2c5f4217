"""A folder is there whole or not at all."""

import stat

import pytest

from demandcast.pipeline.whole_folder import check_free, whole_folder
from demandcast.schema.errors import BadInputError


def test_what_was_written_aside_takes_its_place(tmp_path):
    folder = tmp_path / "new" / "results"
    with whole_folder(folder) as aside:
        (aside / "a.txt").write_text("a")
        assert not folder.exists()
        # Others list results in the same folder: what is not finished is hidden.
        assert aside.parent == folder.parent
        assert aside.name.startswith(".results-")
    assert [path.name for path in folder.iterdir()] == ["a.txt"]
    assert [path.name for path in folder.parent.iterdir()] == ["results"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_an_empty_folder_makes_way(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    with whole_folder(folder) as aside:
        (aside / "a.txt").write_text("a")
    assert (folder / "a.txt").read_text() == "a"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_work_that_breaks_off_leaves_nothing(tmp_path, error):

    def work():
        with whole_folder(tmp_path / "results") as aside:
            (aside / "a.txt").write_text("a")
            raise error

    with pytest.raises(error):
        work()
    assert list(tmp_path.iterdir()) == []


def test_results_are_never_written_over(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "old.txt").write_text("old")
    with pytest.raises(BadInputError, match=r"results: is there already; expected a new folder"):
        check_free(folder)
    with pytest.raises(BadInputError, match="is there already"), whole_folder(folder):
        pytest.fail("was given a folder")
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_what_came_in_the_meantime_is_kept(tmp_path):
    folder = tmp_path / "results"

    def work():
        with whole_folder(folder) as aside:
            (aside / "a.txt").write_text("ours")
            folder.mkdir()
            (folder / "a.txt").write_text("theirs")

    with pytest.raises(BadInputError, match=r"results: cannot be written"):
        work()
    assert (folder / "a.txt").read_text() == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_a_file_in_its_place_is_kept(tmp_path):
    (tmp_path / "results").write_text("a file")
    with pytest.raises(BadInputError, match="is there already"):
        check_free(tmp_path / "results")
    with (
        pytest.raises(BadInputError, match=r"below: cannot be made"),
        whole_folder(tmp_path / "results" / "below"),
    ):
        pytest.fail("was given a folder")


def test_a_new_folder_is_free(tmp_path):
    check_free(tmp_path / "new")
    check_free(tmp_path)

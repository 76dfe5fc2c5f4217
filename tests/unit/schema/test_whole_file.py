from pathlib import Path

import pytest

from demandcast.schema.whole_file import write_whole


@pytest.mark.parametrize("before", [None, "old"])
def test_the_file_holds_the_text_and_nothing_is_left_beside_it(tmp_path, before):
    path = tmp_path / "report.html"
    if before is not None:
        path.write_text(before)
    write_whole(path, "größer\n")
    assert path.read_bytes() == "größer\n".encode()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["write_text", "replace"])
def test_a_failure_leaves_the_old_content_and_nothing_beside_it(tmp_path, monkeypatch, step):
    path = tmp_path / "run.json"
    path.write_text("old")

    def fail(self, *args, **options):
        self.write_bytes(b"half of the n")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, step, fail)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_until_the_new_content_is_complete_the_old_is_read(tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    path.write_text("old")
    seen = []
    write_text = Path.write_text

    def watch(self, *args, **options):
        written = write_text(self, *args, **options)
        seen.append(path.read_text())
        return written

    monkeypatch.setattr(Path, "write_text", watch)
    write_whole(path, "new")
    assert (seen, path.read_text()) == (["old"], "new")


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "missing" / "run.json", "new")

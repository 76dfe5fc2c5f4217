import pytest

pytestmark = pytest.mark.slow


def test_files_on_disk(tmp_path):
    from demandcast.components.storage.tfx_files import TfxFiles

    files = TfxFiles()
    root = str(tmp_path)
    files.write(f"{root}/a/b/c.txt", b"12345")
    files.copy(f"{root}/a/b/c.txt", f"{root}/a/d.txt")
    assert files.files_below(f"{root}/a") == ["b/c.txt", "d.txt"]
    assert files.folders(f"{root}/a") == ["b"]
    assert files.folders(f"{root}/none") == []
    assert b"".join(files.blocks(f"{root}/a/d.txt")) == files.read(f"{root}/a/d.txt") == b"12345"
    files.write(f"{root}/e.txt", b"new")
    files.rename(f"{root}/e.txt", f"{root}/a/d.txt")
    assert files.read(f"{root}/a/d.txt") == b"new"
    files.rename(f"{root}/a", f"{root}/f")
    assert files.exists(f"{root}/f/b/c.txt")
    files.remove_folder(f"{root}/f")
    assert not files.exists(f"{root}/f")

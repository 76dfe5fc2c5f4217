import pytest
from publishing_files import LocalFiles, write_model

from demandcast.components.storage.model_digest import model_digest
from demandcast.schema.artifact_names import GOLDEN_FILE, WARMUP_FILE
from demandcast.schema.model_series import MODEL_SERIES_FILE


def test_a_copy_has_the_same_digest_although_its_fingerprint_differs(tmp_path):
    first = write_model(tmp_path / "a")
    second = write_model(tmp_path / "b")
    assert (tmp_path / "a/fingerprint.pb").read_text() != (
        tmp_path / "b/fingerprint.pb"
    ).read_text()
    assert model_digest(first, LocalFiles()) == model_digest(second, LocalFiles())


@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.index"])
def test_another_content_has_another_digest(tmp_path, name):
    folder = write_model(tmp_path / "a")
    before = model_digest(folder, LocalFiles())
    (tmp_path / "a" / name).write_text("other")
    assert model_digest(folder, LocalFiles()) != before


def test_moving_bytes_between_files_changes_the_digest(tmp_path):
    for folder, index, assets in (("a", "12", "3"), ("b", "1", "23")):
        write_model(tmp_path / folder)
        (tmp_path / folder / "variables/variables.index").write_text(index)
        (tmp_path / folder / "assets/vocabulary").write_text(assets)
    files = LocalFiles()
    assert model_digest(str(tmp_path / "a"), files) != model_digest(str(tmp_path / "b"), files)


def test_renaming_a_file_changes_the_digest(tmp_path):
    folder = write_model(tmp_path / "a")
    before = model_digest(folder, LocalFiles())
    (tmp_path / "a/assets/vocabulary").rename(tmp_path / "a/assets/other")
    assert model_digest(folder, LocalFiles()) != before


def test_a_folder_without_model_is_refused(tmp_path):
    (tmp_path / "readme").write_text("hello")
    with pytest.raises(FileNotFoundError, match=r"no saved_model\.pb here; found \['readme'\]"):
        model_digest(str(tmp_path), LocalFiles())


@pytest.mark.parametrize(
    ("name", "counts"), [(WARMUP_FILE, False), (GOLDEN_FILE, False), (MODEL_SERIES_FILE, True)]
)
def test_what_the_infrastructure_check_adds_makes_no_other_model(tmp_path, name, counts):
    folder = write_model(tmp_path / "a")
    before = model_digest(folder, LocalFiles())
    (tmp_path / "a" / name).parent.mkdir(exist_ok=True)
    (tmp_path / "a" / name).write_text("added")
    assert (model_digest(folder, LocalFiles()) != before) == counts

import doctest

import pytest

from demandcast.components.storage import gcs_files
from demandcast.components.storage.files import ChangedError
from demandcast.components.storage.gcs_files import GcsFiles
from demandcast.schema.errors import ServingError

ROOT = "gs://bucket/serving"


@pytest.fixture
def files(gcs):
    return GcsFiles()


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(gcs_files).failed == 0


def test_objects_are_listed_read_and_removed(gcs, files):
    for name in ("1/saved_model.pb", "1/variables/a", "1/variables/b", "2/x", "in_service.json"):
        files.write(f"{ROOT}/{name}", name.encode())
    gcs.put("gs://bucket/serving/3/")  # The empty object by which others make a folder.
    gcs.put("gs://bucket/serving2/9/x")
    assert sorted(files.folders(ROOT)) == sorted(files.folders(f"{ROOT}/")) == ["1", "2", "3"]
    assert files.files_below(f"{ROOT}/1") == ["saved_model.pb", "variables/a", "variables/b"]
    assert files.files_below(f"{ROOT}/3") == []
    assert files.read(f"{ROOT}/2/x") == b"2/x"
    assert (files.exists(f"{ROOT}/1"), files.exists(f"{ROOT}/1/saved")) == (True, False)
    files.remove_folder(f"{ROOT}/1")
    assert not files.exists(f"{ROOT}/1")
    assert sorted(files.folders("gs://bucket")) == ["serving", "serving2"]
    assert files.folders("gs://empty/serving") == []


def test_files_go_between_here_and_there(files, tmp_path):
    (tmp_path / "a").write_bytes(b"here")
    files.copy(str(tmp_path / "a"), f"{ROOT}/a")
    files.copy(f"{ROOT}/a", f"{ROOT}/b")
    files.copy(f"{ROOT}/b", str(tmp_path / "new" / "b"))
    files.copy(str(tmp_path / "a"), str(tmp_path / "c"))
    assert [files.read(str(tmp_path / name)) for name in ("new/b", "c")] == [b"here"] * 2
    files.rename(f"{ROOT}/a", f"{ROOT}/b2")
    assert (files.exists(f"{ROOT}/a"), files.read(f"{ROOT}/b2")) == (False, b"here")


def test_large_files_come_in_blocks_and_go_in_parts(files, tmp_path):
    """Above 8 MiB the client uploads in another way."""
    content = bytes(range(256)) * (9 << 12)
    (tmp_path / "large").write_bytes(content)
    files.copy(str(tmp_path / "large"), f"{ROOT}/large")
    blocks = list(files.blocks(f"{ROOT}/large"))
    assert [len(block) for block in blocks] == [4 << 20, 4 << 20, 1 << 20]
    assert b"".join(blocks) == content


def test_what_is_not_there_is_said_as_for_any_file(files):
    for act in (files.read, lambda path: list(files.blocks(path))):
        with pytest.raises(FileNotFoundError, match="gs://bucket/serving/none"):
            act(f"{ROOT}/none")
    assert files.look(f"{ROOT}/none") is None


def test_a_change_holds_only_for_what_was_looked_at(gcs, files):
    path = f"{ROOT}/in_service.json"
    first = files.replace(path, b"1", None)
    assert files.look(path) == (b"1", first)
    with pytest.raises(ChangedError):
        files.replace(path, b"other", None)
    second = files.replace(path, b"2", first)
    with pytest.raises(ChangedError):
        files.replace(path, b"late", first)
    with pytest.raises(ChangedError):
        files.remove(path, first)
    assert gcs.content(path) == b"2"
    files.remove(path, second)
    with pytest.raises(ChangedError):
        files.remove(path, second)
    # The same text again is another generation.
    assert files.replace(path, b"1", None) != first


def test_a_lost_answer_is_no_other_writer(gcs, files):
    """The client sends again, and is refused because its first attempt was done."""
    lost = iter([True])
    gcs.lose_answer = lambda method, path: next(lost, False)
    generation = files.replace(f"{ROOT}/x", b"mine", None)
    assert files.look(f"{ROOT}/x") == (b"mine", generation)


def test_an_object_replaced_between_two_questions_is_asked_again(gcs, files):
    path = f"{ROOT}/in_service.json"
    gcs.put(path, b"old")

    def replace_before_the_content_is_sent(method, where):
        if "alt=media" in where and gcs.content(path) == b"old":
            gcs.put(path, b"new")

    gcs.refuse = replace_before_the_content_is_sent
    assert files.look(path).content == b"new"


@pytest.mark.parametrize(
    "act",
    [
        lambda files: files.read(f"{ROOT}/x"),
        lambda files: files.folders(ROOT),
        lambda files: files.write(f"{ROOT}/x", b""),
        lambda files: files.replace(f"{ROOT}/x", b"", None),
        lambda files: files.look(f"{ROOT}/x"),
        lambda files: files.remove_folder(ROOT),
    ],
)
def test_a_refusal_is_one_sentence(gcs, files, act):
    gcs.refuse = lambda method, path: 403
    with pytest.raises(ServingError, match=r"gs://bucket/serving.*Google Cloud Storage.*403"):
        act(files)


@pytest.mark.parametrize(
    "act",
    [
        lambda files: files.look(f"{ROOT}/x"),
        lambda files: files.exists(f"{ROOT}/x"),
        lambda files: files.folders(ROOT),
        lambda files: files.replace(f"{ROOT}/x", b"", None),
        lambda files: files.write(f"{ROOT}/x", b""),
    ],
)
def test_a_bucket_that_is_not_there_is_no_empty_one(gcs, files, act):
    gcs.refuse = lambda method, path: 404
    with pytest.raises(ServingError, match=r"gs://bucket/serving.*there is no bucket bucket"):
        act(files)

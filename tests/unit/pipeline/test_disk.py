import errno
import shutil
from collections import namedtuple

import pytest

from demandcast.pipeline import disk
from demandcast.pipeline.disk import (
    DiskFullError,
    check_space,
    disk_full,
    expected_bytes,
    scarcity,
)
from demandcast.schema.config import parse_config, resolve_paths
from demandcast.schema.config.example import example_yaml

MEBIBYTE = 2**20
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def config(tmp_path):
    return resolve_paths(parse_config(example_yaml()), tmp_path)


@pytest.fixture
def free(monkeypatch):
    """Sets the free bytes of every disk."""

    def set_free(size):
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(1000 * MEBIBYTE, 0, size))

    return set_free


def chained(cause):
    try:
        try:
            raise cause
        except Exception as error:
            raise RuntimeError("a library failed") from error
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    "cause",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        # Beam makes the error anew from its text, TensorFlow and SQLite never had the number.
        RuntimeError("[Errno 28] No space left on device [while running 'Write']"),
        ValueError("RESOURCE_EXHAUSTED: /x/variables: write: No space left on device"),
        RuntimeError("mysql/sqlite: database or disk is full"),
    ],
)
def test_a_full_disk_is_recognised_below_other_errors(config, free, cause):
    free(3 * MEBIBYTE)
    found = disk_full(chained(cause), config, stage="Trainer")
    assert isinstance(found, DiskFullError)
    assert found.exit_code == 2
    for part in ("while Trainer was at work", "3 MiB free of 1000 MiB", "goes on with Trainer"):
        assert part in str(found)


@pytest.mark.parametrize(
    "text",
    [
        "Error when executing query: cannot commit - no transaction is active query: COMMIT;",
        "disk I/O error",
    ],
)
def test_what_sqlite_says_afterwards_tells_it_only_where_there_is_hardly_any_room(
    config, free, text
):
    free(16 * MEBIBYTE)
    assert disk_full(chained(RuntimeError(text)), config, stage="Trainer") is None
    free(16 * MEBIBYTE - 1)
    found = disk_full(chained(RuntimeError(text)), config, stage="Trainer")
    assert "while Trainer was at work" in str(found)
    assert disk_full(chained(KeyError("x")), config, stage="Trainer") is None


@pytest.mark.parametrize("error", [KeyError("x"), OSError(errno.EACCES, "Permission denied")])
def test_other_errors_are_other_errors(config, error):
    assert disk_full(chained(error), config, stage=None) is None


def test_the_disk_is_that_of_the_file_where_the_error_names_one(config, tmp_path):
    (tmp_path / "there").mkdir()
    error = OSError(errno.ENOSPC, "No space left", str(tmp_path / "there" / "not" / "file"))
    assert f"on the disk of {tmp_path / 'there'}" in str(disk_full(error, config, stage=None))


def test_of_a_copy_it_is_the_disk_of_the_target(config, tmp_path):
    """As `shutil.copyfile` says it: the source first."""
    (tmp_path / "serving").mkdir()
    source, target = str(tmp_path / "source" / "x"), str(tmp_path / "serving" / "x")
    error = OSError(errno.ENOSPC, "No space left on device", source, None, target)
    assert f"on the disk of {tmp_path / 'serving'}:" in str(disk_full(error, config, stage=None))


def test_no_run_begins_without_room_for_its_log(config, free):
    free(16 * MEBIBYTE)
    check_space(config)
    free(16 * MEBIBYTE - 1)
    with pytest.raises(DiskFullError, match=r"workspace: too little room .*: 15 MiB free"):
        check_space(config)


def test_a_run_that_may_not_fit_is_warned_about(config, free, tmp_path):
    sales = tmp_path / config.data.sales
    sales.parent.mkdir(parents=True, exist_ok=True)
    sales.write_bytes(b"x" * 1000)
    expected = expected_bytes(config)
    assert expected == 50 * MEBIBYTE + 3 * 1000
    free(expected)
    assert scarcity(config) is None
    free(expected - 1)
    assert "50 MiB free" in scarcity(config)


def test_tables_that_are_not_there_are_left_to_the_stage_that_reads_them(config):
    assert expected_bytes(config) == 50 * MEBIBYTE


def test_folders_in_object_stores_are_not_looked_at(config, free):
    push = config.push.model_copy(update={"serving_directory": "gs://bucket/serving"})
    folders = disk._folders(config.model_copy(update={"push": push}))
    assert [name for name, _ in folders] == ["workspace", "TMPDIR"]

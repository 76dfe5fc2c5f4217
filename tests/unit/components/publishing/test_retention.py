import datetime

import pytest
from publishing_files import LocalFiles, RemoteFiles, SimulatedCrashError, write_model

from demandcast.components.publishing.push import ModelToPush, push_model
from demandcast.components.publishing.retention import (
    VersionLimits,
    remove_versions,
    versions_to_remove,
)
from demandcast.components.publishing.rollback import RollbackRequest, roll_back

START = datetime.datetime.fromtimestamp(1_700_000_000, datetime.UTC)
VERSIONS = tuple(1_700_000_000 + 86_400 * day for day in range(5))
NOW = START + datetime.timedelta(days=4, hours=1)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def serving(tmp_path):
    """Five models pushed a day apart."""
    for day in range(5):
        model = ModelToPush(write_model(tmp_path / f"m{day}", str(day)), f"run-{day}", {})
        push_model(model, str(tmp_path / "serving"), files=LocalFiles(), now=START + day * DAY)
    return tmp_path / "serving"


def to_remove(serving, count=None, age=None):
    limits = VersionLimits(count, age)
    return versions_to_remove(str(serving), limits, files=LocalFiles(), now=NOW)


def folders(serving):
    return sorted(path.name for path in serving.iterdir() if path.is_dir())


@pytest.mark.parametrize(
    ("count", "age", "expected"),
    [
        (None, None, ()),
        (5, None, ()),
        (3, None, VERSIONS[:2]),
        (None, 3 * DAY, VERSIONS[:2]),
        (4, 3 * DAY, VERSIONS[:2]),
        (3, 10 * DAY, VERSIONS[:2]),
        # The one in service and the one before it stay, whatever the limits say.
        (1, None, VERSIONS[:3]),
        (1, datetime.timedelta(seconds=1), VERSIONS[:3]),
    ],
)
def test_versions_go_by_count_and_by_age(serving, count, age, expected):
    assert to_remove(serving, count, age) == expected


def test_after_a_rollback_the_way_forward_stays(serving):
    roll_back(RollbackRequest(VERSIONS[1], by="eve"), str(serving), files=LocalFiles(), now=NOW)
    # In service is a copy of the second; the fifth was before it.
    assert to_remove(serving, 1) == VERSIONS[:4]


def test_without_a_model_in_service_nothing_goes(serving, tmp_path):
    (serving / "in_service.json").unlink()
    assert to_remove(serving, 1) == ()
    assert to_remove(tmp_path / "nowhere", 1) == ()


def test_versions_of_others_and_unfinished_ones_stay(serving):
    write_model(serving / "7", "by hand")
    write_model(serving / str(VERSIONS[-1] + 9), "interrupted push")
    (serving / "notes").mkdir()
    assert to_remove(serving, 1) == VERSIONS[:3]


def test_removal_leaves_the_rest_alone(serving):
    remove_versions(VERSIONS[:2], str(serving), files=LocalFiles())
    assert folders(serving) == [str(version) for version in VERSIONS[2:]]


def test_leftovers_go_with_them_if_they_are_still_there(serving):
    write_model(serving / ".pushing-1700000009", "half")
    write_model(serving / ".pushing-1700000010", "of another pipeline")
    remove_versions(
        (), str(serving), files=LocalFiles(), leftovers=[".pushing-1700000009", ".pushing-17"]
    )
    assert folders(serving) == [".pushing-1700000010", *map(str, VERSIONS)]


def test_a_server_never_sees_half_a_version(serving):
    files = LocalFiles()
    remove_versions(VERSIONS[:1], str(serving), files=files)
    assert files.changes == [
        ("rename", f"{serving}/.removing-{VERSIONS[0]}"),
        ("remove", f"{serving}/.removing-{VERSIONS[0]}"),
    ]


@pytest.mark.parametrize("break_at", range(4))
def test_an_interrupted_removal_is_finished_by_the_next(serving, break_at):
    """Changes: rename and removal of each of two versions."""
    with pytest.raises(SimulatedCrashError):
        remove_versions(VERSIONS[:2], str(serving), files=LocalFiles(break_at))
    remove_versions(to_remove(serving, 3), str(serving), files=LocalFiles())
    assert folders(serving) == [str(version) for version in VERSIONS[2:]]


def test_in_an_object_store_folders_go_at_once(serving, tmp_path):
    files = RemoteFiles(tmp_path)
    remove_versions(VERSIONS[:1], "mem://serving", files=files)
    assert [kind for kind, _ in files.changes] == ["remove"]
    assert str(VERSIONS[0]) not in folders(serving)

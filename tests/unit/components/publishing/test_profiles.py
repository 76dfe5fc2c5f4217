"""Profiles beside the versions: kept with their model, removed with it."""

import pytest
from publishing_files import LocalFiles as BreakingFiles
from publishing_files import SimulatedCrashError

from demandcast.components.publishing.profiles import keep_profile, profile_file
from demandcast.components.storage.files import LocalFiles

FILES = LocalFiles()


def keep(folder, digest, *, others=(), text="{}", files=FILES):
    examples = folder / "examples"
    examples.mkdir(exist_ok=True)
    (examples / "profile.json").write_text(text)
    keep_profile(
        str(examples / "profile.json"),
        str(folder / "serving"),
        digest=digest,
        others=others,
        files=files,
    )


def kept(folder):
    return sorted(path.name for path in (folder / "serving" / "profiles").iterdir())


def test_a_profile_lies_under_the_digest_of_its_model(tmp_path):
    keep(tmp_path, "abc", text='{"first": 1}')
    path = profile_file(str(tmp_path / "serving"), "abc")
    assert FILES.read(path) == b'{"first": 1}'


def test_profiles_of_versions_that_are_gone_go_too(tmp_path):
    keep(tmp_path, "one")
    keep(tmp_path, "two", others={"one"})
    assert kept(tmp_path) == ["one", "two"]
    keep(tmp_path, "three", others={"two"})
    assert kept(tmp_path) == ["three", "two"]


@pytest.mark.parametrize("break_at", range(2))
def test_a_crash_leaves_the_profile_that_was(tmp_path, break_at):
    """Changes: write aside, rename. Half a profile would stop the runs to come."""
    keep(tmp_path, "one", text='{"first": 1}')
    with pytest.raises(SimulatedCrashError):
        keep(tmp_path, "one", text='{"first": 2}', files=BreakingFiles(break_at))
    path = profile_file(str(tmp_path / "serving"), "one")
    assert FILES.read(path) == b'{"first": 1}'

"""The Dockerfile agrees with what it is made of; `make test-image` runs its steps."""

import re
import subprocess
from pathlib import Path

import pytest
from dockerfile import DockerfileError, parse

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "Dockerfile").read_text()
STAGES = parse(TEXT)


def pins(name):
    text = (ROOT / "requirements" / name).read_text()
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, flags=re.MULTILINE))


def test_stages_and_instructions_are_read():
    stages = parse(
        "# comment\nARG BASE=debian\n\nFROM ${BASE} AS a\nRUN one \\\n # why\n && two\n"
        "ENV A=1\nFROM a AS b\nCOPY --from=a /x /y\n"
        "RUN --mount=type=cache,target=/c three\n"
    )
    assert {name: stage.base for name, stage in stages.items()} == {"a": "debian", "b": "a"}
    assert [step.text for step in stages["a"].instructions] == ["one && two", "A=1"]
    copy, run = stages["b"].instructions
    assert (copy.options, copy.text) == ({"from": "a"}, "/x /y")
    assert (run.options, run.text) == ({"mount": "type=cache,target=/c"}, "three")


@pytest.mark.parametrize("text", ["FROM a", "RUN x", "FROM a AS b\nADD x y"])
def test_what_is_not_known_is_an_error(text):
    with pytest.raises(DockerfileError):
        parse(text)


def test_the_targets_are_those_of_its_head():
    assert {"cpu", "gpu", "beam-worker"} <= set(STAGES)
    assert re.findall(r"--target (\S+)", TEXT) == ["cpu", "gpu", "beam-worker"]


@pytest.mark.parametrize("target", ["cpu", "gpu"])
def test_what_runs_is_a_numbered_user_on_the_bare_base(target):
    assert STAGES[target].base == "runtime"
    assert STAGES["runtime"].base == "python:3.11-slim-trixie"
    users = [step.text for step in STAGES["runtime"].instructions if step.name == "USER"]
    assert users == ["10001:10001"]


def test_the_image_holds_the_versions_of_the_tested_lock():
    tested, image, gpu = (pins(f"{name}.txt") for name in ("tfx-1.21.0", "image", "image-gpu"))
    assert image == {name: tested[name] for name in image}
    assert {name: version for name, version in gpu.items() if name in image} == image
    assert all(name.startswith("nvidia-") for name in set(gpu) - set(image))


def test_the_image_holds_nothing_that_only_tests_need():
    assert not {"pytest", "mypy", "ruff", "hypothesis", "playwright"} & set(pins("image.txt"))


def test_other_versions_in_it_are_those_of_the_repository():
    set_up = (ROOT / "requirements" / "set-up").read_text()
    assert re.findall(r"uv==[\d.]+", TEXT) == re.findall(r"uv==[\d.]+", set_up)
    assert STAGES["beam-sdk"].base.rpartition(":")[2] == pins("image.txt")["apache-beam"]


def test_what_it_copies_is_in_the_context_and_no_package_is_missing():
    sources = [
        source
        for stage in STAGES.values()
        for step in stage.instructions
        if step.name == "COPY" and "from" not in step.options
        for source in step.text.split()[:-1]
    ]
    kept = [
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    for source in sources:
        listed = subprocess.run(
            ["git", "ls-files", "--error-unmatch", source],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        assert listed.returncode == 0, source
        assert any(Path(source).match(pattern) for pattern in kept), source
    assert {"components", "pipeline", "schema", "serving"} <= set(sources)


def test_a_worker_of_beam_runs_in_our_environment():
    """Otherwise its boot program makes one under /opt, which its user may not."""
    variables = [step.text for step in STAGES["beam-worker"].instructions if step.name == "ENV"]
    assert variables == ["RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1"]

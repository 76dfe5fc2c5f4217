"""What the pages show is true: examples parse or run, commands, paths and names exist.

The commands of "Your own data" and those of the pages for each audience are executed in
tests/integration/test_readme_walk.py and test_the_pages.py (slow).
"""

import doctest
import re
import shlex

import click
import pytest
from docs_pages import (
    AUDIENCES,
    PAGES,
    ROOT,
    anchors,
    blocks,
    command_lines,
    inline_codes,
    links,
    make_targets,
)

from demandcast.pipeline.cli import cli, invoke
from demandcast.schema.config import parse_config
from demandcast.schema.config.example import describe_keys

TOP_LEVEL = (
    ".ci",
    "components",
    "docs",
    "examples",
    "pipeline",
    "requirements",
    "schema",
    "serving",
    "terraform",
    "tests",
)
LANGUAGES = {"diff", "python", "sh", "text", "yaml"}


def find_command(arguments):
    """Follows names to a command; gives it and the arguments that are left."""
    command, rest = cli, list(arguments)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        assert name in command.commands, f"no command {name!r} among {sorted(command.commands)}"
        command = command.commands[name]
    return command, rest


def options_of(command):
    """Names of a command's options, with those that click adds."""
    with click.Context(command) as context:
        return {name for param in command.get_params(context) for name in param.opts}


def existing(name, page):
    """Whether a path from the root, or from the page's folder, is there; '*' stands for any."""
    for folder in (ROOT, (ROOT / page).parent):
        if any(folder.glob(name)) if "*" in name else (folder / name).exists():
            return True
    return False


def test_the_pages_are_there():
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md"} <= set(PAGES)
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").count("Apache License") >= 1


def test_every_block_says_its_language():
    unknown = [str(block) for block in blocks(*LANGUAGES, "", "console", "json", "toml", "hcl")]
    assert unknown == [str(block) for block in blocks(*LANGUAGES)]


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_yaml_is_a_configuration(block):
    parse_config(block.text, source=str(block))


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_runs(block):
    """Blocks of a walk are compiled here and run in the integration tests."""
    if ">>>" in block.text:
        test = doctest.DocTestParser().get_doctest(block.text, {}, str(block), None, block.line)
        assert test.examples
        assert doctest.DocTestRunner().run(test).failed == 0
        return
    code = compile(block.text, str(block), "exec")
    if block.place != "walk":
        exec(code, {})  # noqa: S102 - our own page


def test_blocks_of_a_walk_are_on_pages_that_are_walked():
    places = {(block.page, block.place) for block in blocks(*LANGUAGES) if block.place}
    assert places <= {(page, "walk") for page in ("README.md", *AUDIENCES)}


@pytest.mark.parametrize(
    ("where", "arguments"), command_lines(), ids=[name for name, _ in command_lines()]
)
def test_commands_are_accepted(where, arguments):
    del where
    command, rest = find_command(arguments)
    assert not isinstance(command, click.Group)
    command.make_context(command.name, rest)


def test_there_are_commands_for_the_whole_walk():
    named = {
        " ".join(arguments[:2] if arguments[0] == "schema" else arguments[:1])
        for _, arguments in command_lines()
    }
    assert {"config", "schema infer", "validate", "run", "forecast", "serve"} <= named


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_prose_exist(page):
    for code in inline_codes(page):
        words = shlex.split(code) if code.startswith("demandcast ") else []
        if words and "." not in words[0]:
            command, rest = find_command(words[1:])
            assert {word for word in rest if word.startswith("-")} <= options_of(command), code


@pytest.mark.parametrize("page", PAGES)
def test_targets_of_make_exist(page):
    rules = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert make_targets(page) <= rules


@pytest.mark.parametrize("page", PAGES)
def test_named_paths_exist(page):
    """Also bare names of modules, such as `grid.py`, if they belong to one folder only."""
    for code in inline_codes(page):
        path = code.rstrip("/")
        if re.fullmatch(r"[\w./*-]+", path) and path.split("/")[0] in TOP_LEVEL:
            assert existing(path, page), f"{page} names {code}"
        elif re.fullmatch(r"\w+\.py", path) and path != "setup.py":
            found = [file for top in TOP_LEVEL for file in (ROOT / top).rglob(path)]
            assert found, f"{page} names {code}"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for link in links(page):
        target, _, anchor = link.partition("#")
        path = (ROOT / page).parent / target if target else ROOT / page
        assert path.exists(), link
        assert not anchor or anchor in anchors(path), link


@pytest.mark.parametrize("page", PAGES)
def test_dotted_names_exist(page):
    names = {n for code in inline_codes(page) for n in re.findall(r"\bdemandcast(?:\.\w+)+", code)}
    for name in sorted(names):
        *parts, last = name.split(".")
        folder = ROOT.joinpath(*parts[1:])
        if (folder / last).is_dir() or (folder / f"{last}.py").exists():
            continue
        module = folder.with_suffix(".py") if not folder.is_dir() else folder / "__init__.py"
        assert re.search(rf"\b{last}\b", module.read_text(encoding="utf-8")), name


@pytest.mark.parametrize("page", PAGES)
def test_keys_of_the_configuration_exist(page):
    """Dotted keys in backticks, such as `gate.change.min_slice_examples`."""
    keys = {key.path for key in describe_keys()}
    sections = {key.split(".")[0] for key in keys if "." in key}
    for code in inline_codes(page):
        dotted = re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", code)
        if dotted and code.split(".")[0] in sections and not code.endswith((".json", ".py")):
            assert code in keys, code


def test_exit_codes_are_those_of_the_command(capsys):
    assert invoke(["--help"]) == 0
    helped = dict(re.findall(r"^ {4}(\d+) +(\S.*)$", capsys.readouterr().out, re.MULTILINE))
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"^\| (\d+) \| (.+) \|$", page, re.MULTILINE)) == helped


def test_the_layout_is_that_of_the_tree():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    layout = page.split("## Layout")[1].split("```")[1]
    named = re.findall(r"^([\w.]+)/ ", layout, re.MULTILINE)
    assert set(named) == set(TOP_LEVEL) - {".ci"}


def test_decisions_have_numbers_of_their_own_and_three_parts():
    pages = [page for page in PAGES if page.startswith("docs/decisions/")]
    numbers = [page.split("/")[-1][:4] for page in pages]
    assert len(set(numbers)) == len(numbers)
    for page in pages:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert text.startswith(f"# {page.split('/')[-1][:4]}: "), page
        assert "**Decision.**" in text, page


def test_the_picture_is_drawn_for_light_and_dark():
    picture = (ROOT / "docs" / "walk.svg").read_text(encoding="utf-8")
    stages = (
        "SeriesExampleGen",
        "StatisticsGen",
        "SchemaImport",
        "ExampleValidator",
        "AnomalyGate",
        "DataContinuity",
        "Transform",
        "Trainer",
        "ModelInService",
        "Evaluator",
        "InfraValidator",
        "Pusher",
        "SmokeTest",
    )
    assert all(f">{stage}<" in picture for stage in stages)
    assert 'role="img"' in picture
    assert not re.search(r"(font-family|href)[^;]*http", picture)

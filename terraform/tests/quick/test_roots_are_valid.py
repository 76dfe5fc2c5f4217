"""Every root is formatted and valid; every root and module has the shape that readers expect."""

import re
import subprocess

import pytest
import yaml
from terraform_roots import (
    BAD_VALUES,
    blocks,
    example,
    modules,
    name_of,
    needs_mirror,
    roots,
    variants,
)
from terraform_tools import TREE, terraform, terraform_env

VERSIONS = {
    "google": ">= 6.50, < 8",
    "aws": ">= 5.100, < 7",
    "kubernetes": ">= 2.38, < 3",
    "helm": ">= 3.1, < 4",
}
FOLDERS = [*roots(), *modules()]

each_root = pytest.mark.parametrize("root", roots(), ids=name_of)
each_module = pytest.mark.parametrize("module", modules(), ids=name_of)
each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=name_of)


def test_all_roots_are_found():
    """Tests for each of nothing would pass."""
    clouds = {"eks", "existing", "gke"}
    assert {root.parent.name for root in roots()} == clouds
    assert {module.parent.name for module in modules()} == {"aws", "gcp", "kubernetes"}
    assert all(len(variants(root)) > 1 for root in roots())


def test_all_of_it_is_formatted():
    done = subprocess.run(
        [terraform(), "fmt", "-check", "-recursive", "-diff", str(TREE)],
        env=terraform_env(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
@each_root
def test_a_root_is_valid(workspace, root):
    needs_mirror(root)
    assert workspace.validate(workspace.at(root)) == []


@each_folder
def test_versions_are_bounded(folder):
    text = (folder / "versions.tf").read_text(encoding="utf-8")
    # Write-only arguments, which keep secrets out of the state, came with 1.11.
    secret = any(
        re.search(r"^\s*\w+_wo\s+=", file.read_text(), re.M) for file in folder.glob("*.tf")
    )
    assert re.findall(r'required_version = "(.*)"', text) in (
        [[">= 1.11, < 2"]] if secret else [[">= 1.9, < 2"], [">= 1.11, < 2"]]
    )
    found = re.findall(r'source\s+= "hashicorp/(\w+)"\s+version\s+= "(.+)"', text)
    assert {name: VERSIONS.get(name) for name, _ in found} == dict(found)
    assert len(re.findall(r"^    \w+ = \{", text, re.MULTILINE)) == len(found)


@each_module
def test_a_module_leaves_providers_and_state_to_the_root(module):
    assert blocks(module, "provider") == []
    assert not any(block.lines_of("backend") for block in blocks(module, "terraform"))


@each_folder
def test_variables_and_outputs_are_described(folder):
    parts = [*blocks(folder, "variable"), *blocks(folder, "output")]
    texts = {part.labels[0]: part.value("description") or "" for part in parts}
    assert [name for name, text in texts.items() if not re.match(r'"\S.*\S"|<<-?\w', text)] == []
    assert {part.file for part in parts} <= {"variables.tf", "outputs.tf"}


@each_module
def test_a_module_is_small(module):
    assert len(blocks(module, "variable")) <= 25


@each_module
def test_a_module_has_an_example_that_calls_it(module):
    assert f'source = "../../{name_of(module)}"' in re.sub(r" +", " ", example(module))


@each_root
def test_dev_and_prod_have_values_and_a_state_of_their_own(root):
    assert {"dev.tfvars", "prod.tfvars"} <= {path.name for path in variants(root)}
    assert any(block.lines_of("backend") for block in blocks(root, "terraform"))
    assert {"backend-dev.hcl", "backend-prod.hcl"} <= {path.name for path in root.iterdir()}


@each_folder
def test_each_validation_ends_in_a_sentence_and_has_a_bad_value(folder):
    """That Terraform says the sentence is proven by test_bad_values.py."""
    validated = {
        block.labels[0] for block in blocks(folder, "variable") if block.lines_of("validation")
    }
    file = BAD_VALUES / f"{name_of(folder)}.yaml"
    cases = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else []
    assert validated <= {case["variable"] for case in cases}, f"see {file}"
    for block in blocks(folder, "variable"):
        messages = re.findall(r'error_message\s+= "(.*)"$', block.text, re.MULTILINE)
        assert [text for text in messages if not text.endswith((".", "}"))] == []


def test_bad_values_are_of_what_exists():
    files = {path.relative_to(BAD_VALUES).with_suffix("") for path in BAD_VALUES.rglob("*.yaml")}
    assert {path.as_posix() for path in files} <= {name_of(folder) for folder in FOLDERS}

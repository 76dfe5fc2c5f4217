"""Every root is planned with each of its files of values, and its own tests pass."""

import re

import pytest
from terraform_roots import (
    blocks,
    changes,
    has_foundation,
    messages,
    name_of,
    needs_mirror,
    roots,
    variants,
)

VARIANTS = [(root, variant) for root in roots() for variant in variants(root)]

each_root = pytest.mark.parametrize("root", roots(), ids=name_of)


@pytest.mark.parametrize(
    ("root", "variant"), VARIANTS, ids=[f"{name_of(root)}-{file.stem}" for root, file in VARIANTS]
)
def test_a_variant_is_planned(workspace, root, variant):
    needs_mirror(root)
    plan = workspace.planned(root, variant)
    managed = [one for one in plan["resource_changes"] if one["mode"] == "managed"]
    assert len(changes(plan)) == len(managed) > 0
    assert set(plan["planned_values"]["outputs"]) == {
        block.labels[0] for block in blocks(root, "output")
    }


@each_root
def test_its_own_tests_pass(workspace, root):
    needs_mirror(root)
    assert list(root.glob("tests/*.tftest.hcl")) != []
    told = workspace.run(workspace.at(root), "test")
    passed, failed = re.findall(r"Success! (\d+) passed, (\d+) failed", told)[0]
    assert (int(passed) > 0, int(failed)) == (True, 0)


@each_root
def test_without_values_it_says_what_it_needs(workspace, root):
    needs_mirror(root)
    needed = [
        block.labels[0] for block in blocks(root, "variable") if block.value("default") is None
    ]
    done = workspace.try_run(workspace.at(root), "plan", "-input=false", "-lock=false", "-json")
    found = [message for message in messages(done.stdout) if message["severity"] == "error"]
    named = {
        re.findall(r'"(\w+)"', message["detail"])[0]
        for message in found
        if message["summary"] == "No value for required variable"
    }
    assert named == set(needed)


@pytest.mark.parametrize("root", list(filter(has_foundation, roots())), ids=name_of)
def test_a_platform_without_its_foundation_says_so(workspace, root):
    needs_mirror(root)
    options = ("-input=false", "-lock=false", "-json", "-var-file=dev.tfvars")
    done = workspace.try_run(workspace.at(root), "plan", *options)
    told = [message["detail"] for message in messages(done.stdout)]
    assert any("foundation" in text for text in told), told

"""The example of each module's README is planned, and plans what it did the last time.

`REGENERATE=1` writes golden/examples.json anew; look at the difference.
"""

import json
import os
from collections import Counter

import pytest
from terraform_roots import changes, example, modules, name_of, needs_mirror
from terraform_tools import TREE

GOLDEN = TREE / "tests" / "golden" / "examples.json"


def golden():
    return json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", modules(), ids=name_of)
def test_an_example_plans_what_it_planned_before(workspace, module):
    needs_mirror(module)
    name = name_of(module)
    folder = workspace.written(f"example-of-{name.replace('/', '-')}", {"main.tf": example(module)})
    planned = dict(sorted(Counter(one["type"] for one in changes(workspace.plan(folder))).items()))
    if os.environ.get("REGENERATE"):
        text = json.dumps({**golden(), name: planned}, indent=2, sort_keys=True)
        GOLDEN.write_text(text + "\n", encoding="utf-8")
    assert planned == golden().get(name), "REGENERATE=1 writes what is planned now"


def test_no_example_is_left_of_what_is_gone():
    names = {name_of(module) for module in modules()}
    if os.environ.get("REGENERATE"):
        kept = {name: counts for name, counts in golden().items() if name in names}
        GOLDEN.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    assert set(golden()) <= names

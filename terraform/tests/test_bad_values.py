"""Every validation of every variable refuses something, with the sentence that is written there.

The values are in bad_values/, a file per root and module, each a list of:

    - variable: gpu_nodes
      value: 0.5
      says: The number of nodes is a whole number

For a module the value replaces that of the README's example, for a root that of dev.tfvars.
Terraform names the rule that refused; all rules of the folder have to be named.
"""

import itertools
import json
import re
from collections import defaultdict
from pathlib import Path

import pytest
import yaml
from terraform_roots import BAD_VALUES, blocks, example, messages, modules, name_of, needs_mirror
from terraform_roots import roots as all_roots


def cases_of(folder):
    file = BAD_VALUES / f"{name_of(folder)}.yaml"
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else []


def rules_of(folder):
    """The variable of each validation, by its file and line."""
    return {
        (block.file, line): block.labels[0]
        for block in blocks(folder, "variable")
        for line in block.lines_of("validation")
    }


def validated(folders):
    return [folder for folder in folders if rules_of(folder) or cases_of(folder)]


def refusals(output):
    """The messages about values, each with the rule that they name."""
    for message in messages(output):
        rule = re.search(r"validation rule at (\S+?):(\d+),", message["detail"])
        if rule:
            yield message, (Path(rule[1]).name, int(rule[2]))


def assert_all_refuse(told, cases, folder):
    """Each case has its sentence, and together they meet every rule."""
    for case, found in zip(cases, told, strict=True):
        assert any(says(message, case) for message, _ in found), (case, found)
    hit = {rule for found in told for _, rule in found}
    assert set(rules_of(folder)) - hit == set(), "these validations refuse no bad value"


def says(message, case):
    return " ".join(case["says"].split()) in " ".join(message["detail"].split())


def hcl(value):
    """A value in Terraform's language, of which JSON is a part but for templates."""
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")


@pytest.mark.parametrize("module", validated(modules()), ids=name_of)
def test_a_module_refuses_bad_values(workspace, module):
    """All cases at once, each a call of its own, changed by an override file of its own."""
    needs_mirror(module)
    cases = cases_of(module)
    text = example(module)
    call = re.search(r'^module "\w+" (\{.*?^\})', text, re.MULTILINE | re.DOTALL)
    files = {"rest.tf": text.replace(call[0], "")}
    for number, case in enumerate(cases):
        files[f"case_{number}.tf"] = f'module "case_{number}" {call[1]}\n'
        files[f"case_{number}_override.tf"] = (
            f'module "case_{number}" {{\n  {case["variable"]} = {hcl(case["value"])}\n}}\n'
        )
    folder = workspace.written(f"bad-values-of-{name_of(module).replace('/', '-')}", files)
    done = workspace.try_run(folder, "plan", "-input=false", "-lock=false", "-json")
    found = list(refusals(done.stdout))
    told = [
        [one for one in found if one[0]["range"]["filename"] == f"case_{number}_override.tf"]
        for number in range(len(cases))
    ]
    assert_all_refuse(told, cases, module)


@pytest.mark.parametrize("root", validated(all_roots()), ids=name_of)
def test_a_root_refuses_bad_values(workspace, root):
    """One case of each variable at a time; alone, where another one was in its way."""
    needs_mirror(root)
    cases, owner = cases_of(root), rules_of(root)
    told = [[] for _ in cases]
    rounds = itertools.zip_longest(*numbers_by_variable(cases).values())
    alone = ([number] for number in range(len(cases)) if not told[number])
    for numbers in itertools.chain(rounds, alone):
        together = [number for number in numbers if number is not None]
        values = {cases[number]["variable"]: cases[number]["value"] for number in together}
        found = refused_by(workspace, root, values)
        for number in together:
            told[number] = told[number] or [
                (message, rule)
                for message, rule in found
                if owner[rule] == cases[number]["variable"] and says(message, cases[number])
            ]
    assert_all_refuse(told, cases, root)


def numbers_by_variable(cases):
    """Places of the cases in their list."""
    found = defaultdict(list)
    for number, case in enumerate(cases):
        found[case["variable"]].append(number)
    return found


def refused_by(workspace, root, values):
    folder = workspace.at(root)
    (folder / "bad.tfvars.json").write_text(json.dumps(values), encoding="utf-8")
    done = workspace.try_run(
        folder,
        *("plan", "-input=false", "-lock=false", "-json"),
        *workspace.values(root, root / "dev.tfvars"),
        "-var-file=bad.tfvars.json",
    )
    return list(refusals(done.stdout))


def test_a_value_that_is_accepted_and_a_rule_without_a_value_are_noticed(tmp_path):
    text = 'variable "size" {\n  validation {\n  }\n  validation {\n  }\n}\n'
    (tmp_path / "variables.tf").write_text(text)
    case = {"variable": "size", "value": 0, "says": "At least one."}
    refusal = ({"detail": "At least one.\n\nThis was checked"}, ("variables.tf", 2))
    with pytest.raises(AssertionError, match="At least one"):
        assert_all_refuse([[]], [case], tmp_path)
    with pytest.raises(AssertionError, match="these validations refuse no bad value"):
        assert_all_refuse([[refusal]], [case], tmp_path)
    other = (refusal[0], ("variables.tf", 4))
    assert_all_refuse([[refusal], [other]], [case, case], tmp_path)

"""Every validation of every variable refuses something, with the sentence that is written there.

The values are in bad_values/, a file per root and module, each a list of:

    - variable: gpu_nodes
      value: 0.5
      says: The number of nodes is a whole number

For a module the value replaces that of the README's example, for a root that of dev.tfvars.
Terraform names the rule that refused; all rules of the folder have to be named.
"""

import json
import re
from pathlib import Path

import pytest
import yaml
from terraform_roots import BAD_VALUES, blocks, example, messages, modules, name_of, needs_mirror
from terraform_roots import roots as all_roots


def cases_of(folder):
    file = BAD_VALUES / f"{name_of(folder)}.yaml"
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else []


def rules_of(folder):
    """File and line of each validation."""
    return {
        (block.file, line)
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
        texts = [" ".join(message["detail"].split()) for message, _ in found]
        assert any(" ".join(case["says"].split()) in text for text in texts), (case, texts)
    hit = {rule for found in told for _, rule in found}
    assert rules_of(folder) - hit == set(), "these validations refuse no bad value"


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
    needs_mirror(root)
    folder = workspace.at(root)
    told = []
    for case in cases_of(root):
        values = {case["variable"]: case["value"]}
        (folder / "bad.tfvars.json").write_text(json.dumps(values), encoding="utf-8")
        done = workspace.try_run(
            folder,
            *("plan", "-input=false", "-lock=false", "-json"),
            *workspace.values(root, root / "dev.tfvars"),
            "-var-file=bad.tfvars.json",
        )
        told.append(list(refusals(done.stdout)))
    assert_all_refuse(told, cases_of(root), root)

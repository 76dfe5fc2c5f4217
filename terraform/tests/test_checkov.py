"""checkov's rules hold for the code and for what is planned; each exception gives its reason."""

import json
import os
import subprocess

import pytest
from terraform_roots import modules, name_of, needs_mirror, roots, variants
from terraform_tools import tool

TOP = sorted({name_of(folder).split("/")[0] for folder in [*roots(), *modules()]})
VARIANTS = [(root, variant) for root in roots() for variant in variants(root)]


PLAN_CANNOT_TELL = {
    "CKV_AWS_19": "a bucket and its encryption are joined by the bucket's id, unknown in a plan",
}
"""Rules that hold in the code, which is tested, and of which a plan does not know enough."""


def start(*arguments, **environment):
    return subprocess.Popen(
        [
            str(tool("checkov", target="infra", folder="infra")),
            *arguments,
            *("--skip-download", "--output", "json", "--quiet", "--compact"),
        ],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def result(running):
    """Number of passed checks, failed and skipped ones."""
    text, _ = running.communicate(timeout=300)
    report = json.loads(text)
    reports = report if isinstance(report, list) else [report]
    failed, skipped = (
        [entry for one in reports for entry in one.get("results", {}).get(kind, [])]
        for kind in ("failed_checks", "skipped_checks")
    )
    return sum(one.get("summary", one).get("passed", 0) for one in reports), failed, skipped


def of_code(folder):
    return result(start("--directory", str(folder), "--framework", "terraform"))


def failed_in_plan(file, tree):
    """What fails whatever the unknown values will be: taken as missing, and taken as set."""
    arguments = (
        *("--file", str(file), "--framework", "terraform_plan"),
        # Reasons of exceptions are in the code.
        *("--repo-root-for-plan-enrichment", str(tree)),
    )
    as_missing = start(*arguments)
    as_set = start(*arguments, EVAL_TF_PLAN_AFTER_UNKNOWN="true")
    one, other = (named(result(running)[1]) for running in (as_missing, as_set))
    return [check for check in one if check in other]


def named(checks):
    return sorted({(check["check_id"], check["resource"], check["check_name"]) for check in checks})


@pytest.mark.parametrize("top", TOP)
def test_the_code_breaks_no_rule(workspace, top):
    passed, failed, skipped = of_code(workspace.tree / top)
    assert named(failed) == []
    assert passed > 0
    reasons = {check["check_id"]: check["check_result"]["suppress_comment"] for check in skipped}
    assert {rule: text for rule, text in reasons.items() if len(text.split()) < 4} == {}


@pytest.mark.parametrize(
    ("root", "variant"), VARIANTS, ids=[f"{name_of(root)}-{file.stem}" for root, file in VARIANTS]
)
def test_a_plan_breaks_no_rule(workspace, root, variant):
    needs_mirror(root)
    workspace.planned(root, variant)
    file = workspace.at(root) / f"{variant.stem}.plan.json"
    failed = failed_in_plan(file, workspace.tree)
    assert [check for check in failed if check[0] not in PLAN_CANNOT_TELL] == []


def test_checkov_finds_what_the_sample_lacks(workspace, sample):
    """In the code and in the plan: public access to the bucket is not prevented."""
    workspace.plan(sample, "-var-file=prod.tfvars", name="prod")
    for failed in (
        named(of_code(sample)[1]),
        failed_in_plan(sample / "prod.plan.json", workspace.tree),
    ):
        found = [(rule, resource) for rule, resource, _ in failed]
        assert ("CKV_GCP_114", "google_storage_bucket.data") in found

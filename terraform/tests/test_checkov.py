"""checkov's rules hold for the code and for what is planned; each exception gives its reason."""

import json
import subprocess

import pytest
from terraform_roots import modules, name_of, needs_mirror, roots, variants
from terraform_tools import tool

TOP = sorted({name_of(folder).split("/")[0] for folder in [*roots(), *modules()]})
VARIANTS = [(root, variant) for root in roots() for variant in variants(root)]


def checkov(*arguments):
    """Failed and skipped checks, as (id, resource, reason)."""
    done = subprocess.run(
        [
            str(tool("checkov", target="infra", folder="infra")),
            *arguments,
            *("--skip-download", "--output", "json", "--quiet", "--compact"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    reports = report if isinstance(report, list) else [report]
    found = {
        kind: [entry for one in reports for entry in one.get("results", {}).get(kind, [])]
        for kind in ("failed_checks", "skipped_checks")
    }
    passed = sum(one.get("summary", one).get("passed", 0) for one in reports)
    return passed, found["failed_checks"], found["skipped_checks"]


def named(checks):
    return sorted({(check["check_id"], check["resource"], check["check_name"]) for check in checks})


@pytest.mark.parametrize("top", TOP)
def test_the_code_breaks_no_rule(workspace, top):
    _, failed, skipped = checkov(
        "--directory", str(workspace.tree / top), "--framework", "terraform"
    )
    assert named(failed) == []
    reasons = {check["check_id"]: check["check_result"]["suppress_comment"] for check in skipped}
    assert {rule: text for rule, text in reasons.items() if len(text.split()) < 4} == {}


@pytest.mark.parametrize(
    ("root", "variant"), VARIANTS, ids=[f"{name_of(root)}-{file.stem}" for root, file in VARIANTS]
)
def test_a_plan_breaks_no_rule(workspace, root, variant):
    needs_mirror(root)
    workspace.planned(root, variant)
    _, failed, _ = checkov(
        *("--file", str(workspace.at(root) / f"{variant.stem}.plan.json")),
        *("--framework", "terraform_plan"),
        # Reasons of exceptions are in the code.
        *("--repo-root-for-plan-enrichment", str(workspace.tree)),
    )
    assert named(failed) == []


def test_checkov_finds_what_the_sample_lacks(workspace, sample):
    """In the code and in the plan: public access to the bucket is not prevented."""
    workspace.plan(sample, "-var-file=prod.tfvars", name="prod")
    for arguments in (
        ("--directory", str(sample), "--framework", "terraform"),
        ("--file", str(sample / "prod.plan.json"), "--framework", "terraform_plan"),
    ):
        passed, failed, _ = checkov(*arguments)
        assert ("CKV_GCP_114", "google_storage_bucket.data") in [
            (rule, resource) for rule, resource, _ in named(failed)
        ]
        assert passed > 5

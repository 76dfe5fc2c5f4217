"""The workflows of GitHub and GitLab: valid, safe, and made of commands that there are."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from k8s_manifests import ROOT
from missing_tools import missing

from demandcast.pipeline.cli import invoke

GITHUB = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = ROOT / ".github" / "actions" / "cluster" / "action.yml"
GITLAB = ROOT / ".gitlab-ci.yml"
NAMES = [file.stem for file in GITHUB]
RULES = """
extends: default
rules:
  line-length: {max: 120}
  document-start: disable
  truthy: {check-keys: false}
  comments: {min-spaces-from-content: 1}
  braces: {max-spaces-inside: 1}
"""
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v?\d+(\.\d+){2}$")
MAY_WRITE = {("promote", "record"): {"contents", "pull-requests"}}
"""Jobs that change the repository."""


def load(file):
    # YAML reads the key 'on' as true.
    return yaml.load(file.read_text(), Loader=yaml.BaseLoader)  # noqa: S506


def jobs():
    return [(file.stem, name, job) for file in GITHUB for name, job in load(file)["jobs"].items()]


def gitlab_scripts():
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!reference", lambda loader, node: str(loader.construct_sequence(node)))
    content = yaml.load(GITLAB.read_text(), Loader=Loader)  # noqa: S506
    return [
        line
        for job in content.values()
        if isinstance(job, dict)
        for part in ("before_script", "script")
        for line in job.get(part, [])
    ]


def github_scripts():
    steps = [step for _, _, job in jobs() for step in job["steps"]]
    steps += load(ACTION)["runs"]["steps"]
    return [step["run"] for step in steps if "run" in step]


def joined(scripts):
    return "\n".join(scripts).replace("\\\n", " ")


def tool(name):
    path = ROOT / "build" / "terraform" / "bin" / name
    if not path.exists():
        missing(name, "make terraform-tools")
    return str(path)


def run(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_there_is_a_workflow_for_each_part_of_the_way():
    assert NAMES == ["checks", "images", "pipeline", "promote", "terraform"]


def test_github_knows_every_key():
    done = run(
        *(tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows"),
        *map(str, GITHUB),
    )
    assert done.returncode == 0, done.stdout


def test_github_knows_every_key_of_the_action():
    done = run(tool("check-jsonschema"), "--builtin-schema", "vendor.github-actions", str(ACTION))
    assert done.returncode == 0, done.stdout


def check_gitlab(file):
    return run(
        tool("check-jsonschema"),
        *("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", str(file)),
    )


def test_gitlab_knows_every_key():
    done = check_gitlab(GITLAB)
    assert done.returncode == 0, done.stdout


def test_the_check_finds_a_misspelt_key(tmp_path):
    (tmp_path / "w.yml").write_text(GITLAB.read_text().replace("  script:", "  scripts:", 1))
    assert check_gitlab(tmp_path / "w.yml").returncode != 0


def test_zizmor_finds_nothing():
    done = run(tool("zizmor"), "--offline", "--no-progress", ".github")
    assert done.returncode == 0, done.stdout
    assert "No findings" in done.stdout + done.stderr


def test_zizmor_finds_a_tag(tmp_path):
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    text = GITHUB[0].read_text()
    (folder / "w.yml").write_text(re.sub(r"@[0-9a-f]{40}", "@v5", text))
    done = run(tool("zizmor"), "--offline", "--no-progress", str(tmp_path))
    assert "unpinned-uses" in done.stdout


def test_yaml_is_tidy():
    done = run(
        tool("yamllint"), "-s", "-d", RULES, ".github", ".gitlab-ci.yml", "terraform/manifests"
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", [*GITHUB, ACTION], ids=lambda file: file.stem)
def test_actions_are_pinned_and_say_which_version(file):
    for line in file.read_text().splitlines():
        if "uses:" in line and "$/" not in line:
            assert PINNED.search(line), line


def test_the_same_action_has_the_same_commit_everywhere():
    lines = "\n".join(file.read_text() for file in [*GITHUB, ACTION])
    used = set(re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40} # \S+)", lines))
    assert len({name for name, _ in used}) == len(used)


def test_jobs_may_as_little_as_they_can():
    for file in GITHUB:
        assert load(file)["permissions"] == {}
    for workflow, name, job in jobs():
        granted = job["permissions"]
        writes = {what for what, how in granted.items() if how == "write"} - {"id-token"}
        assert writes == MAY_WRITE.get((workflow, name), set()), (workflow, name)
        signs_in = any("cluster" in step.get("uses", "") for step in job["steps"])
        assert ("id-token" in granted) == signs_in, (workflow, name)
        # Whoever has an identity is in an environment, of which the cloud can ask.
        assert not signs_in or "environment" in job, (workflow, name)


def test_there_are_no_keys():
    for file in [*GITHUB, ACTION, GITLAB]:
        text = file.read_text()
        assert "secrets." not in text
        assert not re.search(r"(?i)access[-_]key|credentials_json|service_account_key", text)


def test_the_page_names_every_variable():
    page = (ROOT / ".github" / "workflows" / "README.md").read_text()
    github = "\n".join(file.read_text() for file in GITHUB)
    used = set(re.findall(r"vars\.([A-Z_]+)", github))
    assert used == {"CLOUD", "CLUSTER", "IDENTITY", "IDENTITY_PROVIDER", "REGION", "REGISTRY"} | {
        *("ATTESTOR", "RUNNER", "SIGNING_KEY", "TERRAFORM_IDENTITY"),
    }
    assert [name for name in used | {"CLOUD_AUDIENCE"} if f"`{name}`" not in page] == []
    environments = set(re.findall(r"environment: ([a-z-]+)$", github, re.MULTILINE))
    assert environments == {"dev", "images", "prod"}
    for name in (*environments, "dev-plan", "prod-plan", "dev-stable", "prod-stable"):
        assert f"`{name}`" in page, name


def test_forks_get_no_identity():
    for file in GITHUB:
        content = load(file)
        assert "pull_request_target" not in content["on"]
        for job in content["jobs"].values():
            if "id-token" in job["permissions"] and "pull_request" in content["on"]:
                # A job without a condition waits for one that has it.
                condition = job.get("if") or content["jobs"][job["needs"]]["if"]
                assert re.search(
                    r"head\.repo\.full_name == |event_name == 'push'|dispatch'", condition
                )


def test_nothing_is_applied_without_an_approval():
    applying = [
        (name, job["environment"])
        for _, name, job in jobs()
        if any("terraform apply" in step.get("run", "") for step in job["steps"])
    ]
    assert applying == [("apply-dev", "dev"), ("apply-prod", "prod")]
    text = GITLAB.read_text()
    for name in ("apply-dev", "apply-prod"):
        job = text.partition(f"\n{name}:\n")[2].partition("\n\n")[0]
        assert "when: manual" in job
        assert f"environment: {name.removeprefix('apply-')}" in job


def test_the_canary_comes_first_and_everybody_after_an_approval():
    stable = load(ROOT / ".github/workflows/promote.yml")["jobs"]["stable"]
    assert stable["needs"] == "canary"
    assert stable["environment"].endswith("-stable")
    assert "needs: [canary]\n  environment: prod-stable" in GITLAB.read_text()


@pytest.mark.parametrize("scripts", [github_scripts, gitlab_scripts])
def test_make_has_the_targets(scripts):
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = {
        word
        for line in re.findall(r"^\s*make ([a-z0-9 -]+)$", joined(scripts()), re.MULTILINE)
        for word in line.split()
    }
    assert {"lint", "setup", "test"} <= used <= targets


@pytest.mark.parametrize("scripts", [github_scripts, gitlab_scripts])
def test_demandcast_has_the_commands_and_their_options(scripts, capsys):
    text = joined([*scripts(), (ROOT / ".ci" / "promote").read_text()])
    calls = re.findall(r'(?:bin/demandcast|"\$demandcast") ([a-z-]+)([^\n|]*)', text)
    assert {name for name, _ in calls} == {"compile", "promote", "submit"}
    for name, rest in calls:
        assert invoke([name, "--help"]) == 0
        known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
        assert set(re.findall(r"(?<=\s|\+)--[a-z-]+", rest)) <= known, name


@pytest.mark.parametrize("scripts", [github_scripts, gitlab_scripts])
def test_the_scripts_are_there(scripts):
    used = set(re.findall(r"\.ci/[a-z-]+", joined(scripts())))
    assert {".ci/promote", ".ci/terraform"} <= used
    for name in used:
        path = ROOT / name
        assert path.is_file(), name
        assert name == ".ci/sign-in" or path.stat().st_mode & 0o100, name


def test_both_take_the_same_steps():
    """Words of the commands that matter, in either."""
    for words in (
        "make lint types imports",
        "make terraform-tools test",
        "cosign sign --yes",
        '.ci/terraform plan "$ROOT" "$ENVIRONMENT"',
        '.ci/terraform apply "$ROOT" dev',
        '.ci/terraform apply "$ROOT" prod',
        'demandcast compile --config "$CONFIG"',
        'demandcast submit --config "$CONFIG" --no-wait',
        '.ci/promote "$MODELS" "$VERSION" canary',
        '.ci/promote "$MODELS" "$VERSION" stable',
    ):
        assert words in joined(github_scripts()), words
        assert words in joined(gitlab_scripts()), words
    assert "aquasecurity/trivy" in (ROOT / ".github/workflows/images.yml").read_text()
    assert "aquasecurity/trivy" in joined(gitlab_scripts())


def test_files_that_are_named_exist():
    for file in GITHUB:
        for event in load(file)["on"].values():
            for pattern in event.get("paths", []) if isinstance(event, dict) else []:
                assert list(ROOT.glob(pattern.replace("/**", ""))), pattern
    assert Path(ROOT / "examples" / "kubeflow.yaml").is_file()
    for cloud in ("eks", "gke"):
        assert (ROOT / "serving" / "k8s" / "overlays" / cloud / "models.config").is_file()

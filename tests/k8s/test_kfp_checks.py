"""The manifests of Kubeflow Pipelines before schemas, checkov, CEL and promtool."""

import copy
import json
import re
import subprocess
from functools import reduce
from pathlib import Path

import pytest
import yaml
from k8s_manifests import find, infra_tool
from kfp_manifests import OVERLAYS, TREE, identity, ours, own, text_of_overlay

pytestmark = pytest.mark.slow

RELEASES = ("1.33", "1.36")
COMPONENTS = ("signed-images/policy.yaml",)
"""Files of components that no overlay has in its list."""
WRONG = {
    "a misspelt field": ("NetworkPolicy", "", "policyType", []),
    "text in place of a list": ("Role", None, "rules", "all"),
    "an unknown action": ("ValidatingAdmissionPolicyBinding", "", "validationAction", ["Deny"]),
    "an unknown store": ("SecretStore", "provider", "vault", {}),
    "an unknown policy of creation": ("ExternalSecret", "target", "creationPolicy", "Mine"),
    "an unknown field of a secret": ("ExternalSecret", "data.0.remoteRef", "properti", "x"),
    "a duration in words": ("PodMonitor", "podMetricsEndpoints.0", "interval", "half a minute"),
    "a rule without an expression": ("PrometheusRule", "groups.0.rules.0", "exprr", "up"),
    "a rule of Google's with a wrong key": ("ClusterRules", "groups.0.rules.0", "severity", "x"),
    "a length in words": ("Password", "", "length", "forty"),
    "a pod budget of a word": ("PodDisruptionBudget", "", "maxUnavailable", []),
}
"""Kind, where in its specification (None: beside it), and the entry that is put there."""
DIGEST = "@sha256:" + 64 * "5"
KFP = "ghcr.io/kubeflow/kfp-"


def spoilt(kind, path, key, value):
    (original, *_) = find([m for overlay in OVERLAYS for m in own(overlay)], kind)
    manifest = copy.deepcopy(original)
    steps = [int(step) if step.isdigit() else step for step in (path or "").split(".") if step]
    at = manifest if path is None else manifest["spec"]
    reduce(lambda at, step: at[step], steps, at)[key] = value
    return yaml.safe_dump(manifest)


def ask(script, *arguments, given):
    done = subprocess.run(
        [str(infra_tool("bin/python")), str(Path(__file__).with_name(script)), *arguments],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def problems():
    """Problems of everything that is rendered, and of what is wrong on purpose; by name."""
    texts = {overlay: text_of_overlay(overlay) for overlay in OVERLAYS}
    texts |= {name: (TREE / "components" / name).read_text() for name in COMPONENTS}
    texts |= {what: spoilt(*wrong) for what, wrong in WRONG.items()}
    return ask("check_schemas.py", ",".join(RELEASES), given=texts)


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_overlay_fits_the_schemas(name, problems):
    assert problems[name] == []


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_component_fits_the_schemas(name, problems):
    assert problems[name] == []


@pytest.mark.parametrize("what", WRONG)
def test_the_schemas_find(what, problems):
    kind, _, key, _ = WRONG[what]
    assert problems[what]
    assert all(text.startswith(kind) and key in text for text in problems[what])


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """One run of checkov over each of our objects once, and over roles that break its rules."""
    folder = tmp_path_factory.mktemp("manifests")
    different = {
        json.dumps(manifest, sort_keys=True): manifest
        for overlay in OVERLAYS
        for manifest in ours(overlay)
    }
    (folder / "ours.yaml").write_text(yaml.safe_dump_all(different.values()))
    (folder / "spoilt.yaml").write_text(
        yaml.safe_dump(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "Role",
                "metadata": {"name": "wide", "namespace": "kubeflow"},
                "rules": [{"apiGroups": [""], "resources": ["*"], "verbs": ["*"]}],
            }
        )
    )
    done = subprocess.run(
        [
            str(infra_tool("bin/checkov")),
            *("--directory", str(folder), "--framework", "kubernetes"),
            *("--skip-download", "--output", "json", "--compact"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout)["results"]


def test_no_check_of_checkov_fails_and_none_is_skipped(report):
    def of(what):
        return [entry for entry in report[what] if entry["file_path"] == "/ours.yaml"]

    assert [(e["check_id"], e["check_name"], e["resource"]) for e in of("failed_checks")] == []
    assert of("skipped_checks") == []
    assert len(of("passed_checks")) > 100


def test_checkov_finds_a_wildcard(report):
    failed = {e["check_id"] for e in report["failed_checks"] if e["file_path"] == "/spoilt.yaml"}
    assert "CKV_K8S_49" in failed


def pod(*images, first=(), ephemeral=()):
    def containers(images):
        return [{"name": f"c{number}", "image": image} for number, image in enumerate(images)]

    spec = {"containers": containers(images)}
    if first:
        spec["initContainers"] = containers(first)
    if ephemeral:
        spec["ephemeralContainers"] = containers(ephemeral)
    return {"metadata": {"name": "p"}, "spec": spec}


OURS = "registry.example/demandcast" + DIGEST
STAGE = pod(OURS, "quay.io/argoproj/argoexec:v4.0.5", first=(f"{KFP}launcher:2.17.0",))
DRIVER = pod(f"{KFP}driver:2.17.0", "quay.io/argoproj/argoexec:v4.0.5")
LABELLED = {**pod("old:1"), "metadata": {"name": "p", "labels": {"a": "b"}}}
QUESTIONS = {
    "serving: by digest": (
        "serving",
        "CREATE",
        pod("tensorflow/serving:2.21.0" + DIGEST),
        None,
        True,
    ),
    "serving: by tag": ("serving", "CREATE", pod("tensorflow/serving:2.21.0"), None, False),
    "serving: a short digest": ("serving", "CREATE", pod("a@sha256:55"), None, False),
    "serving: one of two": ("serving", "CREATE", pod(OURS, "a:1"), None, False),
    "serving: at its start": ("serving", "CREATE", pod(OURS, first=("a:1",)), None, False),
    "serving: KFP's have no place": ("serving", "CREATE", DRIVER, None, False),
    "serving: a look into it": (
        "serving",
        "UPDATE",
        pod(OURS, ephemeral=("sh:1",)),
        pod(OURS),
        False,
    ),
    "serving: another tag": ("serving", "UPDATE", pod("a:2"), pod(OURS), False),
    "serving: a label of an old pod": ("serving", "UPDATE", LABELLED, pod("old:1"), True),
    "pipeline: a stage": ("pipeline", "CREATE", STAGE, None, True),
    "pipeline: KFP's driver": ("pipeline", "CREATE", DRIVER, None, True),
    "pipeline: a stage by tag": (
        "pipeline",
        "CREATE",
        pod("registry.example/demandcast:1"),
        None,
        False,
    ),
    "pipeline: looks like KFP's": (
        "pipeline",
        "CREATE",
        pod("x.io/kubeflow/kfp-driver:2.17.0"),
        None,
        False,
    ),
    "pipeline: begins like KFP's": (
        "pipeline",
        "CREATE",
        pod(f"{KFP}driver:2.17.0-x/evil:1"),
        None,
        False,
    ),
    "pipeline: another of Argo's": (
        "pipeline",
        "CREATE",
        pod("quay.io/argoproj/argocli:v4.0.5"),
        None,
        False,
    ),
}
"""Policy, operation, pod, the pod before, and whether it may be."""


@pytest.fixture(scope="module")
def answers():
    policies = {
        name: find(own("gke"), "ValidatingAdmissionPolicy", f"demand-{name}-images")[0]
        for name in ("serving", "pipeline")
    }
    questions = [
        {"policy": policies[name], "operation": operation, "pod": pod, "before": before}
        for name, operation, pod, before, _ in QUESTIONS.values()
    ]
    return dict(zip(QUESTIONS, ask("evaluate_policies.py", given=questions), strict=True))


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_admission_policies_say(question, answers):
    assert answers[question] == QUESTIONS[question][-1]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_policy_is_bound_and_refuses_where_data_is_kept(overlay):
    policies = {name for kind, name in map(identity, own(overlay)) if kind.endswith("Policy")}
    bindings = find(own(overlay), "ValidatingAdmissionPolicyBinding")
    assert {b["spec"]["policyName"] for b in bindings} <= policies
    assert len(bindings) == len(find(own(overlay), "ValidatingAdmissionPolicy")) == 2
    wanted = ["Warn", "Audit"] if overlay == "kind" else ["Deny", "Audit"]
    assert all(b["spec"]["validationActions"] == wanted for b in bindings)
    assert all(
        p["spec"]["failurePolicy"] == "Fail"
        for p in find(own(overlay), "ValidatingAdmissionPolicy")
    )


def groups():
    (rule,) = find(own("kind"), "PrometheusRule")
    return rule["spec"]["groups"]


def test_both_systems_have_the_same_alerts():
    (rules,) = find(own("gke"), "ClusterRules")
    assert rules["spec"]["groups"] == groups()


def promtool(tmp_path, *arguments, **files):
    for name, content in files.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content))
    return subprocess.run(
        [str(infra_tool("promtool")), *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_alerts_are_rules(tmp_path):
    done = promtool(tmp_path, "check", "rules", "rules.yaml", rules={"groups": groups()})
    assert done.returncode == 0, done.stderr
    assert "8 rules found" in done.stdout
    for rule in (rule for group in groups() for rule in group["rules"]):
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "action"}


COUNT, QUEUE = "argo_workflows_total_count", "argo_workflows_queue_depth_gauge"
CALLS, BUCKETS = ":tensorflow:serving:request_count", ":tensorflow:serving:request_latency_bucket"
HEALTHY = {
    "run_server_run_count": "5+0x1700",
    f'{COUNT}{{phase="Running"}}': "0+1x1700",
    f'{COUNT}{{phase="Succeeded"}}': "0+1x1700",
    f'{COUNT}{{phase="Failed"}}': "3+0x1700",
    'argo_workflows_pods_gauge{phase="Pending"}': "0+0x1700",
    f'{QUEUE}{{queue_name="workflow_queue"}}': "2+0x1700",
    'up{namespace="demand-serving"}': "1+0x1700",
    f'{CALLS}{{status="OK"}}': "0+1000x1700",
    f'{CALLS}{{status="UNAVAILABLE"}}': "0+1x1700",
    f'{BUCKETS}{{API="Predict",le="50000"}}': "0+1000x1700",
    f'{BUCKETS}{{API="Predict",le="200000"}}': "0+1000x1700",
    f'{BUCKETS}{{API="Predict",le="+Inf"}}': "0+1000x1700",
}
"""Series of a system in order, by the minute, for longer than a day."""
SICK = {
    "KubeflowPipelinesDown": {"run_server_run_count": "_x1700"},
    "KubeflowRunFailed": {f'{COUNT}{{phase="Failed"}}': "3+0x1650 4+0x49"},
    "KubeflowNoRun": {f'{COUNT}{{phase="Running"}}': "7+0x1700"},
    "KubeflowStagesPending": {'argo_workflows_pods_gauge{phase="Pending"}': "1+0x1700"},
    "KubeflowQueueGrows": {f'{QUEUE}{{queue_name="workflow_queue"}}': "200+0x1700"},
    "DemandServingDown": {'up{namespace="demand-serving"}': "0+0x1700"},
    "DemandServingErrors": {f'{CALLS}{{status="UNAVAILABLE"}}': "0+50x1700"},
    "DemandServingSlow": {f'{BUCKETS}{{API="Predict",le="50000"}}': "0+1x1700"},
}
"""What is different when an alert has to come."""


def alert_tests(series, fires):
    named = {rule["alert"]: rule for group in groups() for rule in group["rules"]}

    def alerts(name):
        rule = named[name]
        return [{"exp_labels": rule["labels"], "exp_annotations": rule["annotations"]}]

    return {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "5m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": s, "values": v} for s, v in series.items()],
                "alert_rule_test": [
                    {
                        "eval_time": "28h",
                        "alertname": name,
                        "exp_alerts": alerts(name) if name in fires else [],
                    }
                    for name in named
                ],
            }
        ],
    }


def test_nothing_is_said_when_all_is_well(tmp_path):
    done = promtool(
        tmp_path,
        *("test", "rules", "test.yaml"),
        rules={"groups": groups()},
        test=alert_tests(HEALTHY, ()),
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test():
    assert set(SICK) == {rule["alert"] for group in groups() for rule in group["rules"]}


@pytest.mark.parametrize("alert", SICK)
def test_the_alert_comes_alone(alert, tmp_path):
    done = promtool(
        tmp_path,
        *("test", "rules", "test.yaml"),
        rules={"groups": groups()},
        test=alert_tests({**HEALTHY, **SICK[alert]}, (alert,)),
    )
    assert done.returncode == 0, done.stdout + done.stderr


def metrics_of(expression):
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|by \([^)]*\)", "", expression)
    return set(re.findall(r":?[a-z_]+(?::[a-z_]+)*(?![a-z_:(])", bare)) - {"by"}


def test_the_dashboard_shows_metrics_that_there_are(tmp_path):
    (config,) = [m for m in own("kind") if m["kind"] == "ConfigMap"]
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    (text,) = config["data"].values()
    dashboard = json.loads(text)
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) == 6
    known = {name.partition("{")[0] for name in HEALTHY} | {
        "argo_workflows_gauge",
        "run_server_create_requests",
        "run_server_get_requests",
        "run_server_list_requests",
    }
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    assert set().union(*map(metrics_of, expressions)) <= known
    # They are expressions of PromQL too.
    rules = [{"record": f"panel_{n}", "expr": e} for n, e in enumerate(expressions)]
    done = promtool(
        tmp_path,
        *("check", "rules", "rules.yaml"),
        rules={"groups": [{"name": "g", "rules": rules}]},
    )
    assert done.returncode == 0, done.stderr

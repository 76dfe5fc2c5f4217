"""The server: what is asked of it, and what becomes of its refusals."""

import json
import socket

import fake_kfp
import pytest
from fake_kfp import API, FakeKfp

from demandcast.pipeline.kubeflow.server_api import (
    Connection,
    KubeflowError,
    KubeflowServer,
    Submission,
)
from demandcast.schema.errors import BadInputError

TEXT = "schemaVersion: 2.1.0\n---\nplatforms: {}\n"


@pytest.fixture
def kfp():
    with FakeKfp() as kfp:
        yield kfp


@pytest.fixture
def server(kfp):
    return KubeflowServer(Connection(host=kfp.host))


def submission(version, **parameters):
    return Submission(
        version,
        name="tonight",
        experiment="demand",
        parameters=parameters,
        pipeline_root="gs://b/root",
        service_account="runner",
    )


def test_a_pipeline_is_made_once_and_each_version_once(kfp, server):
    first = server.upload(TEXT, pipeline="demand", version="abc")
    again = server.upload(TEXT, pipeline="demand", version="abc")
    other = server.upload(TEXT, pipeline="demand", version="def")
    assert first.is_new
    assert other.is_new
    assert not again.is_new
    assert again.version_id == first.version_id != other.version_id
    assert len(kfp.bodies(f"{API}/pipelines/upload")) == 1
    assert len(kfp.bodies(f"{API}/pipelines/upload_version")) == 2


def test_a_run_has_its_version_parameters_root_and_account(kfp, server):
    version = server.upload(TEXT, pipeline="demand", version="abc")
    run_id = server.create_run(submission(version, training_epochs=5, gate_thresholds={"a": 1}))
    assert run_id == "r-1"
    (body,) = kfp.bodies(f"{API}/runs")
    assert json.loads(body) == {
        "display_name": "tonight",
        "experiment_id": "e-1",
        "service_account": "runner",
        "pipeline_version_reference": {"pipeline_id": "p-1", "pipeline_version_id": "v-1"},
        "runtime_config": {
            "parameters": {"training_epochs": 5, "gate_thresholds": {"a": 1}},
            "pipeline_root": "gs://b/root",
        },
    }
    server.create_run(submission(version))
    assert len(kfp.bodies(f"{API}/experiments")) == 1


def test_a_schedule_runs_one_at_a_time_and_does_not_catch_up(kfp, server):
    version = server.upload(TEXT, pipeline="demand", version="abc")
    made = server.create_schedule(submission(version, data_snapshot="x"), cron="0 30 2 * * *")
    assert made == "s-1"
    (body,) = kfp.bodies(f"{API}/recurringruns")
    values = json.loads(body)
    assert values["trigger"] == {"cron_schedule": {"cron": "0 30 2 * * *"}}
    assert (values["max_concurrency"], values["no_catchup"], values["mode"]) == (
        "1",
        True,
        "ENABLE",
    )
    assert values["runtime_config"]["parameters"] == {"data_snapshot": "x"}


def test_the_state_of_a_run_has_its_tasks(kfp, server):
    kfp.states = [("RUNNING", {"Trainer": "RUNNING", "Transform": "SUCCEEDED"})]
    state = server.state_of("r-1")
    assert (state.state, state.has_ended) == ("RUNNING", False)
    assert state.tasks == {"Trainer": "RUNNING", "Transform": "SUCCEEDED"}
    kfp.states = [("FAILED", {})]
    assert server.state_of("r-1").has_ended
    assert server.state_of("r-1").error == "a task failed"


@pytest.mark.parametrize(
    ("tag", "said"), [("2.17.0", "2.17.0"), ("v2.5.1", "2.5.1"), ("", ""), (None, "")]
)
def test_supported_versions_and_those_that_do_not_say_pass(kfp, server, tag, said):
    kfp.tag = tag
    assert server.check() == said


@pytest.mark.parametrize("answer", ["<html>log in</html>", ["x"], 1])
def test_something_else_that_answers_is_told_from_the_api(kfp, server, answer, monkeypatch):
    monkeypatch.setattr(fake_kfp.FakeKfp, "healthy", answer)
    with pytest.raises(KubeflowError, match="answers, but not as the API of Kubeflow Pipelines"):
        server.check()


@pytest.mark.parametrize("text", ["a: [", "\t", "clusters: 1"])
def test_a_broken_kubeconfig_is_said(tmp_path, monkeypatch, text):
    file = tmp_path / "config"
    file.write_text(text)
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))
    with pytest.raises(BadInputError, match="no kubeconfig leads to a cluster"):
        KubeflowServer(Connection())


@pytest.mark.parametrize("tag", ["2.4.9", "1.8.22"])
def test_older_versions_are_refused(kfp, server, tag):
    kfp.tag = tag
    with pytest.raises(KubeflowError, match=rf"Kubeflow Pipelines {tag}; .*2\.5 and later"):
        server.check()


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, r"a token or certificate that the server knows is needed"),
        (403, r"may not do that, or needs another --namespace"),
        (404, r"is that the API of Kubeflow Pipelines 2\?"),
        (500, r"is refused$"),
    ],
)
def test_refusals_are_one_line_with_what_the_server_says(kfp, server, status, advice):
    kfp.refuse = {"healthz": status}
    with pytest.raises(KubeflowError, match=advice) as error:
        server.check()
    text = str(error.value)
    assert text.startswith(f"{kfp.host}: cannot ask for its health: {status} ")
    assert "\n" not in text


def test_a_server_that_is_not_there_is_said(kfp):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(KubeflowError, match=rf"{host}: cannot ask for its health: .*refused"):
            KubeflowServer(Connection(host=host)).check()


def test_a_server_that_does_not_answer_is_said(kfp):
    kfp.slow = 2.0
    server = KubeflowServer(Connection(host=kfp.host, timeout_seconds=0.2))
    with pytest.raises(KubeflowError, match=r"cannot ask for its health: .*timed out"):
        server.check()


def test_the_token_is_sent_and_shown_to_nobody(kfp):
    connection = Connection(host=kfp.host, token="secret-token")  # noqa: S106
    KubeflowServer(connection).check()
    *_, headers, _ = kfp.requests[0]
    assert headers["authorization"] == "Bearer secret-token"
    assert "secret" not in repr(connection)


def test_the_namespace_of_the_user_goes_with_what_belongs_to_one(kfp):
    server = KubeflowServer(Connection(host=kfp.host, namespace="team"))
    server.create_run(submission(server.upload(TEXT, pipeline="demand", version="abc")))
    asked = {path: query for _, path, query, _, _ in kfp.requests}
    assert asked[f"{API}/pipelines/names/demand"] == {"namespace": "team"}
    assert asked[f"{API}/pipelines/upload"]["namespace"] == "team"
    (body,) = kfp.bodies(f"{API}/experiments")
    assert json.loads(body)["namespace"] == "team"


def test_what_is_no_url_is_refused():
    with pytest.raises(BadInputError, match=r"--host: got 'kfp\.example'; expected a URL"):
        KubeflowServer(Connection(host="kfp.example"))


def test_certificates_must_be_there(tmp_path):
    with pytest.raises(BadInputError, match=r"ca\.pem: no such file; expected a certificate"):
        KubeflowServer(Connection(host="https://x", ca_certificate=tmp_path / "ca.pem"))


def test_without_a_host_the_way_goes_by_kubeconfig(tmp_path, monkeypatch):
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "dev",
        "contexts": [{"name": "dev", "context": {"cluster": "dev", "user": "me"}}],
        "clusters": [{"name": "dev", "cluster": {"server": "https://cluster.example"}}],
        "users": [{"name": "me", "user": {"token": "abc"}}],
    }
    file = tmp_path / "config"
    file.write_text(json.dumps(config))
    location = "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
    monkeypatch.setattr(location, str(file))
    server = KubeflowServer(Connection(installed_in="kfp"))
    expected = "https://cluster.example/api/v1/namespaces/kfp/services/ml-pipeline:http/proxy"
    assert server.address == expected
    monkeypatch.setattr(location, str(tmp_path / "none"))
    with pytest.raises(BadInputError, match=r"--host: not given, and no kubeconfig leads to"):
        KubeflowServer(Connection())

"""Which run a user means, and which models it made."""

import pytest
from fake_kfp import FakeKfp
from kubeflow_runs import PARAMETERS, api_run

from demandcast.components.publishing.pointer import Pointer, Rollback, write_pointer
from demandcast.components.storage.files import LocalFiles
from demandcast.pipeline.kubeflow import server_history
from demandcast.pipeline.kubeflow.server_api import Connection, KubeflowServer
from demandcast.pipeline.kubeflow.server_history import ServerHistory
from demandcast.schema.errors import BadInputError, ServingError

PUSHED = {"Evaluator": "SUCCEEDED", "Pusher": "SUCCEEDED"}
REFUSED = {"Evaluator": "SUCCEEDED", "Pusher": "SKIPPED"}


@pytest.fixture
def kfp():
    with FakeKfp() as kfp:
        kfp.pipelines = {"demand": "p-1"}
        kfp.versions = {"abc": "v-1"}
        kfp.specs = {"v-1": {"pipeline_spec": PARAMETERS, "platform_spec": {}}}
        kfp.runs = [
            api_run("aa-3", tasks=REFUSED),
            api_run("other", pipeline="p-2", tasks=PUSHED),
            api_run("ab-2", tasks=PUSHED),
            api_run("ba-1", tasks=PUSHED),
        ]
        yield kfp


@pytest.fixture
def serving(tmp_path):
    """ba-1 pushed 10, ab-2 pushed 11, and a rollback put a copy of 10 back as 12."""
    folder = tmp_path / "serving"
    folder.mkdir()
    pointers = [
        Pointer(10, "uri", "ba-1", "aa" * 32),
        Pointer(11, "uri", "ab-2", "bb" * 32),
        Pointer(12, "uri", "ba-1", "aa" * 32, rollback=Rollback(10, 11, "eve", "")),
    ]
    for before, pointer in zip([None, *pointers], pointers, strict=False):
        write_pointer(pointer, str(folder), LocalFiles(), before=before)
    return folder


@pytest.fixture
def history(kfp, serving):
    server = KubeflowServer(Connection(host=kfp.host))
    return ServerHistory(server, pipeline="demand", serving_directory=str(serving))


def test_runs_of_other_pipelines_are_left_out_on_every_page(history):
    assert [run.run_id for run in history.newest()] == ["aa-3", "ab-2", "ba-1"]
    assert [run.run_id for run in history.newest(2)] == ["aa-3", "ab-2"]


def test_who_was_refused_is_told_although_lists_have_no_tasks(history):
    assert [history.outcome(run) for run in history.newest()] == [
        "refused",
        "pushed as version 11",
        "pushed as version 10",
    ]


def test_a_server_without_the_pipeline_has_no_runs(kfp, history):
    kfp.pipelines = {}
    assert history.newest() == []
    with pytest.raises(BadInputError, match="run 'latest': is not there among the runs of demand"):
        history.resolve("latest")


@pytest.mark.parametrize(
    ("reference", "run_id"),
    [
        ("latest", "aa-3"),
        ("in-service", "ba-1"),
        ("10", "ba-1"),
        ("11", "ab-2"),
        ("12", "ba-1"),
        ("b", "ba-1"),
        ("ab-2", "ab-2"),
    ],
)
def test_a_run_is_found_by_all_its_names(history, reference, run_id):
    assert history.resolve(reference).run.run_id == run_id


def test_the_lineage_has_version_defaults_and_models(history):
    lineage = history.resolve("12")
    assert lineage.version_name == "abc"
    assert lineage.defaults == {"training_epochs": 20, "data_snapshot": "2026-11-01"}
    assert [pointer.version for pointer in lineage.models] == [10, 12]
    assert lineage.in_service
    assert not history.resolve("11").in_service


def test_a_version_that_was_deleted_has_no_name(kfp, history):
    kfp.versions = {}
    lineage = history.resolve("latest")
    assert (lineage.version_name, lineage.defaults) == ("", {})


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("a", r"begins 2 runs among the runs of demand on http.*--kubeflow' shows them"),
        ("zz", r"is not there among the runs of demand"),
        ("99", r"is not there among .*; no such version is in sight, either; allowed"),
    ],
)
def test_what_cannot_be_meant_is_said(history, reference, said):
    with pytest.raises(BadInputError, match=said):
        history.resolve(reference)


def test_a_beginning_of_digits_is_no_version(kfp, history):
    kfp.runs.append(api_run("4829-1", tasks=PUSHED))
    assert history.resolve("4829").run.run_id == "4829-1"


def test_a_version_of_a_run_that_is_not_on_the_server_says_so(kfp, history):
    kfp.runs = [run for run in kfp.runs if run["run_id"] != "ba-1"]
    for reference in ("in-service", "10"):
        with pytest.raises(BadInputError, match="was made by ba-1, which is no run on http"):
            history.resolve(reference)


def test_no_more_is_asked_than_needed(kfp, history):
    kfp.runs += [api_run(f"other-{number}", pipeline="p-2") for number in range(40)]
    whole = "3f2c1d00-1111-4a3e-9c7e-0123456789ab"
    kfp.runs.append(api_run(whole, tasks=PUSHED))

    def lists_for(reference):
        kfp.requests.clear()
        history.resolve(reference)
        return sum(path == "/apis/v2beta1/runs" for _, path, *_ in kfp.requests)

    assert lists_for("latest") == 1
    assert lists_for(whole) == 0


def test_a_serving_directory_that_cannot_be_read_is_asked_once(kfp, monkeypatch):
    asked = []

    def refuse(directory, files):
        asked.append(directory)
        raise ServingError("refused")

    monkeypatch.setattr(server_history, "read_history", refuse)
    server = KubeflowServer(Connection(host=kfp.host))
    history = ServerHistory(server, pipeline="demand", serving_directory="/serving")
    assert [history.outcome(run) for run in history.newest()] == ["refused", "done", "done"]
    assert not history.serves("ab-2")
    assert history.resolve("ab-2").models == ()
    assert asked == ["/serving"]
    with pytest.raises(ServingError, match="refused"):
        history.resolve("in-service")


def test_without_a_look_at_the_serving_directory_runs_are_found_by_their_ids(kfp, tmp_path):
    server = KubeflowServer(Connection(host=kfp.host))
    history = ServerHistory(server, pipeline="demand", serving_directory=str(tmp_path / "none"))
    lineage = history.resolve("ab-2")
    assert (lineage.outcome, lineage.models, lineage.in_service) == ("done", (), False)
    with pytest.raises(BadInputError, match="run 'in-service': "):
        history.resolve("in-service")

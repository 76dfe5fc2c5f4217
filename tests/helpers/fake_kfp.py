"""A small API of Kubeflow Pipelines, which takes only what the generated models know."""

from __future__ import annotations

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import kfp_server_api

__all__ = ["FakeKfp"]


class FakeKfp:
    """A server on a free port; use as a context manager.

    Attributes:
        requests: Method, path, query, headers and body of each.
        tag: Version that it says it is.
        states: What it answers about a run, one after the other: state of the run and of its tasks.
        refuse: Status to answer with, by a part of the path.
        slow: Seconds before each answer.
        runs: Runs that it lists, the newest first, as the API has them; without their tasks.
        specs: Specification of each version, by its id.
    """

    healthy = {"multi_user": False}  # noqa: RUF012 - nobody changes it

    def __init__(self):
        self.requests = []
        self.tag = "2.17.0"
        self.states = [("SUCCEEDED", {"Pusher": "SUCCEEDED"})]
        self.refuse = {}
        self.slow = 0.0
        self.pipelines = {}
        self.versions = {}
        self.experiments = {}
        self.runs = []
        self.specs = {}
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                fake.answer(self)

            def do_POST(self):
                fake.answer(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def host(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def bodies(self, path):
        """Bodies that were posted to a path."""
        return [
            body for method, seen, _, _, body in self.requests if (method, seen) == ("POST", path)
        ]

    def answer(self, handler):
        parts = urlsplit(handler.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        length = int(handler.headers.get("Content-Length", 0))
        body = handler.rfile.read(length)
        self.requests.append((handler.command, parts.path, query, dict(handler.headers), body))
        time.sleep(self.slow)
        status, content = self._respond(handler.command, parts.path, query, body)
        text = json.dumps(content).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    def _respond(self, method, path, query, body):
        for part, status in self.refuse.items():
            if part in path:
                return status, {"error": "x", "message": f"{path} is refused\nand more", "code": 7}
        for (wanted, pattern), respond in ROUTES.items():
            found = re.fullmatch(pattern, path)
            if found and wanted == method:
                return respond(self, query, body, *found.groups())
        return 404, {"message": f"no {method} {path}"}

    def health(self, query, body):
        return 200, self.healthy

    def old_health(self, query, body):
        if self.tag is None:
            return 404, {}
        return 200, {"tag_name": self.tag, "multi_user": False}

    def pipeline(self, query, body, name):
        if name not in self.pipelines:
            return 404, {"message": "not found"}
        return 200, {"pipeline_id": self.pipelines[name], "display_name": name}

    def upload(self, query, body):
        assert b"schemaVersion: 2.1.0" in body
        assert b"platforms:" in body
        assert b".yaml" in body
        self.pipelines[query["name"]] = f"p-{len(self.pipelines) + 1}"
        return 200, {"pipeline_id": self.pipelines[query["name"]], "display_name": query["name"]}

    def upload_version(self, query, body):
        assert query["pipelineid"] in self.pipelines.values()
        self.versions[query["name"]] = f"v-{len(self.versions) + 1}"
        return 200, {"pipeline_version_id": self.versions[query["name"]]}

    def list_versions(self, query, body, pipeline_id):
        name = wanted(query)
        found = [{"pipeline_version_id": self.versions[name]}] if name in self.versions else []
        return 200, {"pipeline_versions": found}

    def list_experiments(self, query, body):
        name = wanted(query)
        found = [{"experiment_id": self.experiments[name]}] if name in self.experiments else []
        return 200, {"experiments": found}

    def create_experiment(self, query, body):
        given = checked(body, kfp_server_api.V2beta1Experiment)
        self.experiments[given["display_name"]] = f"e-{len(self.experiments) + 1}"
        return 200, {"experiment_id": self.experiments[given["display_name"]]}

    def create_run(self, query, body):
        given = checked(body, kfp_server_api.V2beta1Run)
        assert given["experiment_id"] in self.experiments.values()
        reference = given["pipeline_version_reference"]
        assert reference["pipeline_version_id"] in self.versions.values()
        return 200, {"run_id": "r-1", "state": "PENDING"}

    def create_schedule(self, query, body):
        given = checked(body, kfp_server_api.V2beta1RecurringRun)
        assert len(given["trigger"]["cron_schedule"]["cron"].split()) == 6
        return 200, {"recurring_run_id": "s-1"}

    def version(self, query, body, pipeline_id, version_id):
        names = {found: name for name, found in self.versions.items()}
        if version_id not in names:
            return 404, {"message": "not found"}
        return 200, {
            "pipeline_version_id": version_id,
            "display_name": names[version_id],
            "pipeline_spec": self.specs.get(version_id, {}),
        }

    def list_runs(self, query, body):
        """Two to a page, so that whoever lists must turn pages."""
        assert query["sort_by"] == "created_at desc"
        start = int(query.get("page_token", 0))
        page = [
            {key: value for key, value in run.items() if key != "run_details"}
            for run in self.runs[start : start + 2]
        ]
        more = {"next_page_token": str(start + 2)} if start + 2 < len(self.runs) else {}
        return 200, {"runs": page, "total_size": len(self.runs), **more}

    def run(self, query, body, run_id):
        for run in self.runs:
            if run["run_id"] == run_id:
                return 200, run
        if self.runs:
            return 404, {"message": f"run {run_id} not found"}
        state, tasks = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        details = [{"display_name": name, "state": one} for name, one in tasks.items()]
        error = {"error": {"message": "a task failed"}} if state == "FAILED" else {}
        return 200, {
            "run_id": run_id,
            "state": state,
            "run_details": {"task_details": details},
            **error,
        }


API = "/apis/v2beta1"
ROUTES = {
    ("GET", f"{API}/healthz"): FakeKfp.health,
    ("GET", "/apis/v1beta1/healthz"): FakeKfp.old_health,
    ("GET", f"{API}/pipelines/names/([^/]+)"): FakeKfp.pipeline,
    ("POST", f"{API}/pipelines/upload"): FakeKfp.upload,
    ("POST", f"{API}/pipelines/upload_version"): FakeKfp.upload_version,
    ("GET", f"{API}/pipelines/([^/]+)/versions"): FakeKfp.list_versions,
    ("GET", f"{API}/pipelines/([^/]+)/versions/([^/]+)"): FakeKfp.version,
    ("GET", f"{API}/runs"): FakeKfp.list_runs,
    ("GET", f"{API}/experiments"): FakeKfp.list_experiments,
    ("POST", f"{API}/experiments"): FakeKfp.create_experiment,
    ("POST", f"{API}/runs"): FakeKfp.create_run,
    ("GET", f"{API}/runs/([^/]+)"): FakeKfp.run,
    ("POST", f"{API}/recurringruns"): FakeKfp.create_schedule,
}


def wanted(query):
    """Name in a filter of the API."""
    (predicate,) = json.loads(query["filter"])["predicates"]
    assert predicate["operation"] == "EQUALS"
    return predicate["stringValue"]


def checked(body, model):
    """Reads a body; every key must be one of the model, at any depth."""
    values = json.loads(body)
    check(values, model)
    return values


def check(values, model):
    known = {model.attribute_map[name]: kind for name, kind in model.openapi_types.items()}
    for key, value in values.items():
        assert key in known, f"{model.__name__} has no {key}"
        inner = getattr(kfp_server_api, known[key], None)
        if isinstance(value, dict) and inner is not None:
            check(value, inner)

"""What the workflows call: each script on stand-ins of the programs that it needs."""

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from k8s_manifests import ROOT

CI = ROOT / ".ci"


def program(folder, name, text):
    path = folder / name
    path.write_text(f"#!/usr/bin/env bash\n{text}")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A folder whose programs come first; each writes what it was asked into `called`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("CALLED", str(tmp_path / "called"))
    monkeypatch.chdir(tmp_path)
    return folder


def run(*command, **variables):
    return subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def called(tmp_path):
    return (tmp_path / "called").read_text().splitlines()


KUBECTL = """echo "kubectl $*" >> "$CALLED"
case "$*" in
  *"get pods"*) printf '%s\\n' $PODS ;;
  *port-forward*) exec sleep 60 ;;
  *create*) echo '{}' ;;
  *replace*) cat > /dev/null ;;
esac
"""
DEMANDCAST = """echo "demandcast $*" >> "$CALLED"
left=$(cat answers); echo "${left#* }" > answers
exit "${left%% *}"
"""


def promote(tmp_path, programs, answers, pods="pod/a pod/b"):
    program(programs, "kubectl", KUBECTL)
    program(programs, "demandcast", DEMANDCAST)
    (tmp_path / "answers").write_text(answers)
    (tmp_path / "models.config").write_text("model_config_list {}\n")
    return run(
        CI / "promote",
        *("models.config", "42", "canary"),
        DEMANDCAST="demandcast",
        PODS=pods,
        ROUNDS="3",
        PAUSE="0",
        SETTLE="0",
    )


def test_promote_takes_turns_with_the_cluster_until_every_pod_answers(tmp_path, programs):
    done = promote(tmp_path, programs, "5 5 0 ")
    assert done.returncode == 0, done.stderr
    lines = called(tmp_path)
    asked = [line for line in lines if line.startswith("demandcast")]
    assert len(asked) == 3
    assert len([line for line in lines if " replace " in line]) == 2
    assert "--address localhost:18500 --address localhost:18501" in asked[0]
    assert "--version 42 --label canary --timeout 0" in asked[0]


@pytest.mark.parametrize("code", [1, 2])
def test_promote_ends_as_demandcast_does(tmp_path, programs, code):
    assert promote(tmp_path, programs, f"{code} ").returncode == code
    assert not [line for line in called(tmp_path) if " replace " in line]


def test_promote_gives_up(tmp_path, programs):
    done = promote(tmp_path, programs, "5 5 5 5 5 ")
    assert done.returncode == 5
    assert "did not follow" in done.stderr


def test_promote_without_a_server_says_so(tmp_path, programs):
    done = promote(tmp_path, programs, "0 ", pods="")
    assert done.returncode == 5
    assert "no pod" in done.stderr


TERRAFORM = """echo "terraform $*" >> "$CALLED"
case "$*" in
  *" plan "*) echo "plan of $1" ; : > "${1#-chdir=}/plan.bin" ;;
  *" output "*) echo "$OUTPUTS" ;;
esac
"""


OUTPUTS = json.dumps({"region": {"value": "r"}, "foundation": {"value": {"name": "demand"}}})


def terraform(tmp_path, programs, what, outputs=OUTPUTS):
    program(programs, "terraform", TERRAFORM)
    for root in ("foundation", "platform"):
        (tmp_path / "gke" / root).mkdir(parents=True)
    return run(CI / "terraform", what, "gke", "dev", OUTPUTS=outputs)


def test_both_roots_are_planned_and_the_platform_gets_what_the_foundation_has(tmp_path, programs):
    done = terraform(tmp_path, programs, "plan")
    assert done.returncode == 0, done.stderr
    text = "\n".join(called(tmp_path))
    assert "apply" not in text
    for root in ("foundation", "platform"):
        assert f"-chdir=gke/{root} init -no-color -backend-config=backend-dev.hcl" in text
        assert f"-chdir=gke/{root} plan" in text
        assert not (tmp_path / "gke" / root / "plan.bin").exists()
    given = json.loads((tmp_path / "gke/platform/foundation.auto.tfvars.json").read_text())
    assert given == {"foundation": {"name": "demand"}}
    assert "plan of -chdir=gke/foundation" in done.stdout


def test_what_was_planned_is_applied(tmp_path, programs):
    assert terraform(tmp_path, programs, "apply").returncode == 0
    steps = [line.split()[1:3] for line in called(tmp_path)]
    names = [f"{where.removeprefix('-chdir=gke/')} {what}" for where, what in steps]
    assert names == [
        *("foundation init", "foundation plan", "foundation apply", "foundation output"),
        *("platform init", "platform plan", "platform apply"),
    ]
    assert all(line.endswith("plan.bin") for line in called(tmp_path) if " apply " in line)


def test_a_platform_without_its_foundation_is_not_planned(tmp_path, programs):
    done = terraform(tmp_path, programs, "plan", outputs="{}")
    assert done.returncode == 0
    assert "foundation of dev is not there yet" in done.stderr
    assert not [line for line in called(tmp_path) if "platform" in line]


def test_other_words_are_refused(tmp_path, programs):
    assert terraform(tmp_path, programs, "destroy").returncode == 2
    assert not (tmp_path / "called").exists()


def sign_in(programs, **variables):
    for name in ("kubectl", "aws"):
        program(programs, name, f'echo "{name} $*" >> "$CALLED"\n')
    return run(
        *("sh", "-c", f". {CI / 'sign-in'}; env"),
        **{"CLOUD_TOKEN": "jwt", "CI_JOB_ID": "7", "REGION": "r", "IDENTITY": "who", **variables},
    )


def test_aws_is_asked_with_the_jobs_own_token(tmp_path, programs):
    done = sign_in(programs, CLOUD="aws", CLUSTER="demand")
    variables = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert variables["AWS_ROLE_ARN"] == "who"
    assert Path(variables["AWS_WEB_IDENTITY_TOKEN_FILE"]).read_text() == "jwt"
    assert called(tmp_path) == ["aws eks update-kubeconfig --name demand --region r"]


def test_google_is_asked_with_the_jobs_own_token(tmp_path, programs):
    done = sign_in(programs, CLOUD="gcp", IDENTITY_PROVIDER="projects/1/provider")
    variables = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    given = json.loads(Path(variables["GOOGLE_APPLICATION_CREDENTIALS"]).read_text())
    assert given["type"] == "external_account"
    assert given["audience"] == "//iam.googleapis.com/projects/1/provider"
    assert given["service_account_impersonation_url"].endswith("/who:generateAccessToken")
    assert Path(given["credential_source"]["file"]).read_text() == "jwt"
    assert not (tmp_path / "called").exists()


def test_an_unknown_cloud_is_refused(programs):
    done = sign_in(programs, CLOUD="azure")
    assert done.returncode == 2
    assert "not azure" in done.stderr


def test_a_token_of_google_is_exchanged_twice(tmp_path):
    seen = []

    class Google(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append((self.path, self.headers.get("Authorization"), body))
            answer = {"access_token": "federated", "accessToken": "mine"}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Google)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    (tmp_path / "token").write_text("jwt")
    (tmp_path / "credentials.json").write_text(
        json.dumps(
            {
                "audience": "pool",
                "subject_token_type": "jwt-type",
                "token_url": f"{address}/sts",
                "service_account_impersonation_url": f"{address}/impersonate",
                "credential_source": {"file": str(tmp_path / "token")},
            }
        )
    )
    try:
        done = run(
            CI / "google-token",
            GOOGLE_APPLICATION_CREDENTIALS=str(tmp_path / "credentials.json"),
            no_proxy="127.0.0.1",
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert done.stdout == "mine", done.stderr
    (first, second) = seen
    assert first[0] == "/sts"
    assert first[2]["subjectToken"] == "jwt"
    assert second[:2] == ("/impersonate", "Bearer federated")

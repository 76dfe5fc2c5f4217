import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from model_server import command

from demandcast.components.infrastructure import server_process
from demandcast.components.infrastructure.server_process import (
    ServerEndedError,
    free_ports,
    program_of,
    running_server,
    with_restarts,
)
from demandcast.schema.config import ServingConfig
from demandcast.schema.errors import ServingError


def is_alive(pid):
    """A zombie, whose parent has not asked for it yet, is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def server(tmp_path, words):
    return running_server(
        ServingConfig(command=words),
        model_name="demand",
        model_base_path=str(tmp_path / "a folder; with $words"),
        log=tmp_path / "logs" / "server.log",
    )


def printing(*words):
    return (sys.executable, "-c", "import sys; print(sys.argv[1:])", *words)


def test_the_command_is_filled_in_and_no_shell_reads_it(tmp_path):
    words = printing("{model_name}", "--base={model_base_path}", "{port} {rest_api_port}", "{{}}")
    with server(tmp_path, words) as process:
        wait_for(lambda: "demand" in process.log.read_text())
        address = process.address
    name, base, ports, braces = eval(process.log.read_text())  # noqa: S307 - our own list
    assert (name, base, braces) == ("demand", f"--base={tmp_path}/a folder; with $words", "{}")
    port, rest_api_port = ports.split()
    assert address == f"127.0.0.1:{port}"
    assert port != rest_api_port


def test_a_server_that_ended_is_told_from_one_that_runs(tmp_path):
    words = (
        sys.executable,
        "-c",
        "import time; time.sleep(60)",
        "{port}{model_name}{model_base_path}",
    )
    with server(tmp_path, words) as process:
        process.check()
        os.kill(process._process.pid, signal.SIGKILL)
        wait_for(lambda: not is_alive(process._process.pid))
        with pytest.raises(ServerEndedError, match=r"was ended by signal 9; it said nothing$"):
            process.check()


def test_the_last_words_are_the_last_lines_of_the_log(tmp_path):
    code = "for n in range(100): print('line', n)\nraise SystemExit(3)"
    words = (sys.executable, "-c", code, "{port}{model_name}{model_base_path}")
    with server(tmp_path, words) as process:
        wait_for(lambda: not is_alive(process._process.pid))
        with pytest.raises(ServerEndedError) as raised:
            process.check()
    first, *lines = str(raised.value).splitlines()
    assert first == "the server ended with exit code 3; its last words:"
    assert lines == [f"  line {number}" for number in range(85, 100)]


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr(server_process, "_GRACE_SECONDS", 0.3)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("error", [None, ZeroDivisionError, KeyboardInterrupt])
def test_a_server_and_its_children_are_gone_whatever_happens(tmp_path, error):
    note = tmp_path / "note"

    def use():
        with server(tmp_path, command("stubborn", note=str(note))):
            wait_for(lambda: note.exists() and len(note.read_text().split()) == 2)
            if error is not None:
                raise error

    if error is None:
        use()
    else:
        with pytest.raises(error):
            use()
    pids = [int(pid) for pid in note.read_text().split()]
    wait_for(lambda: not any(map(is_alive, pids)))


def test_a_server_does_not_outlive_a_killed_parent(tmp_path):
    code = f"""
import os, signal, time
from pathlib import Path
from demandcast.components.infrastructure.server_process import running_server
from demandcast.schema.config import ServingConfig
words = ({sys.executable!r}, "-c", "import time; time.sleep(600)",
         "{{port}}{{model_name}}{{model_base_path}}")
folder = Path({str(tmp_path)!r})
with running_server(ServingConfig(command=words), model_name="m", model_base_path="b",
                    log=folder / "log") as server:
    time.sleep(0.5)
    (folder / "pid").write_text(str(server._process.pid))
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    wait_for(lambda: not is_alive(int((tmp_path / "pid").read_text())))


def test_a_program_is_found_beside_python_before_path(tmp_path, monkeypatch):
    for folder in ("bin", "elsewhere"):
        (tmp_path / folder).mkdir()
        for name in ("python", "server", "other"):
            if (folder, name) != ("bin", "other"):
                (tmp_path / folder / name).write_text("#!/bin/sh\n")
                (tmp_path / folder / name).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    assert program_of("server") == str(tmp_path / "bin" / "server")
    assert program_of("other") == str(tmp_path / "elsewhere" / "other")
    assert program_of("/bin/sh") == "/bin/sh"


@pytest.mark.parametrize("name", ["no-such-server", "/opt/none/server"])
def test_a_program_that_is_not_there_is_named(name):
    with pytest.raises(ServingError, match=rf"^serving\.command: no program {name}.*installed"):
        program_of(name)


def test_a_file_that_is_no_program_says_so(tmp_path):
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF and no more")
    broken.chmod(0o755)
    with server(tmp_path, (str(broken), "{port}{model_name}{model_base_path}")) as process:
        wait_for(lambda: not is_alive(process._process.pid))
        with pytest.raises(ServerEndedError, match=r"exit code 127; .*\n  .*broken: Exec format"):
            process.check()


def test_free_ports_are_free_and_each_another_one():
    ports = free_ports(5)
    assert len(set(ports)) == 5
    for port in ports:
        with socket.socket() as one:
            one.bind(("127.0.0.1", port))


def test_a_server_is_started_so_often_and_no_more():
    uses = []

    def use():
        uses.append(len(uses))
        if len(uses) < 3:
            raise ServerEndedError("the server ended")
        return "answer"

    assert with_restarts(use, tries=3) == "answer"
    uses.clear()
    with pytest.raises(ServerEndedError):
        with_restarts(use, tries=2)
    assert len(uses) == 2

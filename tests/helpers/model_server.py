"""A program that serves models with the flags of TensorFlow Serving, and with faults on demand.

    python model_server.py --port=N --model_name=NAME --model_base_path=FOLDER [--fault=FAULT]

Faults: `crash` ends at once; `silent` never listens; `empty` listens and knows nothing, not even
TensorFlow; `stubborn` ignores SIGTERM and has a child that does, too; `die` ends at the first
request for a forecast.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from concurrent import futures
from pathlib import Path
from typing import Any


def command(fault: str = "", **values: str) -> tuple[str, ...]:
    """Words for `serving.command`; further flags may be given by name."""
    names = ("port", "model_name", "model_base_path")
    flags = [f"--{name}={{{name}}}" for name in names]
    more = [f"--{name}={value}" for name, value in values.items()]
    return (sys.executable, str(Path(__file__)), *flags, f"--fault={fault}", *more)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--model_name")
    parser.add_argument("--model_base_path")
    parser.add_argument("--fault", default="")
    parser.add_argument("--note")
    options = parser.parse_args()
    faults = {"crash": _crash, "silent": _silent, "empty": _empty, "stubborn": _stubborn}
    faults.get(options.fault, _serve)(options)


def _crash(options: Any) -> None:
    sys.exit(f"cannot serve {options.model_name}: no licence")


def _silent(options: Any) -> None:
    time.sleep(600)


def _empty(options: Any) -> None:
    import grpc

    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_insecure_port(f"127.0.0.1:{options.port}")
    server.start()
    server.wait_for_termination()


def _stubborn(options: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "600"])  # It inherits the ignored signal.
    Path(options.note).write_text(f"{os.getpid()} {child.pid}", encoding="utf-8")
    time.sleep(600)


def _serve(options: Any) -> None:
    from demandcast.serving.server import ModelServer
    from demandcast.serving.server.config import ServerConfig
    from demandcast.serving.server.saved_model import load_saved_model

    def load(folder: Path, version: int) -> Any:
        model = load_saved_model(folder, version)
        if options.fault == "die":
            model.predict = lambda *_: os._exit(7)  # type: ignore[method-assign]
        return model

    config = ServerConfig(
        serving_directory=options.model_base_path,
        model_name=options.model_name,
        port=options.port,
        poll_seconds=0.1,
    )
    with ModelServer(config, load=load):
        signal.pause()


if __name__ == "__main__":
    main()

"""A container that does as it is told: `python -m fake_container --message {{$}} --do JSON`.

The keys of the JSON: `write` (outputs to write), `metadata` (by output), `uri` (by output), `show`
(a file of the pod into which the arguments go), `fail` (attempts that fail), `sleep` (seconds, at
first), `exit`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main() -> int:
    message, do = json.loads(sys.argv[2]), json.loads(sys.argv[4])
    time.sleep(do.get("sleep", 0))
    outputs = message["outputs"]["artifacts"]
    seen = Path(os.environ.get("FAKE_ATTEMPTS", "attempts"))
    attempts = len(seen.read_text()) + 1 if seen.exists() else 1
    if "FAKE_ATTEMPTS" in os.environ:
        seen.write_text("x" * attempts)
    for name in do.get("write", []):
        path = Path(local(outputs[name]["artifacts"][0]["uri"]))
        path.mkdir(parents=True, exist_ok=True)
        (path / "content").write_text(f"{name} of attempt {attempts}")
    said = {
        name: {"artifacts": [{"uri": do.get("uri", {}).get(name, ""), "metadata": metadata}]}
        for name, metadata in do.get("metadata", {}).items()
    }
    file = Path(message["outputs"]["outputFile"])
    file.write_text(json.dumps({"artifacts": said, "parameterValues": do.get("values", {})}))
    Path("message.json").write_text(json.dumps(message))
    Path("arguments.json").write_text(json.dumps(sys.argv[5:]))
    print("it ran")  # noqa: T201
    if attempts <= do.get("fail", 0):
        return 1
    return do.get("exit", 0)


def local(uri: str) -> str:
    scheme, _, key = uri.partition("://")
    folder = {"gs": "gcs", "s3": "s3", "minio": "minio"}[scheme]
    return f"{os.environ['DEMANDCAST_KFP_ROOT']}/{folder}/{key}"


if __name__ == "__main__":
    sys.exit(main())

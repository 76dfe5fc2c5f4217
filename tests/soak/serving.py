"""Asks a server 100,000 times: no error, flat memory; latencies.

    python tests/soak/serving.py [--requests 100000] [--clients 16]

The server runs as a process of its own, on a tiny model, with the prediction log and REST on.
Its memory is taken after the first tenth of the requests, when TensorFlow, gRPC and Python's
allocator have what they need for the work at hand, and at the end. Nothing is kept of a request
but its counts. What may differ is when allocators give pages back, and what the
log has in its buffers: measured, 1.3 MiB. `ALLOWED_GROWTH_BYTES` is more than
that, and would show 93 bytes that each request left behind: one small Python object.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from serving_models import push, save_tiny_model
from serving_process import ServerProcess
from serving_soak import soak

ALLOWED_GROWTH_BYTES = 8 * 2**20


def main() -> None:
    """Runs it; exit status 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=16)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        save_tiny_model(Path(folder, "saved"), scale=1.0)
        push(Path(folder, "saved"), Path(folder, "serving"), 1)
        log = {"directory": f"{folder}/log", "max_waiting": 10_000, "max_total_bytes": 2**27}
        with ServerProcess(serving_directory=f"{folder}/serving", prediction_log=log) as server:
            server.wait_until_available()
            found = soak(
                server, requests=options.requests, clients=options.clients, progress=_progress
            )
    mebibytes = [size / 2**20 for size in found.resident_bytes]
    print(f"{len(found.errors)} errors in {options.requests:,} requests: {found.errors[:5]}")
    print(f"{options.requests / found.total_seconds:,.0f} per second, {options.clients} clients")
    print("  ".join(f"p{100 * q:g} {found.percentile(q):.1f} ms" for q in (0.5, 0.95, 0.99, 0.999)))
    print(f"memory {mebibytes[0]:.1f} MiB after the warm-up, {mebibytes[1]:.1f} MiB at the end")
    if found.errors or found.growth_bytes > ALLOWED_GROWTH_BYTES:
        sys.exit("not clean")


def _progress(done: int, resident_bytes: int) -> None:
    print(f"{done:9,}  {resident_bytes / 2**20:8.1f} MiB", flush=True)


if __name__ == "__main__":
    main()

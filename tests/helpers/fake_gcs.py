"""Google Cloud Storage in a thread: the JSON API as far as google-cloud-storage uses it for us.

Objects have generations, and conditions on them are kept. STORAGE_EMULATOR_HOST makes the real
client come here.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import itertools
import json
import re
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import google_crc32c

__all__ = ["FakeGcs", "fake_gcs"]

_OBJECT = re.compile(r"(?:/download|/upload)?/storage/v1/b/([^/]+)/o(?:/([^/]+))?$")
_REWRITE = re.compile(r"/storage/v1/b/([^/]+)/o/([^/]+)/rewriteTo/b/([^/]+)/o/([^/]+)$")


class FakeGcs:
    """The objects, and what was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.objects: dict[tuple[str, str], tuple[int, bytes]] = {}
        self.requests: list[tuple[str, str]] = []
        self.uploads: dict[str, tuple[str, str, dict[str, str]]] = {}
        self.refuse: Callable[[str, str], int | None] = lambda method, path: None
        self.lose_answer: Callable[[str, str], bool] = lambda method, path: False
        self._generations = itertools.count(1_700_000_000_000_000)
        self._lock = threading.Lock()

    def put(self, path: str, content: bytes = b"") -> None:
        """Writes an object at gs://..., as another program would."""
        bucket, _, name = path.removeprefix("gs://").partition("/")
        self.write(bucket, name, content, {})

    def paths(self) -> list[str]:
        return sorted(f"gs://{bucket}/{name}" for bucket, name in self.objects)

    def content(self, path: str) -> bytes:
        bucket, _, name = path.removeprefix("gs://").partition("/")
        return self.objects[bucket, name][1]

    def write(self, bucket: str, name: str, content: bytes, query: dict[str, str]) -> bool:
        """Writes an object unless a condition forbids it."""
        with self._lock:
            if not self._allowed(bucket, name, query):
                return False
            self.objects[bucket, name] = (next(self._generations), content)
            return True

    def delete(self, bucket: str, name: str, query: dict[str, str]) -> int:
        with self._lock:
            if (bucket, name) not in self.objects:
                return 404
            if not self._allowed(bucket, name, query):
                return 412
            del self.objects[bucket, name]
            return 204

    def _allowed(self, bucket: str, name: str, query: dict[str, str]) -> bool:
        wanted = query.get("ifGenerationMatch")
        return wanted is None or int(wanted) == self.objects.get((bucket, name), (0,))[0]

    def metadata(self, bucket: str, name: str) -> dict[str, Any]:
        generation, content = self.objects[bucket, name]
        crc = google_crc32c.Checksum(content).digest()
        return {
            "kind": "storage#object",
            "id": f"{bucket}/{name}/{generation}",
            "bucket": bucket,
            "name": name,
            "generation": str(generation),
            "metageneration": "1",
            "size": str(len(content)),
            "md5Hash": base64.b64encode(hashlib.md5(content).digest()).decode(),  # noqa: S324
            "crc32c": base64.b64encode(crc).decode(),
        }


@contextmanager
def fake_gcs() -> Iterator[FakeGcs]:
    """Serves it on a free port of this machine."""
    fake = FakeGcs()

    class Handler(_Handler):
        store = fake

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer in one piece: half of one waits 40 ms for the client's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    store: FakeGcs

    def log_message(self, *args: Any) -> None:
        del args

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.store.requests.append((method, self.path))
        refused = self.store.refuse(method, self.path)
        if refused is not None:
            self._error(refused)
            return
        rewrite, found = _REWRITE.match(url.path), _OBJECT.match(url.path)
        if rewrite is not None:
            self._rewrite([urllib.parse.unquote(part) for part in rewrite.groups()], query)
        elif found is None:
            self._error(400)
        elif method in ("POST", "PUT"):
            self._upload(found[1], query, body)
        elif found[2] is None:
            self._list(found[1], query)
        else:
            self._object(method, found[1], urllib.parse.unquote(found[2]), query)

    def _object(self, method: str, bucket: str, name: str, query: dict[str, str]) -> None:
        if method == "DELETE":
            code = self.store.delete(bucket, name, query)
            self._answer(code, b"") if code == 204 else self._error(code)
        elif (bucket, name) not in self.store.objects:
            self._error(404)
        elif query.get("alt") == "media":
            self._media(bucket, name, query)
        else:
            self._json(self.store.metadata(bucket, name))

    def _media(self, bucket: str, name: str, query: dict[str, str]) -> None:
        generation, content = self.store.objects[bucket, name]
        if int(query.get("ifGenerationMatch", generation)) != generation:
            self._error(412)
            return
        asked = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        headers = {"X-Goog-Generation": str(generation)}
        if asked is None:
            self._answer(200, content, **headers)
            return
        start = int(asked[1])
        if start >= len(content):
            self._error(416)
            return
        part = content[start : int(asked[2]) + 1 if asked[2] else None]
        headers["Content-Range"] = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
        self._answer(206, part, **headers)

    def _list(self, bucket: str, query: dict[str, str]) -> None:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        names = sorted(
            name
            for where, name in self.store.objects
            if where == bucket and name.startswith(prefix)
        )
        entries: dict[str, Any] = {}
        for name in names:
            head, found, _ = name[len(prefix) :].partition(delimiter or "\0")
            if delimiter and found:
                entries[f"{prefix}{head}{delimiter}"] = None
            else:
                entries[name] = self.store.metadata(bucket, name)
        # Two to a page, so that whoever lists must turn pages.
        left = [name for name in sorted(entries) if name > query.get("pageToken", "")]
        page = left[:2]
        answer: dict[str, Any] = {
            "items": [entries[name] for name in page if entries[name] is not None],
            "prefixes": [name for name in page if entries[name] is None],
        }
        if len(left) > 2:
            answer["nextPageToken"] = page[-1]
        self._json(answer)

    def _upload(self, bucket: str, query: dict[str, str], body: bytes) -> None:
        if query["uploadType"] == "resumable" and "upload_id" not in query:
            token = str(len(self.store.uploads))
            self.store.uploads[token] = (bucket, json.loads(body)["name"], query)
            location = f"{self.store.url}{self.path}&upload_id={token}"
            self._answer(200, b"", Location=location)
            return
        if query["uploadType"] == "resumable":
            bucket, name, query = self.store.uploads[query["upload_id"]]
            content = body
        else:
            boundary = re.search(r'boundary="?([^";]+)', self.headers["Content-Type"])
            assert boundary is not None
            _, about, rest = body.split(b"--" + boundary[1].encode() + b"\r\n", 2)
            name = json.loads(about.split(b"\r\n\r\n", 1)[1])["name"]
            content = rest.split(b"\r\n\r\n", 1)[1].rpartition(b"\r\n--" + boundary[1].encode())[0]
        if not self.store.write(bucket, name, content, query):
            self._error(412)
        elif self.store.lose_answer("POST", self.path):
            self._error(503)
        else:
            self._json(self.store.metadata(bucket, name))

    def _rewrite(self, parts: list[str], query: dict[str, str]) -> None:
        source, target = (parts[0], parts[1]), (parts[2], parts[3])
        if source not in self.store.objects:
            self._error(404)
            return
        self.store.write(*target, self.store.objects[source][1], query)
        resource = self.store.metadata(*target)
        size = resource["size"]
        self._json(
            {"done": True, "totalBytesRewritten": size, "objectSize": size, "resource": resource}
        )

    def _json(self, values: dict[str, Any]) -> None:
        self._answer(200, json.dumps(values).encode(), **{"Content-Type": "application/json"})

    def _error(self, code: int) -> None:
        text = json.dumps({"error": {"code": code, "message": f"refused with {code}"}})
        self._answer(code, text.encode(), **{"Content-Type": "application/json"})

    def _answer(self, code: int, content: bytes, **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

"""A filesystem of Beam that is not the local one: toy:///folder is /folder."""

from __future__ import annotations

from pathlib import Path

from apache_beam.io.filesystem import FileMetadata
from apache_beam.io.localfilesystem import LocalFileSystem


class ToyFileSystem(LocalFileSystem):
    @classmethod
    def scheme(cls):
        return "toy"

    @staticmethod
    def url(folder: Path) -> str:
        return f"toy://{folder}"

    def join(self, basepath, *paths):
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path):
        head, _, tail = path.rpartition("/")
        return head, tail

    def _list(self, dir_or_prefix):
        for item in super()._list(_local(dir_or_prefix)):
            yield FileMetadata(
                f"toy://{item.path}", item.size_in_bytes, item.last_updated_in_seconds
            )

    def open(self, path, *args, **kwargs):
        return super().open(_local(path), *args, **kwargs)

    def exists(self, path):
        return super().exists(_local(path))

    def metadata(self, path):
        found = super().metadata(_local(path))
        return FileMetadata(path, found.size_in_bytes, found.last_updated_in_seconds)

    def checksum(self, path):
        return super().checksum(_local(path))


def _local(path: str) -> str:
    return path.removeprefix("toy://")

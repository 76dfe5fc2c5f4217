"""`ConfigWatch`: takes up a changed models.config while the server runs."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from demandcast.schema.errors import ConfigurationError
from demandcast.serving.errors import RequestError
from demandcast.serving.server.config_files import read_models
from demandcast.serving.server.models import Models

__all__ = ["ConfigWatch"]

logger = logging.getLogger(__name__)


class ConfigWatch:
    """Looks at a file again and again; what cannot be taken up is said once and tried again.

    In a cluster the file is a mounted ConfigMap: its folder is swapped as a whole, so a look
    never finds half a file.
    """

    def __init__(
        self, path: Path, models: Models, *, poll_seconds: float, settle_seconds: float
    ) -> None:
        """Prepares.

        Args:
            path: models.config.
            models: What it changes.
            poll_seconds: Between two looks; 0 reads it at the start only.
            settle_seconds: How long a change waits for each model.
        """
        self._path = path
        self._models = models
        self._poll_seconds = poll_seconds
        self._settle_seconds = settle_seconds
        self._taken_up = b""
        self._last_remark = ""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="models-config", daemon=True)

    def start(self) -> None:
        """Reads the file and begins to serve what it lists.

        Raises:
            ConfigurationError: It cannot be read, or not be served.
        """
        configs = read_models(self._path)
        self._taken_up = self._path.read_bytes()
        try:
            self._models.start(configs)
        except RequestError as error:
            raise ConfigurationError(f"{self._path}: {error}") from error
        if self._poll_seconds:
            self._thread.start()

    def stop(self) -> None:
        """Looks no more."""
        self._stopped.set()

    def look(self) -> None:
        """Takes up the file if it is not as it was when it was last taken up."""
        try:
            content = self._path.read_bytes()
            if content == self._taken_up:
                return
            self._models.change(read_models(self._path), timeout_seconds=self._settle_seconds)
        except (OSError, ConfigurationError, RequestError) as error:
            self._remark(f"{self._path} is not taken up, what was stays: {error}")
            return
        self._taken_up = content
        self._last_remark = ""
        logger.info("%s is taken up", self._path)

    def _watch(self) -> None:
        while not self._stopped.wait(self._poll_seconds):
            self.look()

    def _remark(self, text: str) -> None:
        if text != self._last_remark:
            logger.error("%s", text)
        self._last_remark = text

"""Alertmanager of the one-machine stack."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from onemachine.monitoring.durations import divide
from onemachine.monitoring.pace import REALISTIC, Pace
from onemachine.monitoring.readiness import HOST, Monitor
from onemachine.monitoring.rules import MONITORING_FOLDER
from srectl.private_files import write_private

__all__ = ["Alertmanager"]

_WAITS = ("group_wait", "group_interval", "repeat_interval")
_KEY_HEADER = "X-Api-Key"


@dataclass(frozen=True)
class Alertmanager(Monitor):
    """One Alertmanager that posts to the platform's webhook.

    Parameters
    ----------
    bin_folder : Path
        Folder with ``alertmanager``.
    state_dir : Path
        Folder for configuration, the key and data.
    port : int
        Port on 127.0.0.1.
    webhook_url : str
        Where alerts are posted.
    api_key : str
        Sent as ``X-Api-Key``. Kept in a file that only this user can read, never in an argument.
    pace : Pace
        How fast to group and repeat.
    own_waits : bool
        Group and repeat as Alertmanager does by itself (``group_wait`` 30 s, ``group_interval``
        5 m, ``repeat_interval`` 4 h), whatever the pace, where no narrower route says otherwise.
    shipped : Path
        Configuration that production uses.
    """

    bin_folder: Path
    state_dir: Path
    port: int
    webhook_url: str
    api_key: str = field(repr=False)
    pace: Pace = REALISTIC
    own_waits: bool = False
    shipped: Path = MONITORING_FOLDER / "alertmanager.yaml"

    name = "alertmanager"

    @property
    def address(self) -> str:
        """``host:port``, as Prometheus wants it."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """Where people and tests find it."""
        return f"http://{self.address}"

    @property
    def config_file(self) -> Path:
        """Written by :meth:`prepare`."""
        return self.state_dir / "alertmanager.yaml"

    def prepare(self) -> None:
        """Write the configuration and the secrets it refers to; starts nothing.

        Raises
        ------
        ValueError
            The shipped configuration has no webhook that takes its address from a file.
        """
        self.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(self._url_file, self.webhook_url)
        write_private(self._key_file, self.api_key)
        self.config_file.write_text(yaml.safe_dump(self.config(), sort_keys=False), "utf-8")

    def config(self) -> dict[str, Any]:
        """Give the shipped configuration with this stack's files and pace in it."""
        shipped = yaml.safe_load(self.shipped.read_text("utf-8"))
        config: dict[str, Any] = deepcopy(shipped)
        if self.own_waits:
            for name in _WAITS:
                config["route"].pop(name, None)
        _quicken(config["route"], self.pace.factor)
        webhooks = [
            webhook
            for receiver in config["receivers"]
            for webhook in receiver.get("webhook_configs", [])
            if "url_file" in webhook
        ]
        if not webhooks:
            raise ValueError(f"{self.shipped} has no webhook with url_file")
        for webhook in webhooks:
            webhook["url_file"] = str(self._url_file)
            webhook["http_config"]["http_headers"][_KEY_HEADER] = {"files": [str(self._key_file)]}
        return config

    def command(self) -> tuple[str, ...]:
        """Give the command line."""
        return (
            str(self.bin_folder / "alertmanager"),
            f"--config.file={self.config_file}",
            f"--storage.path={self.state_dir / 'data'}",
            f"--web.listen-address={self.address}",
            f"--web.external-url={self.url}",
            # No gossip: there is one, and the port would listen on every address.
            "--cluster.listen-address=",
            "--log.level=warn",
        )

    @property
    def _url_file(self) -> Path:
        return self.state_dir / "webhook-url"

    @property
    def _key_file(self) -> Path:
        return self.state_dir / "webhook-api-key"


def _quicken(route: dict[str, Any], factor: float) -> None:
    for name in _WAITS:
        if name in route:
            route[name] = divide(route[name], factor)
    for child in route.get("routes", []):
        _quicken(child, factor)

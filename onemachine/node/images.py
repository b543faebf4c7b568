"""Images that are known on this machine, each as the local command that stands for it.

Nothing is pulled here. A container with a ``command`` runs it as it stands; a container that
relies on its image's entry point needs the image in the map, a JSON file::

    {"checkout:1.0.0": {"command": ["/…/python", "-m", "gunicorn", "--bind", "$(POD_IP):8080"],
                        "workdir": "/…/checkout_app",
                        "env": {"PROMETHEUS_MULTIPROC_DIR": "$(TMPDIR)/metrics"}}}

Image references match exactly, tag included: a rollout to a tag that is not in the map hangs
as it does in a cluster when the tag was never pushed.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onemachine.node.errors import ImageError, SettingsError


@dataclass(frozen=True)
class ImageSpec:
    """What a Dockerfile would say about an image.

    Attributes
    ----------
    command : tuple[str, ...]
        ENTRYPOINT; ``$(NAME)`` is expanded from the container's environment, which always has
        ``POD_IP``, ``POD_NAME``, ``POD_NAMESPACE``, ``TMPDIR`` and ``HOME``.
    args : tuple[str, ...]
        CMD, which a container's own ``args`` replace.
    workdir : str or None
        WORKDIR; the pod's own directory when there is none.
    env : Mapping[str, str]
        ENV, expanded in the same way; the pod's own variables win.
    """

    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    workdir: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)


def write_image_map(path: Path, images: Mapping[str, ImageSpec]) -> None:
    """Write the file for the ``--images`` flag, replacing it in one step."""
    content = {
        name: {
            "command": list(spec.command),
            "args": list(spec.args),
            "workdir": spec.workdir,
            "env": dict(spec.env),
        }
        for name, spec in images.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
    partial.replace(path)


def read_image_map(path: Path) -> dict[str, ImageSpec]:
    """Read the file given by ``--images``.

    Raises
    ------
    SettingsError
        If the file cannot be read or has not the shape shown above.
    """
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(f"image map {path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"image map {path} must be a JSON object: image to command")
    return {name: _parse(path, name, entry) for name, entry in content.items()}


def _parse(path: Path, name: str, entry: object) -> ImageSpec:
    if not isinstance(entry, dict):
        raise SettingsError(f"image map {path}: entry {name!r} must be an object")
    unknown = set(entry) - {"command", "args", "workdir", "env"}
    if unknown:
        raise SettingsError(f"image map {path}: entry {name!r} has unknown keys {sorted(unknown)}")
    lists = [entry.get("command") or [], entry.get("args") or []]
    env = entry.get("env") or {}
    texts = [text for one in lists for text in one] if all(map(_is_list, lists)) else [None]
    if not isinstance(env, dict) or not all(isinstance(x, str) for x in [*texts, *env.values()]):
        raise SettingsError(
            f"image map {path}: entry {name!r} needs lists of strings for command and args "
            "and an object of strings for env"
        )
    return ImageSpec(tuple(lists[0]), tuple(lists[1]), entry.get("workdir"), env)


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def resolve(container: Mapping[str, Any], images: Mapping[str, ImageSpec]) -> ImageSpec:
    """Return what a container runs: its spec over its image.

    Parameters
    ----------
    container : Mapping
        The container of the pod spec.
    images : Mapping[str, ImageSpec]
        The image map.

    Raises
    ------
    ImageError
        If the image is unknown and the container gives no command either.
    """
    known = images.get(container["image"])
    command = tuple(container.get("command") or ())
    args = tuple(container.get("args") or ())
    if known is None and not command:
        raise ImageError(
            f"image {container['image']!r} is not in the image map and the container has no "
            "command of its own; images are not pulled on this machine"
        )
    base = known or ImageSpec()
    workdir = container.get("workingDir") or base.workdir
    if command:  # as in a container runtime, a command also drops the image's CMD
        return ImageSpec(command, args, workdir, base.env)
    return ImageSpec(base.command, args or base.args, workdir, base.env)


class ImageStore:
    """The image map as the file has it now: writing an image into it is this machine's push.

    Parameters
    ----------
    path : Path or None
        The file; without one no image is known.

    Raises
    ------
    SettingsError
        If the file cannot be used at the start.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._images: dict[str, ImageSpec] = {}
        self._lock = threading.Lock()
        self.current()

    def current(self) -> Mapping[str, ImageSpec]:
        """Return the map, read again if the file changed."""
        if self._path is None:
            return {}
        with self._lock:
            try:
                stat = self._path.stat()
            except OSError as error:
                raise SettingsError(f"image map {self._path} cannot be read: {error}") from error
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if stamp != self._stamp:
                self._images = read_image_map(self._path)
                self._stamp = stamp
            return self._images

"""The environment of a container, built from its pod and never from the host's.

Order, as in a kubelet: the base, the image's ENV, ``envFrom``, then ``env`` entry by entry,
each of which may refer to those before it with ``$(NAME)``.
"""

import base64
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from onemachine.node.errors import ApiError, ContainerConfigError
from onemachine.node.expansion import expand

CONTAINER_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")

ReadObject = Callable[[str, str, str], Mapping[str, Any]]
"""(plural kind, namespace, name) -> object; raises ApiError."""


def base_environment(pod: Mapping[str, Any], address: str, directory: Path) -> dict[str, str]:
    """Return what every container gets.

    Parameters
    ----------
    pod : Mapping
        The pod.
    address : str
        Its address; a container listens on it as ``$(POD_IP)``. An image made for a cluster
        listens on 0.0.0.0, which here would be every address of the machine.
    directory : Path
        The pod's directory: ``HOME`` and ``TMPDIR`` lie in it.
    """
    metadata = pod["metadata"]
    return {
        "PATH": CONTAINER_PATH,
        "HOSTNAME": metadata["name"],
        "HOME": str(directory / "home"),
        "TMPDIR": str(directory / "tmp"),
        "LANG": "C.UTF-8",
        "POD_IP": address,
        "POD_NAME": metadata["name"],
        "POD_NAMESPACE": metadata["namespace"],
    }


def field_value(pod: Mapping[str, Any], path: str, address: str, host_address: str) -> str:
    """Resolve a ``fieldRef`` of the downward API.

    Raises
    ------
    ContainerConfigError
        If the path is none the downward API knows.
    """
    metadata, spec = pod["metadata"], pod["spec"]
    subscript = _SUBSCRIPT.fullmatch(path)
    if subscript:
        return str((metadata.get(subscript[1]) or {}).get(subscript[2], ""))
    values = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
        "status.podIP": address,
        "status.podIPs": address,
        "status.hostIP": host_address,
        "status.hostIPs": host_address,
    }
    if path not in values:
        raise ContainerConfigError(f"fieldRef {path!r} is not supported")
    return str(values[path])


class EnvironmentBuilder:
    """Builds the environments of one pod's containers.

    Parameters
    ----------
    pod : Mapping
        The pod.
    address, host_address : str
        Address of the pod and of its node.
    read : callable
        Reads a ConfigMap or Secret.
    """

    def __init__(
        self, pod: Mapping[str, Any], address: str, host_address: str, read: ReadObject
    ) -> None:
        self._pod = pod
        self._address = address
        self._host_address = host_address
        self._read = read

    def build(
        self, container: Mapping[str, Any], base: Mapping[str, str], image: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the environment of one container.

        Parameters
        ----------
        container : Mapping
            The container of the pod spec.
        base, image : Mapping[str, str]
            Base environment and the image's ENV.

        Raises
        ------
        ContainerConfigError
            If something referred to is missing and not optional.
        """
        result = dict(base)
        for name, value in image.items():
            result[name] = expand(value, result)
        for source in container.get("envFrom") or []:
            result |= self._from_source(source)
        for entry in container.get("env") or []:
            found = self._value(entry, result, container)
            if found is not None:
                result[entry["name"]] = found
        return result

    def _from_source(self, source: Mapping[str, Any]) -> dict[str, str]:
        prefix = source.get("prefix") or ""
        for key, kind in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
            if key in source:
                data = self._data(kind, source[key])
                return {prefix + name: value for name, value in (data or {}).items()}
        return {}

    def _value(
        self, entry: Mapping[str, Any], known: Mapping[str, str], container: Mapping[str, Any]
    ) -> str | None:
        source = entry.get("valueFrom")
        if source is None:
            return expand(entry.get("value") or "", known)
        if "fieldRef" in source:
            path = source["fieldRef"]["fieldPath"]
            return field_value(self._pod, path, self._address, self._host_address)
        if "resourceFieldRef" in source:
            return _resource(source["resourceFieldRef"]["resource"], container)
        for key, kind in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
            if key in source:
                reference = source[key]
                data = self._data(kind, reference)
                if data is not None and reference["key"] in data:
                    return data[reference["key"]]
                if reference.get("optional"):
                    return None
                raise ContainerConfigError(
                    f"couldn't find key {reference['key']} in {kind[:-1]} "
                    f"{self._pod['metadata']['namespace']}/{reference['name']}"
                )
        raise ContainerConfigError(f"env {entry['name']}: valueFrom {sorted(source)} not supported")

    def _data(self, kind: str, reference: Mapping[str, Any]) -> dict[str, str] | None:
        namespace, name = self._pod["metadata"]["namespace"], reference.get("name", "")
        try:
            content = self._read(kind, namespace, name)
        except ApiError as error:
            if error.status == 404 and reference.get("optional"):
                return None
            raise ContainerConfigError(f"{kind[:-1]} {namespace}/{name}: {error}") from error
        data = dict(content.get("data") or {})
        if kind == "secrets":
            data = {name: _decode(value) for name, value in data.items()}
        return data


def _decode(value: str) -> str:
    return base64.b64decode(value).decode()


def _resource(resource: str, container: Mapping[str, Any]) -> str:
    group, _, name = resource.partition(".")
    quantity = ((container.get("resources") or {}).get(group) or {}).get(name)
    if quantity is None:
        raise ContainerConfigError(f"resourceFieldRef {resource!r}: the container sets none")
    return str(quantity)

"""One pod on this node: a worker thread that brings its containers to where they should be.

Everything that happens to a pod (a change in the API, the end of a process, the answer of a
probe) arrives in the worker's inbox; between messages it sleeps until the next deadline. It
alone changes the pod's state, so there is nothing to lock.
"""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onemachine.node import files, status
from onemachine.node.actions import Outcome, Surroundings
from onemachine.node.addresses import AddressPool
from onemachine.node.cluster import Cluster, Json
from onemachine.node.container import ContainerUnit
from onemachine.node.container_process import ContainerProcess, StartError
from onemachine.node.environment import EnvironmentBuilder, base_environment
from onemachine.node.errors import ApiError, ContainerConfigError, ImageError, SettingsError
from onemachine.node.events import EventRecorder
from onemachine.node.expansion import expand_all
from onemachine.node.guard import Guard
from onemachine.node.hooks import pre_stop
from onemachine.node.identity import PodIdentity, plain_environment
from onemachine.node.images import ImageStore, resolve
from onemachine.node.logs import ContainerLog
from onemachine.node.nodes import Health, control_file, read_health
from onemachine.node.probes import LIVENESS, STARTUP
from onemachine.node.recent_lines import RecentLines
from onemachine.node.settings import AgentSettings
from onemachine.node.timestamps import now
from onemachine.node.usage import CpuUsage
from onemachine.node.volumes import VolumeStore

log = logging.getLogger(__name__)

_RETRY_API = 1.0
_RETRY_CONFIG = 2.0
_FINISHED_PHASES = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Host:
    """What all pods of an agent share."""

    settings: AgentSettings
    cluster: Cluster
    images: ImageStore
    addresses: AddressPool
    guard: Guard
    events: EventRecorder
    volumes: VolumeStore
    cpu: CpuUsage

    def silent(self, node: str) -> bool:
        """Whether a fault keeps this node from telling the API server anything."""
        return read_health(control_file(self.settings.state_dir, node)) is Health.SILENT

    def node_address(self, node: str) -> str:
        """Return the address of one of the agent's nodes."""
        return self.addresses.node(self.settings.nodes.index(node))


class PodWorker(threading.Thread):
    """Runs one pod until it is deleted or finished.

    Parameters
    ----------
    pod : Mapping
        The pod as first seen.
    host : Host
        Shared parts.
    predecessor : PodWorker or None
        Worker of an earlier pod with the same name, to be waited for.
    on_end : callable
        Called from this thread at its very end.
    """

    def __init__(
        self,
        pod: Mapping[str, Any],
        host: Host,
        predecessor: "PodWorker | None",
        on_end: Callable[["PodWorker"], None],
    ) -> None:
        metadata = pod["metadata"]
        self.namespace: str = metadata["namespace"]
        self.pod_name: str = metadata["name"]
        self.uid: str = metadata["uid"]
        super().__init__(name=f"pod {self.namespace}/{self.pod_name}", daemon=True)
        self.directory: Path = files.pod_directory(
            host.settings.state_dir, self.namespace, self.pod_name
        )
        self._pod = pod
        self._host = host
        self._predecessor = predecessor
        self._on_end = on_end
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._policy: str = pod["spec"].get("restartPolicy") or "Always"
        earlier = pod.get("status") or {}
        known = {
            one["name"]: one
            for key in ("initContainerStatuses", "containerStatuses")
            for one in earlier.get(key) or []
        }
        backoff = host.settings.backoff
        spec = pod["spec"]
        self._init = [
            ContainerUnit(one, backoff, known.get(one["name"]))
            for one in spec.get("initContainers") or []
        ]
        self._main = [
            ContainerUnit(one, backoff, known.get(one["name"])) for one in spec["containers"]
        ]
        for unit in self._main if self._init else []:
            unit.state = status.Waiting("PodInitializing")
        self._start_time = earlier.get("startTime") or now()
        self._conditions: dict[str, Json] = {
            one["type"]: one for one in earlier.get("conditions") or []
        }
        self._address = host.addresses.take()
        self._node: str = spec["nodeName"]
        self._host_address = host.node_address(self._node)
        self._identity = PodIdentity(host.cluster, pod, self.directory)
        self._identity_env: dict[str, str] | None = None
        self._logs: dict[str, ContainerLog] = {}
        self._sent: Json | None = None
        self._sent_version = 0
        self._retry_at: float | None = None
        self._deadline_seen: float | None = None
        self._deleting = False
        self._gone = False
        self._halting = False

    # -- called from other threads ------------------------------------------------------------

    def update(self, pod: Mapping[str, Any]) -> None:
        """Tell the worker what the API server has now."""
        self._inbox.put(lambda: self._take_update(pod))

    def vanish(self) -> None:
        """Tell the worker that the pod object is gone: everything is killed at once."""
        self._inbox.put(lambda: setattr(self, "_gone", True))

    def halt(self) -> None:
        """Tell the worker that the agent stops; the pod object is left as it is."""
        self._inbox.put(lambda: setattr(self, "_halting", True))

    def recent_lines(self, container: str) -> RecentLines | None:
        """Give the newest lines of a container; None for one that has not begun."""
        found = self._logs.get(container)
        return found.recent if found else None

    # -- the loop -----------------------------------------------------------------------------

    def run(self) -> None:
        """Run the pod."""
        try:
            if self._predecessor is not None:
                self._predecessor.join()
                self._predecessor = None
            files.prepare(self.directory)
            self._take_update(self._pod)
            self._loop()
        except Exception:
            log.exception("pod %s/%s: worker failed, its processes are killed", *self._key)
        finally:
            for unit in self._units:
                unit.stop_probes()
                if unit.process is not None:
                    unit.process.kill()
                    unit.process.wait(5)
                    self._host.cpu.end(unit.process.pid)
            for one in self._logs.values():
                one.close()
            files.clear(self.directory)
            self._host.addresses.give_back(self._address)
            self._host.volumes.leave(self.uid)
            self._on_end(self)

    @property
    def _key(self) -> tuple[str, str]:
        return self.namespace, self.pod_name

    @property
    def _units(self) -> list[ContainerUnit]:
        return [*self._init, *self._main]

    @property
    def _ending(self) -> bool:
        return self._gone or self._halting or self._deleting

    def _loop(self) -> None:
        while True:
            self._retry_at = None
            if not self._ending:
                self._advance()
                self._refresh_token()
            if not (self._gone or self._halting):
                self._publish()
            if self._ending:
                if self._wind_down():
                    return
            elif self._finished:
                return
            self._receive()

    def _receive(self) -> None:
        timeout = self._seconds_to_deadline()
        with contextlib.suppress(queue.Empty):
            self._inbox.get(timeout=timeout)()
            while True:
                self._inbox.get_nowait()()

    def _seconds_to_deadline(self) -> float | None:
        deadlines = [self._retry_at]
        if not self._ending:
            deadlines.append(self._identity.refresh_at)
            deadlines += [unit.next_start for unit in self._startable]
        known = [one for one in deadlines if one is not None]
        return max(0.0, min(known) - time.monotonic()) if known else None

    # -- running --------------------------------------------------------------------------------

    @property
    def _startable(self) -> list[ContainerUnit]:
        """The containers whose turn it is: init containers one by one, then all others."""
        for unit in self._init:
            if not unit.completed:
                return [unit]
        return self._main

    @property
    def _finished(self) -> bool:
        return self._sent is not None and self._sent["phase"] in _FINISHED_PHASES

    def _advance(self) -> None:
        moment = time.monotonic()
        for unit in self._startable:
            if unit.due(moment):
                self._start(unit)

    def _start(self, unit: ContainerUnit) -> None:
        try:
            image = resolve(unit.spec, self._host.images.current())
        except (ImageError, SettingsError) as error:
            self._cannot_pull(unit, str(error))
            return
        base = base_environment(self._pod, self._address, self.directory)
        try:
            _refuse_unsupported(unit, init=unit in self._init)
            base |= plain_environment(self._host.settings.aws) | self._load_identity()
            base |= self._host.volumes.use(self._pod)
            builder = EnvironmentBuilder(
                self._pod, self._address, self._host_address, self._host.cluster.get
            )
            env = builder.build(unit.spec, base, image.env)
        except (ContainerConfigError, ApiError) as error:
            if unit.hold("CreateContainerConfigError", str(error), _RETRY_CONFIG):
                self._emit("Warning", "Failed", f"Error: {error}")
            return
        workdir = Path(image.workdir) if image.workdir else self.directory
        argv = expand_all([*image.command, *image.args], env)
        self._launch(unit, argv, env, workdir)

    def _cannot_pull(self, unit: ContainerUnit, message: str) -> None:
        if unit.spec.get("imagePullPolicy") == "Never":
            reason = "ErrImageNeverPull"
        else:
            tried = isinstance(unit.state, status.Waiting) and "Image" in unit.state.reason
            reason = "ImagePullBackOff" if tried else "ErrImagePull"
        self._emit("Warning", "Failed", f"Error: {reason}: {message}")
        if unit.hold(reason, message) == 0:  # the first wait is a full one: nothing is pulled
            unit.hold(reason, message)

    def _load_identity(self) -> dict[str, str]:
        if self._identity_env is None:
            self._identity_env = self._identity.load()
        return self._identity_env

    def _refresh_token(self) -> None:
        due = self._identity.refresh_at
        if due is None or due > time.monotonic():
            return
        try:
            self._identity.refresh()
        except ApiError as error:
            log.warning("pod %s/%s: token not refreshed, trying again: %s", *self._key, error)
            self._identity.refresh_at = time.monotonic() + 10 * _RETRY_API

    def _launch(
        self, unit: ContainerUnit, argv: list[str], env: dict[str, str], workdir: Path
    ) -> None:
        unit.run += 1
        run = unit.run
        container_log = self._logs.get(unit.name)
        if container_log is None:
            path = self.directory / f"{unit.name}.log"
            container_log = ContainerLog(path, self._host.settings.log_max_bytes)
            self._logs[unit.name] = container_log
        container_log.recent.begin()
        try:
            process = ContainerProcess(
                argv,
                env,
                workdir,
                container_log,
                self._host.guard,
                lambda code: self._inbox.put(lambda: self._take_exit(unit, run, code)),
            )
        except StartError as error:
            self._emit("Warning", "Failed", f"Error: {error}")
            unit.failed_to_start(str(error))
            self._after_end(unit)
            return
        ports = {
            one["name"]: int(one["containerPort"])
            for one in unit.spec.get("ports") or []
            if "name" in one
        }
        self._host.cpu.begin(process.pid, *self._key, unit.name)
        where = Surroundings(self._address, ports, env, workdir)
        unit.begun(process, where, f"local://{self.uid}-{unit.name}-{process.pid}")
        self._emit("Normal", "Started", f"Started container {unit.name}")
        unit.start_probes(self._probe_report)

    # -- messages -----------------------------------------------------------------------------

    def _take_update(self, pod: Mapping[str, Any]) -> None:
        self._pod = pod
        metadata = pod["metadata"]
        if metadata.get("deletionTimestamp"):
            grace = float(metadata.get("deletionGracePeriodSeconds") or 0)
            if not self._deleting or grace < (self._deadline_seen or 0):
                self._deadline_seen = grace
                self._stop_all(grace)
            self._deleting = True
        elif self._sent is not None and int(metadata["resourceVersion"]) > self._sent_version:
            # the node controller marks the pods of an unready node: say how it really is
            server = (pod.get("status") or {}).get("conditions") or []
            ready = {one["status"] for one in server if one["type"] == "Ready"}
            if ready and ready != {self._conditions["Ready"]["status"]}:
                self._sent = None

    def _take_exit(self, unit: ContainerUnit, run: int, code: int) -> None:
        if run != unit.run or unit.process is None:
            return
        self._host.cpu.end(unit.process.pid)
        unit.ended(code)
        if not self._ending:
            self._after_end(unit)

    def _after_end(self, unit: ContainerUnit) -> None:
        """Decide by the restart policy whether a container that ended runs again."""
        failed = not unit.completed
        again = failed if unit in self._init else self._policy == "Always" or failed
        if not again or self._policy == "Never":
            return
        delay = unit.schedule_restart()
        if delay > 0:
            self._emit("Warning", "BackOff", f"Back-off restarting failed container {unit.name}")

    def _probe_report(
        self,
        unit: ContainerUnit,
        run: int,
        kind: str,
        outcome: Outcome,
        changed: bool,
        verdict: bool | None,
    ) -> None:
        if changed or not outcome.success:
            self._inbox.put(lambda: self._take_probe(unit, run, kind, outcome, changed, verdict))

    def _take_probe(
        self,
        unit: ContainerUnit,
        run: int,
        kind: str,
        outcome: Outcome,
        changed: bool,
        verdict: bool | None,
    ) -> None:
        if run != unit.run or not unit.running:
            return
        if not outcome.success:
            text = f"{kind.capitalize()} probe failed: {outcome.message}"
            self._emit("Warning", "Unhealthy", text)
        if not changed or verdict is None:
            return
        if unit.judge(kind, verdict):
            spec = unit.probes[kind]
            pod_grace = float(self._pod["spec"].get("terminationGracePeriodSeconds") or 0)
            self._stop_unit(unit, pod_grace if spec.grace is None else spec.grace)
            message = f"Container {unit.name} failed {kind} probe, will be restarted"
            self._emit("Normal", "Killing", message)
        elif kind == STARTUP:
            unit.start_probes(self._probe_report)

    # -- ending -------------------------------------------------------------------------------

    def _stop_unit(self, unit: ContainerUnit, grace: float) -> None:
        unit.stop_probes(*(() if self._halting else (LIVENESS, STARTUP)))
        process, where = unit.process, unit.surroundings
        if process is None or where is None:
            return
        # a second stop only shortens the grace: the hook is running or has run already
        hook = None
        if not unit.stopping:
            hook = pre_stop(
                unit.spec,
                where,
                process.wait,
                lambda outcome: self._emit("Warning", "FailedPreStopHook", outcome.message),
            )
        unit.stopping = True
        process.stop(grace, hook)

    def _stop_all(self, grace: float) -> None:
        for unit in self._units:
            unit.next_start = None
            if unit.running:
                self._emit("Normal", "Killing", f"Stopping container {unit.name}")
                self._stop_unit(unit, grace)

    def _wind_down(self) -> bool:
        """Bring the pod down; return True when nothing of it is left to do."""
        alive = [unit for unit in self._units if unit.process is not None]
        if self._gone:
            for unit in alive:
                if unit.process is not None:
                    unit.process.kill()
        elif self._halting:
            grace = float(self._pod["spec"].get("terminationGracePeriodSeconds") or 0)
            for unit in alive:
                if not unit.stopping:
                    self._stop_unit(unit, min(grace, self._host.settings.stop_seconds))
        if alive:
            return False
        if self._gone or self._halting:
            return True
        if self._retry_at is not None:  # the end has not been told yet; the object stays so long
            return False
        files.clear(self.directory)
        try:
            self._host.cluster.remove_pod(self.namespace, self.pod_name, self.uid)
        except ApiError as error:
            log.warning("pod %s/%s: not removed yet, trying again: %s", *self._key, error)
            self._retry_at = time.monotonic() + _RETRY_API
            return False
        return True

    # -- telling ------------------------------------------------------------------------------

    def _emit(self, kind: str, reason: str, message: str) -> None:
        log.info("pod %s/%s: %s: %s", *self._key, reason, message)
        self._host.events.emit(self._pod, kind, reason, message)

    def _status(self) -> Json:
        init = [unit.view() for unit in self._init]
        main = [unit.view() for unit in self._main]
        pod_phase = status.phase(self._policy, init, main)
        known = {
            one["type"]: one for one in (self._pod.get("status") or {}).get("conditions") or []
        }
        conditions = status.conditions(
            self._pod, known | self._conditions, pod_phase, init, main, now()
        )
        self._conditions = {one["type"]: one for one in conditions}
        result: Json = {
            "phase": pod_phase,
            "startTime": self._start_time,
            "hostIP": self._host_address,
            # the patch merges these lists by address: an agent started anew may have others
            "hostIPs": [{"$patch": "replace"}, {"ip": self._host_address}],
            "podIP": self._address,
            "podIPs": [{"$patch": "replace"}, {"ip": self._address}],
            "conditions": conditions,
            "containerStatuses": [view.to_json() for view in main],
        }
        if init:
            result["initContainerStatuses"] = [view.to_json() for view in init]
        return result

    def _publish(self) -> None:
        """Send the status if it changed; on failure plan another try."""
        wanted = self._status()
        if self._host.silent(self._node):
            self._retry_at = time.monotonic() + _RETRY_API
            return
        if wanted == self._sent:
            return
        try:
            answer = self._host.cluster.patch_pod_status(
                self.namespace, self.pod_name, self.uid, wanted
            )
        except ApiError as error:
            if error.status in (404, 409):  # gone, or another pod has the name now
                self._gone = True
                return
            log.warning("pod %s/%s: status not sent, trying again: %s", *self._key, error)
            self._retry_at = time.monotonic() + _RETRY_API
            return
        self._sent = wanted
        self._sent_version = int(answer["metadata"]["resourceVersion"])


def _refuse_unsupported(unit: ContainerUnit, *, init: bool) -> None:
    """Refuse what would otherwise be left out silently."""
    if (unit.spec.get("lifecycle") or {}).get("postStart"):
        raise ContainerConfigError("lifecycle.postStart is not supported by this node agent")
    if init and unit.spec.get("restartPolicy") == "Always":
        raise ContainerConfigError("sidecar init containers are not supported by this node agent")

"""One real Kubernetes control plane on loopback: etcd, API server, controller manager, scheduler.

The command lines are data (:class:`ProcessSpec`); whoever supervises the stack runs them.
:meth:`ControlPlane.start` knows the order and what to wait for in between.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from onemachine.kubernetes import identities
from onemachine.kubernetes.api import ApiClient
from onemachine.kubernetes.kubeconfig import write_client_kubeconfig, write_webhook_kubeconfig
from onemachine.kubernetes.pki import CertificateAuthority, KeyPair, service_account_key
from onemachine.processes.errors import StartFailed
from onemachine.processes.ports import free_port
from onemachine.processes.waiting import LogTail, wait_until

__all__ = [
    "ControlPlane",
    "ControlPlanePorts",
    "Launch",
    "ProcessSpec",
]

HOST = "127.0.0.1"
SERVICE_ACCOUNT_ISSUER = "https://kubernetes.default.svc"
_SERVICE_RANGE = "10.96.0.0/16"
_FIRST_SERVICE_ADDRESS = "10.96.0.1"
# The API server refuses to advertise a loopback address. Nobody ever dials this one (TEST-NET-1,
# RFC 5737): endpoint reconciliation is off, and the node agent hands pods the real endpoint.
_ADVERTISED_ADDRESS = "192.0.2.1"

# Controllers of things that a cluster without clouds, disks and certificate requests never has.
_UNUSED_CONTROLLERS = (
    "certificatesigningrequest-approving-controller",
    "certificatesigningrequest-cleaner-controller",
    "certificatesigningrequest-signing-controller",
    "cloud-node-lifecycle-controller",
    "node-ipam-controller",
    "node-route-controller",
    "persistentvolume-attach-detach-controller",
    "persistentvolume-expander-controller",
    "service-lb-controller",
)
_BINDER = "persistentvolume-binder-controller"


@dataclass(frozen=True)
class ProcessSpec:
    """One process to run: name (of its log, too), argument list, extra environment."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


Launch = Callable[[ProcessSpec], LogTail]
"""Starts a process and returns at once; stopping it is the launcher's business."""


@dataclass(frozen=True)
class ControlPlanePorts:
    """TCP ports on 127.0.0.1. Controller manager and scheduler listen on none."""

    api_server: int
    etcd_client: int
    etcd_peer: int

    @classmethod
    def choose(cls) -> ControlPlanePorts:
        """Take three ports that are free now."""
        return cls(free_port(HOST), free_port(HOST), free_port(HOST))


@dataclass(frozen=True)
class ControlPlane:
    """A control plane that keeps all it writes in one folder.

    Parameters
    ----------
    kubernetes_bin, etcd_bin : Path
        Folders with ``kube-apiserver`` etc. and with ``etcd``.
    state_dir : Path
        Folder for keys, kubeconfigs and the database. An existing one is continued.
    ports : ControlPlanePorts
        Ports to listen on.
    cluster_name : str
        Name in the kubeconfigs, as ``aws eks update-kubeconfig`` would give it.
    token_webhook_url : str, optional
        Address that reviews bearer tokens (the EKS authenticator of the local AWS). None: only
        certificates and service account tokens are accepted.
    token_cache_seconds : int
        How long the API server believes the webhook's last answer. Short, so that a removed access
        entry is felt soon (the default is two minutes). The API server's own cache of any token
        adds up to ten seconds.
    service_gateway : str, optional
        Address of an HTTP proxy by which the API server reaches the addresses of Services
        (``services/proxy``). It refuses to dial a loopback address, and all else of this cluster
        has no others. None: Services are not reached.
    binds_volumes : bool
        Whether claims are bound to volumes. Else they stay as whoever made them says.
    """

    kubernetes_bin: Path
    etcd_bin: Path
    state_dir: Path
    ports: ControlPlanePorts
    cluster_name: str = "sre-platform"
    token_webhook_url: str | None = field(default=None, repr=False)  # its path is a secret
    token_cache_seconds: int = 5
    service_gateway: str | None = None
    binds_volumes: bool = False

    @property
    def _unused(self) -> tuple[str, ...]:
        return _UNUSED_CONTROLLERS if self.binds_volumes else (*_UNUSED_CONTROLLERS, _BINDER)

    @property
    def endpoint(self) -> str:
        """``https://127.0.0.1:port`` of the API server."""
        return f"https://{HOST}:{self.ports.api_server}"

    @property
    def ca_file(self) -> Path:
        """Certificate authority of the cluster, PEM."""
        return self._pki / "kubernetes-ca.crt"

    @property
    def ca_pem(self) -> str:
        """The same as text. Exists after :meth:`prepare`."""
        return self.ca_file.read_text(encoding="ascii")

    @property
    def admin_kubeconfig(self) -> Path:
        """For people and tests: may do everything."""
        return self._kubeconfig("admin")

    @property
    def node_agent_kubeconfig(self) -> Path:
        """For the node agent: nodes, pod status, service account tokens."""
        return self._kubeconfig("node-agent")

    @property
    def prometheus_kubeconfig(self) -> Path:
        """For Prometheus' ``kubernetes_sd_configs``: reads pods, services, endpoints, nodes."""
        return self._kubeconfig("prometheus")

    @property
    def kube_state_metrics_kubeconfig(self) -> Path:
        """For kube-state-metrics: lists and watches what it makes metrics of."""
        return self._kubeconfig("kube-state-metrics")

    @property
    def service_account_public_key(self) -> Path:
        """Public key, PEM, that verifies service account tokens."""
        return self._pki / "service-account.pub"

    def prepare(self) -> None:
        """Write keys, certificates and kubeconfigs. Starts nothing."""
        self.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        authority = CertificateAuthority(self._pki, "kubernetes-ca")
        database_authority = CertificateAuthority(self._pki, "etcd-ca")
        service_account_key(self._pki)
        names = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
        authority.issue_server("kube-apiserver", (*names, HOST, _FIRST_SERVICE_ADDRESS))
        database_authority.issue_server("etcd", ("localhost", HOST), peer=True)
        database_authority.issue_client("etcd-client", "kube-apiserver")
        # What the node agent asks of who wants to read logs (onemachine.node.kubelet_logs).
        authority.issue_client("kubelet-client", "kube-apiserver-kubelet-client")
        for name, user, groups in (
            ("admin", identities.ADMIN_USER, (identities.ADMIN_GROUP,)),
            ("controller-manager", identities.CONTROLLER_MANAGER_USER, ()),
            ("scheduler", identities.SCHEDULER_USER, ()),
            ("node-agent", identities.NODE_AGENT_USER, ()),
            ("prometheus", identities.PROMETHEUS_USER, ()),
            ("kube-state-metrics", identities.KUBE_STATE_METRICS_USER, ()),
        ):
            write_client_kubeconfig(
                self._kubeconfig(name),
                cluster=self.cluster_name,
                user=user,
                server=self.endpoint,
                ca_pem=authority.pem,
                credentials=authority.issue_client(name, user, groups),
            )
        if self.token_webhook_url is not None:
            write_webhook_kubeconfig(self._webhook_config, url=self.token_webhook_url)

    def processes(self) -> tuple[ProcessSpec, ProcessSpec, ProcessSpec, ProcessSpec]:
        """Give the four processes in the order in which they start."""
        return (
            self._etcd(),
            self._api_server(),
            self._controller_manager(),
            self._scheduler(),
        )

    def start(self, launch: Launch, *, timeout_seconds: float = 90.0) -> None:
        """Prepare, then start each part when the one before it is ready for it.

        Parameters
        ----------
        launch : callable
            Starts a process and gives a handle on it.
        timeout_seconds : float
            For the whole.

        Raises
        ------
        StartFailed
            A part ended or was not ready in time; with the last lines of its log.
        """
        deadline = time.monotonic() + timeout_seconds
        self.prepare()
        etcd, api_server, controller_manager, scheduler = self.processes()
        running = [launch(etcd), launch(api_server)]
        left = deadline - time.monotonic()
        wait_until(self._api_ready, "the API server to be ready", left, _Together(running))
        self._create_identities()
        # Both give up where the API server does not answer yet, hence not earlier.
        running += [launch(controller_manager), launch(scheduler)]
        left = deadline - time.monotonic()
        wait_until(self._controllers_ready, "the controllers to work", left, _Together(running))

    def api_as(self, name: str) -> ApiClient:
        """Give a client for one of the identities. Usable after :meth:`prepare`.

        Parameters
        ----------
        name : str
            ``admin``, ``node-agent``, ``prometheus`` or ``kube-state-metrics``.
        """
        credentials = KeyPair(self._pki / f"{name}.crt", self._pki / f"{name}.key")
        return ApiClient(self.endpoint, self.ca_file, credentials)

    @property
    def _pki(self) -> Path:
        return self.state_dir / "pki"

    @property
    def _webhook_config(self) -> Path:
        return self._kubeconfig("token-webhook")

    def _kubeconfig(self, name: str) -> Path:
        return self.state_dir / f"{name}.kubeconfig"

    def _etcd(self) -> ProcessSpec:
        client = f"https://{HOST}:{self.ports.etcd_client}"
        peer = f"https://{HOST}:{self.ports.etcd_peer}"
        argv = (
            str(self.etcd_bin / "etcd"),
            "--name=srectl",
            f"--data-dir={self.state_dir / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=srectl={peer}",
            "--client-cert-auth",
            f"--trusted-ca-file={self._pki / 'etcd-ca.crt'}",
            f"--cert-file={self._pki / 'etcd.crt'}",
            f"--key-file={self._pki / 'etcd.key'}",
            "--peer-client-cert-auth",
            f"--peer-trusted-ca-file={self._pki / 'etcd-ca.crt'}",
            f"--peer-cert-file={self._pki / 'etcd.crt'}",
            f"--peer-key-file={self._pki / 'etcd.key'}",
            # The data is as disposable as the stack; waiting for the disk costs seconds.
            "--unsafe-no-fsync",
            "--log-level=warn",
        )
        return ProcessSpec("etcd", argv)

    def _api_server(self) -> ProcessSpec:
        argv = [
            str(self.kubernetes_bin / "kube-apiserver"),
            f"--bind-address={HOST}",
            f"--secure-port={self.ports.api_server}",
            f"--advertise-address={_ADVERTISED_ADDRESS}",
            "--endpoint-reconciler-type=none",
            f"--etcd-servers=https://{HOST}:{self.ports.etcd_client}",
            f"--etcd-cafile={self._pki / 'etcd-ca.crt'}",
            f"--etcd-certfile={self._pki / 'etcd-client.crt'}",
            f"--etcd-keyfile={self._pki / 'etcd-client.key'}",
            f"--tls-cert-file={self._pki / 'kube-apiserver.crt'}",
            f"--tls-private-key-file={self._pki / 'kube-apiserver.key'}",
            f"--client-ca-file={self.ca_file}",
            f"--cert-dir={self._pki}",
            # Nodes have addresses here, and names that nobody resolves.
            "--kubelet-preferred-address-types=InternalIP",
            f"--kubelet-client-certificate={self._pki / 'kubelet-client.crt'}",
            f"--kubelet-client-key={self._pki / 'kubelet-client.key'}",
            "--anonymous-auth=false",
            "--authorization-mode=RBAC",
            f"--service-account-issuer={SERVICE_ACCOUNT_ISSUER}",
            f"--service-account-key-file={self.service_account_public_key}",
            f"--service-account-signing-key-file={self._pki / 'service-account.key'}",
            f"--api-audiences={SERVICE_ACCOUNT_ISSUER}",
            f"--service-cluster-ip-range={_SERVICE_RANGE}",
            # Pods leave a dead node after half a minute instead of five.
            "--default-not-ready-toleration-seconds=30",
            "--default-unreachable-toleration-seconds=30",
            "--profiling=false",
            # From etcd, which remembers more than a restarted server's cache: so a watch of what is
            # under care goes on where it was, and nobody misses a change.
            "--watch-cache-sizes=deployments.apps#0",
        ]
        if self.token_webhook_url is not None:
            argv += [
                f"--authentication-token-webhook-config-file={self._webhook_config}",
                "--authentication-token-webhook-version=v1",
                f"--authentication-token-webhook-cache-ttl={self.token_cache_seconds}s",
            ]
        # Go sends nothing to a proxy that is on loopback itself (webhooks), and etcd speaks gRPC.
        environment = {} if self.service_gateway is None else {"HTTP_PROXY": self.service_gateway}
        return ProcessSpec("kube-apiserver", tuple(argv), environment)

    def _controller_manager(self) -> ProcessSpec:
        kubeconfig = self._kubeconfig("controller-manager")
        argv = (
            str(self.kubernetes_bin / "kube-controller-manager"),
            f"--kubeconfig={kubeconfig}",
            "--secure-port=0",
            f"--bind-address={HOST}",
            "--leader-elect=false",
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={self._pki / 'service-account.key'}",
            f"--root-ca-file={self.ca_file}",
            "--controllers=*," + ",".join(f"-{name}" for name in self._unused),
            # Four missed heartbeats of ten seconds: a busy laptop is not a dead node.
            "--node-monitor-period=2s",
            "--node-monitor-grace-period=40s",
            # The default keeps 12500 finished pods.
            "--terminated-pod-gc-threshold=50",
            "--profiling=false",
        )
        return ProcessSpec("kube-controller-manager", argv)

    def _scheduler(self) -> ProcessSpec:
        argv = (
            str(self.kubernetes_bin / "kube-scheduler"),
            f"--kubeconfig={self._kubeconfig('scheduler')}",
            "--secure-port=0",
            f"--bind-address={HOST}",
            "--leader-elect=false",
            "--profiling=false",
        )
        return ProcessSpec("kube-scheduler", argv)

    def _api_ready(self) -> bool:
        return self.api_as("admin").call("GET", "/readyz").status == http.client.OK

    def _controllers_ready(self) -> bool:
        # No pod is admitted without its namespace's default service account, which a controller
        # makes; and the root certificate that pods mount comes from another.
        core = "/api/v1/namespaces/default"
        api = self.api_as("admin")
        return all(
            api.call("GET", f"{core}/{path}").status == http.client.OK
            for path in ("serviceaccounts/default", "configmaps/kube-root-ca.crt")
        )

    def _create_identities(self) -> None:
        api = self.api_as("admin")
        for path, document in identities.cluster_roles():
            answer = api.call("POST", path, document)
            if answer.status == http.client.CONFLICT:  # a continued state folder has it already
                answer = api.call("PUT", f"{path}/{document['metadata']['name']}", document)
            if answer.status not in (http.client.OK, http.client.CREATED):
                raise StartFailed(
                    f"{document['kind']} {document['metadata']['name']} to be created",
                    f"the API server answered HTTP {answer.status} {answer.body}",
                )


class _Together:
    """Several processes seen as one: ended when one of them ended, and then speaking for that one.

    Parameters
    ----------
    parts : sequence of LogTail
        The last one speaks while all are alive.
    """

    def __init__(self, parts: Sequence[LogTail]) -> None:
        self._parts = tuple(parts)

    @property
    def name(self) -> str:
        return self._speaker().name

    @property
    def log_path(self) -> Path:
        return self._speaker().log_path

    def alive(self) -> bool:
        return all(part.alive() for part in self._parts)

    def log_tail(self, n: int = 20) -> str:
        return self._speaker().log_tail(n)

    def _speaker(self) -> LogTail:
        return next((part for part in self._parts if not part.alive()), self._parts[-1])

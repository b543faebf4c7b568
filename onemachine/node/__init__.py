"""The node agent of the one-machine stack: a kubelet small enough to need no privileges.

It registers Node objects against a real kube-apiserver, keeps their leases and conditions
fresh, and runs the command of every pod bound to them as a local process on a loopback
address of the pod's own. Deployments, rollouts, evictions and probes are therefore the real
thing; only the container is missing. What that leaves out, on purpose:

* images are not pulled: :mod:`onemachine.node.images` maps an image to a local command;
* volumes are not mounted: a pod gets a ``TMPDIR`` and a ``HOME`` of its own instead;
* nothing is isolated: pods run as the user of the agent, without cgroups or namespaces; security
  contexts and resource limits are not enforced. The agent refuses any API server that is not on
  a loopback address, so that it can never join, and run commands from, a cluster that other
  people can write to;
* there is no service network: the API server refuses loopback addresses in EndpointSlices, so
  clients find pods by their own conditions, which is what endpoints are made from.

Other parts of the stack need only :class:`NodeAgent` and :func:`choose_pod_range`.
"""

from onemachine.node.addresses import choose_pod_range
from onemachine.node.images import ImageSpec, write_image_map
from onemachine.node.launch import NodeAgent

__all__ = ["ImageSpec", "NodeAgent", "choose_pod_range", "write_image_map"]

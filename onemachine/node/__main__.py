"""Command line of the node agent: ``python -m onemachine.node --help``."""

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from onemachine.node.addresses import parse_range
from onemachine.node.agent import Agent
from onemachine.node.backoff import BackoffPolicy
from onemachine.node.cluster import Cluster
from onemachine.node.errors import NodeAgentError
from onemachine.node.identity import AwsEndpoint
from onemachine.node.settings import AgentSettings


def build_parser() -> argparse.ArgumentParser:
    """Return the argument parser."""
    parser = argparse.ArgumentParser(
        prog="python -m onemachine.node",
        description="Runs the pods of a local Kubernetes API server as local processes.",
    )
    parser.add_argument("--kubeconfig", type=Path, required=True, help="server and identity")
    parser.add_argument("--nodes", required=True, help="names of the nodes, separated by commas")
    parser.add_argument("--state-dir", type=Path, required=True, help="for pods, logs, controls")
    parser.add_argument("--pod-range", required=True, help="loopback network, e.g. 127.20.0.0/16")
    parser.add_argument("--images", type=Path, help="image map (JSON): image to local command")
    parser.add_argument("--aws-endpoint-url", help="local AWS, given to pods as AWS_ENDPOINT_URL")
    parser.add_argument("--aws-region", default="us-east-1", help="default: %(default)s")
    parser.add_argument(
        "--restart-backoff-scale",
        type=float,
        default=1.0,
        help="factor on a kubelet's restart back-off of 10 s to 5 min (default: 1)",
    )
    parser.add_argument(
        "--log-max-bytes", type=int, default=5 * 1024 * 1024, help="per container log file"
    )
    parser.add_argument(
        "--metrics-port", type=int, default=0, help="port on 127.0.0.1 for a kubelet's metrics"
    )
    return parser


def settings_from(arguments: argparse.Namespace) -> AgentSettings:
    """Turn parsed arguments into checked settings."""
    standard = BackoffPolicy()
    scale = arguments.restart_backoff_scale
    return AgentSettings(
        nodes=tuple(name for name in arguments.nodes.split(",") if name),
        state_dir=arguments.state_dir.resolve(),
        pod_range=parse_range(arguments.pod_range),
        image_map=arguments.images,
        aws=AwsEndpoint(arguments.aws_endpoint_url, arguments.aws_region),
        backoff=BackoffPolicy(standard.initial * scale, standard.maximum * scale),
        log_max_bytes=arguments.log_max_bytes,
        metrics_port=arguments.metrics_port,
    )


def main(argv: list[str] | None = None) -> int:
    """Run the agent until SIGTERM or SIGINT.

    Returns
    -------
    int
        0 after an orderly stop, 1 if the agent could not start.
    """
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    arguments = build_parser().parse_args(argv)
    stop_asked = threading.Event()
    try:
        settings = settings_from(arguments)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop_asked.set())
        agent = Agent(settings, Cluster(arguments.kubeconfig))
        try:
            agent.start()
            stop_asked.wait()
        finally:
            agent.stop()
    except NodeAgentError as error:
        print(f"node agent: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m onemachine.traffic``: run the generator until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import logging
import signal
from pathlib import Path

from onemachine.traffic.generator import Generator
from onemachine.traffic.pods import ReadyPods


def main() -> None:
    """Read the arguments and send orders."""
    parser = argparse.ArgumentParser(prog="traffic", description="Orders at a constant rate.")
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="one line of JSON a second")
    parser.add_argument("--rate", type=_rate, default=20.0, help="orders a second")
    parser.add_argument("--namespace", default="apps")
    parser.add_argument("--service", default="checkout")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")

    pods = ReadyPods(arguments.kubeconfig, arguments.namespace, arguments.service)
    generator = Generator(pods, arguments.rate, arguments.output)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: generator.stop())
    pods.start()
    generator.run()
    pods.stop()


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate <= 500:
        raise argparse.ArgumentTypeError("orders a second: more than 0, at most 500")
    return rate


if __name__ == "__main__":
    main()

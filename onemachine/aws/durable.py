"""What AWS keeps when all of it dies at once.

On AWS whatever was answered is safe; the emulator keeps everything in memory, and a kill -9 of it
would be the end of the world instead of a fault. So it dies on ``SIGUSR2``: it stops in the
middle of everything, answers nobody any more, writes down what AWS would have kept, and kills
itself. Started again on the same folder it goes on from there:

* tables, queues, parameters, rules, functions … are as they were;
* events that the bus had taken and not delivered are delivered, again where it was half done;
* Express executions that were under way run again from their start (AWS promises at least once);
* Standard executions that were under way have failed, and their status is told. On AWS they would
  go on; here they were threads.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

__all__ = ["PERSIST_VARIABLE", "SIGNAL", "arm", "was_killed"]

SIGNAL = signal.SIGUSR2
#: The emulator loads its state where this is 1; it is read when the emulator is imported.
PERSIST_VARIABLE = "PERSIST_STATE"
_WAS_UNDER_WAY = "under-way.json"
_FOR_EVER = 3600.0
#: Until the server that the redelivered events reach is there.
_START_SECONDS = 1.0

log = logging.getLogger("srectl.durable")


def was_killed() -> bool:
    """Tell whether an earlier server of this folder died on :data:`SIGNAL`."""
    return (_folder() / _WAS_UNDER_WAY).exists()


def arm() -> None:
    """Die durably on the signal, and go on from an earlier death."""
    from ministack import app as emulator
    from ministack.core import persistence

    stock_load = emulator._load_persisted_state

    def load() -> None:
        stock_load()
        # Only a death is written down: an orderly end is that of the stack.
        emulator.PERSIST_STATE = persistence.PERSIST_STATE = False
        under_way = json.loads((_folder() / _WAS_UNDER_WAY).read_text("utf-8"))
        threading.Timer(_START_SECONDS, _go_on, args=(under_way,)).start()

    emulator._load_persisted_state = load
    signal.signal(SIGNAL, lambda *_: _die(emulator, persistence))


def _folder() -> Path:
    return Path(os.environ["STATE_DIR"])


def _die(emulator: Any, persistence: Any) -> None:
    """Write down what is safe, and die; runs on the thread that answers requests.

    No other thread computes meanwhile, so that what is written is one moment's.
    """
    from ministack.services import stepfunctions

    from onemachine.aws.mends import event_delivery

    sys.setswitchinterval(_FOR_EVER)
    states = {}
    for name, get_state in emulator._build_persistence_save_dict().items():
        states[name] = get_state()
    under_way = {
        "events": [event for event, _ in event_delivery.undelivered()],
        "executions": [
            execution["executionArn"]
            for execution in stepfunctions._executions.all_values()
            if execution.get("status") == "RUNNING"
        ],
    }
    persistence.PERSIST_STATE = True
    for name, state in states.items():
        if state is not None:
            persistence.save_state(name, state)
    (_folder() / _WAS_UNDER_WAY).write_text(json.dumps(under_way), "utf-8")
    os.kill(os.getpid(), signal.SIGKILL)


def _go_on(under_way: dict[str, Any]) -> None:
    from ministack.core.responses import request_scope
    from ministack.services import eventbridge, stepfunctions

    for execution in stepfunctions._executions.all_values():
        if execution["executionArn"] not in under_way["executions"]:
            continue
        _, _, _, region, account, *_ = execution["executionArn"].split(":")
        with request_scope(account, region):
            machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) or {}
            if machine.get("type", "STANDARD") == "STANDARD":
                stepfunctions._emit_execution_status_event(execution)
            else:
                stepfunctions._start_execution(
                    {
                        "stateMachineArn": execution["stateMachineArn"],
                        "input": execution.get("input", "{}"),
                    }
                )
    for event in under_way["events"]:
        with request_scope(event["Account"], event["Region"]):
            eventbridge._dispatch_event(event)
    log.warning(
        "went on after a death: %d executions had been under way, %d events undelivered",
        len(under_way["executions"]),
        len(under_way["events"]),
    )

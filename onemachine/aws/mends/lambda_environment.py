"""Mends what a function finds in its environment.

Lambda gives a function its own variables and a short list of reserved ones. The emulator starts the
worker process with a copy of the host's whole environment, so that a function may work here only
because of a variable that it will not have on AWS, and sees secrets that are none of its business.

Kept beside Lambda's own: ``AWS_ENDPOINT_URL`` (the way to this AWS) and what keeps the SDK away
from the configuration files of the person who runs the stack.
"""

from __future__ import annotations

import os
import threading
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime

_LAMBDA = frozenset(
    {
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "LAMBDA_TASK_ROOT",
        # read by the emulator's worker script
        "_LAMBDA_FUNCTION_ARN",
        "_LAMBDA_TIMEOUT",
        "_LAMBDA_LAYERS_DIRS",
        "AWS_DISABLE_HOST_PREFIX_INJECTION",
    }
)


def worker_environment(offered: dict[str, str], config: dict[str, Any]) -> dict[str, str]:
    """Return what of the emulator's environment for a worker a function may see.

    Parameters
    ----------
    offered : dict
        Environment that the emulator would start the worker with.
    config : dict
        Configuration of the function.
    """
    own: dict[str, str] = (config.get("Environment") or {}).get("Variables") or {}
    name = config.get("FunctionName", "")
    log_group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
    gateway = f"http://{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}"
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": gateway,
        **own,
        **{key: value for key, value in offered.items() if key in _LAMBDA},
        "_HANDLER": config.get("Handler", ""),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime', '')}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": log_group,
    }


def apply() -> None:
    """Filter the environment at the one place where worker processes are started."""
    current = threading.local()
    stock_spawn = lambda_runtime.Worker._spawn
    stock_popen = lambda_runtime.subprocess.Popen

    def spawn(worker: Any) -> Any:
        current.config = worker.config
        try:
            return stock_spawn(worker)
        finally:
            current.config = None

    def popen(*args: Any, **kwargs: Any) -> Any:
        config = getattr(current, "config", None)
        if config is not None:
            kwargs["env"] = worker_environment(kwargs["env"], config)
        return stock_popen(*args, **kwargs)

    stock = lambda_runtime.subprocess
    # The module's view of subprocess only: the real one stays as it is for everybody else.
    lambda_runtime.subprocess = SimpleNamespace(
        Popen=popen,
        PIPE=stock.PIPE,
        STDOUT=stock.STDOUT,
        DEVNULL=stock.DEVNULL,
        TimeoutExpired=stock.TimeoutExpired,
        run=stock.run,
    )
    lambda_runtime.Worker._spawn = spawn

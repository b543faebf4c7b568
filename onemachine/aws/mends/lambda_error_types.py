"""Mends what a Python function's exception looks like, and that it kills the environment.

Lambda reports ``{errorMessage, errorType, requestId, stackTrace}`` where ``errorType`` is the name
of the exception class; Step Functions matches ``Retry`` and ``Catch`` by that name. The execution
environment stays warm. A process that was killed is ``Runtime.ExitError``. The emulator calls every
exception ``Runtime.HandlerError``, so that nothing but ``States.ALL`` ever matches, and ends the
worker process, so that the next call starts cold.
"""

from __future__ import annotations

import threading
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

_STOCK = """        except Exception as e:
            _real_stdout.write(json.dumps({"status": "error", "error": str(e), \
"trace": traceback.format_exc()}) + "\\n")"""

# The answer says "ok" because the emulator ends a worker whose answer says "error"; the exception
# travels in a field of its own and becomes the function's error below.
_MENDED = """        except Exception as e:
            sys.stderr.write("[ERROR] " + traceback.format_exc())
            sys.stderr.flush()
            _real_stdout.write(json.dumps({"status": "ok", "result": None, "handler_error": {
                "errorMessage": str(e),
                "errorType": type(e).__name__,
                "requestId": _ms_ctx.get("request_id", ""),
                "stackTrace": traceback.format_tb(e.__traceback__)[1:],
            }}) + "\\n")"""

#: How the emulator says that a process ended by itself or was killed, at work or at its start.
_DIED = ("Worker process died", "Worker process exited immediately")


def apply() -> None:
    """Patch the worker script and read the exception from its answer.

    Raises
    ------
    RuntimeError
        If the emulator's worker script no longer holds the lines to be replaced.
    """
    if lambda_runtime._PYTHON_WORKER_SCRIPT.count(_STOCK) != 1:
        raise RuntimeError(
            "the emulator's Python worker script has changed: review the mend lambda_error_types"
        )
    script = lambda_runtime._PYTHON_WORKER_SCRIPT.replace(_STOCK, _MENDED)
    lambda_runtime._PYTHON_WORKER_SCRIPT = script

    # Worker.invoke and _execute_function_warm run on the same thread, one inside the other.
    current = threading.local()
    stock_invoke = lambda_runtime.Worker.invoke
    stock_execute = lambda_svc._execute_function_warm

    def invoke(worker: Any, *args: Any, **kwargs: Any) -> Any:
        result = stock_invoke(worker, *args, **kwargs)
        current.handler_error = result.get("handler_error")
        return result

    def execute(function: Any, event: Any, request_id: str) -> Any:
        current.handler_error = None
        result = stock_execute(function, event, request_id)
        if current.handler_error is not None:
            return {"body": current.handler_error, "error": True, "log": result.get("log", "")}
        body = result.get("body")
        if isinstance(body, dict) and str(body.get("errorMessage")).startswith(_DIED):
            result["body"] = {
                "errorType": "Runtime.ExitError",
                "errorMessage": f"RequestId: {request_id} Error: Runtime exited before returning",
            }
        return result

    lambda_runtime.Worker.invoke = invoke
    lambda_svc._execute_function_warm = execute

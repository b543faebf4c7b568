"""The gaps of ministack that matter to this platform, one module for each.

A mend wraps or replaces functions of the running emulator; no file of it is changed. Every module
says in its docstring what AWS does, what the emulator does instead, and has one function
``apply()``. A mend can be left out by name, so that a test can show that it is still needed: when
such a test starts to fail after an upgrade, the mend can go.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Collection

log = logging.getLogger(__name__)

#: Module names, in the order in which they are applied: a later one wraps an earlier one.
MENDS: tuple[str, ...] = (
    "event_archive",
    "event_log_target",
    "event_connection",
    "event_dead_letters",
    "event_target_role",
    "event_api_destination",
    "event_input_paths",
    "event_api_retries",
    "event_delivery",
    "schedule_input",
    "replay_filter",
    "lambda_error_types",
    "lambda_log_end",
    "lambda_code_once",
    "lambda_libraries",
    "lambda_environment",
    "lambda_concurrency",
    "account_concurrency",
    "lambda_worker_limit",
    "lambda_metrics",
    "template_aliases",
    "empty_lists",
    "existing_names",
    "sam_parameters",
    "rest_api_openapi",
    "rest_api_policy",
    "rest_api_stable_id",
    "rest_api_integration_failure",
    "rest_api_throttled_function",
    "rest_api_key_id",
    "rest_api_access_log",
    "queue_batch_action",
    "sns_confirmation",
    "sns_http_retries",
    "sns_email",
    "outbound_addresses",
    "task_sns_attributes",
    "task_lambda_throttle",
    "task_retry_delays",
    "task_jsonata_timeout",
    "task_answered_once",
    "succeed_output",
    "task_http",
    "task_start_errors",
    "task_sdk_names",
    "task_role_grants",
    "task_result_size",
    "parameter_rate",
    "machine_definition",
    "assign_at_once",
    "state_data_size",
    "jsonata_compiled",
    "execution_idempotent_start",
    "execution_status",
    "execution_nested",
    "express_executions",
    "execution_turns",
    "table_settings",
    "table_replicas",
    "resource_policies",
    "table_leading_keys",
    "table_atomic_writes",
    "table_system_backup",
    "eks_real_cluster",
    "web_identity_audience",
    "transport_of_loopback",
    "bucket_encryption",
    "query_definitions",
    "metric_filters",
    "embedded_metrics",
    "queue_metrics",
    "execution_metrics",
    "event_metrics",
    "rest_api_metrics",
    "alarm_events",
    "alarm_tag_grants",
    "alarm_evaluation",
    "service_grants",
    "service_calls_function",
)


def apply_mends(off: Collection[str] = ()) -> tuple[str, ...]:
    """Apply every mend that is not switched off.

    Parameters
    ----------
    off : collection of str
        Names out of :data:`MENDS` to leave out.

    Returns
    -------
    tuple of str
        The names that were applied, in order.

    Raises
    ------
    ValueError
        If ``off`` holds a name that is no mend: a typing error must not look like a switch.
    """
    unknown = sorted(set(off) - set(MENDS))
    if unknown:
        raise ValueError(
            f"no such mend of the local AWS: {', '.join(unknown)}; known are: {', '.join(MENDS)}"
        )
    applied = tuple(name for name in MENDS if name not in off)
    for name in applied:
        importlib.import_module(f"{__name__}.{name}").apply()
    log.info("mends applied: %s", ", ".join(applied))
    return applied

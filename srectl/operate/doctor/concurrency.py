"""Can the functions run at once as often as the parameters ask for, within the account's quotas?"""

from __future__ import annotations

from collections.abc import Iterator

from srectl.operate.doctor.check import Check, Grant
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, failed, fine, not_checked, warning
from srectl.operate.refusals import calling

__all__ = ["CHECK"]

# AWS refuses a reservation that leaves fewer for all other functions, where the quota is no less.
_FOR_OTHERS = 100
_RAISE = (
    "aws service-quotas request-service-quota-increase --service-code lambda --quota-code "
    "L-B99A9384 --desired-value 1000"
)


def look(deployment: Deployment) -> Iterator[Finding]:
    """Compare reservations with the parameters, and their sum with the account's quota."""
    account, stack = deployment.account, deployment.stack
    wanted = {
        account.ingest_function: stack.parameter("AlertIngestConcurrency"),
        account.action_function: stack.parameter("RunbookActionConcurrency"),
    }
    asked, wrong = 0, 0
    for function, parameter in wanted.items():
        number = int(parameter or 0)
        asked += number
        with calling(f"the reserved concurrency of {function} could not be read"):
            found = account.functions.get_function_concurrency(FunctionName=function)
        reserved = found.get("ReservedConcurrentExecutions")
        finding = _differs(function, reserved, number)
        if finding is not None:
            wrong += 1
            yield finding
    with calling("the account's quota of Lambda could not be read"):
        limits = account.functions.get_account_settings()["AccountLimit"]
    quota, left = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
    if asked and quota < asked + _FOR_OTHERS:
        wrong += 1
        yield warning(
            "Lambda quota ConcurrentExecutions",
            f"is {quota}, and the parameters reserve {asked} besides the {_FOR_OTHERS} that AWS "
            "keeps for all other functions: the next deployment may fail",
            f"{_RAISE}, or deploy with smaller AlertIngestConcurrency and RunbookActionConcurrency",
        )
    if left < 1:
        wrong += 1
        yield failed(
            "Lambda quota ConcurrentExecutions",
            f"of {quota} none is left unreserved: every other function of the account stands still",
            _RAISE,
        )
    if not wrong:
        yield fine("Lambda concurrency", f"{asked} reserved as asked for, {left} of {quota} left")
    yield _throttle(deployment)


def _differs(function: str, reserved: int | None, wanted: int) -> Finding | None:
    if reserved == 0:
        mend = (
            f"aws lambda put-function-concurrency --function-name {function} "
            f"--reserved-concurrent-executions {wanted}"
            if wanted
            else f"aws lambda delete-function-concurrency --function-name {function}"
        )
        return failed(function, "its reserved concurrency is 0: it takes no call at all", mend)
    if (reserved or 0) != wanted:
        said = reserved if reserved is not None else "not reserved"
        return warning(
            function,
            f"its concurrency is {said}, and the parameters of the stack say {wanted or 'none'}",
            f"aws lambda put-function-concurrency --function-name {function} "
            f"--reserved-concurrent-executions {wanted}"
            if wanted
            else f"aws lambda delete-function-concurrency --function-name {function}",
        )
    return None


def _throttle(deployment: Deployment) -> Finding:
    """Compare the requests that senders may make with what the account's API Gateway takes."""
    stack = deployment.stack
    senders = sum(bool(stack.parameter(f"Sender{place}")) for place in range(1, 5))
    wanted = senders * float(stack.parameter("SenderRequestsPerSecond") or 0)
    where = "API Gateway quota of requests"
    with calling("the account's quota of API Gateway could not be read"):
        settings = deployment.apigateway.get_account().get("throttleSettings", {})
    rate = settings.get("rateLimit")
    if rate is None:
        return not_checked(where, "API Gateway tells no throttle", "aws apigateway get-account")
    if rate < wanted:
        return warning(
            where,
            f"is {rate:.0f} a second, and the senders may make {wanted:.0f}",
            "aws service-quotas request-service-quota-increase --service-code apigateway "
            f"--quota-code L-8A5B8E43 --desired-value {wanted:.0f}, or deploy with a smaller "
            "SenderRequestsPerSecond",
        )
    return fine(where, f"{rate:.0f} a second, senders with keys of their own {wanted:.0f}")


CHECK = Check(
    "quotas",
    "concurrency of the functions and quotas of the account against the parameters",
    (
        Grant(
            ("lambda:GetFunctionConcurrency",),
            "arn:{partition}:lambda:{region}:{account}:function:{prefix}alert-ingest",
        ),
        Grant(
            ("lambda:GetFunctionConcurrency",),
            "arn:{partition}:lambda:{region}:{account}:function:{prefix}runbook-action",
        ),
        Grant(("lambda:GetAccountSettings",)),
        Grant(("apigateway:GET",), "arn:{partition}:apigateway:{region}::/account"),
    ),
    look,
)

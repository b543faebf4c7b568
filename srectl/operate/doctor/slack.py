"""Does the Slack app answer, and may anybody press its buttons?

Its door is asked with a request that nobody has signed. The function reads the app's secret before
it refuses one, so its 401 says that it runs and that the secret is there and in the form it needs.
What comes in so is nothing that it does anything about.
"""

from __future__ import annotations

from collections.abc import Iterator

from srectl.operate.doctor.check import Check
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, failed, fine, not_checked, note, warning
from srectl.operate.doctor.http import NoAnswer, ask
from srectl.operate.doctor.intake import webhook_url

__all__ = ["CHECK"]

_GUIDE = "docs/slack.md"
_NOT_SIGNED, _FORBIDDEN, _FAILING = 401, 403, 500


def look(deployment: Deployment) -> Iterator[Finding]:
    """Look at the parameters of the app, and knock at its door."""
    stack = deployment.stack
    if not stack.parameter("SlackAppSecretArn"):
        yield fine("Slack app", "none is deployed")
        return
    if not stack.parameter("SlackPeople").strip(" ,"):
        yield warning(
            "parameter SlackPeople",
            "is empty: cards are shown, and nobody may press a button of them",
            f"deploy with USER=ARN of who may answer ({_GUIDE})",
        )
    if stack.parameter("WebhookAllowedCidrs") not in ("", "0.0.0.0/0", "0.0.0.0/0,::/0"):
        yield note(
            "parameter WebhookAllowedCidrs",
            "holds for Slack, too, which publishes no addresses: its buttons may not get through",
            f"press one; cards are shown all the same ({_GUIDE})",
        )
    yield _asked(deployment)


def _asked(deployment: Deployment) -> Finding:
    url = webhook_url(deployment).removesuffix("/webhook") + "/slack"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        answer = ask("POST", url, form, b"payload=%7B%7D")
    except NoAnswer as error:
        return failed(url, f"does not answer: {error}", f"curl -v {url}; a proxy between?")
    function = f"{deployment.account.prefix}chat-actions"
    if answer.status == _NOT_SIGNED:
        return fine(
            url, f"answers: {function} has its secret, and refuses what Slack has not signed"
        )
    if answer.status == _FORBIDDEN:
        return not_checked(
            url,
            "refuses whoever asks from here (403)",
            "ask from an address of WebhookAllowedCidrs; if this is one, deploy again: "
            + deployment.deploy_again,
        )
    if answer.status >= _FAILING:
        return failed(
            url,
            f"answers {answer.status}: {function} cannot start, or cannot read its secret as JSON "
            "with signing_secret and bot_token",
            f"aws logs tail /aws/lambda/{function} --since 10m says why ({_GUIDE})",
        )
    return failed(
        url,
        f"answers {answer.status} to what Slack has not signed, and not {_NOT_SIGNED}",
        f"{deployment.deploy_again}; is it another's address?",
    )


CHECK = Check("slack", "the Slack app: its function and secret, and who may answer", (), look)

"""Why a step of a runbook could not be done.

Step Functions sees the *name* of the class and nothing else when it matches ``Retry`` and
``Catch``: the names are a contract, renaming one breaks the state machine.
"""


class RunbookActionError(Exception):
    """A step failed. Only its subclasses are raised."""


class RetryableError(RunbookActionError):
    """The same call may succeed later: nothing about the request is wrong."""


class FinalError(RunbookActionError):
    """Calling again would end the same way: a human has to look."""


class Refusal(FinalError):
    """The function works: what it was asked for is not to be done, or is not there.

    Whoever is called for the incident reads why. That it happens says nothing about the platform,
    so the alarm on failing actions leaves it out. What could not be found out is none: nobody has
    decided anything then.
    """


class ClusterUnreachable(RetryableError):
    """The Kubernetes API did not answer, or answered with a 5xx."""


class ClusterThrottled(RetryableError):
    """The Kubernetes API answered 429: too many requests, or a disruption budget."""


class ClusterConflict(RetryableError):
    """The target was changed by someone else between our read and our write (409)."""


class AwsUnavailable(RetryableError):
    """An AWS service throttled, failed or did not answer."""


class CheckUnavailable(RetryableError):
    """A check of the team's own did not answer, or failed."""


class InvalidRequest(FinalError):
    """The input is not what this function understands. The message names the field."""


class ActionRefused(Refusal):
    """The input is well formed, but a guard forbids this action on this target.

    Out of ``execute`` it says that the step has changed nothing.
    """


class RefusedHalfway(ActionRefused):
    """A guard forbids the rest of a step that may have changed something already."""


class ApprovalDenied(Refusal):
    """Nobody who may has said yes. The message says who said no, or whose yes does not count."""


class PlanChanged(Refusal):
    """What was planned is not what would be done now: it is planned, and asked, again."""


class TargetNotFound(Refusal):
    """The object to act on does not exist."""


class TargetAmbiguous(Refusal):
    """The alert leads to several objects, or to one of a kind that this platform does not know."""


class ParameterRefused(Refusal):
    """A parameter comes from a label of the alert that is missing or out of the bounds."""


class AccessDenied(FinalError):
    """IAM or the cluster's RBAC does not allow the call."""


class StateUnknown(FinalError):
    """What decides here cannot be read: a lock, a lease, a runbook, the answer of a check."""


class ResourceMissing(FinalError):
    """Something that the deployment names is not there: a cluster, a table, a document, a check."""


class AwsRejected(FinalError):
    """AWS refused the call itself (ValidationException and the like)."""


class ClusterRejected(FinalError):
    """The Kubernetes API refused the change itself (400, 422 and the like)."""


class NamespaceEnding(ClusterRejected):
    """The change is refused because its namespace is being deleted, with everything in it."""


class RolloutFailed(FinalError):
    """The change was made, but the target did not come up with it."""


class ChangeReverted(FinalError):
    """The change was made, and somebody else took it back. The message names who."""

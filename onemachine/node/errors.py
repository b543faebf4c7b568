"""Errors of the node agent, each saying what happened and what to do next."""


class NodeAgentError(Exception):
    """Base class of everything the node agent raises on purpose."""


class SettingsError(NodeAgentError):
    """A flag or a file given to the agent cannot be used."""


class ApiError(NodeAgentError):
    """The API server refused a request.

    Parameters
    ----------
    status : int
        HTTP status, 0 when no answer came at all.
    message : str
        What the server said, with the request it answers.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{message} (HTTP {status})" if status else message)
        self.status = status


class ContainerConfigError(NodeAgentError):
    """A container cannot be set up from its spec (a missing ConfigMap key, for example).

    A kubelet shows this as the waiting reason ``CreateContainerConfigError``.
    """


class ImageError(NodeAgentError):
    """No local command is known for a container's image."""

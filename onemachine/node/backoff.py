"""Restart back-off of a container, as a kubelet keeps it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BackoffPolicy:
    """How long to wait before restarting a container that keeps ending.

    Attributes
    ----------
    initial : float
        Seconds before the second restart (the first is immediate, as in a kubelet).
    maximum : float
        Upper bound in seconds; each wait doubles up to it.
    """

    initial: float = 10.0
    maximum: float = 300.0

    @property
    def forgive_after(self) -> float:
        """Seconds a container must run for its history to be forgotten (twice the maximum)."""
        return 2 * self.maximum


class Backoff:
    """The back-off of one container.

    Parameters
    ----------
    policy : BackoffPolicy
        Initial and maximum wait.
    """

    def __init__(self, policy: BackoffPolicy) -> None:
        self._policy = policy
        self._current: float | None = None

    def next_delay(self, ran_for: float = 0.0) -> float:
        """Return the seconds to wait before the next start.

        Parameters
        ----------
        ran_for : float
            Seconds the container lived before it ended.
        """
        if ran_for >= self._policy.forgive_after:
            self._current = None
        if self._current is None:
            self._current = self._policy.initial
            return 0.0
        delay = self._current
        self._current = min(self._current * 2, self._policy.maximum)
        return delay

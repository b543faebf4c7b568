"""What can be switched while the service runs: degraded mode, and faults."""

from __future__ import annotations

from collections.abc import Callable

from checkout.chaos import Chaos, parse_chaos
from checkout.parameters import Parameter, ParameterStore, Refresher
from checkout.settings import Settings, parse_switch

__all__ = ["Switches"]


class Switches:
    """Degraded mode and faults as they are now.

    Parameters
    ----------
    settings : Settings
        ``DEGRADED_MODE`` beats the parameter; ``ERROR_RATE`` and ``LATENCY_MS`` are the faults
        while the chaos parameter does not exist.
    store : ParameterStore
        Where parameters are read.
    look_seconds : float, optional
        Pause between two looks into the store, where it is the store that decides how old a value
        may be; else ``degraded_mode_ttl_seconds``.
    on_failure : callable
        Called with the parameter's name and ``unavailable`` or ``invalid``.
    on_degraded_mode : callable
        Called with the state of degraded mode after each refresh.
    """

    def __init__(
        self,
        settings: Settings,
        store: ParameterStore,
        *,
        on_failure: Callable[[str, str], object],
        on_degraded_mode: Callable[[bool], object],
        look_seconds: float | None = None,
    ) -> None:
        self._settings = settings
        self._degraded_mode: Parameter[bool] | None = None
        self._chaos: Parameter[Chaos] | None = None
        if settings.degraded_mode_parameter and settings.degraded_mode is None:
            name = settings.degraded_mode_parameter
            self._degraded_mode = Parameter(
                name, False, _parse_degraded_mode, lambda reason: on_failure(name, reason)
            )
        if settings.chaos_parameter:
            chaos_name = settings.chaos_parameter
            self._chaos = Parameter(
                chaos_name,
                settings.chaos,
                lambda text: parse_chaos(text, settings.chaos),
                lambda reason: on_failure(chaos_name, reason),
            )
        self._refresher = Refresher(
            store,
            [each for each in (self._degraded_mode, self._chaos) if each is not None],
            settings.degraded_mode_ttl_seconds if look_seconds is None else look_seconds,
            after_round=lambda: on_degraded_mode(self.degraded_mode),
        )

    @property
    def degraded_mode(self) -> bool:
        """Whether the optional steps are skipped."""
        if self._settings.degraded_mode is not None:
            return self._settings.degraded_mode
        return self._degraded_mode is not None and self._degraded_mode.value

    @property
    def chaos(self) -> Chaos:
        """The faults in force."""
        return self._settings.chaos if self._chaos is None else self._chaos.value

    def start(self) -> None:
        """Begin to follow the parameters; to be called in the worker process."""
        self._refresher.start(wait_seconds=self._settings.first_answer_seconds)

    def stop(self) -> None:
        """Stop following the parameters."""
        self._refresher.stop()


def _parse_degraded_mode(text: str) -> bool:
    value = parse_switch(text)
    if value is None:
        # The value stays out of the message: the parameter is a SecureString.
        raise ValueError("neither true nor false")
    return value

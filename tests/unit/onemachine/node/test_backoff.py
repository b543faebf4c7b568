"""The restart back-off doubles, stops growing, and forgives."""

from onemachine.node.backoff import Backoff, BackoffPolicy


def test_the_first_restart_is_immediate_and_each_wait_doubles_to_the_maximum() -> None:
    backoff = Backoff(BackoffPolicy())
    delays = [backoff.next_delay() for _ in range(8)]
    assert delays == [0, 10, 20, 40, 80, 160, 300, 300]


def test_a_container_that_ran_long_enough_starts_over() -> None:
    policy = BackoffPolicy(initial=1, maximum=4)
    backoff = Backoff(policy)
    assert [backoff.next_delay() for _ in range(3)] == [0, 1, 2]
    assert backoff.next_delay(ran_for=policy.forgive_after - 0.1) == 4
    assert backoff.next_delay(ran_for=policy.forgive_after) == 0
    assert backoff.next_delay() == 1

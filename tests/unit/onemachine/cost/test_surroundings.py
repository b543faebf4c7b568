"""What stands beside the platform is counted with what AWS bills for each of it."""

from __future__ import annotations

from onemachine.cost.bill import HOURS_A_MONTH, added
from tests.load.cost.standing import of_surroundings


def test_gateways_and_the_balancer_are_counted_with_their_public_addresses() -> None:
    together = added(*of_surroundings().values())

    assert together["nat_hours"] == 3 * HOURS_A_MONTH
    assert together["balancer_hours"] == HOURS_A_MONTH
    assert together["address_hours"] == 6 * HOURS_A_MONTH


def test_firewalls_keys_and_secrets_of_the_other_templates_are_counted() -> None:
    together = added(*of_surroundings().values())

    assert (together["web_acls"], together["keys"], together["secrets"]) == (2, 6, 1)
    assert together["alarm_metrics"] == 6  # of the view from outside, and of the standby
    assert together["web_acl_rules"] >= together["web_acls"]

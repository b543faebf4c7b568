"""Addresses are loopback, one per pod, and no two stacks share a range."""

import ipaddress

import pytest

from onemachine.node.addresses import AddressPool, choose_pod_range, lock_range, parse_range
from onemachine.node.errors import SettingsError


@pytest.mark.parametrize("text", ["10.0.0.0/16", "127.1.0.0/24", "127.1.0.1/16", "0.0.0.0/0", "x"])
def test_a_range_outside_loopback_or_too_small_is_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_range(text)


def test_pods_and_nodes_have_addresses_of_their_own() -> None:
    network = parse_range("127.200.0.0/16")
    pool = AddressPool(network)
    addresses = [pool.take() for _ in range(600)] + [pool.node(i) for i in range(3)]
    assert len(set(addresses)) == len(addresses)
    assert all(ipaddress.ip_address(one) in network for one in addresses)
    assert not [one for one in addresses if one.endswith((".0", ".255"))]


def test_an_address_given_back_is_not_the_next_one_handed_out() -> None:
    pool = AddressPool(parse_range("127.200.0.0/22"))
    first = pool.take()
    pool.give_back(first)
    assert pool.take() != first
    later = set()
    for _ in range(800):
        later.add(address := pool.take())
        pool.give_back(address)
    assert first in later


def test_an_exhausted_range_is_an_error() -> None:
    pool = AddressPool(parse_range("127.200.0.0/22"))
    usable = 3 * 254  # of a /22 the first /24 is for nodes; .0 and .255 are left out
    assert len({pool.take() for _ in range(usable)}) == usable
    with pytest.raises(SettingsError, match="no free address"):
        pool.take()


def test_a_range_in_use_is_not_chosen_and_cannot_be_claimed_twice() -> None:
    first = choose_pod_range("a-stack-of-this-test")
    assert choose_pod_range("a-stack-of-this-test") == first
    with lock_range(parse_range(first)):
        assert choose_pod_range("a-stack-of-this-test") != first
        with pytest.raises(SettingsError, match="in use"):
            lock_range(parse_range(first))
    assert choose_pod_range("a-stack-of-this-test") == first

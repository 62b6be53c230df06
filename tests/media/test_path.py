"""Which authenticated checks move a leg's path."""

import pytest

from gateway.clock import NS
from gateway.media.path import SEEN_MAX, SETTLING_NS, STALE_NS, Address, Path, family

pytestmark = pytest.mark.core

HOME, TRAIN = ("192.0.2.1", 5_000), ("198.51.100.7", 6_000)


class Checks:
    """Checks with transaction ids of their own."""

    def __init__(self) -> None:
        self.path = Path()
        self._count = 0

    def come(
        self,
        address: Address,
        now_ns: int,
        *,
        nominates: bool = False,
        generation: int = 0,
        copy: bool = False,
    ) -> bool:
        self._count += not copy
        return self.path.check(
            address,
            transaction=self._count.to_bytes(12, "big"),
            nominates=nominates,
            generation=generation,
            now_ns=now_ns,
        )


def test_the_first_check_latches_the_path() -> None:
    checks = Checks()

    assert checks.come(HOME, NS)
    assert checks.path.address == HOME


def test_a_check_on_the_path_does_not_move_it() -> None:
    checks = Checks()
    checks.come(HOME, NS)

    assert not checks.come(HOME, 2 * NS, nominates=True)


def test_a_nominating_check_moves_the_path_at_once() -> None:
    checks = Checks()
    checks.come(HOME, NS)

    assert checks.come(TRAIN, NS + 1, nominates=True)
    assert checks.path.address == TRAIN


def test_a_new_address_takes_over_without_nomination() -> None:
    checks = Checks()
    checks.come(HOME, NS)

    assert checks.come(TRAIN, NS + SETTLING_NS + 1)


def test_candidates_tried_together_do_not_flap() -> None:
    checks = Checks()
    checks.come(HOME, NS)

    assert not checks.come(TRAIN, NS + 50_000_000)


def test_a_known_address_does_not_take_over_while_the_path_is_checked() -> None:
    checks = Checks()
    checks.come(HOME, NS)
    checks.come(TRAIN, 2 * NS, nominates=True)

    assert not checks.come(HOME, 4 * NS)
    assert checks.path.address == TRAIN


def test_a_known_address_takes_over_a_stale_path() -> None:
    checks = Checks()
    checks.come(HOME, NS)
    checks.come(TRAIN, 2 * NS, nominates=True)

    assert checks.come(HOME, 2 * NS + STALE_NS + 1)


def test_a_copied_check_moves_nothing() -> None:
    checks = Checks()
    checks.come(HOME, NS, nominates=True)

    assert not checks.come(TRAIN, 20 * NS, nominates=True, copy=True)
    assert checks.path.address == HOME


def test_an_ice_restart_moves_the_path_and_leaves_old_checks_behind() -> None:
    checks = Checks()
    checks.come(HOME, NS)

    assert checks.come(TRAIN, NS + 1, generation=1)
    assert not checks.come(HOME, 2 * NS, nominates=True)


def test_old_credentials_still_move_the_path_until_new_ones_are_used() -> None:
    checks = Checks()
    checks.come(HOME, NS)

    assert checks.come(TRAIN, 2 * NS, nominates=True, generation=0)


def test_what_is_remembered_is_bounded() -> None:
    checks = Checks()
    checks.come(HOME, NS)
    for port in range(SEEN_MAX + 1):
        checks.come(("192.0.2.9", port), 100 * NS, nominates=True)

    # The first address is forgotten, so it counts as new again.
    assert checks.come(HOME, 100 * NS + SETTLING_NS + 1)


@pytest.mark.parametrize(
    ("host", "expected"), [("192.0.2.1", "ipv4"), ("::ffff:192.0.2.1", "ipv4"), ("2001:db8::1", "ipv6")]
)
def test_only_the_family_of_an_address_leaves(host: str, expected: str) -> None:
    assert family((host, 5_000)) == expected

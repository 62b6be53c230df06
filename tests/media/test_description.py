"""How an offered direction is answered."""

import pytest

from gateway.media.description import Direction

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("offered", "answered"),
    [("sendrecv", "sendrecv"), ("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")],
)
def test_a_direction_is_answered_with_its_mirror(offered: str, answered: str) -> None:
    assert Direction(offered).answered is Direction(answered)

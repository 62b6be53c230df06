from dataclasses import replace

import pytest

from gateway.booking.people.refresh import RACE_LEEWAY_NS, RefreshStatus, RefreshToken, judge
from gateway.ids import AccountId

pytestmark = pytest.mark.core

NOW_NS = 10**18
FRESH = RefreshToken(digest=b"d", family="rfm_1", account=AccountId("acc_1"), expires_at_wall_ns=NOW_NS + 1)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (FRESH, RefreshStatus.ROTATED),
        (None, RefreshStatus.UNKNOWN),
        (replace(FRESH, expires_at_wall_ns=NOW_NS), RefreshStatus.EXPIRED),
        (replace(FRESH, used_at_wall_ns=NOW_NS), RefreshStatus.RACED),
        (replace(FRESH, used_at_wall_ns=NOW_NS - RACE_LEEWAY_NS + 1), RefreshStatus.RACED),
        (replace(FRESH, used_at_wall_ns=NOW_NS - RACE_LEEWAY_NS), RefreshStatus.REUSED),
        (replace(FRESH, is_revoked=True), RefreshStatus.REVOKED),
        (replace(FRESH, is_revoked=True, used_at_wall_ns=1), RefreshStatus.REVOKED),
    ],
)
def test_a_presented_token_is_judged_by_its_row(found: RefreshToken | None, status: RefreshStatus) -> None:
    assert judge(found, NOW_NS) is status

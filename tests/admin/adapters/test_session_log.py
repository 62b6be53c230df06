"""One line per finished session."""

from collections.abc import Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.admin.adapters.session_log import SessionLog
from gateway.facts import Fact, LegClosed, MeterStopped, ReviewOpened, SessionMoved, WalletChanged
from gateway.ids import AccountId, SessionId
from gateway.terms import EndReason, SessionState, Side
from tests.admin.fakes import SESSION, FakeParts, leg_reading, receipt_issued, settled, tick

pytestmark = pytest.mark.adapter


async def lines_of(
    facts: Sequence[Fact], *, parts: FakeParts | None = None, stories_max: int = 10
) -> list[Any]:
    log = SessionLog(parts or FakeParts(), stories_max=stories_max)
    with capture_logs() as lines:
        for fact in facts:
            await log.hear(fact)
    return list(lines)


def stopped() -> MeterStopped:
    return MeterStopped(at_ns=5, session=SESSION, reason=EndReason.HANGUP_CLIENT)


async def test_a_finished_session_is_one_line_with_its_loss() -> None:
    parts = FakeParts()
    parts.leg_readings = [leg_reading(lost=12), leg_reading(Side.PROVIDER, SessionId("ses_other"), lost=99)]

    (line,) = await lines_of([tick(1), stopped(), receipt_issued(), settled()], parts=parts)

    assert (line["event"], line["session"], line["billed_s"]) == ("session_finished", SESSION, 70)
    assert line["lost_client"] == 12
    assert "lost_provider" not in line


async def test_what_comes_after_the_end_writes_no_second_line() -> None:
    afterwards = [
        ReviewOpened(at_ns=9, session=SESSION, why="seconds differ"),
        LegClosed(at_ns=9, session=SESSION, side=Side.CLIENT),
        SessionMoved(at_ns=9, session=SESSION, state=SessionState.DISPUTED),
    ]

    assert len(await lines_of([tick(1), settled(), *afterwards])) == 1


async def test_a_session_that_only_ended_still_has_its_line() -> None:
    cancelled = SessionMoved(
        at_ns=9, session=SESSION, state=SessionState.CANCELLED, reason=EndReason.SHUTDOWN
    )

    (line,) = await lines_of([cancelled])

    assert (line["state"], line["end_reason"]) == ("cancelled", "shutdown")


async def test_facts_of_no_session_are_not_its_business() -> None:
    assert (
        await lines_of(
            [WalletChanged(at_ns=1, account=AccountId("acc_1"), available_micros=1, currency="CNY")]
        )
        == []
    )


async def test_stories_are_bounded_and_the_oldest_gives_way() -> None:
    lines = await lines_of(
        [tick(1, session=SessionId(f"ses_{number}")) for number in range(4)], stories_max=2
    )

    assert [(line["event"], line["session"]) for line in lines] == [
        ("session_story_forgotten", "ses_0"),
        ("session_story_forgotten", "ses_1"),
    ]

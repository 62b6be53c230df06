"""Who counts as present: a picture changes nothing about it."""

import pytest

from gateway.clock import NS
from gateway.ids import SessionId
from gateway.media.leg import nothing_heard
from gateway.metering.presence import MediaStart, present_at_ns
from gateway.terms import LegEvidence, SessionKind, Side

pytestmark = pytest.mark.core


def evidence(side: Side, **heard: int) -> LegEvidence:
    return nothing_heard(SessionId("ses_1"), side)._replace(connected=True, **heard)


@pytest.mark.parametrize("kind", [SessionKind.VOICE, SessionKind.VIDEO])
def test_a_provider_who_is_not_muted_is_present_by_his_voice_alone(kind: SessionKind) -> None:
    leg = evidence(Side.PROVIDER, rtp_last_ns=3, stun_last_ns=9)

    assert present_at_ns(leg, kind, muted=False) == 3
    assert present_at_ns(leg, kind, muted=True) == 9


@pytest.mark.parametrize("kind", [SessionKind.VOICE, SessionKind.VIDEO])
def test_a_video_session_begins_with_voices_as_a_voice_session_does(kind: SessionKind) -> None:
    start = MediaStart(kind)
    for second in (1, 2, 3):
        leg = evidence(Side.CLIENT, rtp_packets=50 * second, rtp_last_ns=second * NS, rtp_forwarded=1)
        start.note(leg, muted=False, now_ns=second * NS)

    assert start.standing == {Side.CLIENT: True, Side.PROVIDER: False}

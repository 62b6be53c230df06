"""What others see of a provider."""

import pytest

from gateway.signaling.presence import Presence, seen
from gateway.signaling.session import OPEN
from gateway.terms import SessionState

pytestmark = pytest.mark.core


@pytest.mark.parametrize("wish", [Presence.ONLINE, Presence.PAUSED, Presence.OFFLINE])
@pytest.mark.parametrize("is_connected", [True, False])
@pytest.mark.parametrize("session", [None, *SessionState])
def test_a_session_outranks_every_wish_and_without_a_socket_nobody_is_online(
    wish: Presence, is_connected: bool, session: SessionState | None
) -> None:
    presence = seen(wish=wish, is_connected=is_connected, session=session)

    if session in (SessionState.CREATED, SessionState.RINGING):
        assert presence is Presence.RINGING
    elif session in OPEN:
        assert presence is Presence.IN_SESSION
    else:
        assert presence is (wish if is_connected else Presence.OFFLINE)

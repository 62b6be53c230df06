"""The Python client: signalling, HTTP and a real WebRTC leg.

Decides how an app behaves towards the gateway: it authenticates, rings, offers
media, confirms what it hears, acknowledges every tick and checks its receipt.
Never imports the gateway's own parts, only the shared vocabulary, so that what
it finds out about a gateway is found out from outside. See docs/wire.md.
"""

from gateway.sdk.http import HttpClient
from gateway.sdk.participant import Participant
from gateway.sdk.peer import Peer
from gateway.sdk.problem import ProblemAnswer, SocketLost
from gateway.sdk.signal import SignalClient
from gateway.sdk.speech import Speech

__all__ = ["HttpClient", "Participant", "Peer", "ProblemAnswer", "SignalClient", "SocketLost", "Speech"]

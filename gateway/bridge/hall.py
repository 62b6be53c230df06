"""Opens signalling with what surrounds it: moderation, presence, sockets.

Decides who gets what and who hears which fact; the rules are the services'.
Presence is kept in this process, or in Redis where several nodes share it.
Never opens a port (`app.py`).
"""

from dataclasses import dataclass

from gateway.bridge.books import Books, People
from gateway.bridge.ground import Ground
from gateway.bridge.session import SessionMeters, SessionPeople, SessionRecords, SessionWatch
from gateway.bridge.vitals import NodeVitals, marks_of
from gateway.facts import Fact, WalletChanged
from gateway.moderation.adapters.hook_terms import TermsHook, load_ruleset
from gateway.moderation.adapters.verdict_store import VerdictTable
from gateway.moderation.policy import FAIL_CLOSED
from gateway.moderation.service import WatchService
from gateway.signaling.adapters.chat_store import ChatStore
from gateway.signaling.adapters.data_channel import DataChannel, DataChannelInbox
from gateway.signaling.adapters.loop_timer import LoopTimer
from gateway.signaling.adapters.presence_memory import PresenceMemory
from gateway.signaling.adapters.presence_redis import PresenceRedis
from gateway.signaling.adapters.socket_server import SocketServer
from gateway.signaling.desk_service import Desk
from gateway.signaling.outside_ports import Outside
from gateway.signaling.presence_ports import PresenceStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Hall:
    """Where people meet."""

    desk: Desk
    watch: WatchService
    sockets: SocketServer
    timer: LoopTimer
    lines: ChatStore
    records: SessionRecords
    people: SessionPeople


async def open_hall(ground: Ground, books: Books, people: People) -> Hall:
    """Signalling, ready to start."""
    watch = WatchService(
        hooks=[(TermsHook(load_ruleset()), FAIL_CLOSED)],
        store=VerdictTable(ground.database),
        facts=ground.outbox,
        clock=ground.clock,
        ids=ground.ids,
        digest_key=ground.keys.derived("verdict-digest"),
    )
    timer, lines = LoopTimer(), ChatStore(ground.database)
    channel, records = DataChannel(ground.media), SessionRecords(books.journal)
    session_people = SessionPeople(people.service)
    desk = Desk(
        Outside(
            meters=SessionMeters(books.metering),
            media=ground.media,
            people=session_people,
            watch=SessionWatch(watch),
            sessions=books.sessions,
            lines=lines,
            channel=channel,
            receipts=records,
            presence=await _presence(ground),
            timer=timer,
            clock=ground.clock,
            ids=ground.ids,
            sink=ground.outbox,
            vitals=NodeVitals(ground.media),
            marks=marks_of(ground.settings),
        ),
        video_sessions_max=ground.settings.video_sessions_max,
    )
    ground.media.on_text = DataChannelInbox(chat=desk.chat, channel=channel, timer=timer).on_text
    ground.outbox.subscribe(Fact, desk.on_fact, name="signaling", is_first=True)

    async def tell_meters(fact: WalletChanged) -> None:
        books.metering.wallet_changed(fact.account, fact.available_micros)

    ground.outbox.subscribe(WalletChanged, tell_meters, name="metering")
    sockets = SocketServer(
        desk=desk,
        tokens=people.tokens,
        clock=ground.clock,
        timer=timer,
        proxies=int(ground.settings.is_behind_tls_proxy),
    )
    return Hall(
        desk=desk,
        watch=watch,
        sockets=sockets,
        timer=timer,
        lines=lines,
        records=records,
        people=session_people,
    )


async def _presence(ground: Ground) -> PresenceStore:
    if ground.settings.redis_url:
        return await PresenceRedis.open(ground.settings.redis_url, ids=ground.ids)
    return PresenceMemory()

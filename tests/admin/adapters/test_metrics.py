"""What a scrape says, read back by Prometheus' own parser."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from gateway.admin.adapters.metrics import CONTENT_TYPE, Metrics
from gateway.admin.adapters.metrics_http import metrics_routes
from gateway.clock import NS
from gateway.facts import (
    ChatSent,
    EngineFailed,
    Fact,
    LegConnected,
    LegGraded,
    LegLost,
    MeterStarted,
    MeterStopped,
    MeterSuspended,
    SessionMoved,
    SessionOpened,
)
from gateway.ids import AccountId
from gateway.terms import EndReason, SessionKind, SessionState, Side, SuspendReason, VoiceQuality
from tests.admin.fakes import (
    SESSION,
    World,
    invariant,
    leg_reading,
    load_reading,
    receipt_issued,
    session_reading,
    settled,
    tick,
    verdict_given,
)

pytestmark = pytest.mark.adapter

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Scraped:
    """Metrics over a fake world."""

    def __init__(self) -> None:
        self.world = World()
        self.metrics = Metrics(self.world.clock)
        self.metrics.watch(self.world.service)

    async def hear(self, *facts: Fact) -> None:
        for fact in facts:
            await self.metrics.hear(fact)

    def value(self, name: str, /, **labels: str) -> float:
        return self.samples()[(name, tuple(sorted(labels.items())))]

    def samples(self) -> Samples:
        families = text_string_to_metric_families(self.metrics.text().decode())
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }


@pytest.fixture
def scraped() -> Scraped:
    return Scraped()


def opened() -> SessionOpened:
    return SessionOpened(
        at_ns=0,
        session=SESSION,
        client=AccountId("acc_c"),
        provider=AccountId("acc_p"),
        kind=SessionKind.TEXT,
    )


async def test_a_session_counts_from_its_opening_to_its_receipt(scraped: Scraped) -> None:
    await scraped.hear(
        opened(),
        MeterStarted(at_ns=1 * NS, session=SESSION, wall_ns=0),
        MeterSuspended(at_ns=9 * NS, session=SESSION, reason=SuspendReason.ACK_GAP),
        MeterStopped(at_ns=41 * NS, session=SESSION, reason=EndReason.FUNDS),
        receipt_issued(),
        settled(),
    )

    assert scraped.value("gateway_session_opened_total", kind="text") == 1
    assert scraped.value("gateway_session_started_total", kind="text") == 1
    assert scraped.value("gateway_session_ended_total", reason="hangup_client") == 1
    assert scraped.value("gateway_session_suspended_total", reason="ack_gap") == 1
    assert scraped.value("gateway_session_duration_seconds_sum") == 40
    assert scraped.value("gateway_session_duration_seconds_bucket", le="60.0") == 1
    assert scraped.value("gateway_session_duration_seconds_bucket", le="30.0") == 0
    assert scraped.value("gateway_receipt_total", grade="A") == 1
    assert scraped.value("gateway_billed_seconds_total") == 70
    assert scraped.value("gateway_charge_micros_total", currency="CNY") == 3_500_000
    assert scraped.value("gateway_fee_micros_total", currency="CNY") == 700_000
    assert scraped.value("gateway_earned_micros_total", currency="CNY") == 2_800_000


async def test_a_dispute_after_the_end_is_no_second_end(scraped: Scraped) -> None:
    await scraped.hear(
        settled(), SessionMoved(at_ns=1, session=SESSION, state=SessionState.DISPUTED, reason=None)
    )

    assert [key for key in scraped.samples() if key[0] == "gateway_session_ended_total"] == [
        ("gateway_session_ended_total", (("reason", "hangup_client"),))
    ]


async def test_an_end_without_a_reason_is_counted_by_its_state(scraped: Scraped) -> None:
    await scraped.hear(SessionMoved(at_ns=1, session=SESSION, state=SessionState.MISSED))

    assert scraped.value("gateway_session_ended_total", reason="missed") == 1


async def test_other_facts_advance_their_own_metrics(scraped: Scraped) -> None:
    closed_ns = scraped.world.clock.monotonic_ns()
    scraped.world.clock.advance(ns=30_000_000)

    await scraped.hear(
        tick(1, at_ns=closed_ns),
        LegConnected(at_ns=0, session=SESSION, side=Side.CLIENT, setup_ns=45_000_000),
        LegLost(at_ns=0, session=SESSION, side=Side.PROVIDER),
        ChatSent(at_ns=0, session=SESSION, side=Side.CLIENT, seq=1, characters=2),
        verdict_given("mask"),
        EngineFailed(at_ns=0, session=SESSION, hook="terms", why="late"),
    )
    scraped.metrics.observe_loop_lag(4.0)

    assert scraped.value("gateway_tick_lag_ms_sum") == 30
    assert scraped.value("gateway_leg_setup_ms_sum", side="client") == 45
    assert scraped.value("gateway_leg_lost_total", side="provider") == 1
    assert scraped.value("gateway_chat_line_total", side="client") == 1
    assert scraped.value("gateway_moderation_verdict_total", action="mask", category="contact") == 1
    assert scraped.value("gateway_moderation_engine_failed_total", hook="terms") == 1
    assert scraped.value("gateway_event_loop_lag_ms_bucket", le="5.0") == 1


async def test_what_is_live_is_read_at_the_scrape(scraped: Scraped) -> None:
    parts = scraped.world.parts
    parts.session_readings = [session_reading(), session_reading(state=SessionState.RINGING)]
    parts.leg_readings = [
        leg_reading(packets_in=10, packets_out=20, lost=3),
        leg_reading(Side.PROVIDER, connected=False, packets_in=1, packets_out=0, lost=0),
    ]
    parts.drop_counts = {"bad_tag": 6}
    parts.tcp_event_counts = {"accepted": 7}
    parts.invariant_readings = [invariant("balance"), invariant("holds", ok=False)]
    parts.hooks_given_up = ["vendor"]

    assert scraped.value("gateway_session_total", state="metering") == 1
    assert scraped.value("gateway_session_total", state="ringing") == 1
    assert scraped.value("gateway_session_total", state="suspended") == 0
    assert scraped.value("gateway_socket_open") == 5
    assert scraped.value("gateway_leg_connected") == 1
    assert scraped.value("gateway_packet_total", direction="in") == 11
    assert scraped.value("gateway_packet_total", direction="out") == 20
    assert scraped.value("gateway_packet_lost_total") == 3
    assert scraped.value("gateway_packet_dropped_total", reason="bad_tag") == 6
    assert scraped.value("gateway_ice_tcp_connection_total", event="accepted") == 7
    assert scraped.value("gateway_store_commits_total") == 20
    assert scraped.value("gateway_store_queue_depth") == 4
    assert scraped.value("gateway_invariant_ok", name="balance") == 1
    assert scraped.value("gateway_invariant_ok", name="holds") == 0
    assert scraped.value("gateway_invariant_value", name="balance") == 0
    assert scraped.value("gateway_invariant_age_seconds", name="balance") == 0
    assert scraped.value("gateway_moderation_hook_given_up", hook="vendor") == 1
    assert scraped.value("gateway_health", check="invariants_broken") == 2
    assert scraped.value("gateway_build_info", version="1.2.3") == 1


async def test_how_voices_sound_is_counted_by_grade_and_read_by_score(scraped: Scraped) -> None:
    for mos, quality in ((4.3, VoiceQuality.GOOD), (2.2, VoiceQuality.POOR)):
        await scraped.hear(LegGraded(at_ns=0, session=SESSION, side=Side.CLIENT, quality=quality, mos=mos))
    scraped.world.parts.leg_readings = [leg_reading(mos=4.0), leg_reading(Side.PROVIDER, mos=3.0)]

    assert scraped.value("gateway_leg_graded_total", side="client", quality="poor") == 1
    assert scraped.value("gateway_leg_mos_bucket", le="2.5") == 1
    assert scraped.value("gateway_leg_mos_count") == 2
    assert scraped.value("gateway_leg_rated") == 2
    assert scraped.value("gateway_leg_mos_live", of="lowest") == 3.0
    assert scraped.value("gateway_leg_mos_live", of="average") == 3.5


async def test_a_node_without_rated_legs_has_no_score(scraped: Scraped) -> None:
    scraped.world.parts.leg_readings = [leg_reading()]

    assert scraped.value("gateway_leg_rated") == 0
    assert not [name for name, _ in scraped.samples() if name == "gateway_leg_mos_live"]


async def test_the_relay_is_named(scraped: Scraped) -> None:
    assert scraped.value("gateway_relay_info", relay="native") == 1


async def test_a_full_node_says_so_why_and_how_many_it_refused(scraped: Scraped) -> None:
    assert scraped.value("gateway_load_full") == 0
    scraped.world.parts.stands = load_reading(state="full", why=("cpu",), refused={"cpu": 7})

    assert scraped.value("gateway_load_full") == 1
    assert scraped.value("gateway_load_strain", figure="cpu") == 1
    assert scraped.value("gateway_load_strain", figure="sessions") == 0
    assert scraped.value("gateway_load_share", figure="cpu") == 0.2
    assert not [key for key in scraped.samples() if key == ("gateway_load_share", (("figure", "tick_lag"),))]
    assert scraped.value("gateway_invitation_refused_total", reason="cpu") == 7
    assert scraped.value("gateway_health", check="full") == 2


async def test_a_reader_that_fails_costs_its_own_metrics_and_not_the_scrape(scraped: Scraped) -> None:
    await scraped.hear(opened())
    scraped.world.parts.are_legs_broken = True

    with capture_logs() as lines:
        scraped.samples()
        samples = scraped.samples()

    assert samples[("gateway_session_opened_total", (("kind", "text"),))] == 1
    assert samples[("gateway_scrape_failed_total", ())] >= 1
    assert not any(name == "gateway_leg_connected" for name, _ in samples)
    assert {line["event"] for line in lines} == {"scrape_failed"}


async def test_no_label_names_a_session_or_a_person(scraped: Scraped) -> None:
    scraped.world.parts.session_readings = [session_reading()]
    await scraped.hear(opened(), verdict_given(), receipt_issued(), settled())

    labels = {value for _, pairs in scraped.samples() for _, value in pairs}

    assert not [
        value for value in labels if value.startswith(("ses_", "acc_", "rcp_")) or value in {"Cli", "Pro"}
    ]


@pytest.mark.parametrize(
    ("token", "header", "status"),
    [
        (None, None, 200),
        ("s3cret", None, 401),
        ("s3cret", "Bearer wrong", 401),
        ("s3cret", "Bearer s3cret", 200),
    ],
)
async def test_metrics_are_served_to_who_may_scrape(
    scraped: Scraped, token: str | None, header: str | None, status: int
) -> None:
    application = web.Application()
    application.add_routes(metrics_routes(scraped.metrics, token=token))

    async with TestClient(TestServer(application)) as client:
        answer = await client.get("/metrics", headers={"Authorization": header} if header else {})
        body = await answer.text()

    assert answer.status == status
    assert ("gateway_uptime_seconds" in body) is (status == 200)
    if status == 200:
        assert answer.headers["Content-Type"] == CONTENT_TYPE

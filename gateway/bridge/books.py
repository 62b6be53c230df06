"""Opens the ledger and the meters, and the accounts beside them.

Decides who gets what; the rules are the services'. The sandbox takes payments
in a demonstration only: elsewhere nobody may approve money that does not move.
Never opens a socket or a port (`app.py`).
"""

from dataclasses import dataclass

from gateway.booking.adapters.code_console import ConsoleCodeSender
from gateway.booking.adapters.field_cipher import FieldCipher
from gateway.booking.adapters.ledger_store import LedgerStore
from gateway.booking.adapters.people_store import SqlitePeople
from gateway.booking.adapters.sandbox_payment import SandboxPayments
from gateway.booking.adapters.sign_in_store import SqliteApiKeys, SqliteCodes, SqliteRefreshTokens
from gateway.booking.adapters.system_secrets import SystemSecrets
from gateway.booking.adapters.tokens_jwt import JwtTokens
from gateway.booking.adapters.top_up_store import TopUpStore
from gateway.booking.integrator_service import IntegratorService
from gateway.booking.people.one_time_code import DEMO_POLICY, USUAL_POLICY
from gateway.booking.people_ports import AccountTools
from gateway.booking.people_service import PeopleService
from gateway.booking.sign_in_service import SignInService, SignInSettings, SignInStores
from gateway.booking.top_up_service import TopUpService
from gateway.booking.wallet_service import WalletService
from gateway.bridge.ground import Ground
from gateway.bridge.money import Encounters, LedgerWallets, WalletPurse
from gateway.metering.adapters.journal_store import JournalStore
from gateway.metering.adapters.owner_store import OwnerStore
from gateway.metering.adapters.spool_file import SpoolFile
from gateway.metering.adapters.zones import offset_s_at
from gateway.metering.outside_ports import Outside
from gateway.metering.service import MeteringService
from gateway.signaling.adapters.session_store import SessionStore

SPOOL = "evidence.spool"
"""Evidence that the database has yet to take, in the data folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Money and seconds."""

    sessions: SessionStore
    journal: JournalStore
    wallet: WalletService
    top_ups: TopUpService
    sandbox: SandboxPayments
    metering: MeteringService


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Accounts and tokens."""

    store: SqlitePeople
    service: PeopleService
    sign_in: SignInService
    integrators: IntegratorService
    tokens: JwtTokens


async def open_books(ground: Ground) -> Books:
    """The ledger, the wallet, the payments and the meters; what was left unfinished is ours from here on."""
    owners = OwnerStore(ground.database, node=ground.settings.node, boot=ground.clock.boot_id)
    sessions = SessionStore(ground.database, clock=ground.clock, fence=owners)
    journal = JournalStore(ground.database, owners=owners)
    encounters = Encounters(sessions, journal)
    ledger = await LedgerStore.open(ground.database, currency=ground.settings.currency)
    wallet = WalletService(
        ledger,
        clock=ground.clock,
        sink=ground.outbox,
        open_sessions=encounters,
        billed_seconds=encounters,
    )
    sandbox = SandboxPayments(
        ground.database, secret=ground.keys.payment_secret, clock=ground.clock, ids=ground.ids
    )
    top_ups = TopUpService(
        wallet,
        orders=TopUpStore(ground.database),
        # Outside a demonstration nobody may approve payments that move no money.
        providers={"sandbox": sandbox} if ground.settings.is_demo else {},
        clock=ground.clock,
    )
    sandbox.deliver_to(lambda headers, body: top_ups.notice("sandbox", headers, body))
    metering = MeteringService(
        Outside(
            purse=WalletPurse(wallet),
            gate=ground.media,
            journal=journal,
            spool=ground.spool or SpoolFile(ground.settings.data_dir / SPOOL),
            owners=owners,
            moves=sessions,
            signer=ground.keys.signer(),
            offset_s_at=offset_s_at,
            clock=ground.clock,
            ids=ground.ids,
            sink=ground.outbox,
            make_good_s_max=ground.settings.make_good_s_max,
        )
    )
    await metering.begin()
    return Books(
        sessions=sessions,
        journal=journal,
        wallet=wallet,
        top_ups=top_ups,
        sandbox=sandbox,
        metering=metering,
    )


async def open_people(ground: Ground, wallet: WalletService) -> People:
    """Accounts, sign-in, integrators and tokens."""
    cipher = FieldCipher(ground.keys.field_keys, ground.keys.index_key)
    store = SqlitePeople(ground.database, cipher)
    wallets = LedgerWallets(wallet)
    service = PeopleService(store, wallets=wallets, clock=ground.clock, ids=ground.ids)
    await service.load()
    tokens = JwtTokens(ground.keys.token_seeds, ground.clock, not_before_s=service.not_before_s)
    tools = AccountTools(
        mint=tokens, wallets=wallets, secrets=SystemSecrets(), clock=ground.clock, ids=ground.ids
    )
    sign_in = SignInService(
        service,
        stores=SignInStores(
            people=store,
            codes=SqliteCodes(ground.database, cipher),
            refreshes=SqliteRefreshTokens(ground.database),
        ),
        sender=ConsoleCodeSender(),
        tools=tools,
        settings=SignInSettings(
            code_key=ground.keys.derived("one-time-code"),
            policy=DEMO_POLICY if ground.settings.is_demo else USUAL_POLICY,
            is_demo=ground.settings.is_demo,
        ),
    )
    integrators = IntegratorService(store, SqliteApiKeys(ground.database), tools)
    return People(store=store, service=service, sign_in=sign_in, integrators=integrators, tokens=tokens)

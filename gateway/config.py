"""Frozen settings from defaults, then a TOML file, then the environment, then flags.

Decides what an operator may set, of which type and within which bounds; an
unknown key is refused by name. Environment variables are `GATEWAY_` + the key
in capitals. What is a promise of the product is in `limits.py` instead.
Never reads secrets into logs: `shown()` hides them.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from gateway.errors import Unprocessable
from gateway.limits import LIVE_SESSIONS_MAX
from gateway.money import BASIS_POINTS, MINOR_DIGITS

PREFIX = "GATEWAY_"
OFF = -1
"""For a port: none."""
_HIDDEN = "set, not shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator may set."""

    environment: str = "production"
    """`production` or `demo`; demo seeds people and money and shows sign-in codes."""
    data_dir: Path = Path("data")
    """Database, keys and lock file live here."""
    http_host: str = "127.0.0.1"
    """Address of the HTTP and socket port."""
    http_port: int = 8080
    """0 takes a free port."""
    tls_certificate: Path | None = None
    """PEM chain; with `tls_key` the HTTP port speaks TLS."""
    tls_key: Path | None = None
    is_behind_tls_proxy: bool = False
    """A proxy in front ends TLS and is the only one that reaches the HTTP port."""
    media_host: str = "127.0.0.1"
    """Address the media UDP socket binds."""
    media_port: int = 10_000
    """0 takes a free port."""
    media_ports: int = 1
    """UDP ports from `media_port` on, each with a relay thread of its own; a session stays on one."""
    relay: str = "auto"
    """`auto`, `native` or `python`; auto takes the native one where it was built and passes its self-test."""
    ice_tcp_port: int | None = None
    """TCP port at `media_host` for networks that block UDP: 0 takes a free one, -1 (or empty) none.
    Unset it is the one after `http_port`, and only where that is free."""
    video_sessions_max: int = 50
    """Open video sessions of this node; each costs as much as some ten voice sessions. 0 takes none."""
    advertised_addresses: tuple[str, ...] = ()
    """Host candidates told to clients instead of what `media_host` binds; needed behind NAT."""
    turn_urls: tuple[str, ...] = ()
    """`turn:host:port?transport=udp` of an external coturn."""
    turn_secret: str = ""
    """Its `static-auth-secret`."""
    turn_ttl_s: int = 4 * 3600
    """How long a TURN credential lasts."""
    node: str = "node-1"
    """Name of this gateway among those that share a database; sessions of its earlier runs are its own."""
    sessions_max: int = LIVE_SESSIONS_MAX
    """Live sessions of this node; at it the node is full and refuses new calls."""
    full_at_cpu_percent: int = 95
    """Share of its core that the event loop's thread uses while the node becomes full; 0 = not judged."""
    full_at_loop_lag_ms: int = 250
    """Lateness of one in ten wakes of the event loop at which the node becomes full; 0 = not judged."""
    full_at_tick_lag_ms: int = 500
    """p99 lateness of ticks at which the node becomes full; 0 = not judged."""
    full_at_socket_drops_per_s: int = 50
    """Datagrams that the kernel drops a second at which the node becomes full; 0 = not judged."""
    calm_s: int = 10
    """How long a full node must have been calm before it takes calls again."""
    drain_s: int = 0
    """How long live sessions may run on after SIGTERM before they are ended."""
    redis_url: str = ""
    """Presence shared by several nodes; empty keeps it in this process."""
    currency: str = "CNY"
    """ISO 4217 code of the ledger; fixed for its life."""
    fee_bp: int = 2_000
    """Platform fee of new offers in basis points."""
    dispute_window_days: int = 7
    """How long a session may be contested, and its earning stays pending."""
    payout_minimum_micros: int = 10_000_000
    """Less is not paid out."""
    payout_fee_micros: int = 0
    """What the platform keeps of each payout."""
    payout_two_approvers_above_micros: int = 5_000_000_000
    """Beyond it a second operator must approve a payout."""
    make_good_s_max: int = 0
    """Seconds lost in a restart that the provider is paid for by the platform; 0 pays for none."""
    evidence_keep_days: int = 30
    """How long sealed evidence stays in the database before it goes to the archive folder."""
    spend_notify_micros: int = 0
    """New prices tell both sides each time another such amount has been spent; 0 = never."""
    spend_consent_micros: int = 0
    """New prices ask the client before more than that is spent in one session; 0 = never."""
    spend_stop_micros: int = 0
    """New prices end a session before more than that is spent in it; 0 = no limit."""
    log_format: str = "console"
    """`console` or `json`."""
    log_level: str = "info"
    """`debug`, `info`, `warning` or `error`."""
    metrics_token: str = field(default="", repr=False)
    """Bearer token that `/metrics` asks for; empty leaves it open."""

    def shown(self) -> dict[str, Any]:
        """The settings for people, secrets hidden."""
        return {
            spec.name: _HIDDEN if value and spec.name in SECRETS else _plain(value)
            for spec in fields(self)
            for value in [getattr(self, spec.name)]
        }

    def unjudged(self) -> "Settings":
        """For a gateway that shares its machine with what loads it: only the count of sessions fills it."""
        return replace(
            self,
            full_at_cpu_percent=0,
            full_at_loop_lag_ms=0,
            full_at_tick_lag_ms=0,
            full_at_socket_drops_per_s=0,
        )

    @property
    def tcp_port(self) -> int | None:
        """Where ICE-TCP listens, 0 for a free port; None for nowhere."""
        if self.ice_tcp_port is not None:
            return None if self.ice_tcp_port == OFF else self.ice_tcp_port
        last = _BOUNDS["http_port"][1]
        return self.http_port and (self.http_port + 1 if self.http_port < last else last - 1)

    @staticmethod
    def data_dir_of(environ: Mapping[str, str]) -> Path:
        """Where data lies by the environment alone, for commands that need nothing else."""
        return Path(environ.get(f"{PREFIX}DATA_DIR", "data"))

    @property
    def is_demo(self) -> bool:
        """Whether people, money and sign-in codes are for show."""
        return self.environment == "demo"


SECRETS = frozenset({"turn_secret", "redis_url", "metrics_token"})
"""Keys whose values are never shown."""

_CHOICES = {
    "environment": ("production", "demo"),
    "relay": ("auto", "native", "python"),
    "log_format": ("console", "json"),
    "log_level": ("debug", "info", "warning", "error"),
    "currency": tuple(MINOR_DIGITS),
}
_BOUNDS = {
    "http_port": (0, 65_535),
    "media_port": (0, 65_535),
    "media_ports": (1, 16),
    "ice_tcp_port": (OFF, 65_535),
    "video_sessions_max": (0, LIVE_SESSIONS_MAX),
    "turn_ttl_s": (60, 24 * 3600),
    "sessions_max": (1, LIVE_SESSIONS_MAX),
    "full_at_cpu_percent": (0, 100),
    "full_at_loop_lag_ms": (0, 2_000),
    "full_at_tick_lag_ms": (0, 2_000),
    "full_at_socket_drops_per_s": (0, 100_000),
    "calm_s": (1, 300),
    "drain_s": (0, 4 * 3600),
    "fee_bp": (0, BASIS_POINTS),
    "dispute_window_days": (1, 90),
    "payout_minimum_micros": (1, 10**15),
    "payout_fee_micros": (0, 10**15),
    "payout_two_approvers_above_micros": (0, 10**15),
    "make_good_s_max": (0, 3600),
    "evidence_keep_days": (1, 3650),
    "spend_notify_micros": (0, 10**12),
    "spend_consent_micros": (0, 10**12),
    "spend_stop_micros": (0, 10**12),
}


def settings_from(
    *, toml: str = "", environ: Mapping[str, str] | None = None, flags: Mapping[str, Any] | None = None
) -> Settings:
    """Settings out of a TOML text, environment variables and flags, the later ones winning.

    Raises:
        Unprocessable: code `setting_invalid`; the detail names the key and what it may be.
    """
    specs = {spec.name: spec for spec in fields(Settings)}
    values: dict[str, Any] = {}
    for key, value in {**_of_toml(toml), **_of_environ(environ or {}), **_of_flags(flags or {})}.items():
        if key not in specs:
            raise _invalid(key, f"is not a setting; there are: {', '.join(sorted(specs))}")
        values[key] = _checked(specs[key], value)
    made = Settings(**values)
    _check_relations(made)
    return made


def _of_toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Unprocessable(f"The settings file is not TOML: {error}.", code="setting_invalid") from error


def _of_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        key.removeprefix(PREFIX).lower(): value
        for key, value in environ.items()
        if key.startswith(PREFIX) and key != f"{PREFIX}CONFIG"
    }


def _of_flags(flags: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in flags.items() if value is not None}


def _checked(spec: "Field[Any]", value: Any) -> Any:
    made = _converted(spec, value)
    if spec.name in _CHOICES and made not in _CHOICES[spec.name]:
        raise _invalid(spec.name, f"must be one of {', '.join(_CHOICES[spec.name])}")
    if spec.name in _BOUNDS:
        least, most = _BOUNDS[spec.name]
        if not least <= made <= most:
            raise _invalid(spec.name, f"must be from {least} to {most}")
    return made


def _converted(spec: "Field[Any]", value: Any) -> Any:
    default = spec.default if spec.default is not MISSING else ""
    if isinstance(default, bool):
        return _boolean(spec.name, value)
    if isinstance(default, int):
        return _integer(spec.name, value)
    if spec.type == int | None:
        return OFF if value == "" else _integer(spec.name, value)
    if isinstance(default, tuple):
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(str(part).strip() for part in parts if str(part).strip())
    if spec.type in (Path, Path | None):
        return Path(value)
    return str(value)


def _boolean(name: str, value: Any) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    text = str(value).lower()
    if text not in known:
        raise _invalid(name, "must be true or false")
    return known[text]


def _integer(name: str, value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise _invalid(name, "must be an integer") from error


def _check_relations(made: Settings) -> None:
    if (made.tls_certificate is None) != (made.tls_key is None):
        raise _invalid("tls_certificate", "and tls_key are set together or not at all")
    if bool(made.turn_urls) != bool(made.turn_secret):
        raise _invalid("turn_urls", "and turn_secret are set together or not at all")
    if made.environment == "production" and made.tls_certificate is None and not made.is_behind_tls_proxy:
        raise _invalid(
            "environment",
            "production needs tls_certificate and tls_key, or is_behind_tls_proxy = true; "
            "for a trial on this machine use `gateway demo`",
        )
    if made.media_port and made.media_port + made.media_ports - 1 > _BOUNDS["media_port"][1]:
        raise _invalid("media_ports", "must leave the last port, counted from media_port, within 65535")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value


def _invalid(key: str, why: str) -> Unprocessable:
    return Unprocessable(f"Setting {key}: {why}.", code="setting_invalid", key=key)

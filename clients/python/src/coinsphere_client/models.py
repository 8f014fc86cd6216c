"""What the API answers. Made by `generate.py` of the API's description: change that one."""

from __future__ import annotations

import datetime as dt
import decimal as _decimals
import uuid as _ids
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field


class AccountOut(Struct, kw_only=True, frozen=True):
    """An account as administrators see it."""

    id: _ids.UUID
    email: str
    first_name: str | None = field(name="firstName")
    last_name: str | None = field(name="lastName")
    role: Literal["user", "analyst", "admin"]
    email_verified: bool = field(name="emailVerified")
    subscription_tier: str = field(name="subscriptionTier")
    is_active: bool = field(name="isActive")
    two_factor_enabled: bool = field(name="twoFactorEnabled")
    created_at: dt.datetime = field(name="createdAt")
    last_login_at: dt.datetime | None = field(name="lastLoginAt")
    sessions: int


class AccountsOut(Struct, kw_only=True, frozen=True):
    """Accounts, oldest first."""

    users: list[AccountOut]
    next_cursor: str | None = field(name="nextCursor")


class AccuracyOut(Struct, kw_only=True, frozen=True):
    """How the forecasts of one horizon fared: those that were issued, or, while none of them has met its outcome, the held-out."""

    forecasts: int
    mean_absolute_error: _decimals.Decimal | None = field(name="meanAbsoluteError", default=None)
    mean_absolute_percentage_error: _decimals.Decimal | None = field(
        name="meanAbsolutePercentageError", default=None
    )
    coverage_80: _decimals.Decimal | None = field(name="coverage80", default=None)
    coverage_95: _decimals.Decimal | None = field(name="coverage95", default=None)
    naive_mean_absolute_error: _decimals.Decimal | None = field(
        name="naiveMeanAbsoluteError", default=None
    )
    skill_vs_naive: _decimals.Decimal | None = field(name="skillVsNaive", default=None)
    pinball_loss: _decimals.Decimal | None = field(name="pinballLoss", default=None)
    random_walk_pinball_loss: _decimals.Decimal | None = field(
        name="randomWalkPinballLoss", default=None
    )
    skill_vs_random_walk: _decimals.Decimal | None = field(name="skillVsRandomWalk", default=None)
    first_target_at: dt.datetime | None = field(name="firstTargetAt", default=None)
    last_target_at: dt.datetime | None = field(name="lastTargetAt", default=None)
    held_out: bool | None = field(name="heldOut", default=None)
    symbol: str
    timeframe: Literal["24h", "7d", "14d", "30d"]
    days: int
    held_out_origins: FiguresOut | None = field(name="heldOutOrigins", default=None)


class AddedOut(Struct, kw_only=True, frozen=True):
    """A new passkey, and recovery codes if it is the account's first second factor."""

    passkey: PasskeyOut
    backup_codes: list[str] | None = field(name="backupCodes", default=None)


class AlertOut(Struct, kw_only=True, frozen=True):
    """An alert and its state."""

    id: _ids.UUID
    alert_type: AlertType = field(name="alertType")
    token_symbol: str | None = field(name="tokenSymbol")
    portfolio_id: _ids.UUID | None = field(name="portfolioId")
    condition: Condition
    threshold: _decimals.Decimal
    is_active: bool = field(name="isActive")
    last_triggered: dt.datetime | None = field(name="lastTriggered")
    trigger_count: int = field(name="triggerCount")
    cooldown_seconds: int = field(name="cooldownSeconds")
    hysteresis: _decimals.Decimal
    expires_at: dt.datetime | None = field(name="expiresAt")
    channels: list[str]
    channel_ids: list[_ids.UUID] = field(name="channelIds")
    last_value: _decimals.Decimal | None = field(name="lastValue")
    last_evaluated_at: dt.datetime | None = field(name="lastEvaluatedAt")
    warnings: list[str]
    created_at: dt.datetime = field(name="createdAt")
    updated_at: dt.datetime = field(name="updatedAt")


AlertType = Literal[
    "price",
    "percent_change",
    "volume",
    "prediction",
    "risk",
    "portfolio",
    "volatility",
    "drawdown",
    "stale_data",
    "reconciliation",
]


class AlertsOut(Struct, kw_only=True, frozen=True):
    """One's alerts, newest first."""

    alerts: list[AlertOut]


class AllStartedOut(Struct, kw_only=True, frozen=True):
    """Syncs that were asked for."""

    success: Literal[True] | None = None
    message: str
    jobs: list[StartedJobOut]


class AllocationOut(Struct, kw_only=True, frozen=True):
    """What a portfolio is made of, the largest part first."""

    total_value: _decimals.Decimal | None = field(name="totalValue")
    currency: str
    rate_date: dt.date | None = field(name="rateDate")
    allocations: list[AllocationPartOut]
    unpriced: list[str]
    stale: list[str]
    missing_rates: list[str] = field(name="missingRates")


class AllocationPartOut(Struct, kw_only=True, frozen=True):
    """A token's part of the whole."""

    symbol: str
    name: str
    logo_url: str | None = field(name="logoUrl")
    amount: _decimals.Decimal
    value: _decimals.Decimal
    percentage: _decimals.Decimal | None


class AnalysisOut(Struct, kw_only=True, frozen=True):
    """The score in words, which say what the numbers say and nothing else."""

    summary: str
    warnings: list[str]
    insights: list[str]


class AnalyticsOut(Struct, kw_only=True, frozen=True):
    """What users who allow it do with the product."""

    activation: list[FunnelOut]
    retention: list[CohortOut]
    features: list[FeatureWeekUseOut]


class ArmOut(Struct, kw_only=True, frozen=True):
    """A variant and who was given it."""

    variant: str
    users: int
    over: int
    did: Mapping[str, int]


class AssetEventOut(Struct, kw_only=True, frozen=True):
    """What happened to a token; it counts until it is removed."""

    id: _ids.UUID
    kind: EventKind
    token_id: _ids.UUID = field(name="tokenId")
    symbol: str
    successor_id: _ids.UUID | None = field(name="successorId")
    successor_symbol: str | None = field(name="successorSymbol")
    ratio: str
    happened_at: dt.datetime = field(name="happenedAt")
    reason: str
    recorded_at: dt.datetime = field(name="recordedAt")
    recorded_by: str = field(name="recordedBy")
    applied_at: dt.datetime | None = field(name="appliedAt")
    removed_at: dt.datetime | None = field(name="removedAt")
    removed_by: str | None = field(name="removedBy")
    removal_reason: str | None = field(name="removalReason")


class AssetEventsOut(Struct, kw_only=True, frozen=True):
    """What happened to tokens, by its instant."""

    asset_events: list[AssetEventOut] = field(name="assetEvents")


class AuditEntryOut(Struct, kw_only=True, frozen=True):
    """An entry of the audit log."""

    id: int
    seq: int | None
    occurred_at: dt.datetime = field(name="occurredAt")
    actor_id: _ids.UUID | None = field(name="actorId")
    action: str
    target: str | None
    ip_address: str | None = field(name="ipAddress")
    request_id: str | None = field(name="requestId")
    details: Mapping[str, Any]


class AuditOut(Struct, kw_only=True, frozen=True):
    """Entries, newest first."""

    entries: list[AuditEntryOut]
    next_cursor: str | None = field(name="nextCursor")


class BalanceOut(Struct, kw_only=True, frozen=True):
    """What a wallet holds of a token; the address is empty for the chain's coin."""

    contract_address: str = field(name="contractAddress")
    token_id: _ids.UUID | None = field(name="tokenId")
    symbol: str | None
    amount: _decimals.Decimal
    block_number: int | None = field(name="blockNumber")
    observed_at: dt.datetime = field(name="observedAt")


class BalancesAnswer(Struct, kw_only=True, frozen=True):
    """Balances."""

    success: Literal[True] | None = None
    data: BalancesOut


class BalancesOut(Struct, kw_only=True, frozen=True):
    """What a wallet held when it was read last."""

    balances: list[BalanceOut]
    count: int


class BandsOut(Struct, kw_only=True, frozen=True):
    """Bollinger bands 20/2, US dollars."""

    upper: _decimals.Decimal | None
    middle: _decimals.Decimal | None
    lower: _decimals.Decimal | None


class BatchOut(Struct, kw_only=True, frozen=True):
    """Forecasts in the order asked for, and what could not be answered."""

    predictions: list[PredictionOut]
    errors: list[FailureOut]
    count: int
    timeframe: Literal["24h", "7d", "14d", "30d"]


class BegunOut(Struct, kw_only=True, frozen=True):
    """Where to send the browser, and what to keep until it comes back."""

    authorization_url: str = field(name="authorizationUrl")
    login_secret: str = field(name="loginSecret")


class BenchmarkOut(Struct, kw_only=True, frozen=True):
    """What the same money would have become in a mix of tokens."""

    mix: str
    percentage: _decimals.Decimal | None
    reason: str | None


Blockchain = Literal[
    "ethereum", "polygon", "optimism", "arbitrum", "base", "bsc", "bitcoin", "solana"
]


class BulkOut(Struct, kw_only=True, frozen=True):
    """What was recorded."""

    transactions: list[TransactionOut]
    count: int
    is_pending: bool = field(name="isPending")


class ByPortfolio(Struct, kw_only=True, frozen=True):
    """A portfolio whose wallets have something in protocols: all in its currency, `netWorth` with what it holds."""

    portfolio_id: _ids.UUID = field(name="portfolioId")
    name: str
    currency: str
    holdings_value: _decimals.Decimal | None = field(name="holdingsValue")
    net_worth: _decimals.Decimal | None = field(name="netWorth")
    defi: InProtocolsOut


class ByProtocol(Struct, kw_only=True, frozen=True):
    """What one has in a protocol, debts subtracted."""

    slug: str
    value: _decimals.Decimal | None


class CandlesOut(Struct, kw_only=True, frozen=True):
    """The candles of one interval."""

    interval: str
    rows: int
    tokens: int
    first: dt.datetime
    last: dt.datetime
    unfinished: int


class CashFlowOut(Struct, kw_only=True, frozen=True):
    """Money put in (negative) or taken out (positive)."""

    date: dt.date
    amount: _decimals.Decimal


class ChallengeOut(Struct, kw_only=True, frozen=True):
    """What an authenticator is to be asked."""

    challenge_id: _ids.UUID = field(name="challengeId")
    options: Mapping[str, Any]


class ChangedJobOut(Struct, kw_only=True, frozen=True):
    """That it was done."""

    id: int


class ChangedOut(Struct, kw_only=True, frozen=True):
    """A token after a change."""

    token: ListingOut


class ChannelOut(Struct, kw_only=True, frozen=True):
    """A channel, without what opens it."""

    id: _ids.UUID
    kind: str
    name: str
    hint: str
    is_active: bool = field(name="isActive")
    quiet_from: str | None = field(name="quietFrom")
    quiet_until: str | None = field(name="quietUntil")
    zone: str
    digest_minutes: int | None = field(name="digestMinutes")
    failing_since: dt.datetime | None = field(name="failingSince")
    retry_at: dt.datetime | None = field(name="retryAt")
    last_error: str | None = field(name="lastError")
    last_delivered_at: dt.datetime | None = field(name="lastDeliveredAt")
    created_at: dt.datetime = field(name="createdAt")


class ChannelsOut(Struct, kw_only=True, frozen=True):
    """One's channels, the oldest first."""

    channels: list[ChannelOut]


class CodesOut(Struct, kw_only=True, frozen=True):
    """New recovery codes, shown this once; the old ones are void."""

    backup_codes: list[str] = field(name="backupCodes")


class CohortOut(Struct, kw_only=True, frozen=True):
    """Those who allow product events since one week, and how many of them came back."""

    cohort_week: dt.date = field(name="cohortWeek")
    users: int | None
    weeks: list[CohortWeekOut]


class CohortWeekOut(Struct, kw_only=True, frozen=True):
    """Of a cohort, a week later."""

    week_number: int = field(name="weekNumber")
    users: int | None


class ComparisonOut(Struct, kw_only=True, frozen=True):
    """A variant against the control, as of now."""

    difference: _decimals.Decimal
    lower: _decimals.Decimal
    upper: _decimals.Decimal
    p_value: _decimals.Decimal = field(name="pValue")


class ComponentsOut(Struct, kw_only=True, frozen=True):
    """The parts of a score, 0 (safe) to 100; null where unknown, and then left out of the whole."""

    volatility_score: _decimals.Decimal | None = field(name="volatilityScore")
    drawdown_score: _decimals.Decimal | None = field(name="drawdownScore")
    tail_score: _decimals.Decimal | None = field(name="tailScore")
    liquidity_score: _decimals.Decimal | None = field(name="liquidityScore")
    market_cap_score: _decimals.Decimal | None = field(name="marketCapScore")
    volume_score: _decimals.Decimal | None = field(name="volumeScore")


Condition = Literal["above", "below", "crosses_above", "crosses_below", "equal"]


class ConnectedAnswer(Struct, kw_only=True, frozen=True):
    """A connected wallet."""

    success: Literal[True] | None = None
    data: ConnectedWalletOut


class ConnectedExchangeOut(Struct, kw_only=True, frozen=True):
    """An account that is connected, and the job that reads it for the first time."""

    success: Literal[True] | None = None
    message: str
    permissions: PermissionsOut
    connection_id: _ids.UUID = field(name="connectionId")
    job_id: _ids.UUID | None = field(name="jobId")


class ConnectedWalletOut(Struct, kw_only=True, frozen=True):
    """A connected wallet and the sync that reads it."""

    wallet: WalletOut
    sync_job_id: _ids.UUID = field(name="syncJobId")


class ConnectionOut(Struct, kw_only=True, frozen=True):
    """A connection; of its key only the last four characters."""

    id: _ids.UUID
    exchange: str
    name: str
    label: str | None
    portfolio_id: _ids.UUID | None = field(name="portfolioId")
    status: Literal["active", "invalid_key", "disabled"]
    permissions: PermissionsOut | None
    key_hint: str | None = field(name="keyHint")
    allow_trading: bool = field(name="allowTrading")
    markets: list[str]
    sync_minutes: int = field(name="syncMinutes")
    last_synced_at: dt.datetime | None = field(name="lastSyncedAt")
    next_sync_at: dt.datetime | None = field(name="nextSyncAt")
    last_error: str | None = field(name="lastError")
    created_at: dt.datetime = field(name="createdAt")
    last_sync: ExchangeSyncOut | None = field(name="lastSync")
    unbooked: int


class ConnectionsOut(Struct, kw_only=True, frozen=True):
    """One's connections."""

    connections: list[ConnectionOut]


class ConstituentOut(Struct, kw_only=True, frozen=True):
    """What one market of a venue said, and its part in the price."""

    venue: str
    currency: str
    quoted: _decimals.Decimal | None
    bid: _decimals.Decimal | None
    ask: _decimals.Decimal | None
    rate: _decimals.Decimal | None
    price: _decimals.Decimal | None
    volume_24h: _decimals.Decimal | None = field(name="volume24h")
    weight: _decimals.Decimal
    left_out: str | None = field(name="leftOut")
    apart: _decimals.Decimal | None
    noise: _decimals.Decimal
    observed_at: dt.datetime = field(name="observedAt")
    age: _decimals.Decimal


class ContributionOut(Struct, kw_only=True, frozen=True):
    """What one asset added."""

    symbol: str
    name: str
    start_value: _decimals.Decimal | None = field(name="startValue")
    end_value: _decimals.Decimal | None = field(name="endValue")
    inflow: _decimals.Decimal | None
    outflow: _decimals.Decimal | None
    income: _decimals.Decimal
    gain: _decimals.Decimal | None


class ContributionsOut(Struct, kw_only=True, frozen=True):
    """What each asset added in a period."""

    currency: str
    first_day: dt.date = field(name="firstDay")
    last_day: dt.date = field(name="lastDay")
    contributions: list[ContributionOut]


class CreatedOut(Struct, kw_only=True, frozen=True):
    """A new token."""

    token: TokenOut


class DataHealthOut(Struct, kw_only=True, frozen=True):
    """How good the data are: of each token of this page, and of each venue that quotes one of them."""

    since: dt.date
    until: dt.date
    tokens: list[TokenHealthOut]
    venues: list[VenueHealthOut]
    next_cursor: str | None = field(name="nextCursor")
    timestamp: dt.datetime


class DataStatusOut(Struct, kw_only=True, frozen=True):
    """What the market tables hold, and what went wrong in the last day."""

    price_source: str | None = field(name="priceSource")
    decided_at: dt.datetime | None = field(name="decidedAt")
    candles: list[CandlesOut]
    quotes: QuotesOut
    failures: list[IngestFailureOut]
    timestamp: dt.datetime


class DecidedOut(Struct, kw_only=True, frozen=True):
    """How many rows were decided."""

    decided: int


class DecisionOut(Struct, kw_only=True, frozen=True):
    """How a column is read, and what decided it."""

    column: str
    what: str
    because: str


class DefiStatsOut(Struct, kw_only=True, frozen=True):
    """Sums in US dollars; null where nothing of the kind has a price."""

    total_value: _decimals.Decimal | None = field(name="totalValue")
    total_supplied: _decimals.Decimal | None = field(name="totalSupplied")
    total_borrowed: _decimals.Decimal | None = field(name="totalBorrowed")
    total_staked: _decimals.Decimal | None = field(name="totalStaked")
    total_liquidity: _decimals.Decimal | None = field(name="totalLiquidity")
    total_rewards: _decimals.Decimal | None = field(name="totalRewards")
    positions_count: int = field(name="positionsCount")
    protocols_count: int = field(name="protocolsCount")
    wallets_count: int = field(name="walletsCount")
    by_protocol: list[ByProtocol] = field(name="byProtocol")
    by_portfolio: list[ByPortfolio] = field(name="byPortfolio")
    unpriced: list[str]
    last_synced_at: dt.datetime | None = field(name="lastSyncedAt")


class DeletedOut(Struct, kw_only=True, frozen=True):
    """Which token is gone."""

    message: str


class DeliveriesOut(Struct, kw_only=True, frozen=True):
    """The newest messages to a channel."""

    messages: list[DeliveryOut]


class DeliveryOut(Struct, kw_only=True, frozen=True):
    """What became of a message."""

    id: _ids.UUID
    type: str
    title: str
    status: str
    attempts: int
    last_error: str | None = field(name="lastError")
    created_at: dt.datetime = field(name="createdAt")
    due_at: dt.datetime = field(name="dueAt")
    delivered_at: dt.datetime | None = field(name="deliveredAt")


class DetailOut(Struct, kw_only=True, frozen=True):
    """A token, once as `token` and once at the top level, where an old page reads it."""

    id: _ids.UUID
    symbol: str
    name: str
    blockchain: str
    logo_url: str | None = field(name="logoUrl")
    current_price: _decimals.Decimal | None = field(name="currentPrice")
    market_cap: _decimals.Decimal | None = field(name="marketCap")
    volume_24h: _decimals.Decimal | None = field(name="volume24h")
    price_change_24h: _decimals.Decimal | None = field(name="priceChange24h")
    price_source: str | None = field(name="priceSource")
    price_updated_at: dt.datetime | None = field(name="priceUpdatedAt")
    set_aside: str | None = field(name="setAside", default=None)
    coingecko_id: str | None = field(name="coingeckoId")
    contract_address: str | None = field(name="contractAddress")
    decimals: int | None
    ath: _decimals.Decimal | None
    ath_date: dt.datetime | None = field(name="athDate")
    atl: _decimals.Decimal | None
    atl_date: dt.datetime | None = field(name="atlDate")
    circulating_supply: _decimals.Decimal | None = field(name="circulatingSupply")
    total_supply: _decimals.Decimal | None = field(name="totalSupply")
    max_supply: _decimals.Decimal | None = field(name="maxSupply")
    is_active: bool = field(name="isActive")
    created_at: dt.datetime = field(name="createdAt")
    updated_at: dt.datetime = field(name="updatedAt")
    token: TokenOut


class DisabledOut(Struct, kw_only=True, frozen=True):
    """The authenticator app no longer counts."""

    success: bool
    message: str


class DisposalOut(Struct, kw_only=True, frozen=True):
    """A part that was sold or spent, with what it cost."""

    token_symbol: str = field(name="tokenSymbol")
    account: str
    acquired_on: dt.date | None = field(name="acquiredOn")
    disposed_on: dt.date = field(name="disposedOn")
    quantity: _decimals.Decimal
    proceeds: _decimals.Decimal
    cost: _decimals.Decimal
    gain: _decimals.Decimal
    is_long: bool = field(name="isLong")
    rule: str
    box: str | None
    transaction_id: _ids.UUID | None = field(name="transactionId")


class DoneOut(Struct, kw_only=True, frozen=True):
    """It was done."""

    success: Literal[True] | None = None
    message: str


class DrawdownOut(Struct, kw_only=True, frozen=True):
    """The deepest fall from a peak."""

    percentage: _decimals.Decimal
    peak_day: dt.date = field(name="peakDay")
    low_day: dt.date = field(name="lowDay")


class EndedOut(Struct, kw_only=True, frozen=True):
    """How many sessions ended."""

    message: str
    sessions: int


class EndedSessionsOut(Struct, kw_only=True, frozen=True):
    """How many sessions ended."""

    message: str
    sessions: int


EventKind = Literal[
    "rename", "redenomination", "swap", "split", "delisting", "relisting", "ticker_reuse"
]


class EventOut(Struct, kw_only=True, frozen=True):
    """One firing: which value, from which source, observed when, fired the alert."""

    id: _ids.UUID
    fired_at: dt.datetime = field(name="firedAt")
    condition: Condition
    threshold: _decimals.Decimal
    previous_value: _decimals.Decimal | None = field(name="previousValue")
    observed_value: _decimals.Decimal = field(name="observedValue")
    source: str
    observed_at: dt.datetime = field(name="observedAt")


class EventsOut(Struct, kw_only=True, frozen=True):
    """The firings of one alert, newest first."""

    events: list[EventOut]


class ExactIndicatorsOut(Struct, kw_only=True, frozen=True):
    """The numbers as the warehouse holds them."""

    rsi: _decimals.Decimal | None
    macd: MacdOut | None
    bollinger_bands: BandsOut | None = field(name="bollingerBands")


class ExampleOut(Struct, kw_only=True, frozen=True):
    """A transaction as it would be booked; `cost` is what it costs or brings, in the portfolio's currency."""

    line: int
    type: str
    token_symbol: str = field(name="tokenSymbol")
    amount: _decimals.Decimal
    price: _decimals.Decimal | None
    currency: str
    fee: _decimals.Decimal | None
    fee_token: str | None = field(name="feeToken")
    counter_token_symbol: str | None = field(name="counterTokenSymbol")
    counter_amount: _decimals.Decimal | None = field(name="counterAmount")
    exchange: str | None
    notes: str | None
    tx_hash: str | None = field(name="txHash")
    cost: _decimals.Decimal | None
    timestamp: dt.datetime


class ExchangeSyncOut(Struct, kw_only=True, frozen=True):
    """How far a sync is."""

    job_id: _ids.UUID = field(name="jobId")
    status: Literal["queued", "running", "succeeded", "failed"]
    stream: str | None
    imported: int
    known: int
    unbooked: int
    error: str | None
    created_at: dt.datetime = field(name="createdAt")
    started_at: dt.datetime | None = field(name="startedAt")
    finished_at: dt.datetime | None = field(name="finishedAt")


class ExperimentOut(Struct, kw_only=True, frozen=True):
    """An experiment that runs."""

    flag: str
    version: int
    since: dt.datetime
    within_days: int = field(name="withinDays")
    sample_ratio_pvalue: _decimals.Decimal = field(name="sampleRatioPValue")
    arms: list[ArmOut]
    findings: list[FindingOut]


class ExperimentsOut(Struct, kw_only=True, frozen=True):
    """Every experiment that runs."""

    experiments: list[ExperimentOut]


class ExplainOut(Struct, kw_only=True, frozen=True):
    """The trail of the returns."""

    cash_flows: list[CashFlowOut] = field(name="cashFlows")
    sub_periods: list[SubPeriodOut] = field(name="subPeriods")


class ExportOut(Struct, kw_only=True, frozen=True):
    """All rows of the account by table; see the guide of accounts."""


class FailureOut(Struct, kw_only=True, frozen=True):
    """A symbol without an answer, and why."""

    symbol: str
    status: int
    error: str


Feature = Literal[
    "registration",
    "api-keys",
    "predictions",
    "portfolios",
    "alerts",
    "defi",
    "exchanges",
    "graphql",
]


class FeatureOut(Struct, kw_only=True, frozen=True):
    """A feature and whether it is on."""

    feature: Feature
    is_on: bool = field(name="isOn")
    off_by_setting: bool = field(name="offBySetting")
    changed_by: _ids.UUID | None = field(name="changedBy")
    changed_at: dt.datetime | None = field(name="changedAt")


class FeatureUseOut(Struct, kw_only=True, frozen=True):
    """The use of one thing in a week."""

    feature: str
    users: int | None
    days: int | None


class FeatureWeekUseOut(Struct, kw_only=True, frozen=True):
    """What was used in a week."""

    week: dt.date
    features: list[FeatureUseOut]


class FeaturesOut(Struct, kw_only=True, frozen=True):
    """Every feature that can be turned off."""

    features: list[FeatureOut]


class FeedbackListOut(Struct, kw_only=True, frozen=True):
    """What users told."""

    feedback: list[FeedbackOut]


class FeedbackOut(Struct, kw_only=True, frozen=True):
    """What somebody told."""

    id: _ids.UUID
    category: Literal["fault", "idea", "question", "praise"]
    text: str
    has_screenshot: bool = field(name="hasScreenshot")
    answer: str | None
    email: str
    user_id: _ids.UUID = field(name="userId")
    created_at: dt.datetime = field(name="createdAt")
    closed_at: dt.datetime | None = field(name="closedAt")


class FiguresOut(Struct, kw_only=True, frozen=True):
    """How forecasts of one horizon fared; null where none has met its outcome yet."""

    forecasts: int
    mean_absolute_error: _decimals.Decimal | None = field(name="meanAbsoluteError", default=None)
    mean_absolute_percentage_error: _decimals.Decimal | None = field(
        name="meanAbsolutePercentageError", default=None
    )
    coverage_80: _decimals.Decimal | None = field(name="coverage80", default=None)
    coverage_95: _decimals.Decimal | None = field(name="coverage95", default=None)
    naive_mean_absolute_error: _decimals.Decimal | None = field(
        name="naiveMeanAbsoluteError", default=None
    )
    skill_vs_naive: _decimals.Decimal | None = field(name="skillVsNaive", default=None)
    pinball_loss: _decimals.Decimal | None = field(name="pinballLoss", default=None)
    random_walk_pinball_loss: _decimals.Decimal | None = field(
        name="randomWalkPinballLoss", default=None
    )
    skill_vs_random_walk: _decimals.Decimal | None = field(name="skillVsRandomWalk", default=None)
    first_target_at: dt.datetime | None = field(name="firstTargetAt", default=None)
    last_target_at: dt.datetime | None = field(name="lastTargetAt", default=None)
    held_out: bool | None = field(name="heldOut", default=None)


class FindingOut(Struct, kw_only=True, frozen=True):
    """What is known of a variant in one metric."""

    variant: str
    metric: Metric
    is_guard: bool = field(name="isGuard")
    compared: ComparisonOut | None
    verdict: Literal["unsound", "too few", "open", "better", "worse"]


class FindingsOut(Struct, kw_only=True, frozen=True):
    """What was decided of a file as a whole, and what of it means nothing, is not read, or does not add up."""

    decisions: list[DecisionOut] | None = None
    unread: list[UnreadOut] | None = None
    questions: list[QuestionOut] | None = None
    warnings: list[ProblemOut] | None = None
    left_out: list[ProblemOut] | None = field(name="leftOut", default=None)
    left_out_count: int | None = field(name="leftOutCount", default=None)


class FlagOut(Struct, kw_only=True, frozen=True):
    """A flag with its rules."""

    flag: str
    about: str
    variants: list[str]
    default: str
    owner: str
    version: int
    rules: list[RuleOut]
    fault: str | None
    changed_by: _ids.UUID | None = field(name="changedBy")
    changed_at: dt.datetime | None = field(name="changedAt")


class FlagsOut(Struct, kw_only=True, frozen=True):
    """Every flag."""

    flags: list[FlagOut]


class ForecastOut(Struct, kw_only=True, frozen=True):
    """What the champion says."""

    predicted_price: _decimals.Decimal = field(name="predictedPrice")
    change: _decimals.Decimal
    change_percent: _decimals.Decimal = field(name="changePercent")
    confidence: _decimals.Decimal
    direction: Literal["bullish", "bearish", "neutral"]
    factors: list[str]
    note: str | None
    technical_indicators: IndicatorsOut | None = field(name="technicalIndicators")
    model_version: str = field(name="modelVersion")
    quantiles: QuantilesOut
    interval_80: list[_decimals.Decimal] = field(name="interval80")
    interval_95: list[_decimals.Decimal] = field(name="interval95")


class FunnelOut(Struct, kw_only=True, frozen=True):
    """How far those of a month came."""

    month: dt.date
    steps: list[FunnelStepOut]


class FunnelStepOut(Struct, kw_only=True, frozen=True):
    """A step of a funnel."""

    step: str
    users: int | None
    median_hours: _decimals.Decimal | None = field(name="medianHours")


class GainOut(Struct, kw_only=True, frozen=True):
    """A part of a lot that was sold, spent or lost."""

    token_symbol: str = field(name="tokenSymbol")
    transaction_id: _ids.UUID = field(name="transactionId")
    kind: Use
    used_at: dt.datetime = field(name="usedAt")
    acquired_at: dt.datetime | None = field(name="acquiredAt")
    quantity: _decimals.Decimal
    cost: _decimals.Decimal | None
    proceeds: _decimals.Decimal | None
    gain: _decimals.Decimal | None


class GainsOut(Struct, kw_only=True, frozen=True):
    """Realised gains, the newest first."""

    currency: str
    total_gain: _decimals.Decimal = field(name="totalGain")
    unknown: int
    gains: list[GainOut]
    next_cursor: str | None = field(name="nextCursor")


class GivenFlagOut(Struct, kw_only=True, frozen=True):
    """What a flag gives to the caller."""

    flag: str
    variant: str
    reason: str


class GivenFlagsOut(Struct, kw_only=True, frozen=True):
    """What every flag gives to the caller."""

    flags: list[GivenFlagOut]


class GraphqlErrorOut(Struct, kw_only=True, frozen=True):
    """Why a field is null."""

    message: str
    path: list[Any]
    locations: list[Mapping[str, int]]
    extensions: Mapping[str, Any]


class GraphqlOut(Struct, kw_only=True, frozen=True):
    """What was asked for; a field with an error is null and leaves the others."""

    data: Mapping[str, Any] | None
    errors: list[GraphqlErrorOut] | None = None


class HeldOut(Struct, kw_only=True, frozen=True):
    """Something that a check set aside."""

    id: int
    symbol: str
    scope: Literal["candle", "hour", "quote", "token", "forecast"]
    about: dt.datetime | None
    rule: str
    reason: str
    evidence: Mapping[str, Any]
    since: dt.datetime
    state: Literal["held", "released", "removed", "gone"]
    changed_at: dt.datetime = field(name="changedAt")
    changed_by: str = field(name="changedBy")
    change_reason: str | None = field(name="changeReason")
    trail: list[StepOut]


class HistoryOut(Struct, kw_only=True, frozen=True):
    """Candles, ascending, at most 1,000."""

    symbol: str
    timeframe: Literal["1h", "24h", "7d", "30d", "90d", "1y", "all"]
    interval: Literal["1m", "5m", "1h", "1d"] | None
    current_price: _decimals.Decimal | None = field(name="currentPrice")
    price_source: str | None = field(name="priceSource")
    data_points: int = field(name="dataPoints")
    price_history: list[PricePointOut] = field(name="priceHistory")


class HoldingOut(Struct, kw_only=True, frozen=True):
    """A holding in the portfolio's currency. What is unknown is null."""

    id: _ids.UUID | None
    portfolio_id: _ids.UUID = field(name="portfolioId")
    amount: _decimals.Decimal
    average_buy_price: _decimals.Decimal | None = field(name="averageBuyPrice")
    source: str
    current_value: _decimals.Decimal | None = field(name="currentValue")
    cost_basis: _decimals.Decimal | None = field(name="costBasis")
    profit_loss: _decimals.Decimal | None = field(name="profitLoss")
    profit_loss_percentage: _decimals.Decimal | None = field(name="profitLossPercentage")
    profit_loss_reason: str | None = field(name="profitLossReason")
    unrealized_pn_l: _decimals.Decimal | None = field(name="unrealizedPnL")
    is_stale: bool = field(name="isStale")
    missing_rate: str | None = field(name="missingRate")
    token: HoldingTokenOut
    created_at: dt.datetime | None = field(name="createdAt")
    updated_at: dt.datetime | None = field(name="updatedAt")


class HoldingTokenOut(Struct, kw_only=True, frozen=True):
    """The token of a holding; its price in US dollars."""

    id: _ids.UUID
    symbol: str
    name: str
    current_price: _decimals.Decimal | None = field(name="currentPrice")
    price_change_24h: _decimals.Decimal | None = field(name="priceChange24h")
    price_source: str | None = field(name="priceSource")
    price_updated_at: dt.datetime | None = field(name="priceUpdatedAt")
    logo_url: str | None = field(name="logoUrl")


class HoldingsOut(Struct, kw_only=True, frozen=True):
    """What is held."""

    holdings: list[HoldingOut]
    count: int
    not_kept: list[NotKeptOut] = field(name="notKept")


class HorizonOut(Struct, kw_only=True, frozen=True):
    """What the portfolio may be worth at one horizon."""

    days_ahead: int = field(name="daysAhead")
    target_at: dt.datetime | None = field(name="targetAt")
    quantiles: Mapping[str, _decimals.Decimal]
    value_at_risk_95: _decimals.Decimal = field(name="valueAtRisk95")
    expected_shortfall_95: _decimals.Decimal = field(name="expectedShortfall95")
    value_at_risk_99: _decimals.Decimal = field(name="valueAtRisk99")
    expected_shortfall_99: _decimals.Decimal = field(name="expectedShortfall99")
    covered_percentage: _decimals.Decimal = field(name="coveredPercentage")
    inputs: list[RiskInputOut]


class ImportBatchOut(Struct, kw_only=True, frozen=True):
    """An import and how far it is."""

    id: _ids.UUID
    format: str
    file_name: str | None = field(name="fileName")
    status: Literal["previewed", "queued", "running", "succeeded", "failed", "taken_back"]
    rows_total: int = field(name="rowsTotal")
    rows_done: int = field(name="rowsDone")
    rows_imported: int = field(name="rowsImported")
    rows_known: int = field(name="rowsKnown")
    problems: list[ProblemOut]
    problem_count: int = field(name="problemCount")
    findings: FindingsOut
    error: str | None
    created_at: dt.datetime = field(name="createdAt")
    started_at: dt.datetime | None = field(name="startedAt")
    finished_at: dt.datetime | None = field(name="finishedAt")


class ImportOut(Struct, kw_only=True, frozen=True):
    """An import; with a preview while it waits to be confirmed."""

    import_: ImportBatchOut = field(name="import")
    preview: PreviewOut | None


class ImportsOut(Struct, kw_only=True, frozen=True):
    """Imports, the newest first."""

    imports: list[ImportBatchOut]


class InProtocolsOut(Struct, kw_only=True, frozen=True):
    """What a portfolio's wallets have in protocols, in its currency; null where nothing of the kind has a price."""

    total_value: _decimals.Decimal | None = field(name="totalValue")
    supplied: _decimals.Decimal | None
    borrowed: _decimals.Decimal | None
    staked: _decimals.Decimal | None
    liquidity: _decimals.Decimal | None
    rewards: _decimals.Decimal | None
    positions_count: int = field(name="positionsCount")
    unpriced: list[str]
    observed_at: dt.datetime | None = field(name="observedAt")


class IndicatorsOut(Struct, kw_only=True, frozen=True):
    """Technical indicators of the newest final day; null where the history is too short."""

    rsi: _decimals.Decimal | None
    macd: MacdOut | None
    trend: Literal["bullish", "bearish", "neutral"] | None
    bollinger_bands: BandsOut | None = field(name="bollingerBands")
    volume_trend: Literal["increasing", "stable", "decreasing"] | None = field(name="volumeTrend")
    as_of: str = field(name="asOf")
    exact: ExactIndicatorsOut


class IngestFailureOut(Struct, kw_only=True, frozen=True):
    """How often sources failed in one way."""

    error_code: str = field(name="errorCode")
    times: int
    last: dt.datetime
    example: str


IssueKind = Literal[
    "negative_balance", "missing_cost", "unmatched_transfer", "unpriced_asset", "balance_difference"
]


class IssueOut(Struct, kw_only=True, frozen=True):
    """What somebody has to look at."""

    id: _ids.UUID
    kind: IssueKind
    state: str
    token_symbol: str = field(name="tokenSymbol")
    transaction_id: _ids.UUID | None = field(name="transactionId")
    amount: _decimals.Decimal | None
    message: str
    advice: str
    note: str | None
    found_at: dt.datetime = field(name="foundAt")
    settled_at: dt.datetime | None = field(name="settledAt")


class IssuesOut(Struct, kw_only=True, frozen=True):
    """Issues, the newest first."""

    issues: list[IssueOut]
    next_cursor: str | None = field(name="nextCursor")


class JobEventOut(Struct, kw_only=True, frozen=True):
    """Something that happened to a job."""

    event: str
    at: dt.datetime


class JobOut(Struct, kw_only=True, frozen=True):
    """A background job that is not done."""

    id: int
    task: str
    queue: str
    args: Mapping[str, Any]
    attempts: int
    scheduled_at: dt.datetime | None = field(name="scheduledAt")
    changed_at: dt.datetime | None = field(name="changedAt")
    state: Literal["failed", "stuck", "running", "waiting"]


class JobsOut(Struct, kw_only=True, frozen=True):
    """Background jobs, newest first."""

    jobs: list[JobOut]
    next_cursor: str | None = field(name="nextCursor")


class KeyOut(Struct, kw_only=True, frozen=True):
    """A key, without the key itself."""

    id: _ids.UUID
    name: str
    prefix: str
    scopes: list[str]
    allowed_networks: list[str] = field(name="allowedNetworks")
    is_signed: bool = field(name="isSigned")
    created_at: dt.datetime = field(name="createdAt")
    expires_at: dt.datetime | None = field(name="expiresAt")
    last_used_at: dt.datetime | None = field(name="lastUsedAt")
    last_used_from: str | None = field(name="lastUsedFrom")
    rotated_from: _ids.UUID | None = field(name="rotatedFrom")


class KeysOut(Struct, kw_only=True, frozen=True):
    """One's live keys, newest first."""

    api_keys: list[KeyOut] = field(name="apiKeys")


Kind = Literal[
    "buy",
    "sell",
    "transfer_in",
    "transfer_out",
    "deposit",
    "withdrawal",
    "fee",
    "reward",
    "staking",
    "airdrop",
    "interest",
    "swap",
    "gift",
    "lost",
    "opening_balance",
]


class LeftOutOut(Struct, kw_only=True, frozen=True):
    """A portfolio of which sums leave something out: tokens without a price or that are delisted, or all for want of an exchange rate."""

    portfolio_id: _ids.UUID = field(name="portfolioId")
    name: str
    unpriced: list[str]
    stale: list[str]
    missing_rates: list[str] = field(name="missingRates")


class ListedTokenOut(Struct, kw_only=True, frozen=True):
    """A token with its price in US dollars; what is unknown is null, never zero."""

    id: _ids.UUID
    symbol: str
    name: str
    blockchain: str
    logo_url: str | None = field(name="logoUrl")
    current_price: _decimals.Decimal | None = field(name="currentPrice")
    market_cap: _decimals.Decimal | None = field(name="marketCap")
    volume_24h: _decimals.Decimal | None = field(name="volume24h")
    price_change_24h: _decimals.Decimal | None = field(name="priceChange24h")
    price_source: str | None = field(name="priceSource")
    price_updated_at: dt.datetime | None = field(name="priceUpdatedAt")
    set_aside: str | None = field(name="setAside", default=None)


class ListingOut(Struct, kw_only=True, frozen=True):
    """A token as it is listed."""

    id: _ids.UUID
    symbol: str
    name: str
    blockchain: str
    coingecko_id: str | None = field(name="coingeckoId")
    contract_address: str | None = field(name="contractAddress")
    decimals: int | None
    logo_url: str | None = field(name="logoUrl")
    is_active: bool = field(name="isActive")
    created_at: dt.datetime = field(name="createdAt")
    updated_at: dt.datetime = field(name="updatedAt")


class ListingsOut(Struct, kw_only=True, frozen=True):
    """A page of tokens, by symbol."""

    tokens: list[ListingOut]
    next_cursor: str | None = field(name="nextCursor")


class LoggedInOut(Struct, kw_only=True, frozen=True):
    """An account and a new session."""

    user: UserOut
    access_token: str = field(name="accessToken")
    refresh_token: str = field(name="refreshToken")


class LoggedOutAllOut(Struct, kw_only=True, frozen=True):
    """How many sessions ended."""

    message: str
    sessions: int


LotMethod = Literal["fifo", "lifo", "hifo", "average"]


class LotOut(Struct, kw_only=True, frozen=True):
    """A part of a lot that a transaction used; `lotNumber` is null where more left than was held."""

    token_symbol: str = field(name="tokenSymbol")
    lot_number: int | None = field(name="lotNumber")
    kind: Use
    quantity: _decimals.Decimal
    cost: _decimals.Decimal | None
    proceeds: _decimals.Decimal | None
    gain: _decimals.Decimal | None
    used_at: dt.datetime = field(name="usedAt")
    acquired_at: dt.datetime | None = field(name="acquiredAt")
    acquired_by: _ids.UUID | None = field(name="acquiredBy")


LotScope = Literal["portfolio", "account"]


class LotsOut(Struct, kw_only=True, frozen=True):
    """The lots that a transaction used."""

    lots: list[LotOut]


class MacdOut(Struct, kw_only=True, frozen=True):
    """MACD 12/26 and its signal over 9 days, US dollars."""

    value: _decimals.Decimal
    signal: _decimals.Decimal | None


class MeOut(Struct, kw_only=True, frozen=True):
    """Who is asking."""

    user: MyUserOut
    sessions: int


class Message(Struct, kw_only=True, frozen=True):
    """A sentence for people."""

    message: str


class MessageAnswer(Struct, kw_only=True, frozen=True):
    """A sentence for people."""

    success: Literal[True] | None = None
    message: str


Metric = Literal["alert-useful", "alert-not-useful", "alert-ended"]


class ModelOut(Struct, kw_only=True, frozen=True):
    """The model behind the forecast, and what it was made from."""

    rung: Literal["global_champion", "token_champion", "global_baseline"] | None
    name: str
    version: str
    algorithm: str
    run_id: str = field(name="runId")
    trained_at: dt.datetime | None = field(name="trainedAt")
    data_cutoff: Any = field(name="dataCutoff")
    code_version: str | None = field(name="codeVersion")
    data_digest: str | None = field(name="dataDigest")


class MyUserOut(Struct, kw_only=True, frozen=True):
    """One's own account."""

    id: _ids.UUID
    email: str
    first_name: str | None = field(name="firstName")
    last_name: str | None = field(name="lastName")
    role: Literal["user", "analyst", "admin"]
    email_verified: bool = field(name="emailVerified")
    subscription_tier: Literal["free", "pro", "enterprise"] = field(name="subscriptionTier")
    created_at: dt.datetime = field(name="createdAt")
    last_login_at: dt.datetime | None = field(name="lastLoginAt")
    two_factor_enabled: bool = field(name="twoFactorEnabled")


class NewChannelOut(Struct, kw_only=True, frozen=True):
    """A new channel. The secret of a webhook is shown this once."""

    channel: ChannelOut
    secret: str | None


class NewKeyOut(Struct, kw_only=True, frozen=True):
    """A new key. `key` is shown this once and stored nowhere."""

    api_key: KeyOut = field(name="apiKey")
    key: str


class NonceAnswer(Struct, kw_only=True, frozen=True):
    """A nonce."""

    success: Literal[True] | None = None
    data: NonceOut


class NonceOut(Struct, kw_only=True, frozen=True):
    """What a message of EIP-4361 must say to prove ownership here; `message` is it, ready to be signed."""

    nonce: str
    domain: str
    uri: str
    version: str
    chain_id: int = field(name="chainId")
    statement: str
    issued_at: dt.datetime = field(name="issuedAt")
    expires_at: dt.datetime = field(name="expiresAt")
    message: str | None


class NotBookedOut(Struct, kw_only=True, frozen=True):
    """Something that an exchange told and that is not in the books."""

    name: str
    reason: str
    stream: str | None
    is_read: bool = field(name="isRead")
    row: str
    occurred_at: dt.datetime | None = field(name="occurredAt")
    found_at: dt.datetime = field(name="foundAt")
    tried_at: dt.datetime | None = field(name="triedAt")


class NotKeptOut(Struct, kw_only=True, frozen=True):
    """What an answer of a past instant cannot tell: its fields are null."""

    field: str
    reason: str


class OneAccountOut(Struct, kw_only=True, frozen=True):
    """One account."""

    user: AccountOut


class OneAlertOut(Struct, kw_only=True, frozen=True):
    """One alert."""

    alert: AlertOut
    warnings: list[str]


class OneAssetEventOut(Struct, kw_only=True, frozen=True):
    """One event."""

    asset_event: AssetEventOut = field(name="assetEvent")


class OneChannelOut(Struct, kw_only=True, frozen=True):
    """One channel."""

    channel: ChannelOut


class OneConnectionOut(Struct, kw_only=True, frozen=True):
    """One connection."""

    connection: ConnectionOut


class OneFeatureOut(Struct, kw_only=True, frozen=True):
    """One feature."""

    feature: FeatureOut


class OneFlagOut(Struct, kw_only=True, frozen=True):
    """One flag."""

    flag: FlagOut


class OneHoldingOut(Struct, kw_only=True, frozen=True):
    """One holding."""

    holding: HoldingOut


class OneIssueOut(Struct, kw_only=True, frozen=True):
    """One issue."""

    issue: IssueOut


class OneJobOut(Struct, kw_only=True, frozen=True):
    """A job, and what happened to it, the first first."""

    job: JobOut
    events: list[JobEventOut]


class OneListingOut(Struct, kw_only=True, frozen=True):
    """A token as it is listed, and what keeps it from being deleted."""

    token: ListingOut
    uses: list[UseOut]


class OnePortfolioOut(Struct, kw_only=True, frozen=True):
    """One portfolio."""

    portfolio: PortfolioOut


class OneShareOut(Struct, kw_only=True, frozen=True):
    """One link."""

    share: ShareOut


class OneTransactionOut(Struct, kw_only=True, frozen=True):
    """One transaction; `isPending` while the worker has it to book."""

    transaction: TransactionOut
    is_pending: bool = field(name="isPending")


class PaginationOut(Struct, kw_only=True, frozen=True):
    """Where in the list one is."""

    total: int
    limit: int
    offset: int


class PasskeyOut(Struct, kw_only=True, frozen=True):
    """A passkey."""

    id: _ids.UUID
    name: str
    is_backed_up: bool = field(name="isBackedUp")
    created_at: dt.datetime = field(name="createdAt")
    last_used_at: dt.datetime | None = field(name="lastUsedAt")


class PasskeysOut(Struct, kw_only=True, frozen=True):
    """The account's passkeys."""

    passkeys: list[PasskeyOut]


class PaymentPageOut(Struct, kw_only=True, frozen=True):
    """Where to go on."""

    url: str


class PerformanceOut(Struct, kw_only=True, frozen=True):
    """A portfolio over time."""

    portfolio_id: _ids.UUID = field(name="portfolioId")
    currency: str
    data_points: int = field(name="dataPoints")
    performance: list[PerformancePointOut]
    returns: ReturnsOut | None
    unavailable: str | None
    realised_gain: _decimals.Decimal = field(name="realisedGain")
    realised_unknown: int = field(name="realisedUnknown")
    benchmark: BenchmarkOut | None
    explain: ExplainOut | None
    is_pending: bool = field(name="isPending")


class PerformancePointOut(Struct, kw_only=True, frozen=True):
    """A day of the series; today's is live."""

    date: dt.date
    value: _decimals.Decimal | None
    cost: _decimals.Decimal | None
    growth: _decimals.Decimal | None
    filled_assets: int = field(name="filledAssets")
    unpriced_assets: int = field(name="unpricedAssets")
    benchmark: _decimals.Decimal | None
    is_live: bool = field(name="isLive")
    rate_date: dt.date | None = field(name="rateDate")


class PermissionsOut(Struct, kw_only=True, frozen=True):
    """What a key may do; null where its exchange does not say."""

    verdict: Verdict
    can_read: bool | None = field(name="canRead")
    can_trade: bool | None = field(name="canTrade")
    can_withdraw: bool | None = field(name="canWithdraw")
    is_verified: bool = field(name="isVerified")
    granted: list[str]


PlanFeature = Literal["taxReports", "sharedLinks"]


class PlanFeatureOut(Struct, kw_only=True, frozen=True):
    """Whether a plan has a feature."""

    name: PlanFeature
    is_included: bool = field(name="isIncluded")


PlanLimit = Literal["portfolios", "alerts", "channels", "exchanges", "wallets", "apiKeys"]


class PlanLimitOut(Struct, kw_only=True, frozen=True):
    """How many of something a plan allows."""

    name: PlanLimit
    most: int | None


class PlanOut(Struct, kw_only=True, frozen=True):
    """One's plan, and the others."""

    is_limited: bool = field(name="isLimited")
    is_paid_by_card: bool = field(name="isPaidByCard")
    has_portal: bool = field(name="hasPortal")
    prepaid: PrepaidOut | None
    plan: str
    status: Literal["none", "incomplete", "trial", "active", "past_due", "cancelled", "refunded"]
    ends_at: dt.datetime | None = field(name="endsAt")
    renews_at: dt.datetime | None = field(name="renewsAt")
    limits: list[UsedLimitOut]
    features: list[PlanFeatureOut]
    plans: list[SoldPlanOut]


class PortfolioForecastOut(Struct, kw_only=True, frozen=True):
    """Distributions of a portfolio's value."""

    portfolio_id: _ids.UUID = field(name="portfolioId")
    currency: str
    at: dt.datetime
    value: _decimals.Decimal
    total_value: _decimals.Decimal = field(name="totalValue")
    unavailable: str | None
    horizons: list[HorizonOut]
    left_out: list[UnforecastOut] = field(name="leftOut")
    method: str
    copula_degrees: _decimals.Decimal = field(name="copulaDegrees")
    draws: int
    seed: int


class PortfolioOut(Struct, kw_only=True, frozen=True):
    """A portfolio with what it holds. `netWorth` has what its wallets have in protocols (`defi`), `totalValue` has not."""

    id: _ids.UUID
    name: str
    description: str | None
    icon: str | None
    currency: str
    display_currency: str = field(name="displayCurrency")
    rate_date: dt.date | None = field(name="rateDate")
    lot_method: LotMethod = field(name="lotMethod")
    lot_scope: LotScope = field(name="lotScope")
    transfer_tolerance: _decimals.Decimal = field(name="transferTolerance")
    transfer_hours: int = field(name="transferHours")
    is_active: bool = field(name="isActive")
    created_at: dt.datetime = field(name="createdAt")
    updated_at: dt.datetime = field(name="updatedAt")
    holdings: list[HoldingOut]
    stats: StatsOut
    total_value: _decimals.Decimal | None = field(name="totalValue")
    change_24h: _decimals.Decimal | None = field(name="change24h")
    change_percent_24h: _decimals.Decimal | None = field(name="changePercent24h")
    asset_count: int = field(name="assetCount")
    transaction_count: int = field(name="transactionCount")
    unpriced: list[str]
    stale: list[str]
    uncosted: list[str]
    missing_rates: list[str] = field(name="missingRates")
    is_pending: bool = field(name="isPending")
    valued_at: dt.datetime | None = field(name="valuedAt")
    defi: InProtocolsOut | None
    net_worth: _decimals.Decimal | None = field(name="netWorth")
    not_kept: list[NotKeptOut] = field(name="notKept")


class PortfolioRiskOut(Struct, kw_only=True, frozen=True):
    """Estimates of what may be lost; percentages, null under 30 days."""

    portfolio_id: _ids.UUID = field(name="portfolioId")
    currency: str
    days: int
    volatility: _decimals.Decimal | None
    sharpe: _decimals.Decimal | None
    sortino: _decimals.Decimal | None
    value_at_risk_95: _decimals.Decimal | None = field(name="valueAtRisk95")
    expected_shortfall_95: _decimals.Decimal | None = field(name="expectedShortfall95")
    max_drawdown: DrawdownOut | None = field(name="maxDrawdown")
    concentration: _decimals.Decimal | None
    correlations: Mapping[str, Mapping[str, _decimals.Decimal | None]]
    unavailable: str | None
    method: str
    by_models: RiskByModelsOut = field(name="byModels")


class PortfoliosOut(Struct, kw_only=True, frozen=True):
    """One's portfolios, and sums over what is known of all of them; `leftOut` names what they do not contain."""

    portfolios: list[PortfolioOut]
    count: int
    currency: str
    left_out: list[LeftOutOut] = field(name="leftOut")
    not_kept: list[NotKeptOut] = field(name="notKept")
    net_worth: _decimals.Decimal | None = field(name="netWorth")
    total_value: _decimals.Decimal | None = field(name="totalValue")
    change_24h: _decimals.Decimal | None = field(name="change24h")
    change_24h_percentage: _decimals.Decimal | None = field(name="change24hPercentage")
    total_profit_loss: _decimals.Decimal | None = field(name="totalProfitLoss")
    total_profit_loss_percentage: _decimals.Decimal | None = field(name="totalProfitLossPercentage")


PositionKind = Literal["supplied", "borrowed", "staked", "liquidity", "reward"]


class PositionOut(Struct, kw_only=True, frozen=True):
    """An amount of a token in a protocol, in US dollars; `value` is below zero for a debt, null without a price."""

    id: _ids.UUID
    wallet_id: _ids.UUID = field(name="walletId")
    wallet_address: str = field(name="walletAddress")
    blockchain: str
    protocol: ProtocolRef
    position_type: PositionKind = field(name="positionType")
    token_symbol: str | None = field(name="tokenSymbol")
    token_name: str | None = field(name="tokenName")
    token_logo_url: str | None = field(name="tokenLogoUrl")
    contract_address: str = field(name="contractAddress")
    amount: _decimals.Decimal
    price: _decimals.Decimal | None
    price_source: str | None = field(name="priceSource")
    price_updated_at: dt.datetime | None = field(name="priceUpdatedAt")
    value: _decimals.Decimal | None
    details: Mapping[str, Any]
    opened_at: dt.datetime = field(name="openedAt")
    observed_at: dt.datetime = field(name="observedAt")


class PositionsAnswer(Struct, kw_only=True, frozen=True):
    """Positions."""

    success: Literal[True] | None = None
    data: PositionsOut


class PositionsOut(Struct, kw_only=True, frozen=True):
    """Open positions; `totalValue` has debts subtracted and leaves out what `unpriced` names."""

    positions: list[PositionOut]
    total_value: _decimals.Decimal | None = field(name="totalValue")
    unpriced: list[str]
    count: int


class PredictionOut(Struct, kw_only=True, frozen=True):
    """A forecast of the champion; every number of it is the model's own, or follows from its distribution."""

    symbol: str
    name: str
    current_price: _decimals.Decimal = field(name="currentPrice")
    price_source: str | None = field(name="priceSource")
    reference_price: _decimals.Decimal = field(name="referencePrice")
    origin_at: dt.datetime = field(name="originAt")
    anchored_at: dt.datetime = field(name="anchoredAt")
    target_at: dt.datetime = field(name="targetAt")
    prediction: ForecastOut
    predicted_price: _decimals.Decimal = field(name="predictedPrice")
    prediction_change: _decimals.Decimal = field(name="predictionChange")
    prediction_change_percent: _decimals.Decimal = field(name="predictionChangePercent")
    confidence: _decimals.Decimal
    days_ahead: int = field(name="daysAhead")
    timeframe: Literal["24h", "7d", "14d", "30d"]
    timestamp: dt.datetime
    model: ModelOut
    quality: QualityOut
    prediction_id: _ids.UUID | None = field(name="predictionId")
    expires_at: dt.datetime = field(name="expiresAt")
    stale: bool
    not_kept: list[NotKeptOut] = field(name="notKept")


class PreferencesOut(Struct, kw_only=True, frozen=True):
    """What was chosen; null where nothing was."""

    language: str | None
    currency: str | None
    time_zone: str | None = field(name="timeZone")


class PrepaidOut(Struct, kw_only=True, frozen=True):
    """What days of the plan cost that are paid in crypto."""

    amount: _decimals.Decimal
    currency: str
    days: int


class PreviewOut(Struct, kw_only=True, frozen=True):
    """What an import would do. Each row is a transaction or part of one, left out with the reason, or a problem."""

    rows: int
    transactions: int
    known: int
    problem_count: int = field(name="problemCount")
    problems: list[ProblemOut]
    findings: FindingsOut
    examples: list[ExampleOut]


class PriceOut(Struct, kw_only=True, frozen=True):
    """A price in US dollars at an instant, and what stands behind it."""

    symbol: str
    price: _decimals.Decimal | None
    confidence: _decimals.Decimal | None
    state: Literal["ok", "thin", "single", "stale"]
    quorum: int
    made_of: Literal["consensus", "candle"] = field(name="madeOf")
    source: str
    method: int | None
    agreed_at: dt.datetime | None = field(name="agreedAt")
    recorded_at: dt.datetime = field(name="recordedAt")
    jump: Literal["waiting", "confirmed"] | None
    candidate: _decimals.Decimal | None
    constituents: list[ConstituentOut] | None


class PricePointOut(Struct, kw_only=True, frozen=True):
    """One candle, or several in a row merged to one."""

    time: int
    price: _decimals.Decimal
    open: _decimals.Decimal
    high: _decimals.Decimal
    low: _decimals.Decimal
    close: _decimals.Decimal
    volume: _decimals.Decimal | None
    source: str
    filled: bool


class ProblemOut(Struct, kw_only=True, frozen=True):
    """What is wrong with a line of a file."""

    line: int
    column: str | None
    message: str


class ProfileOut(Struct, kw_only=True, frozen=True):
    """The account, and the address that waits to be confirmed."""

    user: UserOut
    pending_email: str | None = field(name="pendingEmail")


class ProtocolOut(Struct, kw_only=True, frozen=True):
    """A protocol; `tvl` in US dollars, `apy` in percent a year of its largest pool."""

    id: _ids.UUID
    name: str
    slug: str
    category: str
    blockchain: str
    logo_url: str | None = field(name="logoUrl")
    website: str | None
    tvl: _decimals.Decimal | None
    tvl_observed_at: dt.datetime | None = field(name="tvlObservedAt")
    apy: _decimals.Decimal | None
    apy_observed_at: dt.datetime | None = field(name="apyObservedAt")
    source: str | None
    untold: str | None
    is_active: bool = field(name="isActive")
    yields: list[YieldOut]


class ProtocolRef(Struct, kw_only=True, frozen=True):
    """The protocol of a position."""

    id: _ids.UUID
    slug: str
    name: str
    category: str
    logo_url: str | None = field(name="logoUrl")


class ProtocolsAnswer(Struct, kw_only=True, frozen=True):
    """All protocols."""

    success: Literal[True] | None = None
    data: list[ProtocolOut]
    count: int


class PushKeyOut(Struct, kw_only=True, frozen=True):
    """The key that browsers of the caller subscribe for."""

    public_key: str = field(name="publicKey")


class QualityOut(Struct, kw_only=True, frozen=True):
    """What the model reached on data that it had not seen; `skillVsNaive` against "tomorrow equals today"."""

    coverage_80: _decimals.Decimal | None = field(name="coverage80")
    coverage_95: _decimals.Decimal | None = field(name="coverage95")
    skill_vs_naive: _decimals.Decimal | None = field(name="skillVsNaive")
    evaluated_on: str | None = field(name="evaluatedOn")
    in_distribution: bool | None = field(name="inDistribution")
    beats_naive: bool | None = field(name="beatsNaive")
    validated: bool | None
    reason: str | None


class QuantilesOut(Struct, kw_only=True, frozen=True):
    """Prices that are not exceeded with the probability in their names."""

    at_0_025: _decimals.Decimal = field(name="0.025")
    at_0_1: _decimals.Decimal = field(name="0.1")
    at_0_5: _decimals.Decimal = field(name="0.5")
    at_0_9: _decimals.Decimal = field(name="0.9")
    at_0_975: _decimals.Decimal = field(name="0.975")


class QuestionOut(Struct, kw_only=True, frozen=True):
    """What the file leaves open: the field that answers it, and what may be answered."""

    option: Literal["numberFormat", "dateOrder", "dateLanguage", "timeZone", "ignoreColumns"]
    columns: list[str]
    choices: list[str]
    message: str


class QuotesOut(Struct, kw_only=True, frozen=True):
    """How fresh the quotes are."""

    quotes: int
    newest: dt.datetime | None
    stale: int
    unquoted: int
    quarantined: int


class RateOut(Struct, kw_only=True, frozen=True):
    """A return in percent, or the reason why there is none."""

    percentage: _decimals.Decimal | None
    reason: str | None


class RefusedOut(Struct, kw_only=True, frozen=True):
    """A row that was refused on arrival, as it came."""

    id: int
    token_id: _ids.UUID | None = field(name="tokenId")
    symbol: str | None
    kind: Literal["candle", "quote", "metadata"]
    source: str
    reason: str
    payload: Mapping[str, Any]
    quarantined_at: dt.datetime = field(name="quarantinedAt")
    resolution: Literal["accepted", "rejected"] | None
    resolved_at: dt.datetime | None = field(name="resolvedAt")
    resolved_by: str | None = field(name="resolvedBy")
    resolution_reason: str | None = field(name="resolutionReason")


class RefusedRowsOut(Struct, kw_only=True, frozen=True):
    """What was refused on arrival, newest first."""

    rows: list[RefusedOut]
    next_cursor: str | None = field(name="nextCursor")


class RegimeOut(Struct, kw_only=True, frozen=True):
    """The rules of a country."""

    code: str
    name: str
    currency: str
    begins: str
    says: list[str]


class RegimesOut(Struct, kw_only=True, frozen=True):
    """All regimes."""

    regimes: list[RegimeOut]


class RegisteredOut(Struct, kw_only=True, frozen=True):
    """A new account and its first session. Where accounts are concealed, `message` alone."""

    user: UserOut | None = None
    access_token: str | None = field(name="accessToken", default=None)
    refresh_token: str | None = field(name="refreshToken", default=None)
    message: str


class ReturnsOut(Struct, kw_only=True, frozen=True):
    """The returns of the closed days of a period, and the sums that they come from."""

    first_day: dt.date = field(name="firstDay")
    last_day: dt.date = field(name="lastDay")
    start_value: _decimals.Decimal = field(name="startValue")
    end_value: _decimals.Decimal = field(name="endValue")
    inflow: _decimals.Decimal
    outflow: _decimals.Decimal
    gain: _decimals.Decimal
    time_weighted: RateOut = field(name="timeWeighted")
    money_weighted: RateOut = field(name="moneyWeighted")
    money_weighted_of_period: RateOut = field(name="moneyWeightedOfPeriod")
    simple: RateOut


class RiskByModelsOut(Struct, kw_only=True, frozen=True):
    """What may be lost in a day by the models' forecasts; null with the reason in `unavailable`."""

    value_at_risk_95: _decimals.Decimal | None = field(name="valueAtRisk95")
    expected_shortfall_95: _decimals.Decimal | None = field(name="expectedShortfall95")
    unavailable: str | None
    method: str
    copula_degrees: _decimals.Decimal = field(name="copulaDegrees")
    draws: int
    seed: int
    covered_percentage: _decimals.Decimal | None = field(name="coveredPercentage")
    inputs: list[RiskInputOut]
    left_out: list[RiskLeftOutOut] = field(name="leftOut")


class RiskInputOut(Struct, kw_only=True, frozen=True):
    """An asset behind the figure by models; `model` and what follows are null where its own history stands in."""

    symbol: str
    percentage: _decimals.Decimal | None
    source: Literal["model", "history"]
    days: int
    model: str | None
    model_version: str | None = field(name="modelVersion")
    origin_at: dt.datetime | None = field(name="originAt")
    issued_at: dt.datetime | None = field(name="issuedAt")
    target_at: dt.datetime | None = field(name="targetAt")


class RiskLeftOutOut(Struct, kw_only=True, frozen=True):
    """An asset of which too little is known; the figures are of the others, in percent of what those are worth."""

    symbol: str | None
    percentage: _decimals.Decimal | None
    reason: str


class RiskOut(Struct, kw_only=True, frozen=True):
    """How risky a token is."""

    symbol: str
    name: str
    risk_score: RiskScoreOut = field(name="riskScore")
    volatility: _decimals.Decimal | None
    as_of: str = field(name="asOf")
    timestamp: dt.datetime
    price_source: str = field(name="priceSource")


class RiskScoreOut(Struct, kw_only=True, frozen=True):
    """A score and its parts; higher is riskier."""

    overall_score: _decimals.Decimal = field(name="overallScore")
    risk_level: Literal["safe", "low", "medium", "high", "extreme"] = field(name="riskLevel")
    components: ComponentsOut
    analysis: AnalysisOut


class RisksOut(Struct, kw_only=True, frozen=True):
    """Scores in the order asked for, and what could not be answered."""

    risks: list[RiskOut]
    errors: list[FailureOut]
    count: int


class RuleOut(Struct, kw_only=True, frozen=True):
    """Whom a rule is for, and what they get."""

    weights: Mapping[str, int]
    user_ids: list[_ids.UUID] = field(name="userIds")
    plans: list[Literal["free", "pro", "enterprise"]]
    environments: list[Literal["local", "production"]]
    share: int


class ScreenshotOut(Struct, kw_only=True, frozen=True):
    """The picture that came along."""

    screenshot: str


class SessionOut(Struct, kw_only=True, frozen=True):
    """A live session."""

    id: _ids.UUID
    user_agent: str | None = field(name="userAgent")
    ip_address: str | None = field(name="ipAddress")
    created_at: dt.datetime = field(name="createdAt")
    last_seen_at: dt.datetime = field(name="lastSeenAt")
    expires_at: dt.datetime = field(name="expiresAt")
    current: bool


class SessionsOut(Struct, kw_only=True, frozen=True):
    """The live sessions, the one seen last first."""

    sessions: list[SessionOut]


class SetAsideOut(Struct, kw_only=True, frozen=True):
    """What checks set aside, newest first."""

    entries: list[HeldOut]
    next_cursor: str | None = field(name="nextCursor")


class SetUpOut(Struct, kw_only=True, frozen=True):
    """A secret for an authenticator app; it counts once a code of it was verified."""

    secret: str
    otpauth_url: str = field(name="otpauthUrl")
    qr_code: str = field(name="qrCode")


class ShareOut(Struct, kw_only=True, frozen=True):
    """A link; `url` and `secret` are shown once, when it is made."""

    id: _ids.UUID
    hides_amounts: bool = field(name="hidesAmounts")
    created_at: dt.datetime = field(name="createdAt")
    expires_at: dt.datetime | None = field(name="expiresAt")
    revoked_at: dt.datetime | None = field(name="revokedAt")
    secret: str | None = None
    url: str | None = None


class SharedOut(Struct, kw_only=True, frozen=True):
    """A portfolio as others see it."""

    name: str
    currency: str
    hides_amounts: bool = field(name="hidesAmounts")
    total_value: _decimals.Decimal | None = field(name="totalValue")
    allocations: list[SharedPartOut]
    performance: list[SharedPointOut]
    unpriced: list[str]
    stale: list[str]
    missing_rates: list[str] = field(name="missingRates")


class SharedPartOut(Struct, kw_only=True, frozen=True):
    """A token of a shared portfolio; amount and value are null where they are hidden."""

    symbol: str
    name: str
    logo_url: str | None = field(name="logoUrl")
    percentage: _decimals.Decimal | None
    amount: _decimals.Decimal | None
    value: _decimals.Decimal | None


class SharedPointOut(Struct, kw_only=True, frozen=True):
    """A day of a shared portfolio."""

    date: dt.date
    growth: _decimals.Decimal | None
    value: _decimals.Decimal | None


class SharesOut(Struct, kw_only=True, frozen=True):
    """Links, the newest first."""

    shares: list[ShareOut]


class SoldPlanOut(Struct, kw_only=True, frozen=True):
    """A plan that can be had."""

    name: str
    limits: list[PlanLimitOut]
    features: list[PlanFeatureOut]


class StartedJobOut(Struct, kw_only=True, frozen=True):
    """Which job reads which connection."""

    connection_id: _ids.UUID = field(name="connectionId")
    job_id: _ids.UUID = field(name="jobId")


class StartedOut(Struct, kw_only=True, frozen=True):
    """A sync that was asked for."""

    success: Literal[True] | None = None
    message: str
    connection_id: _ids.UUID = field(name="connectionId")
    job_id: _ids.UUID = field(name="jobId")


class StartedSync(Struct, kw_only=True, frozen=True):
    """A sync of one wallet."""

    wallet_id: _ids.UUID = field(name="walletId")
    job_id: _ids.UUID = field(name="jobId")


class StatsAnswer(Struct, kw_only=True, frozen=True):
    """Sums."""

    success: Literal[True] | None = None
    data: DefiStatsOut


class StatsOut(Struct, kw_only=True, frozen=True):
    """Sums over what is known."""

    total_value: _decimals.Decimal | None = field(name="totalValue")
    total_cost: _decimals.Decimal | None = field(name="totalCost")
    profit_loss: _decimals.Decimal | None = field(name="profitLoss")
    profit_loss_percentage: _decimals.Decimal | None = field(name="profitLossPercentage")
    profit_loss_reason: str | None = field(name="profitLossReason")
    holdings_count: int = field(name="holdingsCount")


class StatusOut(Struct, kw_only=True, frozen=True):
    """The second factors of the account."""

    enabled: bool
    backup_codes_left: int = field(name="backupCodesLeft")
    passkeys: int


class StepOut(Struct, kw_only=True, frozen=True):
    """A step of an entry's trail."""

    state: Literal["held", "released", "removed", "gone"]
    at: dt.datetime
    actor: str
    reason: str | None


class StepUpOut(Struct, kw_only=True, frozen=True):
    """Until when the proof counts."""

    valid_until: dt.datetime = field(name="validUntil")


class StoredListOut(Struct, kw_only=True, frozen=True):
    """Forecasts of one horizon: those that were issued, newest first, and behind them those that were held out."""

    symbol: str
    timeframe: Literal["24h", "7d", "14d", "30d"]
    predictions: list[StoredOut]
    next_cursor: str | None = field(name="nextCursor")


class StoredOneOut(Struct, kw_only=True, frozen=True):
    """A stored forecast with its token."""

    id: _ids.UUID | None
    days_ahead: int = field(name="daysAhead")
    origin_at: dt.datetime = field(name="originAt")
    target_at: dt.datetime = field(name="targetAt")
    issued_at: dt.datetime = field(name="issuedAt")
    reference_price: _decimals.Decimal = field(name="referencePrice")
    predicted_price: _decimals.Decimal = field(name="predictedPrice")
    interval_80: list[_decimals.Decimal] = field(name="interval80")
    interval_95: list[_decimals.Decimal] = field(name="interval95")
    realised_price: _decimals.Decimal | None = field(name="realisedPrice")
    error: _decimals.Decimal | None
    within_80: bool | None = field(name="within80")
    within_95: bool | None = field(name="within95")
    pinball_loss: _decimals.Decimal | None = field(name="pinballLoss")
    probability_below: _decimals.Decimal | None = field(name="probabilityBelow")
    model_name: str = field(name="modelName")
    model_version: int = field(name="modelVersion")
    algorithm: str
    run_id: str = field(name="runId")
    data_digest: str = field(name="dataDigest")
    code_version: str = field(name="codeVersion")
    price_source: str = field(name="priceSource")
    is_backfill: bool = field(name="isBackfill")
    held_out: bool = field(name="heldOut")
    symbol: str
    timeframe: Literal["24h", "7d", "14d", "30d"]


class StoredOut(Struct, kw_only=True, frozen=True):
    """A forecast as it was issued, and what came."""

    id: _ids.UUID | None
    days_ahead: int = field(name="daysAhead")
    origin_at: dt.datetime = field(name="originAt")
    target_at: dt.datetime = field(name="targetAt")
    issued_at: dt.datetime = field(name="issuedAt")
    reference_price: _decimals.Decimal = field(name="referencePrice")
    predicted_price: _decimals.Decimal = field(name="predictedPrice")
    interval_80: list[_decimals.Decimal] = field(name="interval80")
    interval_95: list[_decimals.Decimal] = field(name="interval95")
    realised_price: _decimals.Decimal | None = field(name="realisedPrice")
    error: _decimals.Decimal | None
    within_80: bool | None = field(name="within80")
    within_95: bool | None = field(name="within95")
    pinball_loss: _decimals.Decimal | None = field(name="pinballLoss")
    probability_below: _decimals.Decimal | None = field(name="probabilityBelow")
    model_name: str = field(name="modelName")
    model_version: int = field(name="modelVersion")
    algorithm: str
    run_id: str = field(name="runId")
    data_digest: str = field(name="dataDigest")
    code_version: str = field(name="codeVersion")
    price_source: str = field(name="priceSource")
    is_backfill: bool = field(name="isBackfill")
    held_out: bool = field(name="heldOut")


class SubPeriodOut(Struct, kw_only=True, frozen=True):
    """A day that the time-weighted return is chained of."""

    date: dt.date
    invested: _decimals.Decimal
    result: _decimals.Decimal
    percentage: _decimals.Decimal | None


class SyncAnswer(Struct, kw_only=True, frozen=True):
    """A sync."""

    success: Literal[True] | None = None
    data: WalletSyncOut


class SyncProgressOut(Struct, kw_only=True, frozen=True):
    """How far a sync is."""

    status: Literal["queued", "running", "succeeded", "failed"]
    started_at: dt.datetime | None = field(name="startedAt")
    finished_at: dt.datetime | None = field(name="finishedAt")
    imported: int
    error: str | None


class SyncStartedOut(Struct, kw_only=True, frozen=True):
    """A sync that was asked for."""

    message: str
    job_id: _ids.UUID = field(name="jobId")
    estimated_completion_time: dt.datetime = field(name="estimatedCompletionTime")


class SyncsAnswer(Struct, kw_only=True, frozen=True):
    """Started syncs."""

    success: Literal[True] | None = None
    data: SyncsOut
    message: str


class SyncsOut(Struct, kw_only=True, frozen=True):
    """Syncs that were started."""

    syncs: list[StartedSync]
    count: int


class TaxLimitOut(Struct, kw_only=True, frozen=True):
    """A sum against a limit of the law."""

    name: str
    of: str
    amount: _decimals.Decimal | None
    sum: _decimals.Decimal
    counted: _decimals.Decimal | None


class TaxQuestionOut(Struct, kw_only=True, frozen=True):
    """What the report cannot answer, and is in no sum."""

    on: dt.date
    token_symbol: str = field(name="tokenSymbol")
    quantity: _decimals.Decimal
    reason: str
    transaction_id: _ids.UUID | None = field(name="transactionId")


class TaxReportOut(Struct, kw_only=True, frozen=True):
    """A tax year. What is unknown stands first, as no sum includes it."""

    regime: str
    year: int
    currency: str
    from_: dt.date = field(name="from")
    to: dt.date
    unknown_count: int = field(name="unknownCount")
    unknown: list[TaxQuestionOut]
    sums: list[TaxSumOut]
    income: _decimals.Decimal
    fees: _decimals.Decimal
    limits: list[TaxLimitOut]
    disposal_count: int = field(name="disposalCount")
    disposals: list[DisposalOut]
    says: list[str]
    notice: str


class TaxSumOut(Struct, kw_only=True, frozen=True):
    """A total of disposals whose numbers are known."""

    name: str
    lines: int
    proceeds: _decimals.Decimal
    cost: _decimals.Decimal
    gain: _decimals.Decimal


class TestedChannelOut(Struct, kw_only=True, frozen=True):
    """A message that was written to try a channel; the worker sends it at once."""

    message_id: _ids.UUID = field(name="messageId")


class TestedOut(Struct, kw_only=True, frozen=True):
    """A key that works."""

    success: Literal[True] | None = None
    message: str
    permissions: PermissionsOut


class TokenDayOut(Struct, kw_only=True, frozen=True):
    """A token's day."""

    day: dt.date
    completeness: _decimals.Decimal | None
    age: _decimals.Decimal | None
    disagreement: _decimals.Decimal | None
    quarantined: int
    revisions: int
    hours: int
    expected_hours: int | None = field(name="expectedHours")
    has_day: bool | None = field(name="hasDay")


class TokenHealthOut(Struct, kw_only=True, frozen=True):
    """The days of a token, oldest first."""

    token_id: _ids.UUID = field(name="tokenId")
    symbol: str
    days: list[TokenDayOut]


class TokenOut(Struct, kw_only=True, frozen=True):
    """All that is known of a token."""

    id: _ids.UUID
    symbol: str
    name: str
    blockchain: str
    logo_url: str | None = field(name="logoUrl")
    current_price: _decimals.Decimal | None = field(name="currentPrice")
    market_cap: _decimals.Decimal | None = field(name="marketCap")
    volume_24h: _decimals.Decimal | None = field(name="volume24h")
    price_change_24h: _decimals.Decimal | None = field(name="priceChange24h")
    price_source: str | None = field(name="priceSource")
    price_updated_at: dt.datetime | None = field(name="priceUpdatedAt")
    set_aside: str | None = field(name="setAside", default=None)
    coingecko_id: str | None = field(name="coingeckoId")
    contract_address: str | None = field(name="contractAddress")
    decimals: int | None
    ath: _decimals.Decimal | None
    ath_date: dt.datetime | None = field(name="athDate")
    atl: _decimals.Decimal | None
    atl_date: dt.datetime | None = field(name="atlDate")
    circulating_supply: _decimals.Decimal | None = field(name="circulatingSupply")
    total_supply: _decimals.Decimal | None = field(name="totalSupply")
    max_supply: _decimals.Decimal | None = field(name="maxSupply")
    is_active: bool = field(name="isActive")
    created_at: dt.datetime = field(name="createdAt")
    updated_at: dt.datetime = field(name="updatedAt")


class TokenPairOut(Struct, kw_only=True, frozen=True):
    """A new pair; the refresh token that was sent is used up."""

    access_token: str = field(name="accessToken")
    refresh_token: str = field(name="refreshToken")


class TokensOut(Struct, kw_only=True, frozen=True):
    """A page of tokens, by market cap, unknown last."""

    tokens: list[ListedTokenOut]
    next_cursor: str | None = field(name="nextCursor")


class ToldOut(Struct, kw_only=True, frozen=True):
    """That it arrived."""

    id: _ids.UUID


class TransactionOut(Struct, kw_only=True, frozen=True):
    """A transaction; `id` stays the same through corrections."""

    id: _ids.UUID
    portfolio_id: _ids.UUID = field(name="portfolioId")
    token_symbol: str = field(name="tokenSymbol")
    token_name: str = field(name="tokenName")
    type: Kind
    amount: _decimals.Decimal
    price: _decimals.Decimal | None
    currency: str
    total: _decimals.Decimal | None
    fee: _decimals.Decimal | None
    fee_token: str | None = field(name="feeToken")
    counter_token_symbol: str | None = field(name="counterTokenSymbol")
    counter_amount: _decimals.Decimal | None = field(name="counterAmount")
    notes: str | None
    timestamp: dt.datetime
    tx_hash: str | None = field(name="txHash")
    exchange: str | None
    source: str
    version: int
    created_at: dt.datetime = field(name="createdAt")
    updated_at: dt.datetime = field(name="updatedAt")


class TransactionVersionsOut(Struct, kw_only=True, frozen=True):
    """All versions of a transaction, the newest first; a deleted one has no current version."""

    versions: list[VersionOut]


class TransactionsOut(Struct, kw_only=True, frozen=True):
    """Transactions, the newest first."""

    transactions: list[TransactionOut]
    pagination: PaginationOut
    next_cursor: str | None = field(name="nextCursor")


class UnbookedOut(Struct, kw_only=True, frozen=True):
    """What is not in the books: first what has no time, then the newest."""

    unbooked: list[NotBookedOut]


class UnforecastOut(Struct, kw_only=True, frozen=True):
    """An asset that the distributions know nothing of."""

    symbol: str | None
    reason: str


class UnreadOut(Struct, kw_only=True, frozen=True):
    """A column that is not read."""

    column: str
    reason: str


class UsageOut(Struct, kw_only=True, frozen=True):
    """Whether product events are kept."""

    shared_since: dt.datetime | None = field(name="sharedSince")


Use = Literal[
    "sale", "swap", "fee", "lost", "gift", "withdrawal", "transfer", "pooled", "conversion"
]


class UseOut(Struct, kw_only=True, frozen=True):
    """What refers to a token."""

    used_by: str = field(name="usedBy")
    rows: int


class UsedLimitOut(Struct, kw_only=True, frozen=True):
    """How many of something one may have, and has."""

    name: PlanLimit
    most: int | None
    used: int


class UserOut(Struct, kw_only=True, frozen=True):
    """An account."""

    id: _ids.UUID
    email: str
    first_name: str | None = field(name="firstName")
    last_name: str | None = field(name="lastName")
    role: Literal["user", "analyst", "admin"]
    email_verified: bool = field(name="emailVerified")
    subscription_tier: Literal["free", "pro", "enterprise"] = field(name="subscriptionTier")
    created_at: dt.datetime = field(name="createdAt")


class VenueDayOut(Struct, kw_only=True, frozen=True):
    """A venue's day. Prices are looked at as they were at the first minute of each third hour."""

    day: dt.date
    completeness: _decimals.Decimal | None
    age: _decimals.Decimal | None
    disagreement: _decimals.Decimal | None
    quarantined: int
    revisions: int
    expected: int
    answered: int
    votes: int


class VenueHealthOut(Struct, kw_only=True, frozen=True):
    """The days of a venue, oldest first."""

    venue: str
    days: list[VenueDayOut]


class VenueOut(Struct, kw_only=True, frozen=True):
    """An exchange that can be connected."""

    id: str
    name: str
    requires_passphrase: bool = field(name="requiresPassphrase")


class VenuesOut(Struct, kw_only=True, frozen=True):
    """All of them."""

    exchanges: list[VenueOut]


Verdict = Literal["read_only", "can_trade", "can_withdraw", "unknown"]


class VerifiedOut(Struct, kw_only=True, frozen=True):
    """Recovery codes, shown this once."""

    success: bool
    backup_codes: list[str] = field(name="backupCodes")


class VersionOut(Struct, kw_only=True, frozen=True):
    """A version of a transaction."""

    id: _ids.UUID
    portfolio_id: _ids.UUID = field(name="portfolioId")
    token_symbol: str = field(name="tokenSymbol")
    token_name: str = field(name="tokenName")
    type: Kind
    amount: _decimals.Decimal
    price: _decimals.Decimal | None
    currency: str
    total: _decimals.Decimal | None
    fee: _decimals.Decimal | None
    fee_token: str | None = field(name="feeToken")
    counter_token_symbol: str | None = field(name="counterTokenSymbol")
    counter_amount: _decimals.Decimal | None = field(name="counterAmount")
    notes: str | None
    timestamp: dt.datetime
    tx_hash: str | None = field(name="txHash")
    exchange: str | None
    source: str
    version: int
    created_at: dt.datetime = field(name="createdAt")
    updated_at: dt.datetime = field(name="updatedAt")
    superseded_at: dt.datetime | None = field(name="supersededAt")


class WalletAnswer(Struct, kw_only=True, frozen=True):
    """A wallet."""

    success: Literal[True] | None = None
    data: WalletData


class WalletData(Struct, kw_only=True, frozen=True):
    """A wallet."""

    wallet: WalletOut


class WalletOut(Struct, kw_only=True, frozen=True):
    """A wallet; `lastError` tells what the last sync could not read."""

    id: _ids.UUID
    address: str
    blockchain: Blockchain
    label: str | None
    ownership: Literal["verified", "watch"]
    status: Literal["active", "syncing", "error", "disabled"]
    portfolio_id: _ids.UUID | None = field(name="portfolioId")
    tokens: list[str]
    last_block: int | None = field(name="lastBlock")
    last_error: str | None = field(name="lastError")
    last_synced_at: dt.datetime | None = field(name="lastSyncedAt")
    created_at: dt.datetime = field(name="createdAt")


class WalletSyncOut(Struct, kw_only=True, frozen=True):
    """A sync and how far it is; `imported` counts transactions that the ledger was told."""

    id: _ids.UUID
    wallet_id: _ids.UUID = field(name="walletId")
    status: Literal["queued", "running", "succeeded", "failed"]
    step: Literal["reading", "storing"] | None
    created_at: dt.datetime = field(name="createdAt")
    started_at: dt.datetime | None = field(name="startedAt")
    finished_at: dt.datetime | None = field(name="finishedAt")
    imported: int
    balances: int | None
    positions: int | None
    error: str | None


class WalletsAnswer(Struct, kw_only=True, frozen=True):
    """One's wallets."""

    success: Literal[True] | None = None
    data: WalletsOut


class WalletsOut(Struct, kw_only=True, frozen=True):
    """One's wallets."""

    wallets: list[WalletOut]
    count: int


class WatchedOut(Struct, kw_only=True, frozen=True):
    """All tokens that one watches, by market cap, unknown last."""

    tokens: list[ListedTokenOut]


class YieldOut(Struct, kw_only=True, frozen=True):
    """A pool's yield in percent a year."""

    pool: str
    blockchain: str
    symbol: str
    tvl: _decimals.Decimal
    apy: _decimals.Decimal | None
    apy_base: _decimals.Decimal | None = field(name="apyBase")
    apy_reward: _decimals.Decimal | None = field(name="apyReward")
    observed_at: dt.datetime = field(name="observedAt")

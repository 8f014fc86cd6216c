"""What the API takes, in the wire's names. Made by `generate.py` of the API's description: change that one."""

from __future__ import annotations

import datetime as dt
import decimal as _decimals
import uuid as _ids
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict


class AlertChange(TypedDict):
    """What is to change; the rest stays. A changed alert starts anew."""

    alertType: NotRequired[AlertType | None]
    tokenSymbol: NotRequired[str | None]
    portfolioId: NotRequired[str | _ids.UUID | None]
    condition: NotRequired[
        Literal[
            "above",
            "below",
            "crosses_above",
            "crosses_below",
            "equal",
            "equals",
            "=",
            "==",
            ">",
            "<",
            "greater_than",
            "less_than",
        ]
        | None
    ]
    threshold: NotRequired[int | str | _decimals.Decimal | None]
    channels: NotRequired[Sequence[Literal["email", "stream"]] | None]
    channelIds: NotRequired[Sequence[_ids.UUID | str] | None]
    cooldownSeconds: NotRequired[int | None]
    hysteresis: NotRequired[int | str | _decimals.Decimal | None]
    isActive: NotRequired[bool | None]
    expiresAt: NotRequired[str | dt.datetime | None]


class AlertIn(TypedDict):
    """A new alert. `portfolioId` with the types `portfolio` and `reconciliation`, `tokenSymbol` with every other."""

    alertType: AlertType
    tokenSymbol: NotRequired[str | None]
    portfolioId: NotRequired[str | _ids.UUID | None]
    condition: Literal[
        "above",
        "below",
        "crosses_above",
        "crosses_below",
        "equal",
        "equals",
        "=",
        "==",
        ">",
        "<",
        "greater_than",
        "less_than",
    ]
    threshold: int | str | _decimals.Decimal
    channels: NotRequired[Sequence[Literal["email", "stream"]]]
    channelIds: NotRequired[Sequence[_ids.UUID | str]]
    cooldownSeconds: NotRequired[int]
    hysteresis: NotRequired[int | str | _decimals.Decimal | None]
    isActive: NotRequired[bool]
    expiresAt: NotRequired[str | dt.datetime | None]


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


class AnswerIn(TypedDict):
    """What who told it is answered."""

    text: str


class AnswersIn(TypedDict):
    """Answers to what a file leaves open; what is not given stays as it was."""

    numberFormat: NotRequired[Literal["point", "comma"] | None]
    dateOrder: NotRequired[Literal["dmy", "mdy", "ymd"] | None]
    dateLanguage: NotRequired[str | None]
    timeZone: NotRequired[str | None]
    ignoreColumns: NotRequired[Sequence[str] | None]


class AssertionIn(TypedDict):
    """An authenticator's answer to a challenge."""

    challengeId: _ids.UUID | str
    credential: Mapping[str, Any]


class AssetEventIn(TypedDict):
    """What happened to a token."""

    kind: EventKind
    token: str
    successor: NotRequired[str | None]
    ratio: NotRequired[str]
    happenedAt: dt.datetime | str
    reason: str


class BatchIn(TypedDict):
    """Which tokens, and how far ahead."""

    timeframe: NotRequired[Literal["24h", "7d", "14d", "30d"] | None]
    daysAhead: NotRequired[int | None]
    symbols: Sequence[str]


class BeginIn(TypedDict):
    """Where the provider is to lead back to."""

    redirectUri: str


Blockchain = Literal[
    "ethereum", "polygon", "optimism", "arbitrum", "base", "bsc", "bitcoin", "solana"
]


class BulkIn(TypedDict):
    """Transactions that are recorded together, all or none."""

    portfolioId: NotRequired[str | _ids.UUID | None]
    transactions: Sequence[TransactionIn]


class ChangePasswordIn(TypedDict):
    """The present password and the one that replaces it."""

    currentPassword: str
    newPassword: str


class ChannelChange(TypedDict):
    """What is to change; the rest stays. Where messages go cannot be changed: delete the channel and add another."""

    name: NotRequired[str | None]
    quietFrom: NotRequired[str | None]
    quietUntil: NotRequired[str | None]
    zone: NotRequired[str | None]
    digestMinutes: NotRequired[int | None]
    isActive: NotRequired[bool | None]


class ChannelIn(TypedDict):
    """A new channel."""

    kind: Literal["webhook", "telegram", "discord", "slack", "ntfy", "web_push"]
    name: str
    url: NotRequired[str | None]
    secret: NotRequired[str | None]
    token: NotRequired[str | None]
    chatId: NotRequired[str | None]
    topic: NotRequired[str | None]
    server: NotRequired[str | None]
    p256dh: NotRequired[str | None]
    auth: NotRequired[str | None]
    quietFrom: NotRequired[str | None]
    quietUntil: NotRequired[str | None]
    zone: NotRequired[str]
    digestMinutes: NotRequired[int | None]


class ConnectExchangeIn(TypedDict):
    """An account to be connected."""

    exchange: str
    apiKey: str
    apiSecret: str
    passphrase: NotRequired[str | None]
    label: NotRequired[str | None]
    portfolioId: NotRequired[str | _ids.UUID | None]
    allowTrading: NotRequired[bool]
    markets: NotRequired[Sequence[str]]


class ConnectWalletIn(TypedDict):
    """A wallet. With `message` and `signature` (EIP-4361) it is proved to be one's own, else it is only watched."""

    address: str
    blockchain: Blockchain
    label: NotRequired[str | None]
    portfolioId: NotRequired[str | _ids.UUID | None]
    message: NotRequired[str | None]
    signature: NotRequired[str | None]


class ConnectionChange(TypedDict):
    """What may be changed of a connection; what is left out stays."""

    portfolioId: NotRequired[str | _ids.UUID | None]
    markets: NotRequired[Sequence[str] | None]
    syncMinutes: NotRequired[int | None]


class DecisionIn(TypedDict):
    """Why it is decided so."""

    reason: str


class DeleteIn(TypedDict):
    """Proofs that the owner wants it."""

    password: str
    twoFactorToken: NotRequired[str | None]


class DisableIn(TypedDict):
    """Both proofs that the owner wants it."""

    password: str
    token: str


EventKind = Literal[
    "rename", "redenomination", "swap", "split", "delisting", "relisting", "ticker_reuse"
]


class ExchangeKeyIn(TypedDict):
    """A key to be looked at."""

    exchange: str
    apiKey: str
    apiSecret: str
    passphrase: NotRequired[str | None]


class ExtensionsIn(TypedDict):
    """What clients send besides; all but `persistedQuery` is taken and not looked at."""

    persistedQuery: NotRequired[PersistedQueryIn | None]


class FeedbackIn(TypedDict):
    """What somebody tells."""

    category: Literal["fault", "idea", "question", "praise"]
    text: str
    screenshot: NotRequired[str | None]


class FinishIn(TypedDict):
    """What the browser brought back in its address, and what was kept."""

    code: str
    state: str
    loginSecret: str
    issuer: NotRequired[str | None]
    twoFactorToken: NotRequired[str | None]


class ForgotPasswordIn(TypedDict):
    """Whose password is forgotten."""

    email: str


class GraphqlIn(TypedDict):
    """A query of GraphQL, or a mutation."""

    query: NotRequired[str | None]
    operationName: NotRequired[str | None]
    variables: NotRequired[Mapping[str, Any] | None]
    extensions: NotRequired[ExtensionsIn | None]


class HoldingChange(TypedDict):
    """The new amount, the new average price, or both."""

    amount: NotRequired[int | str | _decimals.Decimal | None]
    averageBuyPrice: NotRequired[int | str | _decimals.Decimal | None]


class HoldingIn(TypedDict):
    """A holding by hand: an opening balance."""

    tokenSymbol: NotRequired[str | None]
    assetSymbol: NotRequired[str | None]
    amount: int | str | _decimals.Decimal
    averageBuyPrice: NotRequired[int | str | _decimals.Decimal | None]
    source: NotRequired[Literal["manual"]]
    acquiredAt: NotRequired[str | dt.datetime | None]


class ImportIn(TypedDict):
    """A file, or its first part: a body holds at most 1 MiB. Answers may be given with it."""

    numberFormat: NotRequired[Literal["point", "comma"] | None]
    dateOrder: NotRequired[Literal["dmy", "mdy", "ymd"] | None]
    dateLanguage: NotRequired[str | None]
    timeZone: NotRequired[str | None]
    ignoreColumns: NotRequired[Sequence[str] | None]
    format: Literal[
        "coinsphere",
        "coinbase",
        "kraken",
        "binance",
        "koinly",
        "binance_trades",
        "binance_trades_before",
        "binance_conversions",
        "binance_deposits",
        "binance_withdrawals",
        "binance_us",
        "kraken_trades",
        "coinbase_pro_fills",
        "coinbase_pro_statement",
        "bitstamp",
        "bitfinex_trades",
        "bitfinex_movements",
        "bitfinex_ledger",
        "kucoin_trades",
        "kucoin_deposits",
        "kucoin_withdrawals",
        "kucoin_history",
        "ledger_live",
        "cointracking",
        "okx_trading",
        "okx_funding",
        "bybit_unified",
        "bybit_funding",
        "crypto_com_app",
        "crypto_com_exchange",
        "gemini",
        "ghostfolio",
        "rotki",
        "generic",
    ]
    content: str
    fileName: NotRequired[str | None]
    mapping: NotRequired[Mapping[str, str] | None]


class ImportPart(TypedDict):
    """The next part of a file."""

    content: str


class IssueChange(TypedDict):
    """What becomes of an issue."""

    state: NotRequired[Literal["open", "resolved", "dismissed"]]
    note: NotRequired[str | None]


class KeyIn(TypedDict):
    """A new key."""

    name: str
    scopes: Sequence[KeyScope]
    allowedNetworks: NotRequired[Sequence[str]]
    expiresAt: NotRequired[str | dt.datetime | None]
    publicKey: NotRequired[str | None]


KeyScope = Literal[
    "market:read",
    "portfolios:read",
    "portfolios:write",
    "alerts:read",
    "alerts:write",
    "defi:read",
    "defi:write",
    "exchanges:read",
    "exchanges:write",
    "payouts:write",
]


class LoginIn(TypedDict):
    """Credentials."""

    email: str
    password: str
    twoFactorToken: NotRequired[str | None]
    passkey: NotRequired[AssertionIn | None]


class LogoutIn(TypedDict):
    """The body may be left out where the access token is sent."""

    refreshToken: NotRequired[str | None]


LotMethod = Literal["fifo", "lifo", "hifo", "average"]


LotScope = Literal["portfolio", "account"]


class PersistedQueryIn(TypedDict):
    """A document by its digest, as Apollo's clients name it."""

    version: Literal[1]
    sha256Hash: str


class PortfolioChange(TypedDict):
    """What is to change; the rest stays. All is booked anew where costs depend on it."""

    name: NotRequired[str | None]
    description: NotRequired[str | None]
    icon: NotRequired[str | None]
    currency: NotRequired[str | None]
    lotMethod: NotRequired[LotMethod | None]
    lotScope: NotRequired[LotScope | None]
    transferTolerance: NotRequired[int | str | _decimals.Decimal | None]
    transferHours: NotRequired[int | None]
    isActive: NotRequired[bool | None]


class PortfolioIn(TypedDict):
    """A new portfolio."""

    name: str
    description: NotRequired[str | None]
    icon: NotRequired[str | None]
    currency: NotRequired[str]
    lotMethod: NotRequired[LotMethod]
    lotScope: NotRequired[LotScope]
    transferTolerance: NotRequired[int | str | _decimals.Decimal]
    transferHours: NotRequired[int]


class PreferencesIn(TypedDict):
    """How one reads what we say; what is left out or null falls back to what is usual, but for the language, which stays."""

    language: NotRequired[str | None]
    currency: NotRequired[str | None]
    timeZone: NotRequired[str | None]


class ProfileIn(TypedDict):
    """What is to change; what is left out stays, and null empties a name."""

    firstName: NotRequired[str | None]
    lastName: NotRequired[str | None]
    email: NotRequired[str | None]


class RefreshIn(TypedDict):
    """A refresh token, good for one use."""

    refreshToken: str


class RegenerateIn(TypedDict):
    """Nothing is needed: the login is recent. Old clients send a code, which is checked."""

    token: NotRequired[str | None]


class RegisterIn(TypedDict):
    """A new account."""

    email: str
    password: str
    firstName: NotRequired[str | None]
    lastName: NotRequired[str | None]
    shareUsage: NotRequired[bool]


class RegistrationIn(TypedDict):
    """A new passkey, as an authenticator made it."""

    challengeId: _ids.UUID | str
    credential: Mapping[str, Any]
    name: str


class RemovalIn(TypedDict):
    """Why an event is to count no more."""

    reason: str


class ResetPasswordIn(TypedDict):
    """The token of the link that was sent, and the new password."""

    token: str
    newPassword: str


class RiskBatchIn(TypedDict):
    """Which tokens."""

    symbols: Sequence[str]


class RotateIn(TypedDict):
    """How long the old key lives on; the body may be left out."""

    overlapSeconds: NotRequired[int]


class RuleIn(TypedDict):
    """Whom a rule is for, and what they get; each condition that is given must hold."""

    weights: Mapping[str, int]
    userIds: NotRequired[Sequence[_ids.UUID | str]]
    plans: NotRequired[Sequence[Literal["free", "pro", "enterprise"]]]
    environments: NotRequired[Sequence[Literal["local", "production"]]]
    share: NotRequired[int]


class RulesIn(TypedDict):
    """The rules of a flag; the first that fits a user decides."""

    rules: Sequence[RuleIn]


class ShareIn(TypedDict):
    """A link by which others see a portfolio."""

    hidesAmounts: NotRequired[bool]
    expiresAt: NotRequired[str | dt.datetime | None]


class StepUpIn(TypedDict):
    """One proof to be there."""

    password: NotRequired[str | None]
    twoFactorToken: NotRequired[str | None]


class SwitchIn(TypedDict):
    """Whether the feature is to be on."""

    isOn: bool


class SyncIn(TypedDict):
    """Which wallet; all of them without one."""

    walletId: NotRequired[str | _ids.UUID | None]


class TokenChange(TypedDict):
    """What is to change of a token; at least one field. Null takes away what may be unknown."""

    symbol: NotRequired[str | None]
    name: NotRequired[str | None]
    blockchain: NotRequired[str | None]
    coingeckoId: NotRequired[str | None]
    contractAddress: NotRequired[str | None]
    decimals: NotRequired[int | None]
    logoUrl: NotRequired[str | None]
    isActive: NotRequired[bool | None]


class TokenIn(TypedDict):
    """A new token."""

    symbol: str
    name: str
    blockchain: str
    coingeckoId: NotRequired[str | None]
    contractAddress: NotRequired[str | None]
    decimals: NotRequired[int | None]
    logoUrl: NotRequired[str | None]


class TokensIn(TypedDict):
    """Tokens to look for beside those that we look for anyway."""

    contracts: Sequence[str]


class TransactionChange(TypedDict):
    """What is to change; the rest stays. The old version stays in the history."""

    portfolioId: NotRequired[str | _ids.UUID | None]
    tokenSymbol: NotRequired[str | None]
    type: NotRequired[
        Literal[
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
            "transfer",
            "send",
            "receive",
        ]
        | None
    ]
    amount: NotRequired[int | str | _decimals.Decimal | None]
    price: NotRequired[int | str | _decimals.Decimal | None]
    currency: NotRequired[str | None]
    fee: NotRequired[int | str | _decimals.Decimal | None]
    feeToken: NotRequired[str | None]
    counterTokenSymbol: NotRequired[str | None]
    counterAmount: NotRequired[int | str | _decimals.Decimal | None]
    notes: NotRequired[str | None]
    timestamp: NotRequired[str | dt.datetime | None]
    txHash: NotRequired[str | None]
    exchange: NotRequired[str | None]


class TransactionIn(TypedDict):
    """A new transaction. A `swap` gives `amount` of the token and receives `counterAmount` of the counter token."""

    portfolioId: NotRequired[str | _ids.UUID | None]
    tokenSymbol: str
    type: Literal[
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
        "transfer",
        "send",
        "receive",
    ]
    amount: int | str | _decimals.Decimal
    price: NotRequired[int | str | _decimals.Decimal | None]
    currency: NotRequired[str | None]
    fee: NotRequired[int | str | _decimals.Decimal | None]
    feeToken: NotRequired[str | None]
    counterTokenSymbol: NotRequired[str | None]
    counterAmount: NotRequired[int | str | _decimals.Decimal | None]
    notes: NotRequired[str | None]
    timestamp: NotRequired[str | dt.datetime | None]
    txHash: NotRequired[str | None]
    exchange: NotRequired[str | None]


class TransferDecision(TypedDict):
    """Whether two transactions are the ends of one own transfer."""

    outTransactionId: _ids.UUID | str
    inTransactionId: _ids.UUID | str
    decision: NotRequired[Literal["confirmed", "rejected"]]


class UsageIn(TypedDict):
    """Whether product events may be kept."""

    shared: bool


class UserChange(TypedDict):
    """What is to change of an account; at least one of the two."""

    role: NotRequired[Literal["user", "analyst", "admin"] | None]
    isActive: NotRequired[bool | None]


class VerifyEmailIn(TypedDict):
    """The token of the link that was sent."""

    token: str


class VerifyIn(TypedDict):
    """A code of the new secret."""

    token: str
    secret: NotRequired[str | None]

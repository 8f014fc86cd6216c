"""The routes of the API, each with what it takes and answers. Made by `generate.py` of the API's description: change that one."""

from __future__ import annotations

from typing import Any

from coinsphere_client import bodies, models
from coinsphere_client.protocol import Route

TWO_FACTOR_REGENERATE: Route[bodies.RegenerateIn | None, models.CodesOut] = Route(
    "POST", "/2fa/backup-codes", models.CodesOut
)
"""New recovery codes in place of the old ones."""
TWO_FACTOR_DISABLE: Route[bodies.DisableIn, models.DisabledOut] = Route(
    "POST", "/2fa/disable", models.DisabledOut
)
"""Forget the authenticator app, by the password and a code."""
TWO_FACTOR_SET_UP: Route[None, models.SetUpOut] = Route("POST", "/2fa/setup", models.SetUpOut)
"""A new secret for an authenticator app."""
TWO_FACTOR_STATUS: Route[None, models.StatusOut] = Route("GET", "/2fa/status", models.StatusOut)
"""Which second factors one's account has."""
TWO_FACTOR_VERIFY: Route[bodies.VerifyIn, models.VerifiedOut] = Route(
    "POST", "/2fa/verify", models.VerifiedOut
)
"""Make the new secret count, by a code of it."""
DATA_DELETE_ACCOUNT: Route[bodies.DeleteIn, models.Message] = Route(
    "POST", "/account/delete", models.Message
)
"""Delete one's account and all that belongs to it, at once and for good."""
DATA_EXPORT_DATA: Route[None, models.ExportOut] = Route("GET", "/account/export", models.ExportOut)
"""Everything that is stored of one's account, as one JSON document."""
DATA_GET_USAGE: Route[None, models.UsageOut] = Route("GET", "/account/usage", models.UsageOut)
"""Whether one allows that product events are kept, and since when."""
DATA_CHANGE_USAGE: Route[bodies.UsageIn, models.UsageOut] = Route(
    "PATCH", "/account/usage", models.UsageOut
)
"""Allow that product events are kept, or take that back."""
ANALYTICS_GET_ANALYTICS: Route[None, models.AnalyticsOut] = Route(
    "GET", "/admin/analytics", models.AnalyticsOut
)
"""How far new users come, who comes back, and what is used, of those alone who allow product events."""
ASSET_EVENTS_LIST_ASSET_EVENTS: Route[None, models.AssetEventsOut] = Route(
    "GET", "/admin/asset-events", models.AssetEventsOut
)
"""Renames, redenominations, swaps, splits, delistings and reused tickers, by the instant at which they happened."""
ASSET_EVENTS_ADD_ASSET_EVENT: Route[bodies.AssetEventIn, models.OneAssetEventOut] = Route(
    "POST", "/admin/asset-events", models.OneAssetEventOut
)
"""Record what happened to a token."""
ASSET_EVENTS_REMOVE_ASSET_EVENT: Route[bodies.RemovalIn, models.OneAssetEventOut] = Route(
    "POST", "/admin/asset-events/{event_id}/remove", models.OneAssetEventOut
)
"""Let an event count no more."""
ADMINISTRATION_AUDIT_LOG: Route[None, models.AuditOut] = Route(
    "GET", "/admin/audit-log", models.AuditOut
)
"""Entries of the audit log, newest first."""
ADMINISTRATION_DATA_DATA_HEALTH: Route[None, models.DataHealthOut] = Route(
    "GET", "/admin/data", models.DataHealthOut
)
"""How good the data of each token and venue are, day by day."""
ADMINISTRATION_DATA_STATUS: Route[None, models.DataStatusOut] = Route(
    "GET", "/admin/data-status", models.DataStatusOut
)
"""What the market tables hold, how fresh it is, and how sources failed in the last day."""
ADMINISTRATION_DATA_LIST_REFUSED: Route[None, models.RefusedRowsOut] = Route(
    "GET", "/admin/data/refused", models.RefusedRowsOut
)
"""Rows of sources and files that were refused on arrival and wait for a decision, newest first, as they came."""
ADMINISTRATION_DATA_RELEASE_REFUSED: Route[bodies.DecisionIn, models.DecidedOut] = Route(
    "POST", "/admin/data/refused/{which}/release", models.DecidedOut
)
"""Use candles and quotes after all that were refused."""
ADMINISTRATION_DATA_REMOVE_REFUSED: Route[bodies.DecisionIn, models.DecidedOut] = Route(
    "POST", "/admin/data/refused/{which}/remove", models.DecidedOut
)
"""Confirm that rows which were refused are wrong."""
ADMINISTRATION_DATA_LIST_SET_ASIDE: Route[None, models.SetAsideOut] = Route(
    "GET", "/admin/data/set-aside", models.SetAsideOut
)
"""What checks set aside and nothing uses, newest first, each with its trail."""
ADMINISTRATION_DATA_RELEASE_SET_ASIDE: Route[bodies.DecisionIn, models.DecidedOut] = Route(
    "POST", "/admin/data/set-aside/{which}/release", models.DecidedOut
)
"""Use again what was set aside, as long as its cause lasts."""
ADMINISTRATION_DATA_REMOVE_SET_ASIDE: Route[bodies.DecisionIn, models.DecidedOut] = Route(
    "POST", "/admin/data/set-aside/{which}/remove", models.DecidedOut
)
"""Take candles that were set aside out of the history."""
EXPERIMENT_ADMINISTRATION_LIST_EXPERIMENTS: Route[None, models.ExperimentsOut] = Route(
    "GET", "/admin/experiments", models.ExperimentsOut
)
"""Every experiment that runs."""
ADMINISTRATION_LIST_FEATURES: Route[None, models.FeaturesOut] = Route(
    "GET", "/admin/features", models.FeaturesOut
)
"""Every feature that can be turned off, and whether it is on."""
ADMINISTRATION_SWITCH_FEATURE: Route[bodies.SwitchIn, models.OneFeatureOut] = Route(
    "PUT", "/admin/features/{feature}", models.OneFeatureOut
)
"""Turn a feature on or off."""
FEEDBACK_ADMINISTRATION_LIST_FEEDBACK: Route[None, models.FeedbackListOut] = Route(
    "GET", "/admin/feedback", models.FeedbackListOut
)
"""What users told."""
FEEDBACK_ADMINISTRATION_ANSWER_FEEDBACK: Route[bodies.AnswerIn, models.Message] = Route(
    "POST", "/admin/feedback/{feedback_id}/answer", models.Message
)
"""Answer who told it, by mail in their language, and close it."""
FEEDBACK_ADMINISTRATION_CLOSE_FEEDBACK: Route[None, models.Message] = Route(
    "POST", "/admin/feedback/{feedback_id}/close", models.Message
)
"""Close what is dealt with."""
FEEDBACK_ADMINISTRATION_GET_SCREENSHOT: Route[None, models.ScreenshotOut] = Route(
    "GET", "/admin/feedback/{feedback_id}/screenshot", models.ScreenshotOut
)
"""The picture that came along, in base64 as it was sent."""
FLAG_ADMINISTRATION_LIST_FLAGS: Route[None, models.FlagsOut] = Route(
    "GET", "/admin/flags", models.FlagsOut
)
"""Every flag with its rules."""
FLAG_ADMINISTRATION_CHANGE_FLAG: Route[bodies.RulesIn, models.OneFlagOut] = Route(
    "PUT", "/admin/flags/{flag}", models.OneFlagOut
)
"""Give a flag these rules instead of those that it has."""
ADMINISTRATION_JOBS_LIST_JOBS: Route[None, models.JobsOut] = Route(
    "GET", "/admin/jobs", models.JobsOut
)
"""Background jobs that failed and whose work was not done later, and those that are stuck, newest first."""
ADMINISTRATION_JOBS_GET_JOB: Route[None, models.OneJobOut] = Route(
    "GET", "/admin/jobs/{number}", models.OneJobOut
)
"""One job that is not done, and what happened to it."""
ADMINISTRATION_JOBS_CANCEL_JOB: Route[None, models.ChangedJobOut] = Route(
    "POST", "/admin/jobs/{number}/cancel", models.ChangedJobOut
)
"""Forget a job that failed or was not begun."""
ADMINISTRATION_JOBS_RETRY_JOB: Route[None, models.ChangedJobOut] = Route(
    "POST", "/admin/jobs/{number}/retry", models.ChangedJobOut
)
"""Try a failed job again now."""
TOKEN_ADMINISTRATION_LIST_LISTINGS: Route[None, models.ListingsOut] = Route(
    "GET", "/admin/tokens", models.ListingsOut
)
"""All tokens by symbol, deactivated ones too."""
TOKEN_ADMINISTRATION_GET_LISTING: Route[None, models.OneListingOut] = Route(
    "GET", "/admin/tokens/{token_id}", models.OneListingOut
)
"""One token, and what refers to it."""
TOKEN_ADMINISTRATION_CHANGE_LISTING: Route[bodies.TokenChange, models.ChangedOut] = Route(
    "PATCH", "/admin/tokens/{token_id}", models.ChangedOut
)
"""Edit a token, deactivate it, or activate it again."""
TOKEN_ADMINISTRATION_DELETE_LISTING: Route[None, models.DeletedOut] = Route(
    "DELETE", "/admin/tokens/{token_id}", models.DeletedOut
)
"""Delete a token that nothing refers to, with its quote and metadata."""
ADMINISTRATION_LIST_USERS: Route[None, models.AccountsOut] = Route(
    "GET", "/admin/users", models.AccountsOut
)
"""Accounts, oldest first."""
ADMINISTRATION_GET_USER: Route[None, models.OneAccountOut] = Route(
    "GET", "/admin/users/{user_id}", models.OneAccountOut
)
"""One account."""
ADMINISTRATION_CHANGE_USER: Route[bodies.UserChange, models.OneAccountOut] = Route(
    "PATCH", "/admin/users/{user_id}", models.OneAccountOut
)
"""Change an account's role, disable it, or enable it again."""
ADMINISTRATION_END_SESSIONS: Route[None, models.EndedSessionsOut] = Route(
    "POST", "/admin/users/{user_id}/end-sessions", models.EndedSessionsOut
)
"""End every session of an account."""
ALERTS_LIST_ALERTS: Route[None, models.AlertsOut] = Route("GET", "/alerts", models.AlertsOut)
"""All of one's alerts, newest first."""
ALERTS_CREATE_ALERT: Route[bodies.AlertIn, models.OneAlertOut] = Route(
    "POST", "/alerts", models.OneAlertOut
)
"""Set an alert."""
ALERTS_GET_ALERT: Route[None, models.OneAlertOut] = Route(
    "GET", "/alerts/{alert_id}", models.OneAlertOut
)
"""One alert."""
ALERTS_CHANGE_ALERT: Route[bodies.AlertChange, models.OneAlertOut] = Route(
    "PUT", "/alerts/{alert_id}", models.OneAlertOut
)
"""Change an alert."""
ALERTS_DELETE_ALERT: Route[None, models.Message] = Route(
    "DELETE", "/alerts/{alert_id}", models.Message
)
"""Delete an alert and its events."""
ALERTS_LIST_EVENTS: Route[None, models.EventsOut] = Route(
    "GET", "/alerts/{alert_id}/events", models.EventsOut
)
"""The firings of an alert, newest first, each with the value and the source that fired it."""
ALERTS_TOGGLE_ALERT: Route[None, models.OneAlertOut] = Route(
    "PATCH", "/alerts/{alert_id}/toggle", models.OneAlertOut
)
"""Switch an alert off, or on again."""
API_KEYS_LIST_KEYS: Route[None, models.KeysOut] = Route("GET", "/api-keys", models.KeysOut)
"""One's live API keys, newest first."""
API_KEYS_CREATE_KEY: Route[bodies.KeyIn, models.NewKeyOut] = Route(
    "POST", "/api-keys", models.NewKeyOut
)
"""Make an API key, shown once, in this answer."""
API_KEYS_REVOKE_KEY: Route[None, models.Message] = Route(
    "DELETE", "/api-keys/{key_id}", models.Message
)
"""End an API key at once."""
API_KEYS_ROTATE_KEY: Route[bodies.RotateIn | None, models.NewKeyOut] = Route(
    "POST", "/api-keys/{key_id}/rotate", models.NewKeyOut
)
"""Make a key that takes the place of another, which lives on for `overlapSeconds`."""
ACCOUNT_CHANGE_PASSWORD: Route[bodies.ChangePasswordIn, models.Message] = Route(
    "POST", "/auth/change-password", models.Message
)
"""Replace one's password."""
ACCOUNT_FORGOT_PASSWORD: Route[bodies.ForgotPasswordIn, models.Message] = Route(
    "POST", "/auth/forgot-password", models.Message
)
"""Have a link sent by which a new password is chosen."""
AUTH_LOGIN: Route[bodies.LoginIn, models.LoggedInOut] = Route(
    "POST", "/auth/login", models.LoggedInOut
)
"""Log in."""
AUTH_LOGOUT: Route[bodies.LogoutIn | None, models.Message] = Route(
    "POST", "/auth/logout", models.Message
)
"""End the session of the access token, of `refreshToken`, or of both."""
AUTH_LOGOUT_ALL: Route[None, models.LoggedOutAllOut] = Route(
    "POST", "/auth/logout-all", models.LoggedOutAllOut
)
"""End every session of one's account, this one too."""
AUTH_ME: Route[None, models.MeOut] = Route("GET", "/auth/me", models.MeOut)
"""One's own account."""
OPENID_BEGIN: Route[bodies.BeginIn, models.BegunOut] = Route(
    "POST", "/auth/openid/begin", models.BegunOut
)
"""Begin a login by the OpenID provider that this server is registered at."""
OPENID_FINISH: Route[bodies.FinishIn, models.LoggedInOut] = Route(
    "POST", "/auth/openid/finish", models.LoggedInOut
)
"""Log in by what the provider answered."""
ACCOUNT_GET_PREFERENCES: Route[None, models.PreferencesOut] = Route(
    "GET", "/auth/preferences", models.PreferencesOut
)
"""Language, currency and time zone that one reads in."""
ACCOUNT_CHANGE_PREFERENCES: Route[bodies.PreferencesIn, models.PreferencesOut] = Route(
    "PUT", "/auth/preferences", models.PreferencesOut
)
"""Choose them."""
ACCOUNT_CHANGE_PROFILE: Route[bodies.ProfileIn, models.ProfileOut] = Route(
    "PUT", "/auth/profile", models.ProfileOut
)
"""Change one's names or address."""
AUTH_REFRESH: Route[bodies.RefreshIn, models.TokenPairOut] = Route(
    "POST", "/auth/refresh", models.TokenPairOut
)
"""Change a refresh token for a new pair."""
AUTH_REGISTER: Route[bodies.RegisterIn, models.RegisteredOut] = Route(
    "POST", "/auth/register", models.RegisteredOut
)
"""Open an account."""
ACCOUNT_RESEND_VERIFICATION: Route[None, models.Message] = Route(
    "POST", "/auth/resend-verification", models.Message
)
"""Have the link sent once more that confirms one's address, or the new one."""
ACCOUNT_RESET_PASSWORD: Route[bodies.ResetPasswordIn, models.Message] = Route(
    "POST", "/auth/reset-password", models.Message
)
"""Choose a new password by the token of a link."""
ACCOUNT_LIST_SESSIONS: Route[None, models.SessionsOut] = Route(
    "GET", "/auth/sessions", models.SessionsOut
)
"""One's live sessions."""
ACCOUNT_END_OTHER_SESSIONS: Route[None, models.EndedOut] = Route(
    "DELETE", "/auth/sessions", models.EndedOut
)
"""End all sessions but the one that asks."""
ACCOUNT_END_SESSION: Route[None, models.Message] = Route(
    "DELETE", "/auth/sessions/{session_id}", models.Message
)
"""End one session."""
AUTH_PROVE: Route[bodies.StepUpIn, models.StepUpOut] = Route(
    "POST", "/auth/step-up", models.StepUpOut
)
"""Show to be there, by the password or a code."""
ACCOUNT_VERIFY_EMAIL: Route[bodies.VerifyEmailIn, models.Message] = Route(
    "POST", "/auth/verify-email", models.Message
)
"""Confirm an address by the token of the link that was sent to it."""
BILLING_BEGIN_CHECKOUT: Route[None, models.PaymentPageOut] = Route(
    "POST", "/billing/checkout", models.PaymentPageOut
)
"""Begin to buy the plan pro."""
BILLING_GET_PLAN: Route[None, models.PlanOut] = Route("GET", "/billing/plan", models.PlanOut)
"""One's plan with its limits, what of them is used now, and when it ends."""
BILLING_OPEN_PORTAL: Route[None, models.PaymentPageOut] = Route(
    "POST", "/billing/portal", models.PaymentPageOut
)
"""Open the provider's page for the card, for invoices and for cancelling at the period's end."""
BILLING_BEGIN_PREPAYMENT: Route[None, models.PaymentPageOut] = Route(
    "POST", "/billing/prepayments", models.PaymentPageOut
)
"""Begin to pay some days of the plan pro in crypto."""
CHANNELS_LIST_CHANNELS: Route[None, models.ChannelsOut] = Route(
    "GET", "/channels", models.ChannelsOut
)
"""One's channels, the oldest first, each with how it fares."""
CHANNELS_ADD_CHANNEL: Route[bodies.ChannelIn, models.NewChannelOut] = Route(
    "POST", "/channels", models.NewChannelOut
)
"""Add a channel, and send it a first message."""
CHANNELS_GET_PUSH_KEY: Route[None, models.PushKeyOut] = Route(
    "GET", "/channels/push-key", models.PushKeyOut
)
"""The key that a browser subscribes for, before it is added as a channel of the kind `web_push`."""
CHANNELS_CHANGE_CHANNEL: Route[bodies.ChannelChange, models.OneChannelOut] = Route(
    "PATCH", "/channels/{channel_id}", models.OneChannelOut
)
"""Change a channel's name, quiet hours or digest, or switch it off or on."""
CHANNELS_DELETE_CHANNEL: Route[None, models.Message] = Route(
    "DELETE", "/channels/{channel_id}", models.Message
)
"""Delete a channel."""
CHANNELS_LIST_MESSAGES: Route[None, models.DeliveriesOut] = Route(
    "GET", "/channels/{channel_id}/messages", models.DeliveriesOut
)
"""What became of the messages to a channel, the newest first."""
CHANNELS_TEST_CHANNEL: Route[None, models.TestedChannelOut] = Route(
    "POST", "/channels/{channel_id}/test", models.TestedChannelOut
)
"""Send a channel a message to try it."""
DEFI_CONNECT_WALLET: Route[bodies.ConnectWalletIn, models.ConnectedAnswer] = Route(
    "POST", "/defi/connect", models.ConnectedAnswer
)
"""Connect a wallet and have it read."""
DEFI_GET_NONCE: Route[None, models.NonceAnswer] = Route(
    "GET", "/defi/connect/nonce", models.NonceAnswer
)
"""A nonce for the proof of ownership, good once, for five minutes, in this session."""
DEFI_LIST_POSITIONS: Route[None, models.PositionsAnswer] = Route(
    "GET", "/defi/positions", models.PositionsAnswer
)
"""Open positions at our own prices."""
DEFI_LIST_PROTOCOLS: Route[None, models.ProtocolsAnswer] = Route(
    "GET", "/defi/protocols", models.ProtocolsAnswer
)
"""All protocols, the largest first, with what lies in them and what their largest pools yield."""
DEFI_GET_STATS: Route[None, models.StatsAnswer] = Route("GET", "/defi/stats", models.StatsAnswer)
"""Sums over all positions, by kind and by protocol, and the net worth of portfolios with what they hold."""
DEFI_START_SYNC: Route[bodies.SyncIn | None, models.SyncsAnswer] = Route(
    "POST", "/defi/sync", models.SyncsAnswer
)
"""Have wallets read by the worker."""
DEFI_GET_SYNC: Route[None, models.SyncAnswer] = Route(
    "GET", "/defi/sync/{job_id}", models.SyncAnswer
)
"""A sync and how far it is."""
DEFI_LIST_WALLETS: Route[None, models.WalletsAnswer] = Route(
    "GET", "/defi/wallets", models.WalletsAnswer
)
"""All of one's wallets."""
DEFI_GET_WALLET: Route[None, models.WalletAnswer] = Route(
    "GET", "/defi/wallets/{wallet_id}", models.WalletAnswer
)
"""One wallet."""
DEFI_DELETE_WALLET: Route[None, models.MessageAnswer] = Route(
    "DELETE", "/defi/wallets/{wallet_id}", models.MessageAnswer
)
"""Disconnect a wallet."""
DEFI_LIST_BALANCES: Route[None, models.BalancesAnswer] = Route(
    "GET", "/defi/wallets/{wallet_id}/balances", models.BalancesAnswer
)
"""What a wallet held when it was read last."""
DEFI_SET_TOKENS: Route[bodies.TokensIn, models.WalletAnswer] = Route(
    "PUT", "/defi/wallets/{wallet_id}/tokens", models.WalletAnswer
)
"""Say which tokens to look for beside the usual ones, by their contracts."""
EXCHANGES_CONNECT: Route[bodies.ConnectExchangeIn, models.ConnectedExchangeOut] = Route(
    "POST", "/exchanges/connect", models.ConnectedExchangeOut
)
"""Connect an account and read it for the first time."""
EXCHANGES_LIST_CONNECTIONS: Route[None, models.ConnectionsOut] = Route(
    "GET", "/exchanges/connections", models.ConnectionsOut
)
"""One's connections, the oldest first."""
EXCHANGES_CHANGE_CONNECTION: Route[bodies.ConnectionChange, models.OneConnectionOut] = Route(
    "PATCH", "/exchanges/connections/{connection_id}", models.OneConnectionOut
)
"""Change where a connection's transactions go, which markets are read, and how often."""
EXCHANGES_DISCONNECT: Route[None, models.DoneOut] = Route(
    "DELETE", "/exchanges/connections/{connection_id}", models.DoneOut
)
"""Forget a connection and its key."""
EXCHANGES_SYNC_CONNECTION: Route[None, models.StartedOut] = Route(
    "POST", "/exchanges/connections/{connection_id}/sync", models.StartedOut
)
"""Read an account."""
EXCHANGES_GET_SYNC: Route[None, models.ExchangeSyncOut] = Route(
    "GET", "/exchanges/connections/{connection_id}/sync/{job_id}", models.ExchangeSyncOut
)
"""How far a sync is."""
EXCHANGES_LIST_UNBOOKED: Route[None, models.UnbookedOut] = Route(
    "GET", "/exchanges/connections/{connection_id}/unbooked", models.UnbookedOut
)
"""What an exchange told and is not in the books, with the reason."""
EXCHANGES_LIST_SUPPORTED: Route[None, models.VenuesOut] = Route(
    "GET", "/exchanges/supported", models.VenuesOut
)
"""The exchanges that can be connected."""
EXCHANGES_SYNC_ALL: Route[None, models.AllStartedOut] = Route(
    "POST", "/exchanges/sync-all", models.AllStartedOut
)
"""Read every account that is not stopped."""
EXCHANGES_TEST_KEY: Route[bodies.ExchangeKeyIn, models.TestedOut] = Route(
    "POST", "/exchanges/test", models.TestedOut
)
"""Ask an exchange what a key may do."""
FEEDBACK_GIVE_FEEDBACK: Route[bodies.FeedbackIn, models.ToldOut] = Route(
    "POST", "/feedback", models.ToldOut
)
"""Tell those who run the system of a fault, an idea, a question or praise."""
FLAGS_GET_FLAGS: Route[None, models.GivenFlagsOut] = Route("GET", "/flags", models.GivenFlagsOut)
"""What every flag gives to the caller, and whether a rule or chance decided so."""
GRAPHQL_QUERY_GRAPHQL: Route[bodies.GraphqlIn, models.GraphqlOut] = Route(
    "POST", "/graphql", models.GraphqlOut
)
"""Answer a query of GraphQL."""
HOLDINGS_LIST_ALL_HOLDINGS: Route[None, models.HoldingsOut] = Route(
    "GET", "/holdings", models.HoldingsOut
)
"""What all of one's portfolios hold, each in the currency of its portfolio, or all in the one asked for."""
HOLDINGS_GET_HOLDING: Route[None, models.OneHoldingOut] = Route(
    "GET", "/holdings/{holding_id}", models.OneHoldingOut
)
"""One holding."""
HOLDINGS_CHANGE_HOLDING: Route[bodies.HoldingChange, models.OneHoldingOut] = Route(
    "PUT", "/holdings/{holding_id}", models.OneHoldingOut
)
"""Correct a holding made by hand."""
HOLDINGS_DELETE_HOLDING: Route[None, models.Message] = Route(
    "DELETE", "/holdings/{holding_id}", models.Message
)
"""Take back a holding made by hand."""
PASSKEYS_LIST_PASSKEYS: Route[None, models.PasskeysOut] = Route(
    "GET", "/passkeys", models.PasskeysOut
)
"""One's passkeys."""
PASSKEYS_ADD: Route[bodies.RegistrationIn, models.AddedOut] = Route(
    "POST", "/passkeys", models.AddedOut
)
"""Add a passkey."""
PASSKEYS_LOGIN: Route[bodies.AssertionIn, models.LoggedInOut] = Route(
    "POST", "/passkeys/login", models.LoggedInOut
)
"""Log in by a passkey alone."""
PASSKEYS_LOGIN_OPTIONS: Route[None, models.ChallengeOut] = Route(
    "POST", "/passkeys/login/options", models.ChallengeOut
)
"""What a passkey is to be asked for a login."""
PASSKEYS_REGISTRATION_OPTIONS: Route[None, models.ChallengeOut] = Route(
    "POST", "/passkeys/options", models.ChallengeOut
)
"""What an authenticator is to be asked for a new passkey."""
PASSKEYS_REMOVE: Route[None, models.Message] = Route(
    "DELETE", "/passkeys/{passkey_id}", models.Message
)
"""Remove a passkey."""
PORTFOLIOS_LIST_PORTFOLIOS: Route[None, models.PortfoliosOut] = Route(
    "GET", "/portfolios", models.PortfoliosOut
)
"""All of one's portfolios with what they hold, the oldest first, and sums over them in `currency`."""
PORTFOLIOS_CREATE_PORTFOLIO: Route[bodies.PortfolioIn, models.OnePortfolioOut] = Route(
    "POST", "/portfolios", models.OnePortfolioOut
)
"""Make a portfolio."""
PORTFOLIOS_GET_PORTFOLIO: Route[None, models.OnePortfolioOut] = Route(
    "GET", "/portfolios/{portfolio_id}", models.OnePortfolioOut
)
"""A portfolio at current prices, with its ten latest transactions."""
PORTFOLIOS_CHANGE_PORTFOLIO: Route[bodies.PortfolioChange, models.OnePortfolioOut] = Route(
    "PUT", "/portfolios/{portfolio_id}", models.OnePortfolioOut
)
"""Change a portfolio."""
PORTFOLIOS_DELETE_PORTFOLIO: Route[None, models.Message] = Route(
    "DELETE", "/portfolios/{portfolio_id}", models.Message
)
"""Delete a portfolio with its transactions, and its history with it."""
PORTFOLIO_COMPOSITION_GET_ALLOCATION: Route[None, models.AllocationOut] = Route(
    "GET", "/portfolios/{portfolio_id}/allocation", models.AllocationOut
)
"""What a portfolio is made of at current prices, the largest part first."""
PORTFOLIO_COMPOSITION_GET_CONTRIBUTIONS: Route[None, models.ContributionsOut] = Route(
    "GET", "/portfolios/{portfolio_id}/contributions", models.ContributionsOut
)
"""What each asset added to a portfolio in a period."""
PORTFOLIO_FILES_EXPORT: Route[None, Any] = Route("GET", "/portfolios/{portfolio_id}/export", Any)
"""All transactions, as a file that imports back to the same state."""
PORTFOLIO_FORECAST_GET_FORECAST: Route[None, models.PortfolioForecastOut] = Route(
    "GET", "/portfolios/{portfolio_id}/forecast", models.PortfolioForecastOut
)
"""What a portfolio may be worth in 1, 7, 14 and 30 days if nothing is bought or sold, by the models' forecasts."""
PORTFOLIO_GAINS_LIST_GAINS: Route[None, models.GainsOut] = Route(
    "GET", "/portfolios/{portfolio_id}/gains", models.GainsOut
)
"""Realised gains of a period, the newest first."""
PORTFOLIOS_LIST_HOLDINGS: Route[None, models.HoldingsOut] = Route(
    "GET", "/portfolios/{portfolio_id}/holdings", models.HoldingsOut
)
"""What a portfolio holds, or with `asOf` was believed to hold at a past instant."""
PORTFOLIOS_ADD_HOLDING: Route[bodies.HoldingIn, models.OneHoldingOut] = Route(
    "POST", "/portfolios/{portfolio_id}/holdings", models.OneHoldingOut
)
"""Add what one holds already."""
PORTFOLIO_FILES_LIST_IMPORTS: Route[None, models.ImportsOut] = Route(
    "GET", "/portfolios/{portfolio_id}/imports", models.ImportsOut
)
"""The newest imports of a portfolio."""
PORTFOLIO_FILES_START_IMPORT: Route[bodies.ImportIn, models.ImportOut] = Route(
    "POST", "/portfolios/{portfolio_id}/imports", models.ImportOut
)
"""Look at a file."""
PORTFOLIO_FILES_GET_IMPORT: Route[None, models.ImportOut] = Route(
    "GET", "/portfolios/{portfolio_id}/imports/{batch_id}", models.ImportOut
)
"""An import."""
PORTFOLIO_FILES_ANSWER_IMPORT: Route[bodies.AnswersIn, models.ImportOut] = Route(
    "PATCH", "/portfolios/{portfolio_id}/imports/{batch_id}", models.ImportOut
)
"""Answer what a file leaves open."""
PORTFOLIO_FILES_CONFIRM_IMPORT: Route[None, models.ImportOut] = Route(
    "POST", "/portfolios/{portfolio_id}/imports/{batch_id}/confirm", models.ImportOut
)
"""Have the worker do an import."""
PORTFOLIO_FILES_ADD_PART: Route[bodies.ImportPart, models.Message] = Route(
    "POST", "/portfolios/{portfolio_id}/imports/{batch_id}/parts", models.Message
)
"""Send the next part of a file."""
PORTFOLIO_FILES_TAKE_IMPORT_BACK: Route[None, models.ImportOut] = Route(
    "POST", "/portfolios/{portfolio_id}/imports/{batch_id}/take-back", models.ImportOut
)
"""Take back all that an import brought and that still counts."""
PORTFOLIO_ISSUES_LIST_ISSUES: Route[None, models.IssuesOut] = Route(
    "GET", "/portfolios/{portfolio_id}/issues", models.IssuesOut
)
"""What somebody has to look at, the newest first, each with what to do."""
PORTFOLIO_ISSUES_RESOLVE_ISSUE: Route[bodies.IssueChange, models.OneIssueOut] = Route(
    "POST", "/portfolios/{portfolio_id}/issues/{issue_id}/resolve", models.OneIssueOut
)
"""Say what becomes of an issue."""
PORTFOLIO_PERFORMANCE_GET_PERFORMANCE: Route[None, models.PerformanceOut] = Route(
    "GET", "/portfolios/{portfolio_id}/performance", models.PerformanceOut
)
"""Values over time, at most 1,000 points, and the returns of the period's closed days."""
PORTFOLIO_RISK_GET_RISK: Route[None, models.PortfolioRiskOut] = Route(
    "GET", "/portfolios/{portfolio_id}/risk", models.PortfolioRiskOut
)
"""How much a portfolio may lose."""
PORTFOLIOS_ACTIVATE_PORTFOLIO: Route[None, models.OnePortfolioOut] = Route(
    "POST", "/portfolios/{portfolio_id}/set-active", models.OnePortfolioOut
)
"""Make a portfolio the active one, and the others not."""
PORTFOLIO_SHARES_LIST_SHARES: Route[None, models.SharesOut] = Route(
    "GET", "/portfolios/{portfolio_id}/shares", models.SharesOut
)
"""The links of a portfolio, without their secrets."""
PORTFOLIO_SHARES_ADD_SHARE: Route[bodies.ShareIn, models.OneShareOut] = Route(
    "POST", "/portfolios/{portfolio_id}/shares", models.OneShareOut
)
"""Make a link by which anybody sees a portfolio."""
PORTFOLIO_SHARES_REVOKE_SHARE: Route[None, models.Message] = Route(
    "DELETE", "/portfolios/{portfolio_id}/shares/{share_id}", models.Message
)
"""End a link at once."""
PORTFOLIOS_START_SYNC: Route[None, models.SyncStartedOut] = Route(
    "POST", "/portfolios/{portfolio_id}/sync", models.SyncStartedOut
)
"""Have its exchange accounts read, and everything booked and valued anew from the transactions."""
PORTFOLIOS_GET_SYNC: Route[None, models.SyncProgressOut] = Route(
    "GET", "/portfolios/{portfolio_id}/sync/{job_id}", models.SyncProgressOut
)
"""How far a sync is."""
PORTFOLIO_ISSUES_DECIDE_TRANSFER: Route[bodies.TransferDecision, models.Message] = Route(
    "POST", "/portfolios/{portfolio_id}/transfers", models.Message
)
"""Confirm or reject that two transactions are the ends of one own transfer."""
PREDICTIONS_GET_PREDICTIONS: Route[bodies.BatchIn, models.BatchOut] = Route(
    "POST", "/predictions/batch", models.BatchOut
)
"""The champions' forecasts of several tokens."""
PREDICTIONS_GET_STORED: Route[None, models.StoredOneOut] = Route(
    "GET", "/predictions/by-id/{prediction_id}", models.StoredOneOut
)
"""A forecast as it was stored after a close, with the price that came where that is known."""
PREDICTIONS_GET_PREDICTION: Route[None, models.PredictionOut] = Route(
    "GET", "/predictions/{symbol}", models.PredictionOut
)
"""The champion's forecast of a token."""
PREDICTIONS_GET_ACCURACY: Route[None, models.AccuracyOut] = Route(
    "GET", "/predictions/{symbol}/accuracy", models.AccuracyOut
)
"""How the forecasts fared whose outcome is known, beside "tomorrow equals today"."""
PREDICTIONS_GET_HISTORY: Route[None, models.StoredListOut] = Route(
    "GET", "/predictions/{symbol}/history", models.StoredListOut
)
"""Forecasts as they were issued, newest first, each with the price that came."""
RISK_GET_RISKS: Route[bodies.RiskBatchIn, models.RisksOut] = Route(
    "POST", "/risk/batch", models.RisksOut
)
"""The newest risk scores of several tokens."""
RISK_GET_RISK: Route[None, models.RiskOut] = Route("GET", "/risk/{symbol}", models.RiskOut)
"""The newest risk score of a token."""
SHARED_GET_SHARED: Route[None, models.SharedOut] = Route(
    "GET", "/shared/{secret}", models.SharedOut
)
"""A portfolio as its owner shares it."""
TAX_LIST_REGIMES: Route[None, models.RegimesOut] = Route("GET", "/tax/regimes", models.RegimesOut)
"""The rules by which a report can be made."""
TAX_GET_TAX_REPORT: Route[None, models.TaxReportOut] = Route(
    "GET", "/tax/{regime}/{year}", models.TaxReportOut
)
"""A tax year of all one's portfolios."""
TOKENS_LIST_TOKENS: Route[None, models.TokensOut] = Route("GET", "/tokens", models.TokensOut)
"""Tokens with their prices, by market cap, unknown last."""
TOKENS_CREATE_TOKEN: Route[bodies.TokenIn, models.CreatedOut] = Route(
    "POST", "/tokens", models.CreatedOut
)
"""Add a token."""
TOKENS_GET_TOKEN: Route[None, models.DetailOut] = Route("GET", "/tokens/{symbol}", models.DetailOut)
"""All that is known of a token."""
TOKENS_GET_HISTORY: Route[None, models.HistoryOut] = Route(
    "GET", "/tokens/{symbol}/history", models.HistoryOut
)
"""Candles of a token, at most 1,000, measured back from the newest."""
TOKENS_GET_PRICE: Route[None, models.PriceOut] = Route(
    "GET", "/tokens/{symbol}/price", models.PriceOut
)
"""The price that venues agreed on, with how sure it is."""
TRANSACTIONS_LIST_TRANSACTIONS: Route[None, models.TransactionsOut] = Route(
    "GET", "/transactions", models.TransactionsOut
)
"""Transactions, the newest first, by `cursor` or by `offset`."""
TRANSACTIONS_CREATE_TRANSACTION: Route[bodies.TransactionIn, models.OneTransactionOut] = Route(
    "POST", "/transactions", models.OneTransactionOut
)
"""Record a transaction."""
TRANSACTIONS_CREATE_TRANSACTIONS: Route[bodies.BulkIn, models.BulkOut] = Route(
    "POST", "/transactions/bulk", models.BulkOut
)
"""Record up to 1,000 transactions, all or none."""
TRANSACTIONS_GET_TRANSACTION: Route[None, models.OneTransactionOut] = Route(
    "GET", "/transactions/{transaction_id}", models.OneTransactionOut
)
"""A transaction."""
TRANSACTIONS_CORRECT_TRANSACTION: Route[bodies.TransactionChange, models.OneTransactionOut] = Route(
    "PUT", "/transactions/{transaction_id}", models.OneTransactionOut
)
"""Correct a transaction."""
TRANSACTIONS_DELETE_TRANSACTION: Route[None, models.Message] = Route(
    "DELETE", "/transactions/{transaction_id}", models.Message
)
"""Take a transaction back."""
TRANSACTIONS_GET_HISTORY: Route[None, models.TransactionVersionsOut] = Route(
    "GET", "/transactions/{transaction_id}/history", models.TransactionVersionsOut
)
"""All versions of a transaction, the newest first."""
TRANSACTIONS_GET_LOTS: Route[None, models.LotsOut] = Route(
    "GET", "/transactions/{transaction_id}/lots", models.LotsOut
)
"""The lots that a transaction used, with the gain of each part."""
TRANSACTIONS_RESTORE_TRANSACTION: Route[None, models.OneTransactionOut] = Route(
    "POST", "/transactions/{transaction_id}/restore", models.OneTransactionOut
)
"""Let a transaction count again that was deleted, as it was last."""
WATCHLIST_LIST_WATCHED: Route[None, models.WatchedOut] = Route(
    "GET", "/watchlist", models.WatchedOut
)
"""The tokens that one watches, with their prices."""
WATCHLIST_WATCH: Route[None, models.Message] = Route("PUT", "/watchlist/{symbol}", models.Message)
"""Watch a token."""
WATCHLIST_UNWATCH: Route[None, models.Message] = Route(
    "DELETE", "/watchlist/{symbol}", models.Message
)
"""Watch a token no more."""

"""The catalogue of audit events, by the groups of the OWASP logging vocabulary."""

from enum import StrEnum


class Event(StrEnum):
    """An act worth telling afterwards. `docs/guides/secrets.md` describes each."""

    # Authentication
    REGISTERED = "user.registered"
    REGISTRATION_REFUSED = "user.registration_refused"
    LOGIN = "login"
    LOGIN_REFUSED = "login.refused"
    LOGIN_THROTTLED = "login.throttled"
    SECOND_FACTOR_REFUSED = "login.second_factor_refused"
    RECOVERY_CODE_USED = "login.recovery_code_used"
    LOGOUT = "logout"
    LOGOUT_ALL = "logout.all"
    REFRESH_REUSED = "refresh.reused"
    SESSION_ENDED = "session.ended"
    STEP_UP_REFUSED = "step_up.refused"

    # The account
    EMAIL_VERIFIED = "email.verified"
    EMAIL_CHANGE_REQUESTED = "email.change_requested"
    EMAIL_CHANGED = "email.changed"
    PROFILE_CHANGED = "profile.changed"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105  a name, no password
    PASSWORD_RESET_REQUESTED = "password.reset_requested"  # noqa: S105  a name, no password
    PASSWORD_RESET = "password.reset"  # noqa: S105  a name, no password
    USAGE_SHARING_CHANGED = "usage_sharing.changed"
    ACCOUNT_EXPORTED = "account.exported"
    ACCOUNT_DELETED = "account.deleted"

    # Second factors, keys and secrets
    TWO_FACTOR_SET_UP = "two_factor.set_up"
    TWO_FACTOR_ENABLED = "two_factor.enabled"
    TWO_FACTOR_DISABLED = "two_factor.disabled"
    BACKUP_CODES_REGENERATED = "two_factor.backup_codes_regenerated"
    PASSKEY_ADDED = "passkey.added"
    PASSKEY_REMOVED = "passkey.removed"
    OPENID_LINKED = "openid.linked"
    OPENID_UNLINKED = "openid.unlinked"
    API_KEY_CREATED = "api_key.created"
    API_KEY_ROTATED = "api_key.rotated"
    API_KEY_REVOKED = "api_key.revoked"
    API_KEY_REFUSED = "api_key.refused"
    SIGNATURE_REFUSED = "signature.refused"
    EXCHANGE_CONNECTED = "exchange.connected"
    EXCHANGE_DISCONNECTED = "exchange.disconnected"
    WALLET_CONNECTED = "wallet.connected"
    WALLET_DISCONNECTED = "wallet.disconnected"
    CHANNEL_ADDED = "channel.added"
    CHANNEL_DELETED = "channel.deleted"
    WEBHOOK_SECRET_SHOWN = "webhook.secret_shown"  # noqa: S105  a name, no password

    # Portfolios
    PORTFOLIO_EXPORTED = "portfolio.exported"
    TAX_REPORT_EXPORTED = "tax.report_exported"
    PORTFOLIO_IMPORT_CONFIRMED = "portfolio.import_confirmed"
    PORTFOLIO_IMPORT_TAKEN_BACK = "portfolio.import_taken_back"
    PORTFOLIO_SHARED = "portfolio.shared"
    PORTFOLIO_SHARE_OPENED = "portfolio.share_opened"
    PORTFOLIO_SHARE_REVOKED = "portfolio.share_revoked"

    # Authorisation and its bypassing
    ACCESS_DENIED = "access.denied"
    TOKEN_REFUSED = "token.refused"  # noqa: S105  a name, no password
    INPUT_REFUSED = "input.refused"
    LIMIT_EXCEEDED = "limit.exceeded"

    # Administration
    USER_DISABLED = "admin.user_disabled"
    USER_ENABLED = "admin.user_enabled"
    ROLE_CHANGED = "admin.role_changed"
    ADMIN_CREATED = "admin.created"
    SESSIONS_ENDED_BY_ADMIN = "admin.sessions_ended"
    TOKEN_LISTED = "token.created"  # noqa: S105  a name, no password
    TOKEN_CHANGED = "token.changed"  # noqa: S105  a name, no password
    TOKEN_DELETED = "token.deleted"  # noqa: S105  a name, no password
    FEATURE_SWITCHED = "admin.feature_switched"
    FLAG_CHANGED = "admin.flag_changed"
    ASSET_EVENT_ADDED = "admin.asset_event_added"
    ASSET_EVENT_REMOVED = "admin.asset_event_removed"
    DATA_RELEASED = "admin.data_released"
    DATA_REMOVED = "admin.data_removed"
    JOB_RETRIED = "admin.job_retried"
    JOB_CANCELLED = "admin.job_cancelled"
    FEEDBACK_CLOSED = "admin.feedback_closed"
    FEEDBACK_ANSWERED = "admin.feedback_answered"
    AUDIT_READ = "admin.audit_read"

    # Payments
    PAYMENT_STARTED = "payment.started"
    PAYMENT_SETTLED = "payment.settled"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_REFUNDED = "payment.refunded"
    PLAN_CHANGED = "plan.changed"

    # Cryptography and the log itself
    SIGNING_KEY_ROTATED = "keys.signing_rotated"
    SIGNING_KEY_REVOKED = "keys.signing_revoked"
    ENCRYPTION_KEY_ROTATED = "keys.encryption_rotated"
    ENCRYPTION_KEY_REMOVED = "keys.encryption_removed"
    AUDIT_KEY_ROTATED = "keys.audit_rotated"
    SEAL_BROKEN = "seal.broken"
    AUDIT_RESEALED = "audit.resealed"

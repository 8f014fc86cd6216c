"""Where keys and secrets lie."""

from pathlib import Path

from pydantic import Field

from coinsphere.settings.base import Base


class Keys(Base):
    """Where keys and secrets lie."""

    jwt_keys_dir: Path | None = Field(
        None, description="Folder of signing keys; empty: `keys` in the state folder."
    )
    password_keys_dir: Path | None = Field(
        None,
        description="Folder of the keys that bcrypt hashes and login counters depend on; empty: `password-keys` in the "
        "state folder.",
    )
    encryption_keys_dir: Path | None = Field(
        None,
        description="Folder of the keys that wrap data keys; empty: `encryption-keys` in the state folder.",
    )
    audit_keys_dir: Path | None = Field(
        None,
        description="Folder of the keys that seal the audit log; empty: `audit-keys` in the state folder.",
    )
    audit_anchor_file: Path | None = Field(
        None,
        description="File of the audit log's anchors, best on another disk; empty: `audit-anchors.jsonl` in the "
        "state folder.",
    )
    secrets_dir: Path | None = Field(
        None,
        description="Folder of files named like settings (`database_url` or `COINSPHERE_DATABASE_URL`), as Docker and "
        "Kubernetes mount secrets.",
    )
    aws_secret_id: str | None = Field(
        None,
        description="Secret in AWS Secrets Manager, a JSON object of variables; needs the extra `aws`.",
    )
    aws_region: str | None = Field(
        None, description="Its region; empty: as AWS's own tools decide."
    )
    aws_endpoint_url: str | None = Field(
        None, description="Another endpoint of Secrets Manager, like a VPC's; empty: AWS's own."
    )

    @property
    def keys_dir(self) -> Path:
        """Folder of the keys that sign access tokens."""
        return self.jwt_keys_dir or self.state / "keys"

    @property
    def encryption_keys(self) -> Path:
        """Folder of the keys that wrap data keys."""
        return self.encryption_keys_dir or self.state / "encryption-keys"

    @property
    def password_keys(self) -> Path:
        """Folder of the keys that bcrypt hashes and login counters depend on."""
        return self.password_keys_dir or self.state / "password-keys"

    @property
    def audit_keys(self) -> Path:
        """Folder of the keys that seal the audit log."""
        return self.audit_keys_dir or self.state / "audit-keys"

    @property
    def audit_anchors(self) -> Path:
        """File of the audit log's anchors."""
        return self.audit_anchor_file or self.state / "audit-anchors.jsonl"

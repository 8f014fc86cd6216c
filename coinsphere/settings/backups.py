"""How often backups are made, where they are kept, and for how long."""

from pathlib import Path

from pydantic import Field, SecretStr

from coinsphere.settings.base import Base, required


class Backups(Base):
    """How often backups are made, where they are kept, and for how long."""

    backup_database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL URL of a role with REPLICATION, by which backups are made; empty: the embedded server's.",
    )
    backup_hours: int = Field(
        24, ge=0, le=168, description="Hours from one base backup to the next; 0: none are made."
    )
    backup_places: tuple[str, ...] = Field(
        (),
        description="Folders and buckets (`s3://bucket/prefix`) that every backup is written to (comma-separated), best "
        "two, one of them far away; empty: `backups` in the state folder.",
    )
    backup_endpoint_url: str | None = Field(
        None, description="Another endpoint of S3; empty: AWS's own."
    )
    backup_recipients: tuple[str, ...] = Field(
        (),
        description="Public keys of age (`age1…`) that backups are sealed for (comma-separated); empty: that of "
        "`backup_identity_file`.",
    )
    backup_identity_file: Path | None = Field(
        None,
        description="File of the identities of age that open backups; empty: `backup-identity.txt` in the state folder, "
        "which is made. Keep a copy elsewhere: without it no backup can be read.",
    )
    backup_passphrase: SecretStr | None = Field(
        None,
        description="Passphrase that seals the keys and passwords in backups, apart from the data; empty: the recipients.",
    )
    backup_keep_days: int = Field(
        7,
        ge=1,
        description="Days for which every backup is kept, with the log to restore any second of them.",
    )
    backup_keep_weeks: int = Field(
        4, ge=0, description="Weeks, for which one chain of backups each is kept beyond that."
    )
    backup_most_mib: int = Field(
        8192,
        ge=64,
        description="Base backups of a place are not larger than this together, in MiB: the oldest go first, the newest "
        "stays in any case.",
    )
    backup_wal_seconds: int = Field(
        5, ge=1, le=60, description="So often what was committed since is written to the places."
    )

    backup_mib_a_second: int = Field(
        8,
        ge=0,
        le=1024,
        description="A base backup reads the database no faster than this, in MiB a second, so that people notice nothing of "
        "it; 0: as fast as it can. Before an upgrade, when nobody is served, it does so anyway.",
    )

    @property
    def makes_backups(self) -> bool:
        """Whether backups are made here."""
        return self.backup_database_url is not None and self.backup_hours > 0

    @property
    def backup_dsn(self) -> str:
        """The URL that backups are made by. Raises ConfigurationError if there is none."""
        return required(self.backup_database_url, "COINSPHERE_BACKUP_DATABASE_URL")

    @property
    def backup_identity(self) -> Path:
        """File of the identities that open backups."""
        return self.backup_identity_file or self.state / "backup-identity.txt"

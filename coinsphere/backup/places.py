"""Places where backups lie: folders and S3 buckets behind one interface of four methods."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from coinsphere.errors import BackupError, ConfigurationError
from coinsphere.security import private_files
from coinsphere.settings import Settings


class Place(Protocol):
    """A place; paths in it are relative, with slashes."""

    name: str

    def put(self, path: str, source: Path) -> None:
        """Store a file so that it survives a power cut, in full or not at all. Raises BackupError."""

    def get(self, path: str, target: Path) -> None:
        """Write a file to `target`. Raises BackupError: it is not there, or cannot be read."""

    def walk(self, prefix: str) -> Iterator[tuple[str, int]]:
        """The paths below `prefix` and their sizes in bytes. Raises BackupError."""

    def delete(self, path: str) -> None:
        """Remove a file; nothing happens where it is not there. Raises BackupError."""


class Folder:
    """A folder, best on another disk."""

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder

    def put(self, path: str, source: Path) -> None:
        """See `Place`."""
        target = self._folder / path
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished = target.with_name(f"{target.name}.unfinished")
            shutil.copyfile(source, unfinished)
            private_files.sync(unfinished)
            unfinished.replace(target)
            private_files.sync(target.parent)
        except OSError as error:
            raise BackupError(f"{target} cannot be written: {error.strerror}.") from error

    def get(self, path: str, target: Path) -> None:
        """See `Place`."""
        try:
            shutil.copyfile(self._folder / path, target)
        except OSError as error:
            raise BackupError(f"{self._folder / path} cannot be read: {error.strerror}.") from error

    def walk(self, prefix: str) -> Iterator[tuple[str, int]]:
        """See `Place`."""
        for path in sorted((self._folder / prefix).rglob("*")):
            if path.is_file() and path.suffix != ".unfinished":
                yield path.relative_to(self._folder).as_posix(), path.stat().st_size

    def delete(self, path: str) -> None:
        """See `Place`."""
        try:
            (self._folder / path).unlink(missing_ok=True)
        except OSError as error:
            raise BackupError(
                f"{self._folder / path} cannot be removed: {error.strerror}."
            ) from error


class Bucket:
    """A bucket of S3, or of a server that speaks its protocol, by `s3://bucket/prefix`."""

    def __init__(self, url: str, endpoint: str | None) -> None:
        try:
            import boto3  # noqa: PLC0415  optional
        except ImportError as error:
            raise ConfigurationError(
                f"{url} needs more packages: pip install 'coinsphere[aws]'"
            ) from error
        address = urlsplit(url)
        self.name = url
        self._bucket, self._prefix = address.netloc, address.path.strip("/")
        self._client: Any = boto3.client("s3", endpoint_url=endpoint)

    def put(self, path: str, source: Path) -> None:
        """See `Place`."""
        self._call("upload_file", str(source), self._bucket, self._key(path))

    def get(self, path: str, target: Path) -> None:
        """See `Place`."""
        self._call("download_file", self._bucket, self._key(path), str(target))

    def walk(self, prefix: str) -> Iterator[tuple[str, int]]:
        """See `Place`."""
        pages = self._client.get_paginator("list_objects_v2")
        for page in self._call_pages(pages, self._key(f"{prefix}/")):
            for each in page.get("Contents", ()):
                yield (
                    each["Key"].removeprefix(f"{self._prefix}/" if self._prefix else ""),
                    each["Size"],
                )

    def delete(self, path: str) -> None:
        """See `Place`."""
        self._call("delete_object", Bucket=self._bucket, Key=self._key(path))

    def _key(self, path: str) -> str:
        return f"{self._prefix}/{path}" if self._prefix else path

    def _call(self, method: str, *args: Any, **named: Any) -> Any:
        from boto3.exceptions import Boto3Error  # noqa: PLC0415  optional
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  optional

        try:
            return getattr(self._client, method)(*args, **named)
        except (Boto3Error, BotoCoreError, ClientError) as error:
            raise BackupError(f"{self.name}: {error}") from error

    def _call_pages(self, pages: Any, prefix: str) -> list[dict[str, Any]]:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  optional

        try:
            return list(pages.paginate(Bucket=self._bucket, Prefix=prefix))
        except (BotoCoreError, ClientError) as error:
            raise BackupError(f"{self.name}: {error}") from error


def build(settings: Settings) -> list[Place]:
    """The places that the settings name; by default the folder `backups` in the state folder.

    Raises:
        ConfigurationError: one needs packages that are not there.
    """
    return [at(name, settings) for name in settings.backup_places] or [
        Folder(settings.state / "backups")
    ]


def at(name: str, settings: Settings) -> Place:
    """The place of that name: `s3://bucket/prefix` or a folder."""
    if name.startswith("s3://"):
        return Bucket(name, settings.backup_endpoint_url)
    return Folder(Path(name).expanduser().resolve())

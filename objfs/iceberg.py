"""pyiceberg's file access through objfs; pyiceberg's own builds s3fs, gcsfs and adlfs by itself and asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import fsspec
from pyiceberg.io import InputFile, OutputFile
from pyiceberg.io.fsspec import FsspecFileIO, FsspecInputFile, FsspecOutputFile

from objfs.registration import SCHEMES

# What a catalog's properties for a cloud begin with; the rest of the name is in that cloud's rows of options.
_PREFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "objfs.S3FileSystem": ("s3.", "client."),
    "objfs.GCSFileSystem": ("gcs.",),
    "objfs.AzureBlobFileSystem": ("adls.",),
}
# Any option by any of its names, for what Iceberg has no property for.
_OURS: Final = "objfs."


class ObjectFileIO(FsspecFileIO):
    """What a catalog's property ``py-io-impl`` names, so that its tables are read and written by objfs.

    Iceberg's own properties (``s3.endpoint``, ``gcs.oauth2.token``, ``adls.account-name``) mean what they mean to
    pyiceberg. Any other option of objfs is a property that begins with ``objfs.``: ``objfs.engine`` or
    ``objfs.storage_options_provider``. Properties that are for another cloud are left to it.

    Examples
    --------
    >>> load_catalog("lake", **{"py-io-impl": "objfs.iceberg.ObjectFileIO"})  # doctest: +SKIP
    """

    def get_fs(self, scheme: str, hostname: str | None = None) -> Any:
        """The filesystem of a scheme; of one that is not ours, pyiceberg's."""
        if scheme not in SCHEMES:
            return super().get_fs(scheme)
        return fsspec.filesystem(scheme, **self._options(scheme))

    def new_input(self, location: str) -> FsspecInputFile:
        """A file to read."""
        return FsspecInputFile(location=location, fs=self._of(location))

    def new_output(self, location: str) -> FsspecOutputFile:
        """A file to write."""
        return FsspecOutputFile(location=location, fs=self._of(location))

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Delete a file."""
        path = location if isinstance(location, str) else location.location
        self._of(path).rm(path)

    def _of(self, location: str) -> Any:
        scheme, separator, _ = location.partition("://")
        if not separator or scheme not in SCHEMES:
            return self.get_fs(scheme if separator else "file")
        # By URL: one of Azure's may name the account.
        fs, _ = fsspec.url_to_fs(location, **self._options(scheme))
        return fs

    def _options(self, scheme: str) -> dict[str, Any]:
        theirs = _PREFIXES[SCHEMES[scheme]]
        options = {name: value for name, value in self.properties.items() if name.startswith(theirs)}
        ours = {name.removeprefix(_OURS): value for name, value in self.properties.items() if name.startswith(_OURS)}
        return {**options, **ours}

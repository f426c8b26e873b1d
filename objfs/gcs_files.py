"""Open objects of GCS, with what gcsfs's files say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from objfs.peers.gcs_names import FIXED_KEYS
from objfs.reading import ObjectFile
from objfs.writing import ObjectWriter


class GCSObjectFile(ObjectFile):
    """An open object, binary, seekable; its generation is known from the open, the rest is asked for."""

    _described: dict[str, Any] | None = None

    @property
    def generation(self) -> str | None:
        """The generation that is read."""
        return self.version_id or self.state

    @property
    def details(self) -> dict[str, Any]:
        """What ``info()`` says of this generation."""
        if self._described is None:
            self._described = dict(self.fs.info(self.path, generation=self.generation))
        return self._described

    @details.setter
    def details(self, value: dict[str, Any] | None) -> None:
        self._described = value

    @property
    def content_type(self) -> str | None:
        """The content type of the object."""
        return self.details.get("contentType")

    @property
    def metadata(self) -> Mapping[str, str]:  # type: ignore[override]
        """The object's own metadata."""
        return dict(self.details.get("metadata") or {})

    @property
    def fixed_key_metadata(self) -> Mapping[str, str]:
        """The object's other headers, by gcsfs's names."""
        return {ours: self.details[theirs] for ours, theirs in FIXED_KEYS.items() if theirs in self.details}

    def info(self) -> dict[str, Any]:
        """What ``info()`` says of this generation."""
        return self.details

    def url(self, **kwargs: Any) -> str:
        """Where the bytes are; of this generation, where it was named."""
        url: str = self.fs.url(self.path, **{"generation": self._source.location.version, **kwargs})
        return url


class GCSObjectWriter(ObjectWriter):
    """An object of GCS being written."""

    @property
    def generation(self) -> str | None:
        """The generation that was written; None before the object is there."""
        return self.version_id

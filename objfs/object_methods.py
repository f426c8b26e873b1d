"""What an open file says of its object beside the bytes; the same whether it is read or was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ObjectMethods:
    """Methods of the filesystem for the object of one file."""

    fs: Any
    path: str

    def metadata(self, refresh: bool = False, **kwargs: Any) -> Any:
        """User metadata of the object."""
        return self.fs.metadata(self.path, refresh, **kwargs)

    def getxattr(self, xattr_name: str, **kwargs: Any) -> Any:
        """One entry of the user metadata."""
        return self.fs.getxattr(self.path, xattr_name, **kwargs)

    def setxattr(self, copy_kwargs: Mapping[str, Any] | None = None, **kwargs: Any) -> Any:
        """Change entries of the user metadata, by a copy of the object onto itself; None removes one."""
        return self.fs.setxattr(self.path, copy_kwargs=copy_kwargs, **kwargs)

    def url(self, **kwargs: Any) -> Any:
        """A presigned URL of the object."""
        return self.fs.url(self.path, **kwargs)

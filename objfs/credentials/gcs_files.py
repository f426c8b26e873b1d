"""Google's own files, read without google-auth: credentials as JSON, and what gcloud keeps."""

from __future__ import annotations

import configparser
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from objfs.errors import CredentialsError


def well_known_file(environ: Mapping[str, str]) -> str:
    """Where ``gcloud auth application-default login`` writes (https://cloud.google.com/docs/authentication/adc)."""
    return os.path.join(_gcloud_folder(environ), "application_default_credentials.json")


def home(environ: Mapping[str, str]) -> str:
    """The home folder that the environment names, else that of the user."""
    return environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")


def read_info(path: str) -> dict[str, Any]:
    """The JSON of a credentials file; a ``CredentialsError`` names the file where there is none."""
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"the Google credentials file {path!r} cannot be read"
        raise CredentialsError(msg) from error
    return parse_info(text, f"the Google credentials file {path!r}")


def parse_info(text: Any, name: str) -> dict[str, Any]:
    """A key, given as JSON text or as a mapping; the error never shows the text."""
    if isinstance(text, Mapping):
        return dict(text)
    try:
        info = json.loads(text)
    except (TypeError, ValueError):
        info = None
    if not isinstance(info, dict):
        msg = f"{name} does not hold a JSON object"
        raise CredentialsError(msg)
    return info


def _gcloud_folder(environ: Mapping[str, str]) -> str:
    if environ.get("CLOUDSDK_CONFIG"):
        return environ["CLOUDSDK_CONFIG"]
    windows = environ.get("APPDATA") if os.name == "nt" else None
    return os.path.join(windows or os.path.join(home(environ), ".config"), "gcloud")


def gcloud_project(environ: Mapping[str, str]) -> str | None:
    """The project of gcloud's active configuration, from the files that ``gcloud config set project`` writes."""
    folder = Path(_gcloud_folder(environ))
    parser = configparser.RawConfigParser(strict=False)
    try:
        active = folder / "active_config"
        name = active.read_text(encoding="utf-8").strip() if active.is_file() else "default"
        parser.read(folder / "configurations" / f"config_{name}", encoding="utf-8")
    except (OSError, UnicodeDecodeError, configparser.Error):
        # The files are somebody else's, and a project is all we look for in them.
        return None
    return parser.get("core", "project", fallback=None)

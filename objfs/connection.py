"""What one filesystem instance knows of its cloud: settings, credentials, both planes, and the rule between them."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from objfs import sdk, store
from objfs.clouds._cloud import Cloud
from objfs.credentials.hiding import Hiding
from objfs.credentials.refresher import Refresher
from objfs.credentials.select import NATIVE_CHAIN, CredentialChoice, credentials_for, with_file_settings
from objfs.options import Layer, Settings, environment_layer, translate
from objfs.peers import peer_of
from objfs.planes import Call, Circumstances, Decision, Plane, choose
from objfs.records import replace
from objfs.sdk import PeerSetup, SdkPlane
from objfs.sdk_listings import Listings
from objfs.sdk_objects import SdkObjects
from objfs.store import Store
from objfs.types import Location

logger = logging.getLogger("objfs")


class Connection:
    """Both planes of one configuration; nothing is imported, built or fetched before it is needed.

    Parameters
    ----------
    cloud
        Rows and pure functions of the cloud.
    layers
        What the caller, the URL and fsspec's configuration say.
    environ
        The environment, read once.
    split
        Path to location, as the filesystem does it.

    Raises
    ------
    OptionError
        Options are unknown, contradict each other or cannot be cast.
    """

    def __init__(
        self,
        cloud: Cloud,
        layers: Iterable[Layer],
        environ: Mapping[str, str],
        split: Callable[[str], Location],
    ) -> None:
        self.cloud = cloud
        self._environ = dict(environ)
        self._told: Settings = cloud.resolve(translate(cloud.table, [*layers, environment_layer(cloud.table, environ)]))
        self._complete: Settings | None = None
        self.engine: str = self._told.value("engine", "auto")
        self.dircache: Listings | None = None
        self.split = split
        self._lock = threading.RLock()
        self._choice: CredentialChoice | None = None
        self._stores: dict[str, Store] = {}
        self._around: Circumstances | None = None
        self._refusals: dict[str, str | None] = {}
        self._sdk: SdkPlane | None = None
        _connections.add(self)

    @property
    def options(self) -> Settings:
        """What the caller, the URL, fsspec's configuration and the environment say; reads nothing."""
        return self._told

    @property
    def settings(self) -> Settings:
        """The same with what the SDK's configuration files add, such as a profile's region; read on first use."""
        if self._complete is None:
            self._complete = with_file_settings(self.cloud, self._told, self._environ)
        return self._complete

    @cached_property
    def write_defaults(self) -> Mapping[str, Any]:
        """What the settings say of every object that is written, as keywords of the peer's calls."""
        return self.cloud.write_parameters(self.settings)

    @cached_property
    def _hiding(self) -> Hiding:
        """What keeps secrets out of the errors of both planes."""
        return Hiding(self.settings, self.choice)

    @property
    def choice(self) -> CredentialChoice:
        """The refresher of this configuration, or what stands in its place; made on first use."""
        with self._lock:
            if self._choice is None:
                self._choice = credentials_for(self.cloud, self.settings, self._environ)
            return self._choice

    def store(self, bucket: str) -> Store:
        """The data plane's store of a bucket."""
        found = self._stores.get(bucket)
        if found is not None:
            return found
        with self._lock:
            if bucket not in self._stores:
                arguments = self.cloud.store_arguments(self.settings, bucket)
                if self.choice is NATIVE_CHAIN:
                    native = {**arguments.config, **self.cloud.native_config(self.settings)}
                    arguments = replace(arguments, config=native)
                self._stores[bucket] = Store(self.cloud, arguments, self.choice, self._hiding)
            return self._stores[bucket]

    @property
    def sdk(self) -> SdkPlane:
        """The SDK plane."""
        with self._lock:
            if self._sdk is None:
                keywords = self.cloud.sdk_keywords(self.settings)
                setup = PeerSetup(self.settings, keywords, self.choice, self.split, self._hiding)
                self._sdk = SdkPlane(self.cloud.name, peer_of(self.cloud.name), setup, dircache=self.dircache)
            return self._sdk

    def _refreshable(self) -> bool:
        return isinstance(self.choice, Refresher) and self.choice.source.refreshable

    def decide(self, verb: str, *locations: Location, keywords: Iterable[str] = ()) -> Decision:
        """Which plane carries a call out; the reason goes to the debug log."""
        decision = choose(Call(verb, locations, frozenset(keywords)), self._circumstances())
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s: %s plane: %s", verb, decision.plane.value, decision.reason)
        return decision

    def _circumstances(self) -> Circumstances:
        """What is the same for all calls, put together once: every read of a small object asks."""
        forked = not store.usable_in_this_process()
        known = self._around
        if known is None or known.forked != forked:
            known = self._around = Circumstances(
                engine=self.engine,
                extra=self.cloud.extra,
                write_keywords=self.cloud.data_keywords,
                refusal=self._refusal_of,
                forked=forked,
                sdk_installed=sdk.is_installed(self.cloud.name),
                refreshable=self._refreshable,
                unsigned=self.cloud.unsigned_writes if self._told.value("skip_signature") else None,
            )
        return known

    def _refusal_of(self, bucket: str) -> str | None:
        """Why the data plane cannot serve a bucket; the settings never change."""
        if bucket not in self._refusals:
            self._refusals[bucket] = self.cloud.store_refusal(self.settings, bucket)
        return self._refusals[bucket]

    def objects(self, verb: str, *locations: Location, keywords: Mapping[str, Any] | None = None) -> Store | SdkObjects:
        """The first location's bucket, on the plane that the rule chooses for the call."""
        decision = self.decide(verb, *locations, keywords=keywords or {})
        if decision.plane is Plane.DATA:
            return self.store(locations[0].bucket)
        return self.sdk.objects(locations[0].bucket, keywords)

    def require_sdk(self, verb: str) -> SdkPlane:
        """The SDK plane for a verb that only it has; an error where the engine or the installation rules it out."""
        self.decide(verb)
        return self.sdk

    def _after_fork(self) -> None:
        self._lock = threading.RLock()


def environ() -> Mapping[str, str]:
    """The process's environment; the one place where objfs reads it."""
    return os.environ


_connections: weakref.WeakSet[Connection] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    """A lock that another thread of the parent held would stay locked here for ever."""
    for connection in list(_connections):
        connection._after_fork()  # noqa: SLF001 - same module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)

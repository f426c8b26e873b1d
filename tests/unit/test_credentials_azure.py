"""The choice between Azure's ways of authentication, and what needs no server: SAS texts, shapes, errors, imports."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from objfs.clouds.azure_sas import as_sas, looks_like_sas, sas_expiry, sas_pairs, sas_text
from objfs.credentials import azure_objects
from objfs.credentials.azure import Method, chosen_method, settled, store_shape
from objfs.credentials.kinds import kind_of
from objfs.credentials.refresher import Refresher
from objfs.credentials.select import NATIVE_CHAIN, credentials_for
from objfs.credentials.values import AskedSource, Credentials
from objfs.errors import CredentialsError, MissingCredentialsError, MissingExtraError, OptionError
from tests.unit.small_azure import CLOUD, settings_of

SAS = "sv=2024-11-04&se=2030-06-01T12%3A00%3A00Z&sig=a%2Bb%2Fc%3D"
PRINCIPAL = {"client_id": "c", "tenant_id": "t"}
FABRIC = {
    "fabric_session_token": "s",
    "fabric_token_service_url": "https://f",
    "fabric_workload_host": "h",
    "fabric_cluster_identifier": "i",
}


class Tokens:
    """Stands for a token credential."""

    def get_token(self, *_: str) -> Any:
        """Never called here."""


@pytest.mark.parametrize(
    ("keywords", "method"),
    [
        pytest.param({}, Method.DEFAULT, id="nothing"),
        pytest.param({"anon": False}, Method.DEFAULT, id="explicitly-not-anonymous"),
        pytest.param({"token": "T"}, Method.BEARER_TOKEN, id="token"),
        pytest.param({"account_key": "K"}, Method.ACCESS_KEY, id="key"),
        pytest.param({"sas_token": SAS}, Method.SAS_TOKEN, id="sas"),
        pytest.param({**PRINCIPAL, "client_secret": "s"}, Method.CLIENT_SECRET, id="secret"),
        pytest.param({**PRINCIPAL, "federated_token_file": "/f"}, Method.WORKLOAD_IDENTITY, id="workload"),
        pytest.param({"client_id": "c"}, Method.MANAGED_IDENTITY, id="client-alone"),
        pytest.param({"object_id": "o"}, Method.MANAGED_IDENTITY, id="object"),
        pytest.param({"msi_resource_id": "r"}, Method.MANAGED_IDENTITY, id="resource"),
        pytest.param({"msi_endpoint": "http://h"}, Method.MANAGED_IDENTITY, id="endpoint"),
        pytest.param({"use_managed_identity": "true"}, Method.MANAGED_IDENTITY, id="managed"),
        pytest.param({"use_managed_identity": "false"}, Method.DEFAULT, id="not-managed"),
        pytest.param({"use_azure_cli": "true"}, Method.AZURE_CLI, id="cli"),
        pytest.param({"credential": Tokens()}, Method.CREDENTIAL, id="object-of-the-caller"),
        pytest.param(FABRIC, Method.FABRIC, id="fabric"),
    ],
)
def test_chosen_method_follows_the_options(keywords: dict[str, Any], method: Method) -> None:
    """One way of authentication at a time."""
    assert chosen_method(settings_of(**keywords), {}) is method


ORDER: list[tuple[Method, dict[str, Any]]] = [
    (Method.CREDENTIAL, {"credential": Tokens()}),
    (Method.FABRIC, FABRIC),
    (Method.BEARER_TOKEN, {"token": "T"}),
    (Method.ACCESS_KEY, {"account_key": "K"}),
    (Method.WORKLOAD_IDENTITY, {**PRINCIPAL, "federated_token_file": "/f"}),
    (Method.CLIENT_SECRET, {**PRINCIPAL, "client_secret": "s"}),
    (Method.SAS_TOKEN, {"sas_key": SAS}),
    (Method.AZURE_CLI, {"use_azure_cli": True}),
    (Method.MANAGED_IDENTITY, {"use_managed_identity": True}),
]


@pytest.mark.parametrize("rank", range(len(ORDER)), ids=[method.value for method, _ in ORDER])
def test_chosen_method_takes_the_first_of_several(rank: int) -> None:
    """In the order of the data plane; a credential object stands before all."""
    given = {name: value for _, options in ORDER[rank:] for name, value in options.items()}
    assert chosen_method(settings_of(**given), {}) is ORDER[rank][0]


@pytest.mark.parametrize(
    ("credential_type", "method"),
    [
        pytest.param("auto", Method.BEARER_TOKEN, id="auto"),
        pytest.param("bearer_token", Method.BEARER_TOKEN, id="token"),
        pytest.param("access_key", Method.ACCESS_KEY, id="key"),
        pytest.param("client_secret", Method.CLIENT_SECRET, id="secret"),
        pytest.param("workload_identity", Method.WORKLOAD_IDENTITY, id="workload"),
        pytest.param("sas_token", Method.SAS_TOKEN, id="sas"),
        pytest.param("azure_cli", Method.AZURE_CLI, id="cli"),
        pytest.param("managed_identity", Method.MANAGED_IDENTITY, id="managed"),
    ],
)
def test_credential_type_picks_one_of_several(credential_type: str, method: Method) -> None:
    """Whatever else is given."""
    given = {name: value for _, options in ORDER[2:] for name, value in options.items()}
    assert chosen_method(settings_of(**given, credential_type=credential_type), {}) is method


def test_credential_type_of_the_environment_gives_way_to_a_keyword() -> None:
    """The layers hold for it as for the rest."""
    environ = {"AZURE_CREDENTIAL_TYPE": "managed_identity"}
    assert chosen_method(settings_of(environ, account_key="K"), environ) is Method.ACCESS_KEY
    assert chosen_method(settings_of(environ), environ) is Method.MANAGED_IDENTITY


@pytest.mark.parametrize(
    ("keywords", "environ", "method"),
    [
        pytest.param(
            {"client_id": "c"}, {"AZURE_STORAGE_ACCOUNT_KEY": "K"}, Method.MANAGED_IDENTITY, id="client-alone"
        ),
        pytest.param(
            {"client_id": "c"},
            {"AZURE_CLIENT_SECRET": "s", "AZURE_TENANT_ID": "t", "AZURE_STORAGE_ACCOUNT_KEY": "K"},
            Method.CLIENT_SECRET,
            id="secret-of-the-environment",
        ),
        pytest.param(
            {**PRINCIPAL, "client_secret": "s"},
            {"AZURE_STORAGE_TOKEN": "T", "AZURE_FEDERATED_TOKEN_FILE": "/f", "AZURE_USE_AZURE_CLI": "1"},
            Method.CLIENT_SECRET,
            id="secret-above-a-token-file",
        ),
        pytest.param({"sas_token": SAS}, {"AZURE_STORAGE_ACCOUNT_KEY": "K"}, Method.SAS_TOKEN, id="sas-above-a-key"),
        pytest.param(
            {"use_managed_identity": True}, {"AZURE_STORAGE_TOKEN": "T"}, Method.MANAGED_IDENTITY, id="above-a-token"
        ),
        pytest.param({"account_key": "K"}, {"AZURE_OBJECT_ID": "o"}, Method.ACCESS_KEY, id="key-above-an-identity"),
    ],
)
def test_chosen_method_is_that_of_the_highest_layer(
    keywords: dict[str, Any], environ: dict[str, str], method: Method
) -> None:
    """What the environment holds never outranks what was given."""
    assert chosen_method(settings_of(environ, **keywords), environ) is method


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        pytest.param({"client_secret": "s", "client_id": "c"}, "client_secret needs tenant_id", id="secret"),
        pytest.param({"federated_token_file": "/f"}, "federated_token_file needs client_id and tenant_id", id="file"),
        pytest.param({"fabric_session_token": "s"}, "needs fabric_token_service_url and", id="fabric"),
        pytest.param({"credential_type": "sas_token"}, "credential_type=sas_token needs sas_key", id="type"),
        pytest.param(PRINCIPAL, "without client_secret or federated_token_file", id="neither"),
    ],
)
def test_half_of_a_method_is_refused(keywords: dict[str, Any], message: str) -> None:
    """What is missing is named; nothing else is tried in its place."""
    with pytest.raises(MissingCredentialsError, match=message):
        chosen_method(settings_of(**keywords), {})


def test_half_of_a_method_in_the_environment_is_left_to_the_chain() -> None:
    """Where it may belong to another program."""
    environ = {"AZURE_CLIENT_SECRET": "s", "AZURE_CLIENT_ID": "c"}
    assert chosen_method(settings_of(environ), environ) is Method.DEFAULT


def test_endpoint_of_the_platform_is_left_to_the_chain() -> None:
    """Its members before it may serve; an endpoint under another name asks for the managed identity."""
    platform, own = {"IDENTITY_ENDPOINT": "http://h"}, {"AZURE_MSI_ENDPOINT": "http://h"}
    assert chosen_method(settings_of(platform), platform) is Method.DEFAULT
    assert chosen_method(settings_of(own), own) is Method.MANAGED_IDENTITY


@pytest.mark.parametrize("method", ["workload", "secret", "cli", "fabric"])
def test_data_plane_looks_up_what_it_can_without_azure_identity(monkeypatch: Any, method: str) -> None:
    """From the same options."""
    monkeypatch.setattr("objfs.credentials.azure.has_azure_identity", lambda: False)
    keywords = {
        "workload": ORDER[4][1],
        "secret": ORDER[5][1],
        "cli": ORDER[7][1],
        "fabric": FABRIC,
    }[method]
    assert credentials_for(CLOUD, settings_of(**keywords), {}) is NATIVE_CHAIN


def test_default_chain_without_azure_identity_names_the_extra(monkeypatch: Any) -> None:
    """And what to do instead."""
    monkeypatch.setattr("objfs.credentials.azure.has_azure_identity", lambda: False)
    with pytest.raises(MissingExtraError, match=r"install objfs\[azure\].*anon=True"):
        credentials_for(CLOUD, settings_of(), {})


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"account_key": "S2V5"}, id="key"),
        pytest.param({"sas_token": SAS}, id="sas"),
        pytest.param({"token": "T"}, id="token"),
        pytest.param({"credential": f"?{SAS}"}, id="text"),
        pytest.param({"storage_options_provider": "tests.unit.test_credentials_azure:provider"}, id="provider"),
        pytest.param({"anon": True}, id="anonymous"),
        pytest.param({"client_id": "c", "client_secret": "s", "tenant_id": "t"}, id="principal-before-its-first-fetch"),
    ],
)
def test_no_module_of_azure_is_imported_for(options: dict[str, Any]) -> None:
    """In a process of its own, as tests beside this one import them."""
    code = f"""
import sys
from objfs.credentials.select import ANONYMOUS, credentials_for
from tests.unit.small_azure import CLOUD, settings_of
options = {options!r}
choice = credentials_for(CLOUD, settings_of(**options), {{}})
if choice is not ANONYMOUS and "client_secret" not in options:
    choice.current()
loaded = [name for name in sys.modules if name.partition(".")[0] in ("msal", "aiohttp", "adlfs")]
loaded += [name for name in sys.modules if name.startswith("azure.")]
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def provider() -> dict[str, str]:
    """For the import string."""
    return {"sas_token": SAS}


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(SAS, id="bare"),
        pytest.param(f"?{SAS}", id="question-mark"),
        pytest.param("sv=2024-11-04&se=2030-06-01T12:00:00Z&sig=a+b/c=", id="not-encoded"),
        pytest.param(SAS.replace("%2", "%252").replace("%3D", "%253D"), id="signature-encoded-twice"),
        pytest.param(f"https://a.blob.core.windows.net/c/b?{SAS}", id="url"),
        pytest.param(SAS.replace("&", "&amp;"), id="xml"),
        pytest.param(f" '{SAS}'\n", id="quoted"),
        pytest.param([("sv", "2024-11-04"), ("se", "2030-06-01T12:00:00Z"), ("sig", "a+b/c=")], id="pairs"),
        pytest.param({"sv": "2024-11-04", "se": "2030-06-01T12:00:00Z", "sig": "a+b/c="}, id="mapping"),
    ],
)
def test_sas_text_is_the_same_for_every_way_to_write_it(given: Any) -> None:
    """Encoded once; what is one already is left as it is."""
    assert sas_text(given) == SAS
    assert sas_text(sas_text(given)) == SAS
    assert dict(sas_pairs(given))["sig"] == "a+b/c="


@pytest.mark.parametrize("given", ["", "?", "sv=1", "sv=1&sig=", "c2VjcmV0LWtleQ==", "sig=x&loose", 7, [("a",)]])
def test_sas_text_refuses_what_is_none(given: Any) -> None:
    """Without showing it."""
    with pytest.raises(OptionError) as caught:
        sas_text(given)
    assert "c2Vj" not in str(caught.value)


@pytest.mark.parametrize(
    ("told", "expiry"),
    [
        pytest.param("2030-06-01T12%3A00%3A00Z", datetime(2030, 6, 1, 12, tzinfo=UTC), id="seconds"),
        pytest.param("2030-06-01T12:00Z", datetime(2030, 6, 1, 12, tzinfo=UTC), id="minutes"),
        pytest.param("2030-06-01", datetime(2030, 6, 1, tzinfo=UTC), id="day"),
        pytest.param("2030-06-01T12:00:00.1234567Z", datetime(2030, 6, 1, 12, 0, 0, 123456, UTC), id="seven-digits"),
        pytest.param("soon", None, id="no-time"),
        pytest.param("", None, id="stored-policy"),
    ],
)
def test_sas_expiry_reads_every_form_of_time(told: str, expiry: datetime | None) -> None:
    """Those of ISO 8601 that the service takes."""
    assert sas_expiry(f"sv=1&se={told}&sig=x") == expiry


def test_expiry_that_is_given_goes_before_that_of_the_sas() -> None:
    """Who hands it out may know better, a stored access policy for one."""
    given = datetime(2029, 1, 1, tzinfo=UTC)
    assert settled(Credentials({"sas_key": SAS}, given)).expires_at == given
    assert settled(Credentials({"sas_key": SAS})).expires_at == datetime(2030, 6, 1, 12, tzinfo=UTC)


def test_static_sas_that_has_ended_is_an_error_before_any_request() -> None:
    """Its end is known."""
    with pytest.raises(CredentialsError, match="expired at 2020-01-01"):
        credentials_for(CLOUD, settings_of(sas_token="sv=1&se=2020-01-01&sig=x"), {}).current()


@pytest.mark.parametrize("answer", [{"account_key": "not base64"}, {"access_key": "aHVudGVyMg"}])
def test_provider_of_a_key_that_is_no_base64_is_told_so(answer: dict[str, str]) -> None:
    """Before any request, by the names of both and without the value."""

    def my_provider() -> dict[str, str]:
        return answer

    with pytest.raises(CredentialsError, match=r"my_provider.*'account_key' is not the base64") as caught:
        credentials_for(CLOUD, settings_of(storage_options_provider=my_provider), {}).current()
    assert not any(value in str(caught.value) for value in answer.values())


@pytest.mark.parametrize(
    "held",
    [
        SimpleNamespace(named_key=SimpleNamespace(name="acct", key="not base64!")),
        {"account_name": "acct", "account_key": "not base64!"},
    ],
    ids=["named-key", "mapping"],
)
def test_credential_object_with_a_key_that_is_no_base64_is_told_so(held: Any) -> None:
    """Likewise."""
    with pytest.raises(CredentialsError, match="'account_key' is not the base64") as caught:
        credentials_for(CLOUD, settings_of(account_name="acct", credential=held), {}).current()
    assert "not base64!" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        pytest.param({"token": "T", "account_key": "K", "sas_key": SAS}, {"token": "T"}, id="token"),
        pytest.param({"account_key": "a2V5", "sas_key": SAS}, {"account_key": "a2V5"}, id="key"),
        pytest.param({"token": "", "sas_key": f"?{SAS}"}, {"sas_key": SAS}, id="sas"),
    ],
)
def test_settled_keeps_one_way_of_authentication(values: dict[str, str], kept: dict[str, str]) -> None:
    """A set is complete, and nothing is mixed into it."""
    assert settled(Credentials(values)).values == kept


@pytest.mark.parametrize(
    ("values", "shape"),
    [
        pytest.param({"token": "T"}, {"token": "T"}, id="token"),
        pytest.param({"account_key": "K"}, {"access_key": "K"}, id="key"),
        pytest.param({"sas_key": "sv=1&sig=a%2Bb"}, {"sas_token": [("sv", "1"), ("sig", "a+b")]}, id="sas"),
    ],
)
def test_store_shape_is_what_obstore_takes(values: dict[str, str], shape: dict[str, Any]) -> None:
    """Without the expiry, which is added by who calls it."""
    assert store_shape(values) == shape


@pytest.mark.parametrize(
    ("text", "is_sas"),
    [(SAS, True), (f"?{SAS}", True), ("c2VjcmV0LWtleQ==", False), ("sig", False), ("SIG=x&sv=1", True)],
)
def test_looks_like_sas_tells_it_from_a_key(text: str, *, is_sas: bool) -> None:
    """Both may be given as a plain string."""
    assert looks_like_sas(text) is is_sas


def test_as_sas_leaves_text_alone() -> None:
    """Where it came from can then still be told from how it was written."""
    assert (as_sas(f"?{SAS}"), as_sas(None), as_sas([("sig", "x")])) == (f"?{SAS}", None, "sig=x")


@pytest.mark.parametrize("credential", [7, object(), {"account_name": "a"}])
def test_credential_of_an_unknown_kind_is_refused(credential: Any) -> None:
    """At once, not at the first request."""
    with pytest.raises(OptionError, match="credential must be"):
        credentials_for(CLOUD, settings_of(credential=credential), {})


class Held:
    """Stands for ``AzureSasCredential``."""

    def __init__(self, signature: str) -> None:
        self.signature = signature


def test_live_credential_is_read_again_when_its_owner_has_replaced_it() -> None:
    """Without waiting for an expiry or a refusal; and not asked for again while it is the same."""
    held = Held("sig=one")
    refresher = Refresher(azure_objects.object_source(held, None))
    assert [refresher.current().values, refresher.current().values] == [{"sas_key": "sig=one"}] * 2
    assert refresher.fetch_count == 1
    held.signature = "sig=two"
    assert refresher.current().values == {"sas_key": "sig=two"}
    assert refresher.fetch_count == 2


def test_objects_that_hold_the_same_are_not_taken_for_one() -> None:
    """Each may be updated by its owner."""
    first, second = Held("sig=one"), Held("sig=one")
    choices = [credentials_for(CLOUD, settings_of(credential=held), {}) for held in (first, second, first)]
    assert choices[0] is not choices[1]
    assert choices[0].source.identity != choices[1].source.identity


@pytest.mark.parametrize("option", ["client_secret", "client_id", "tenant_id", "authority_host"])
def test_principals_that_differ_share_no_refresher(option: str) -> None:
    """And equal ones do; no identity holds the secret."""
    options = {**PRINCIPAL, "client_secret": "hidden-1", "authority_host": "https://one"}
    sources = [
        kind_of("azure").decide(settings_of(**each), {}, None)
        for each in (options, {**options}, {**options, option: "https://two"})
    ]
    one, same, other = (source.identity for source in sources if isinstance(source, AskedSource))
    assert one == same
    assert one != other
    assert "hidden-1" not in f"{one}{sources!r}"


def test_chains_of_different_environments_share_no_refresher() -> None:
    """What the chain reads is part of what it is."""
    sources = [
        kind_of("azure").decide(settings_of(), environ, None) for environ in ({}, {"AZURE_USERNAME": "u"}, {"X": ""})
    ]
    told = [source.identity for source in sources if source is not None]
    assert told[0] == told[2]
    assert told[0] != told[1]

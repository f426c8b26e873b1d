"""What a set of credentials may hold, and what messages may show of options."""

from __future__ import annotations

import pytest

from objfs import AzureBlobFileSystem
from objfs.credentials.values import Credentials
from objfs.errors import ConflictingOptionsError, CredentialsError, OptionError

SAS_URL = "https://acct.blob.core.windows.net/?sv=2024&sig=hunter2%3D"


@pytest.mark.parametrize("value", ["token\n", "to\rken", "\x00", "a\x7f"], ids=["file", "return", "null", "delete"])
def test_credentials_refuse_what_no_header_can_hold(value):
    """The error names the option, not the value; a client library would panic, or split a header."""
    with pytest.raises(CredentialsError, match="'bearer_token' holds a control character") as caught:
        Credentials({"bearer_token": value})
    assert "ken" not in str(caught.value).replace("bearer_token", "")


def test_errors_of_options_hide_the_signature_of_a_url():
    """The portal's "Blob service SAS URL", pasted whole."""
    with pytest.raises(OptionError, match=r"sig=\*\*\*") as caught:
        AzureBlobFileSystem(account_name="acct", endpoint=SAS_URL)
    assert "hunter2" not in str(caught.value)


def test_conflicts_hide_the_password_of_a_url():
    """Both values are shown, without what is secret in them."""
    with pytest.raises(ConflictingOptionsError, match="different values") as caught:
        AzureBlobFileSystem(account_name="acct", proxy_url="http://u:hunter2@one", config={"proxy_url": "http://two"})
    assert "hunter2" not in str(caught.value)

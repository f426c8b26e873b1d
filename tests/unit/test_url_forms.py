"""The URL forms of the reference are the ones that the parsers read: each row of each cloud, through ``parse_url``."""

from __future__ import annotations

import importlib
import re

import pytest

from objfs.clouds._cloud import Cloud, ParsedUrl
from objfs.clouds._forms import UrlForm
from objfs.clouds.known import CLOUDS
from objfs.errors import UrlError
from objfs.urls import scheme_of


def forms_of(cloud: Cloud) -> tuple[UrlForm, ...]:
    return importlib.import_module(f"objfs.clouds.{cloud.name}_forms").URL_FORMS


ROWS = [pytest.param(cloud, form, id=f"{cloud.name}-{form.url}") for cloud in CLOUDS for form in forms_of(cloud)]
READ = [row for row in ROWS if row.values[1].location is not None]
REFUSED = [row for row in ROWS if row.values[1].location is None]


@pytest.mark.parametrize(("cloud", "form"), READ)
def test_parse_url_reads_every_form_of_the_reference(cloud: Cloud, form: UrlForm) -> None:
    """Bucket, key, version and the options that the URL implies."""
    assert cloud.parse_url(form.url) == ParsedUrl(form.location, form.options)


@pytest.mark.parametrize(("cloud", "form"), REFUSED)
def test_parse_url_refuses_what_the_reference_says(cloud: Cloud, form: UrlForm) -> None:
    """With the words that lead on."""
    assert form.refusal
    with pytest.raises(UrlError) as caught:
        cloud.parse_url(form.url)
    assert form.refusal in str(caught.value)


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.name)
def test_forms_show_every_scheme_and_no_form_twice(cloud: Cloud) -> None:
    """A scheme that a cloud claims has an example."""
    urls = [form.url for form in forms_of(cloud)]
    assert sorted(set(urls)) == sorted(urls)
    assert {scheme for form in forms_of(cloud) if form.location and (scheme := scheme_of(form.url))} >= set(
        cloud.schemes
    )


@pytest.mark.parametrize(("cloud", "form"), READ)
def test_options_of_a_form_are_rows_of_the_cloud(cloud: Cloud, form: UrlForm) -> None:
    """A filesystem takes what a URL implies."""
    assert set(form.options) <= set(cloud.table.by_name)


@pytest.mark.parametrize(("cloud", "form"), READ)
def test_web_forms_are_at_hosts_of_the_cloud(cloud: Cloud, form: UrlForm) -> None:
    """So that a slip in one of them is refused, and never read as a page of a web server."""
    if scheme_of(form.url) in {"http", "https"} and not form.url.startswith("http://127.0.0.1"):
        assert re.fullmatch(cloud.api_hosts, form.url.partition("://")[2].partition("/")[0].lower())

"""Tests of configuration files: what they may say, what they lead to, and what a bad one is told."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import fsspec.config
import pytest

import objfs
from objfs import S3FileSystem
from objfs.config_files import read_config
from objfs.errors import ConflictingOptionsError, OptionError, UnknownOptionError

CSHELVE_S3 = """\
[default]
provider    = aws-s3
bucket_name = mybucket
auth_type   = access_key
key_id      = $AWS_KEY_ID
key_secret  = ${AWS_KEY_SECRET}

[provider_params]
endpoint_url = "https://minio.example:9000"
region_name  = eu-west-3
"""
CSHELVE_AZURE = """\
[default]
provider        = azure-blob
account_url     = https://account1.blob.core.windows.net
auth_type       = passwordless
container_name  = mycontainer
"""
TOML = """\
[default]
url = "s3://bucket/prefix"
region = "eu-west-1"
read_timeout = "20s"

[lab]
provider = "s3"
bucket_name = "lab-bucket"
prefix = "data/"
endpoint = "http://127.0.0.1:9000"
key_id = "$LAB_KEY"
key_secret = "$LAB_SECRET"
client_kwargs = { region_name = "eu-west-2" }

["google data"]
url = "gs://bucket/key"
token = "anon"
"""
SECRET = "the-secret-of-this-test"

Written = Callable[..., str]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """``written(text, name)`` is the path of a file that says so."""

    def write(text: str | bytes, name: str = "store.ini") -> str:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


def settings(fs: Any) -> Any:
    return fs.connection.options


def test_from_config_reads_cshelves_file_for_s3(written, monkeypatch):
    """The example of its documentation, with its parameters: provider, bucket, keys from the environment."""
    monkeypatch.setenv("AWS_KEY_ID", "AKIA1")
    monkeypatch.setenv("AWS_KEY_SECRET", SECRET)
    fs, path = objfs.from_config(written(CSHELVE_S3))
    assert isinstance(fs, S3FileSystem)
    assert path == "mybucket"
    told = settings(fs)
    assert (told.value("access_key_id"), told.value("secret_access_key")) == ("AKIA1", SECRET)
    assert (told.value("endpoint"), told.value("region")) == ("https://minio.example:9000", "eu-west-3")


def test_from_config_reads_cshelves_file_for_azure(written):
    """The example of its documentation."""
    fs, path = objfs.from_config(written(CSHELVE_AZURE))
    assert isinstance(fs, objfs.AzureBlobFileSystem)
    assert path == "mycontainer"
    assert settings(fs).value("account_name") == "account1"


@pytest.mark.parametrize("name", ["connection_string", "access_key"])
def test_from_config_takes_azures_secret_from_the_variable_that_the_file_names(written, monkeypatch, name):
    """cshelve's ``environment_key``."""
    texts = {"access_key": "YWJjZA==", "connection_string": "AccountName=account1;AccountKey=YWJjZA=="}
    monkeypatch.setenv("MY_SECRET", texts[name])
    text = CSHELVE_AZURE.replace("passwordless", name) + "environment_key = MY_SECRET\n"
    fs, _ = objfs.from_config(written(text))
    assert fs.connection.settings.value("account_key") == "YWJjZA=="


def test_from_config_reads_cshelves_providers_of_no_cloud(written, tmp_path):
    """They are fsspec's own filesystems."""
    fs, path = objfs.from_config(written("[default]\nprovider = in-memory\npersist-key = mine\n"))
    assert (type(fs).__name__, path) == ("MemoryFileSystem", "/mine")
    fs, path = objfs.from_config(written(f"[default]\nprovider = filesystem\nfolder_path = {tmp_path}\n"))
    assert (type(fs).__name__, path) == ("LocalFileSystem", str(tmp_path))


def test_from_config_reads_profiles_of_toml(written, monkeypatch):
    """Tables are profiles; dicts of options are tables, too."""
    path = written(TOML, "stores.toml")
    fs, found = objfs.from_config(path)
    assert (found, settings(fs).value("region"), settings(fs).value("read_timeout").seconds) == (
        "bucket/prefix",
        "eu-west-1",
        20,
    )
    monkeypatch.setenv("LAB_KEY", "AKIA2")
    monkeypatch.setenv("LAB_SECRET", SECRET)
    fs, found = objfs.from_config(path, "lab")
    assert (found, settings(fs).value("region")) == ("lab-bucket/data", "eu-west-2")
    assert settings(fs).value("endpoint") == "http://127.0.0.1:9000"
    fs, found = objfs.from_config(path, profile="google data")
    assert (type(fs).__name__, found) == ("GCSFileSystem", "bucket/key")


def test_ini_files_have_profiles_too(written):
    """A section of its own, with parameters of its own."""
    text = (
        "[default]\nurl = s3://a\nanon = true\n[provider_params]\nregion_name = eu-west-1\n"
        "[lab]\nurl = s3://b\nanon = true\n[lab.provider_params]\nregion_name = eu-west-2\n"
    )
    for profile, bucket, region in ((None, "a", "eu-west-1"), ("lab", "b", "eu-west-2")):
        fs, path = objfs.from_config(written(text), profile)
        assert (path, settings(fs).value("region")) == (bucket, region)


def test_storage_options_name_a_file(written):
    """Through fsspec, with the URL of the caller and a profile; the file is about the same cloud."""
    path = written(TOML, "stores.toml")
    fs, found = fsspec.url_to_fs("s3://other/key", config=path, anon=True)
    assert (found, settings(fs).value("region")) == ("other/key", "eu-west-1")
    fs, _ = fsspec.url_to_fs("gs://other/key", config=path, config_profile="google data")
    assert settings(fs).value("skip_signature") is True
    told = fsspec.filesystem("s3", config=Path(path), anon=True)
    assert settings(told).value("region") == "eu-west-1"


def test_fsspecs_own_configuration_may_name_a_file(written, monkeypatch):
    """Then every URL of the scheme uses it."""
    monkeypatch.setitem(fsspec.config.conf, "s3", {"config": written("[default]\nregion = eu-west-1\nanon = yes\n")})
    assert settings(fsspec.filesystem("s3")).value("region") == "eu-west-1"


@pytest.mark.parametrize("config", [{"region": "eu-west-9"}, '{"region": "eu-west-9"}'], ids=["dict", "json"])
def test_config_may_still_be_a_dict_of_options(config):
    """As obstore has it, or the same as JSON."""
    assert settings(S3FileSystem(config=config, anon=True)).value("region") == "eu-west-9"


ORDER = [
    ("keyword", "eu-a"),
    ("url", "eu-b"),
    ("fsspec config", "eu-c"),
    ("environment", "eu-d"),
    ("config file", "eu-e"),
    ("default", "us-east-1"),
]


@pytest.mark.parametrize("first", range(len(ORDER)), ids=[origin for origin, _ in ORDER])
def test_a_file_comes_after_the_environment_and_before_the_default(first, written, monkeypatch):
    """All places below the first that speaks say something else."""
    places = {origin: value for origin, value in ORDER[first:] if origin != "default"}
    keywords: dict[str, Any] = {"anon": True}
    if "keyword" in places:
        keywords["region"] = places["keyword"]
    if "url" in places and "keyword" not in places:
        keywords["url_options"] = {"region": places["url"]}
    if "fsspec config" in places:
        monkeypatch.setitem(fsspec.config.conf, "s3", {"region": places["fsspec config"]})
    if "environment" in places:
        monkeypatch.setenv("AWS_REGION", places["environment"])
    if "config file" in places:
        keywords["config"] = written(f"[default]\nregion = {places['config file']}\n")
    fs = S3FileSystem(**keywords, skip_instance_cache=True)
    fact = next(fact for fact in fs.explain().options if fact.name == "region")
    assert (fact.origin, fact.value) == ORDER[first]


def test_explain_names_file_section_line_and_variable(written, monkeypatch):
    """Where a value stands, so that it can be changed."""
    monkeypatch.setenv("AWS_KEY_ID", "AKIA1")
    monkeypatch.setenv("AWS_KEY_SECRET", SECRET)
    path = written(CSHELVE_S3)
    fs, found = objfs.from_config(path)
    sources = {fact.name: fact.source for fact in fs.explain(found).options}
    assert sources["auth_type"] == f"configuration file ({path}, [default], line 4)"
    assert sources["secret_access_key"] == f"configuration file ({path}, [default], line 6, $AWS_KEY_SECRET)"
    assert sources["endpoint"] == f"configuration file ({path}, [provider_params])"
    path = written(TOML, "stores.toml")
    found = objfs.explain("s3://bucket/key", config=path, anon=True)
    sources = {fact.name: fact.source for fact in found.options}
    assert sources["region"] == f"configuration file ({path}, [default], line 3)"
    path = written('[default]\nanon = true\n\n[default.client_options]\nuser_agent = "a"\n', "dicts.toml")
    sources = {fact.name: fact.source for fact in objfs.explain("s3://bucket/key", config=path).options}
    assert sources["user_agent"] == f"configuration file ({path}, [default], line 4)"


def test_the_filesystem_keeps_the_name_of_the_file_only(written, monkeypatch):
    """No secret of the file is in a pickle or in JSON; both read the file again."""
    monkeypatch.setenv("AWS_KEY_ID", "AKIA1")
    monkeypatch.setenv("AWS_KEY_SECRET", SECRET)
    fs, _ = objfs.from_config(written(CSHELVE_S3))
    assert SECRET.encode() not in pickle.dumps(fs)
    assert SECRET not in fs.to_json()
    assert SECRET not in repr(fs)
    again = pickle.loads(pickle.dumps(fs))
    assert settings(again).value("secret_access_key") == SECRET
    assert again == fs
    assert settings(S3FileSystem.from_dict(json.loads(fs.to_json()))).value("region") == "eu-west-3"


def test_a_changed_file_makes_another_instance(written, monkeypatch):
    """fsspec's cache knows the path only; also where a variable changed that the file names."""
    monkeypatch.setenv("REGION", "eu-west-1")
    path = written("[default]\nregion = $REGION\nanon = true\n")
    first = fsspec.filesystem("s3", config=path)
    assert fsspec.filesystem("s3", config=path) is first
    monkeypatch.setenv("REGION", "eu-west-2")
    second = fsspec.filesystem("s3", config=path)
    assert settings(second).value("region") == "eu-west-2"
    written("[default]\nregion = eu-west-3\nanon = true\n")
    assert settings(fsspec.filesystem("s3", config=path)).value("region") == "eu-west-3"


def test_a_path_is_kept_as_text(written):
    """JSON has no paths, and a handle would be good in this process only."""
    path = written("[default]\nregion = eu-west-1\nanon = true\n")
    fs = fsspec.filesystem("s3", config=Path(path))
    assert json.loads(fs.to_json())["config"] == path
    assert fsspec.filesystem("s3", config=path) is fs


def test_from_config_finds_the_file_from_anywhere(written, monkeypatch, tmp_path):
    """A relative path is one of the moment."""
    written("[default]\nurl = s3://bucket\nregion = eu-west-1\nanon = true\n")
    monkeypatch.chdir(tmp_path)
    fs, _ = objfs.from_config("store.ini")
    monkeypatch.chdir("/")
    assert settings(pickle.loads(pickle.dumps(fs))).value("region") == "eu-west-1"


def test_from_config_takes_no_second_file(written):
    """Nor a dict of options in its place."""
    path = written("[default]\nurl = s3://bucket\nanon = true\n")
    with pytest.raises(ConflictingOptionsError, match="config= cannot go with from_config"):
        objfs.from_config(path, config={"region": "x"})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("user_agent = $$cash", "$cash", id="dollar"),
        pytest.param("user_agent = 100%%", "100%", id="percent-doubled"),
        pytest.param("user_agent = a%2Fb", "a%2Fb", id="percent"),
        pytest.param('user_agent = "quoted"', "quoted", id="quotes"),
        pytest.param("user_agent = a=b:c#d", "a=b:c#d", id="signs"),
        pytest.param("USER-AGENT: colon", "colon", id="colon-and-case"),
    ],
)
def test_values_of_ini_files_are_read_as_they_are_meant(written, text, value):
    """Signs that some parsers take for their own."""
    fs = S3FileSystem(config=written(f"[default]\n{text}\nanon = true\n"), skip_instance_cache=True)
    assert settings(fs).value("user_agent") == value


def test_a_byte_order_mark_is_no_part_of_the_file(written):
    """Editors of Windows write one."""
    path = written(b"\xef\xbb\xbf[default]\nregion = eu-west-1\nanon = true\n")
    assert settings(S3FileSystem(config=path)).value("region") == "eu-west-1"


FAULTS = [
    pytest.param("a.ini", "region = x\n", "no [section] stands above what it says, line 1", id="no-section"),
    pytest.param("a.ini", "[default]\nregion = x\nregion = y\n", "has 'region' twice in [default], line 3", id="twice"),
    pytest.param("a.ini", "[default]\n[default]\n", "has [default] twice, line 2", id="section-twice"),
    pytest.param("a.ini", f"[default]\n{SECRET}\n", "is not an INI file, line 2", id="not-ini"),
    pytest.param("a.ini", b"\xff\xfe\x00\x01", "it is not UTF-8 text", id="binary"),
    pytest.param("a.toml", f'[default]\nkey = "{SECRET}\n', "is not TOML (at line 2", id="not-toml"),
    pytest.param("a.toml", "[default]\na = 1\na = 2\n", "is not TOML", id="toml-twice"),
    pytest.param("a.toml", 'region = "x"\n', "'region' stands outside of a table", id="toml-loose"),
    pytest.param("a.ini", "", "has no profile 'default'; it is empty", id="empty"),
    pytest.param("a.ini", "[defaults]\n", "has no profile 'default'; did you mean 'defaults'?", id="misspelled"),
    pytest.param("a.ini", "[lab]\n[prod]\n", "it has 'lab', 'prod'", id="other-profiles"),
    pytest.param(
        "a.ini", "[default]\n[provider_parms]\n", "[provider_parms]; did you mean [provider_params]?", id="section"
    ),
    pytest.param("a.ini", "[default]\nkey = $NO_SUCH_VARIABLE\n", "NO_SUCH_VARIABLE, which is not set", id="variable"),
    pytest.param("a.ini", "[default]\nkey = $1\n", "names no variable", id="no-variable"),
    pytest.param("a.ini", "[default]\n[encryption]\nalgorithm = aes256\n", "changes what is stored", id="encryption"),
    pytest.param("a.ini", "[default]\n[compression]\nalgorithm = zlib\n", "changes what is stored", id="compression"),
    pytest.param("a.ini", "[default]\n[logging]\nhttp = true\n", "objfs logs by Python's logging", id="logging"),
    pytest.param("a.ini", "[default]\nuse_versionning = true\n", "no header of cshelve's", id="versions"),
    pytest.param("a.ini", "[default]\nuse_pickle = false\n", "where the store is opened", id="pickle"),
    pytest.param("a.ini", "[default]\nprovider = sftp\n", "no object store", id="sftp"),
    pytest.param(
        "a.ini",
        "[default]\nprovider = awss3\nbucket_name = b\n",
        "there is no provider 'awss3'; did you mean 'aws-s3'? Known are aws-s3, azure-blob, in-memory, filesystem, s3,",
        id="provider",
    ),
    pytest.param(
        "a.toml", "[default]\nprovider = {}\nurl = 's3://b'\n", "there is no provider {}.", id="provider-type"
    ),
    pytest.param(
        "a.ini", "[default]\nurl = s3://b\n[provider_params]\nurl = x\n", "'url' stands twice", id="in-two-sections"
    ),
]


@pytest.mark.parametrize(("name", "text", "fault"), FAULTS)
def test_a_bad_file_is_told_what_is_wrong(written, name, text, fault):
    """With its name and the line, and without what stands there."""
    path = written(text, name)
    with pytest.raises(OptionError) as caught:
        objfs.from_config(path)
    assert fault in str(caught.value)
    assert path in str(caught.value)
    assert SECRET not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_an_unknown_option_names_the_nearest_and_the_line(written):
    """The rows are those of keywords."""
    path = written("[default]\nurl = s3://bucket\n\nregoin = x\n")
    with pytest.raises(UnknownOptionError) as caught:
        objfs.from_config(path)
    assert str(caught.value) == (f"unknown storage option 'regoin'; did you mean 'region'? ({path}, [default], line 4)")


def test_a_bad_value_names_the_line(written):
    """And never what a secret is."""
    path = written("[default]\nurl = s3://bucket\nread_timeout = soon\n")
    with pytest.raises(OptionError, match=r"\[default\], line 3\)"):
        objfs.from_config(path)


def test_two_names_of_one_option_contradict_each_other(written):
    """As two keywords would."""
    path = written("[default]\nurl = s3://bucket\nregion = a\naws_region = b\n")
    with pytest.raises(ConflictingOptionsError, match=r"'region' .*'aws_region'"):
        objfs.from_config(path)


def test_a_file_that_cannot_be_read_is_an_oserror(tmp_path):
    """The builtin, with the path."""
    with pytest.raises(FileNotFoundError, match=r"none\.ini"):
        objfs.from_config(tmp_path / "none.ini")
    with pytest.raises(FileNotFoundError, match=r"none\.ini"):
        S3FileSystem(config=str(tmp_path / "none.ini"))
    with pytest.raises(IsADirectoryError):
        objfs.from_config(tmp_path)


def test_a_file_must_say_where_for_from_config(written):
    """A URL, or provider and bucket; as storage options it need not."""
    path = written("[default]\nregion = eu-west-1\nanon = true\n")
    with pytest.raises(OptionError, match="does not say where: give url"):
        objfs.from_config(path)
    assert settings(S3FileSystem(config=path)).value("region") == "eu-west-1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("provider = aws-s3\nbucket_name =\n", r"'bucket_name' is empty", id="bucket"),
        pytest.param("provider = aws-s3\nbucket_name = /\n", r"'bucket_name' is empty", id="slash"),
        pytest.param(
            "provider = azure-blob\ncontainer_name = $NOTHING\n", r"'container_name' .*NOTHING", id="variable"
        ),
        pytest.param("provider = filesystem\nfolder_path =\n", r"'folder_path' is empty", id="directory"),
        pytest.param("provider = in-memory\npersist-key =\n", r"'persist-key' is empty", id="memory"),
        pytest.param("url =\n", r"'url' is empty", id="url"),
    ],
)
def test_an_empty_text_for_the_place_is_refused_with_the_line(written, monkeypatch, text, said):
    """It would lead to all buckets, or to the directory that somebody happens to be in."""
    monkeypatch.setenv("NOTHING", "")
    with pytest.raises(OptionError, match=said) as caught:
        objfs.from_config(written(f"[default]\n{text}"))
    assert "store.ini, [default], line" in str(caught.value)


def test_the_root_directory_is_a_place(written):
    """Of which nothing is left where slashes at the ends are taken away."""
    assert objfs.from_config(written("[default]\nprovider = filesystem\nfolder_path = /\n"))[1] == "/"


def test_an_empty_text_names_no_file():
    """It would be read as the working directory."""
    for call in (objfs.from_config, lambda text: S3FileSystem(config=text)):
        with pytest.raises(OptionError, match="an empty text names no configuration file"):
            call("")


def test_a_file_of_another_cloud_is_refused(written):
    """Its options would mean something else, or nothing."""
    path = written(CSHELVE_AZURE)
    with pytest.raises(ConflictingOptionsError, match="about provider 'azure-blob', and not about s3"):
        S3FileSystem(config=path)


def test_a_file_of_an_unknown_provider_is_told_so_as_storage_options_too(written):
    """And not that it is about another cloud."""
    with pytest.raises(OptionError, match=r"no provider 'AWS-S3'; did you mean 'aws-s3'\?"):
        S3FileSystem(config=written("[default]\nprovider = AWS-S3\n"))


def test_a_profile_needs_a_file():
    """A profile of AWS's files is another option."""
    with pytest.raises(OptionError, match="name that by config="):
        S3FileSystem(config_profile="lab", anon=True)


def test_options_of_the_caller_go_before_the_file(written):
    """Keywords cover the file in silence; who the caller is, is decided by the highest place that says it."""
    path = written(f"[default]\nurl = s3://bucket\nregion = eu-west-1\nkey = AKIA1\nsecret = {SECRET}\n")
    fs, _ = objfs.from_config(path, region="eu-west-2", anon=True)
    told = settings(fs)
    assert told.value("region") == "eu-west-2"
    assert "secret_access_key" not in told


def test_read_config_shows_no_value_in_its_repr(written):
    """They may be secrets."""
    file = read_config(written(f"[default]\nsecret = {SECRET}\n"), None, {})
    assert SECRET not in repr(file)


AGREED = [
    pytest.param("url = s3://b/data/x\nbucket_name = b\nprefix = /data/\nanon = true", {}, "b/data/x", id="below"),
    pytest.param("url = s3://b/data\nbucket = b\nanon = true", {"prefix": "data"}, "", id="prefix-of-the-caller"),
    pytest.param(
        "url = https://a.blob.core.windows.net/c/k?sig=hidden\ncontainer-name = c\n", {}, "c/k", id="https-form"
    ),
    pytest.param("provider = filesystem\nbucket_name = sub\nprefix = p", {}, "/start/sub/p", id="relative-directory"),
    pytest.param("url = file:///start/x\nfolder_path = .", {}, "/start/x", id="directory"),
    pytest.param("url = memory://mine/x\npersist-key = /mine", {}, "/mine/x", id="memory"),
    pytest.param("provider = http\nbucket_name = host\nprefix = p", {}, "http://host/p", id="web"),
    pytest.param("url = s3://b\nbucket_name = b\nprefix =\nanon = true", {}, "b", id="empty"),
]


@pytest.mark.parametrize(("text", "options", "place"), AGREED)
def test_words_for_the_place_may_say_it_twice(text, options, place, written, monkeypatch):
    """Where all lead to one place."""
    monkeypatch.setattr(Path, "absolute", lambda self: "/start" / self)
    assert objfs.from_config(written(f"[default]\n{text}\n"), **options)[1] == place


CONTRADICTIONS = [
    pytest.param("url = s3://a/x\nbucket_name = b", "bucket_name", "b", "s3://a/x", id="bucket"),
    pytest.param("url = gs://a/x\nbucket = a/x/y", "bucket", "a/x/y", "gs://a/x", id="deeper"),
    pytest.param("url = s3://ab/x\nbucket = a", "bucket", "a", "s3://ab/x", id="longer"),
    pytest.param("url = s3://a/x\nprefix = y", "prefix", "y", "s3://a/x", id="prefix"),
    pytest.param("url = s3://a\nprefix = y", "prefix", "y", "s3://a", id="prefix-of-a-bucket"),
    pytest.param("provider = s3\nbucket = a\ncontainer_name = b", "container_name", "b", "s3://a", id="two-words"),
    pytest.param("url = file:///a\nfolder_path = /b", "folder_path", "/b", "file:///a", id="folder"),
    pytest.param("url = memory://a\npersist_key = b", "persist_key", "b", "memory://a", id="memory"),
]


@pytest.mark.parametrize(("text", "name", "value", "url"), CONTRADICTIONS)
def test_words_for_two_places_contradict_each_other(text, name, value, url, written):
    """The error says both, and the line."""
    with pytest.raises(ConflictingOptionsError) as caught:
        objfs.from_config(written(f"[default]\n{text}\n"))
    assert f"{name!r} is {value!r} (" in str(caught.value)
    assert f", [default], line {3 + text.startswith('provider')}), and {url} is not there" in str(caught.value)


@pytest.mark.parametrize("text", ["url = 5", 'provider = "filesystem"\nfolder_path = 123'], ids=["url", "folder"])
def test_place_that_is_no_text_is_refused(text, tmp_path):
    """TOML has numbers, too."""
    (tmp_path / "a.toml").write_text(f"[default]\n{text}\n")
    with pytest.raises(OptionError, match="is text, not int"):
        objfs.from_config(tmp_path / "a.toml")

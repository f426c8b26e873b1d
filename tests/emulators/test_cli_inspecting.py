"""`explain`, `trace` and `demo` from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from textwrap import dedent

import pytest

from tests.command_line import SECONDS, CommandLine, environment, flags, program

pytest.importorskip("typer")


@pytest.fixture
def cli(s3_cloud, capfdbinary):
    """The command line with the options of the bucket of the test."""
    return CommandLine(capfdbinary, s3_cloud.options)


# -- explain -----------------------------------------------------------------------------------------------------------


def test_explain_tells_where_options_come_from_and_no_secret(s3_cloud, cli):
    """As text, and as one JSON object."""
    told = cli("explain", s3_cloud.url("some/key"))
    assert (told.code, "keyword 'endpoint_url'" in told.out) == (0, True)
    assert s3_cloud.options["secret"] not in told.out
    (record,) = cli("explain", "--json", s3_cloud.url("some/key")).records
    assert (record["bucket"], record["key"], record["ok"]) == (s3_cloud.bucket, "some/key", True)


def test_explain_check_tries_and_its_failure_is_the_exit_code(s3_cloud, cli):
    """Each check by name; one that does not exist is a wrong call."""
    s3_cloud.raw.put("x", b"data")
    assert cli("explain", "--check", "list,read,write", s3_cloud.url("x")).code == 0
    assert cli("explain", "--check", "read", s3_cloud.url("missing")).code == 1
    assert cli("explain", "--check", "fly", s3_cloud.url("x")).code == 2
    assert s3_cloud.raw.listed() == ["x"]


def test_explain_takes_a_local_url_without_slashes(cli, tmp_path, monkeypatch):
    """As the other commands do; it is no file of that name."""
    monkeypatch.chdir(tmp_path)
    (record,) = cli("explain", "--json", "file:here", options={}).records
    assert (record["scheme"], record["path"]) == ("file", f"{tmp_path}/here")


def test_explain_takes_a_local_path(cli, tmp_path):
    """As every command does."""
    (record,) = cli("explain", "--json", str(tmp_path), options={}).records
    assert record["path"] == str(tmp_path)


# -- trace -------------------------------------------------------------------------------------------------------------

SCRIPT = """
import sys
import beside
import fsspec

options = dict(word.split("=", 1) for word in sys.argv[2:])
print(fsspec.filesystem("s3", **options).cat_file(sys.argv[1]).decode())
sys.exit(beside.CODE)
"""


def test_trace_runs_a_script_and_writes_what_it_asked_for(s3_cloud, tmp_path):
    """With its arguments, its folder for imports, and its exit code."""
    s3_cloud.raw.put("x", b"data")
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "beside.py").write_text("CODE = 7")
    options = [f"{name}={value}" for name, value in s3_cloud.options.items()]
    files = ["--html", str(tmp_path / "seen.html"), "--json", str(tmp_path / "seen.json")]
    with program("trace", *files, str(tmp_path / "script.py"), s3_cloud.path("x"), *options) as process:
        out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, out) == (7, b"data\n")
    assert b"1 request;" in err
    assert s3_cloud.bucket in (tmp_path / "seen.html").read_text()
    assert len(json.loads((tmp_path / "seen.json").read_text())["requests"]) == 1


def test_trace_runs_a_module_or_a_command_of_its_own(s3_cloud, tmp_path):
    """By -m, and by the name objfs; flags that follow are theirs."""
    s3_cloud.raw.put("x", b"data")
    page = ["--html", str(tmp_path / "seen.html")]
    with program("trace", *page, "objfs", "cat", "-r", "1:", s3_cloud.url("x"), *flags(s3_cloud.options)) as process:
        assert process.communicate(timeout=SECONDS)[0] == b"ata"
    with program("trace", *page, "-m", "json.tool", "--help") as process:
        assert b"json.tool" in process.communicate(timeout=SECONDS)[0]


def test_trace_runs_a_directory(tmp_path, cli):
    """With a module ``__main__``, as Python does."""
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "__main__.py").write_text("raise SystemExit(4)")
    assert cli("trace", "--html", str(tmp_path / "seen.html"), str(tmp_path / "job"), options={}).code == 4


def test_trace_of_a_program_that_fails_keeps_what_was_seen(cli, tmp_path):
    """Its traceback is shown, which is its own; a program that does not exist is a wrong call."""
    (tmp_path / "bad.py").write_text("raise RuntimeError('mine')")
    (tmp_path / "exits.py").write_text("raise SystemExit('no number')")
    page = ["--html", str(tmp_path / "seen.html")]
    failed = cli("trace", *page, str(tmp_path / "bad.py"), options={})
    assert (failed.code, "RuntimeError: mine" in failed.err) == (1, True)
    assert (tmp_path / "seen.html").exists()
    said = cli("trace", *page, str(tmp_path / "exits.py"), options={})
    assert (said.code, "no number" in said.err) == (1, True)
    unwritten = tmp_path / "unwritten.html"
    for words in ([str(tmp_path / "none.py")], [""], ["-m"], [str(tmp_path)]):
        assert cli("trace", "--html", str(unwritten), *words, options={}).code == 2
    assert not unwritten.exists()
    nowhere = ["--html", str(tmp_path / "nowhere" / "seen.html")]
    assert cli("trace", *nowhere, str(tmp_path / "exits.py"), options={}).code == 2, "before it runs for an hour"


@pytest.mark.parametrize(
    ("module", "said"),
    [
        pytest.param("nomodule", "there is no module 'nomodule'", id="missing"),
        pytest.param("nomodule.inner", "there is no module 'nomodule.inner'", id="missing-package"),
        pytest.param("json.nomodule", "there is no module 'json.nomodule'", id="missing-in-a-package"),
        pytest.param("json.tool.inner", "there is no module 'json.tool.inner'", id="in-what-is-no-package"),
        pytest.param(".tool", "there is no module '.tool'", id="relative"),
        pytest.param("json.decoder.", "there is no module 'json.decoder.'", id="dot"),
        pytest.param("xml.dom", "'xml.dom' is a package", id="package-without-main"),
    ],
)
def test_trace_of_a_module_that_cannot_be_run_is_a_wrong_call(cli, tmp_path, module, said):
    """One line, as for a missing script, and no page."""
    page = tmp_path / "seen.html"
    told = cli("trace", "--html", str(page), "-m", module, options={})
    assert (told.code, told.err.count("\n"), said in told.err) == (2, 1, True)
    assert not page.exists()


def test_trace_of_a_module_whose_package_lacks_another_shows_the_programs_own_failure(cli, tmp_path, monkeypatch):
    """The module is there; what is missing is named."""
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking" / "__init__.py").write_text("import nomodule")
    (tmp_path / "lacking" / "job.py").write_text("")
    monkeypatch.chdir(tmp_path)
    told = cli("trace", "--html", "seen.html", "-m", "lacking.job", options={})
    assert (told.code, "No module named 'nomodule'" in told.err) == (1, True)
    assert (tmp_path / "seen.html").exists()


@pytest.mark.parametrize(
    ("closed", "missing"),
    [
        pytest.param("<&-", "stdin", id="input"),
        pytest.param(">&-", "stdout", id="output"),
        pytest.param("2>&-", "stderr", id="messages"),
        pytest.param("<&- >&- 2>&-", "stdin stdout stderr", id="all"),
    ],
)
def test_a_traced_program_finds_closed_streams_as_without_the_trace(tmp_path, closed, missing):
    """Python has None in their place, to which print writes nothing."""
    source = """
        import sys
        print("x" * 20000)
        print("few", file=sys.stderr)
        missing = [name for name in ("stdin", "stdout", "stderr") if getattr(sys, name) is None]
        open(sys.argv[1], "w").write(" ".join(missing))
        sys.exit(3)
    """
    (tmp_path / "many.py").write_text(dedent(source))
    found = []
    for name, words in {"alone": "", "traced": "-m objfs trace --html seen.html"}.items():
        shell = f'exec "{sys.executable}" {words} many.py {name} {closed}'
        ended = subprocess.run(
            ["sh", "-c", shell], env=environment(), cwd=tmp_path, capture_output=True, timeout=SECONDS, check=False
        )
        found.append((ended.returncode, (tmp_path / name).read_text(), ended.stdout))
    assert found[0] == found[1]
    assert found[0][:2] == (3, missing)


# -- demo --------------------------------------------------------------------------------------------------------------


def test_demo_without_moto_says_what_to_install(cli, monkeypatch):
    """In one line, as a call that lacks a package."""
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "moto" else found(name))
    told = cli("demo", options={})
    assert (told.code, told.err.count("\n"), "pip install" in told.err) == (2, 1, True)

"""`ls`, `du`, `tree`, `cat`, `head`, `rm` and `sign`, and what a terminal, a pipe or Ctrl-C makes of them."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from types import SimpleNamespace
from urllib.request import urlopen

import pytest

from objfs.cli.entry import main
from tests.command_line import SECONDS, CommandLine, environment, flags, on_terminal, program

pytest.importorskip("typer")

KEYS = {
    "dir/a.txt": b"one\ntwo\nthree\n",
    "dir/sub/b.bin": bytes(range(256)) * 8,
    "dir//c": b"empty segment",
    "dir/with space?x=1#y": b"opaque",
    "dir/star*": b"literal",
    "dir/star-not": b"kept",
    "dir/../up": b"dots",
    "dir/": b"",
    "dir": b"an object of the name of a directory",
}


@pytest.fixture
def s3(s3_cloud):
    """A bucket with all kinds of keys."""
    for key, data in KEYS.items():
        s3_cloud.raw.put(key, data)
    return s3_cloud


@pytest.fixture
def cli(s3, capfdbinary):
    """The command line with the options of that bucket."""
    return CommandLine(capfdbinary, s3.options)


# -- ls, du, tree ------------------------------------------------------------------------------------------------------


def test_ls_shows_objects_and_directories_by_url(s3, cli):
    """Directories end in a slash, an object of the same name does not."""
    assert cli("ls", s3.url()).lines == [s3.url("dir"), s3.url("dir/")]


def test_ls_r_lists_every_key_exactly(s3, cli):
    """Keys are opaque; markers of directories are objects, too."""
    assert sorted(cli("ls", "-R", s3.url()).lines) == sorted(s3.url(key) for key in KEYS)


def test_ls_l_shows_size_and_time(s3, cli):
    """In columns, the sizes as people read them with -h."""
    size, unit, time, url = cli("ls", "-lh", s3.url("dir/sub/b.bin")).lines[0].split()
    assert (size, unit, url) == ("2.0", "KiB", s3.url("dir/sub/b.bin"))
    assert time.startswith("20")


def test_ls_json_is_one_object_a_line(s3, cli):
    """With exact names, for programs."""
    (found,) = cli("ls", "--json", s3.url("dir/sub/")).records
    assert found.pop("modified").endswith("Z")
    assert found == {"url": s3.url("dir/sub/b.bin"), "type": "file", "size": 2048}


def test_ls_0_ends_names_with_a_zero_byte(cli, memory):
    """A name that holds a newline is one name."""
    memory.pipe_file("/m/a\nb", b"")
    assert cli("ls", "-0", "memory://m", options={}).out == "memory:///m/a\nb\0"


def test_ls_of_what_is_missing_says_so_and_the_rest_goes_on(s3, cli):
    """Exit code 1, and every URL that failed by name."""
    found = cli("ls", s3.url("nope"), s3.url("dir/sub/"), s3.url("nope2"))
    assert (found.code, found.lines) == (1, [s3.url("dir/sub/b.bin")])
    assert [line.split(": ")[1] for line in found.err.splitlines()] == [s3.url("nope"), s3.url("nope2")]


def test_du_adds_up_bytes_and_files(s3, cli):
    """Of the whole, and of each directory down to a depth."""
    whole = {"url": s3.url("dir/"), "bytes": sum(len(KEYS[key]) for key in KEYS if key != "dir"), "files": 8}
    found = cli("du", "-d", "1", "--json", s3.url("dir/")).records
    assert found[-1] == whole
    assert {"url": s3.url("dir/sub/"), "bytes": 2048, "files": 1} in found
    assert "2.0 KiB" in cli("du", "-h", s3.url("dir/sub/")).out


def test_tree_draws_what_lies_below(s3, cli):
    """Directories with what they hold, and a sum."""
    found = cli("tree", "-h", s3.url("dir/sub")).lines
    assert found == [s3.url("dir/sub"), "└── b.bin  (2.0 KiB)", "1 file, 2.0 KiB"]
    assert "b.bin" not in cli("tree", "-L", "1", s3.url("dir/")).out


# -- cat, head, sign ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [key for key in KEYS if not key.endswith("/")])
def test_cat_prints_the_bytes_of_any_key(s3, cli, key):
    """No key is taken for a pattern, a query or a fragment."""
    assert cli("cat", s3.url(key)).out.encode("utf-8", "surrogateescape") == KEYS[key]


def test_cat_prints_ranges_as_python_slices_them(s3, cli):
    """Several of them, one after the other."""
    assert cli("cat", "-r", "0:3", "--range", "-6:-1", "-r", "100:", s3.url("dir/a.txt")).out == "onethree"


def test_cat_of_the_standard_input_passes_it_on(cli, monkeypatch):
    """As `-`."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"typed")))
    assert cli("cat", "-").out == "typed"


def test_cat_reads_every_kind_of_url(cli, tmp_path, memory):
    """Files by path or URL, fsspec's memory."""
    (tmp_path / "x y#z").write_bytes(b"local")
    memory.pipe_file("/m/x", b"memory")
    path = str(tmp_path / "x y#z")
    assert cli("cat", path, f"file://{path}", "memory://m/x", options={}).out == "locallocalmemory"


@pytest.fixture
def memory():
    """fsspec's filesystem in memory, empty."""
    import fsspec

    fs = fsspec.filesystem("memory")
    yield fs
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        pytest.param(["-n", "2"], "one\ntwo\n", id="lines"),
        pytest.param(["-n", "0"], "", id="no-line"),
        pytest.param([], "one\ntwo\nthree\n", id="fewer-than-ten"),
        pytest.param(["-c", "5"], "one\nt", id="bytes"),
    ],
)
def test_head_prints_the_beginning(s3, cli, words, shown):
    """Lines, or bytes."""
    assert cli("head", *words, s3.url("dir/a.txt")).out == shown


def test_head_of_a_long_object_counts_lines_across_blocks(s3, cli):
    """The hundred-thousandth line is not in the first block."""
    lines = b"".join(b"%d\n" % number for number in range(150_000))
    s3.raw.put("long", lines)
    assert cli("head", "-n", "100000", s3.url("long")).out.encode() == b"".join(
        lines.splitlines(keepends=True)[:100000]
    )


def test_sign_prints_a_url_that_anybody_can_read(s3, cli):
    """Of objects only."""
    with urlopen(cli("sign", "--expires", "5m", s3.url("dir/a.txt")).out.strip(), timeout=SECONDS) as answer:
        assert answer.read() == KEYS["dir/a.txt"]
    refused = cli("sign", "/etc/hostname", options={})
    assert (refused.code, refused.out) == (1, "")
    assert "only objects" in refused.err


def test_sign_prints_nothing_that_is_not_signed(cli):
    """Without credentials there is nothing to sign with."""
    refused = cli("sign", "s3://bucket/key", options={"anon": "true", "region": "us-east-1"})
    assert (refused.code, refused.out) == (1, "")
    assert "nothing to sign with: this filesystem is anonymous" in refused.err


# -- rm ----------------------------------------------------------------------------------------------------------------


def test_rm_takes_names_literally(s3, cli):
    """A star deletes the object of that name."""
    assert cli("rm", s3.url("dir/star*")).code == 0
    assert set(KEYS) - set(s3.raw.listed()) == {"dir/star*"}


def test_rm_of_a_directory_or_of_nothing_fails(s3, cli):
    """A directory goes with -r only."""
    assert "-r" in cli("rm", s3.url("dir/sub")).err
    assert cli("rm", s3.url("nope")).code == 1
    assert sorted(s3.raw.listed()) == sorted(KEYS)


def test_rm_r_deletes_all_below_with_stars_and_markers(s3, cli):
    """And nothing else: a name in the tree is no pattern for others."""
    s3.raw.put("dirt", b"kept")
    done = cli("rm", "-r", "--yes", "--json", s3.url("dir/"))
    assert sorted(record["url"] for record in done.records) == sorted(s3.url(key) for key in KEYS if key != "dir")
    assert s3.raw.listed() == ["dir", "dirt"]


def test_rm_dry_run_deletes_nothing(s3, cli):
    """It says what it would delete."""
    assert len(cli("rm", "-r", "-n", s3.url("dir/")).lines) == len(KEYS) - 1
    assert len(s3.raw.listed()) == len(KEYS)


def test_rm_r_of_a_bucket_deletes_it(s3, cli):
    """With all that is in it."""
    fs = s3.fs()
    fs.mkdir(f"{s3.bucket}-more")
    fs.pipe_file(f"{s3.bucket}-more/x", b"")
    assert cli("rm", "-ry", f"s3://{s3.bucket}-more").code == 0
    assert not fs.exists(f"{s3.bucket}-more")


def test_rm_r_where_nobody_can_be_asked_needs_yes(s3, cli):
    """A script that forgets it deletes nothing; neither does one that names all buckets."""
    refused = cli("rm", "-r", s3.url("dir/"))
    assert (refused.code, "--yes" in refused.err) == (2, True)
    assert cli("rm", "-ry", "s3://").code == 2
    assert len(s3.raw.listed()) == len(KEYS)


def test_rm_reports_every_path_that_it_cannot_delete(s3, cli, monkeypatch):
    """The rest is deleted; the bucket is not."""
    from objfs import S3FileSystem

    own = S3FileSystem.rm_file

    def refuse(self, path, **kwargs):
        if path.endswith("b.bin"):
            raise PermissionError(13, "not yours", path)
        own(self, path, **kwargs)

    monkeypatch.setattr(S3FileSystem, "rm", lambda self, paths, **kwargs: [refuse(self, path) for path in paths])
    monkeypatch.setattr(S3FileSystem, "rm_file", refuse)
    done = cli("rm", "-ry", s3.url())
    assert (done.code, done.err.strip()) == (1, f"objfs rm: {s3.url('dir/sub/b.bin')}: not yours")
    assert s3.raw.listed() == ["dir/sub/b.bin"]


def test_rm_r_of_local_files_deletes_links_not_what_they_lead_to(cli, tmp_path):
    """As rm does."""
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "sub" / "x").write_bytes(b"")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_bytes(b"")
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "kept")
    assert cli("rm", "-ry", str(tmp_path / "tree"), options={}).code == 0
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == ["kept", "file"]


# -- exit codes, terminals, pipes, signals -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["ls", "ftp://host/x"], "scheme", id="unknown-scheme"),
        pytest.param(["ls", "-o", "no-equals-sign", "s3://b"], "NAME=VALUE", id="option-without-value"),
        pytest.param(["ls", "-o", "regoin=x", "s3://b"], "region", id="unknown-option"),
        pytest.param(
            ["explain", "-o", "region=a-hidden", "-o", "anon=true", "-o", "region=b-hidden", "s3://b/x"],
            "-o number 1 and -o number 3 give 'region' different values",
            id="option-twice",
        ),
        pytest.param(
            ["ls", "-o", "key=k", "-o", "secret=a-hidden", "-o", "aws_secret_access_key=b-hidden", "s3://b"],
            "'secret' (keyword) and 'aws_secret_access_key' (keyword)",
            id="option-by-two-names",
        ),
        pytest.param(
            ["ls", "--config", os.devnull, "-o", "config=b-hidden", "s3://b"], "--config and -o config=", id="two-files"
        ),
        pytest.param(
            ["cp", "--src-o", "region=a-hidden", "--src-o", "region=b-hidden", "s3://b/x", "y"],
            "--src-o number 1 and --src-o number 2",
            id="option-of-a-side-twice",
        ),
        pytest.param(["ls", "-o", "secret=a-hidden", "s3://b"], "without access_key_id", id="half-a-pair"),
        pytest.param(["cp", "-o", "secret=a-hidden", "s3://b/x", "y"], "without access_key_id", id="cp-half-a-pair"),
        pytest.param(
            ["ls", "-o", "account_name=a", "-o", "tenant_id=t", "-o", "client_id=c", "az://b"],
            "without client_secret",
            id="half-a-principal",
        ),
        pytest.param(["sign", "--method", "PATCH", "s3://b/k"], "GET, HEAD, PUT, DELETE", id="unknown-method"),
        pytest.param(["cat", "-r", "x", "s3://b/k"], "START:STOP", id="bad-range"),
        pytest.param(["sign", "-e", "soon", "s3://b/k"], "--expires", id="bad-duration"),
        pytest.param(["sign", "-e", "0", "s3://b/k"], "--expires", id="no-duration"),
        pytest.param(["tree", "-o", "anon=true", "s3://"], "all buckets", id="no-bucket"),
        pytest.param(["ls", ""], "an empty text names no place", id="ls-nothing"),
        pytest.param(["explain", ""], "an empty text names no place", id="explain-nothing"),
        pytest.param(["cp", "/etc/hostname", ""], "an empty text names no place", id="cp-to-nothing"),
        pytest.param(["sync", "", "/nowhere"], "an empty text names no place", id="sync-of-nothing"),
        pytest.param(["fly"], "fly", id="unknown-command"),
        pytest.param([], "Usage", id="nothing"),
    ],
)
def test_a_wrong_call_ends_with_2(words, said, capfd):
    """It says what is wrong, without a traceback."""
    assert main(words) == 2
    out, err = capfd.readouterr()
    assert said in out + err
    assert "Traceback" not in err
    assert "hidden" not in out + err


def test_an_option_may_be_given_twice_with_one_value(s3, cli):
    """As where a script adds what the caller has given already."""
    assert cli("cat", *flags(s3.options), s3.url("dir/a.txt")).code == 0


def test_version_is_printed(capfd):
    """By --version."""
    import objfs

    assert main(["--version"]) == 0
    assert capfd.readouterr().out == f"objfs {objfs.__version__}\n"


def test_without_the_extra_one_line_says_what_to_install(capsys, monkeypatch):
    """And nothing is imported that is not there."""
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "typer" else found(name))
    assert main(["ls", "x"]) == 2
    said = capsys.readouterr().err
    assert said == "objfs: the command line needs typer; install it by: pip install 'objfs[cli]'\n"


def test_names_cannot_act_on_a_terminal(tmp_path):
    """Control characters are spelt out there, and there only."""
    name = "\x1b[2J\u202egnp"
    (tmp_path / name).write_bytes(b"")
    code, screen = on_terminal("ls", str(tmp_path))
    assert (code, screen.strip()) == (0, f"{tmp_path}/" + r"\x1b[2J\u202egnp")
    with program("ls", str(tmp_path)) as process:
        assert process.communicate(timeout=SECONDS)[0].decode() == f"{tmp_path}/{name}\n"


def test_everything_is_printed_where_the_output_is_not_buffered(s3):
    """A pipe takes only so much at a time."""
    s3.raw.put("large", bytes(1 << 20))
    unbuffered = {**environment(), "PYTHONUNBUFFERED": "1"}
    with program("cat", s3.url("large"), *flags(s3.options), env=unbuffered) as process:
        assert len(process.communicate(timeout=SECONDS)[0]) == 1 << 20


@pytest.mark.parametrize(("answer", "code", "left"), [("y", 0, ["dir"]), ("n", 1, sorted(KEYS))], ids=["yes", "no"])
def test_rm_r_asks_on_a_terminal(s3, answer, code, left):
    """How many would go."""
    words = ["rm", "-r", s3.url("dir/"), *flags(s3.options)]
    ended, screen = on_terminal(*words, answer=answer, prompt="[y/N]:")
    assert f"Delete 8 files below {s3.url('dir/')}?" in screen
    assert (ended, sorted(s3.raw.listed())) == (code, left)


def test_a_reader_that_goes_away_ends_the_command_quietly(s3):
    """As in `objfs cat … | head`; the code is that of SIGPIPE."""
    s3.raw.put("large", bytes(4 << 20))
    with program("cat", s3.url("large"), *flags(s3.options)) as process:
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(SECONDS) == 141


def test_a_reader_that_has_gone_is_no_error_of_the_interpreter_either():
    """What is in a buffer when the program ends goes nowhere, in silence."""
    with program("cat", "-", stdin=subprocess.PIPE) as process:
        process.stdout.close()
        process.stdin.write(b"short")
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(SECONDS) == 141


def test_ctrl_c_ends_a_command_without_a_traceback(s3):
    """With 130; here while it waits for its input."""
    with program("cat", "-", s3.url("dir/a.txt"), *flags(s3.options), stdin=subprocess.PIPE) as process:
        os.write(process.stdin.fileno(), b"x" * (8 << 20))
        assert process.stdout.read(1) == b"x"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read().decode().strip() == "objfs: interrupted"
        assert process.wait(SECONDS) == 130


def test_ctrl_c_while_the_program_is_imported_leaves_no_traceback(tmp_path):
    """Not even where Python prints an exception and goes on, as it does with those of callbacks of its imports."""
    (tmp_path / "typer.py").write_text(
        "import os, signal\nclass Callback:\n    def __del__(self):\n        os.kill(os.getpid(), signal.SIGINT)\n"
        "Callback()\nprint('imported')\n"
    )
    paths = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])
    with program("ls", env={**environment(), "PYTHONPATH": paths}) as process:
        assert process.communicate(timeout=SECONDS) == (b"", b"")
        assert process.returncode == 130


@pytest.mark.parametrize(
    ("command", "streams", "code", "said"),
    [
        pytest.param("ls .", ">&-", 1, "the output cannot be written: Bad file descriptor", id="closed"),
        pytest.param("--help", ">&-", 1, "the output cannot be written: Bad file descriptor", id="help"),
        pytest.param("ls .", ">/dev/full", 1, "the output cannot be written: No space left on device", id="full"),
        pytest.param("cp a b", ">&-", 0, "", id="nothing-to-print"),
        pytest.param("ls .", "2>&-", 0, "", id="no-messages"),
        pytest.param("ls missing", ">&- 2>&-", 1, "", id="neither"),
        pytest.param("cp - b", "<&-", 1, "Bad file descriptor", id="input"),
    ],
)
def test_streams_that_are_closed_are_no_error_of_the_interpreter(command, streams, code, said, tmp_path):
    """One line says what cannot be written or read, if that is wanted and can be said."""
    if "full" in streams and not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    (tmp_path / "a").write_bytes(b"a")
    shell = f'exec "{sys.executable}" -m objfs {command} {streams}'
    ended = subprocess.run(
        ["sh", "-c", shell], env=environment(), cwd=tmp_path, capture_output=True, timeout=SECONDS, check=False
    )
    assert (ended.returncode, ended.stderr.count(b"\n")) == (code, 1 if said else 0)
    assert said in ended.stderr.decode()


def test_web_pages_are_listed_and_printed_and_their_errors_are_one_line(cli, web):
    """aiohttp raises what is no OSError."""
    web.objects["/cli/page"] = b"text"
    url = f"http://127.0.0.1:{web.server_port}/cli/page"
    assert cli("cat", url, options={}).out == "text"
    refused = cli("cat", f"{url}2", options={})
    assert (refused.code, len(refused.err.splitlines())) == (1, 1)


def test_options_come_from_a_configuration_file(s3, cli, tmp_path):
    """By --config and --profile, for every side that is in a cloud; -o goes before the file."""
    lines = [f'{name} = "{value}"\n' for name, value in s3.options.items()]
    (tmp_path / "stores.toml").write_text("".join(["[test]\n", *lines, '[broken]\nregoin = "x"\n']))
    words = ["--config", str(tmp_path / "stores.toml"), "--profile"]
    assert cli("cat", *words, "test", s3.url("dir/a.txt"), options={}).out == "one\ntwo\nthree\n"
    assert cli("cp", *words, "test", s3.url("dir/a.txt"), str(tmp_path / "x"), options={}).code == 0
    assert (tmp_path / "x").read_bytes() == KEYS["dir/a.txt"]
    told = cli("explain", "--json", *words, "test", s3.url("x"), options={"region": "eu-west-1"}).records[0]["options"]
    assert next(fact for fact in told if fact["name"] == "region")["value"] == "eu-west-1"
    assert "region" in cli("ls", *words, "broken", s3.url(), options={}).err
    assert cli("ls", "--profile", "test", s3.url(), options={}).code == 2


def test_each_cloud_is_listed_printed_and_emptied(cloud, capfdbinary):
    """By the same commands; a marker of a directory goes with the rest."""
    cli = CommandLine(capfdbinary, cloud.options)
    for key, data in {"d/a b#c": b"one\ntwo\n", "d/e/": b"", "d/e/f": b"12", "kept": b""}.items():
        cloud.raw.put(key, data)
    assert cli("ls", cloud.url("d/")).lines == [cloud.url("d/a b#c"), cloud.url("d/e/")]
    assert [record["url"] for record in cli("ls", "-R", "--json", cloud.url("d")).records] == [
        cloud.url(key) for key in ("d/a b#c", "d/e/", "d/e/f")
    ]
    assert cli("cat", cloud.url("d/a b#c"), "-r", "4:").out == "two\n"
    assert cli("head", "-n", "1", cloud.url("d/a b#c")).out == "one\n"
    assert cli("du", "--json", cloud.url("d")).records == [{"url": cloud.url("d"), "bytes": 10, "files": 3}]
    assert cli("rm", "-ry", cloud.url("d")).code == 0
    assert cloud.raw.listed() == ["kept"]

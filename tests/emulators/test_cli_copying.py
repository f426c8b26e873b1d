"""`cp`, `sync` and `mv` from the command line: flags, exit codes, standard streams, progress, Ctrl-C, clusters."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests.command_line import SECONDS, CommandLine, Finished, flags, on_terminal, program

pytest.importorskip("typer")

FILES = {"a.txt": b"one", "sub/b": b"two", "sub/c.log": b"three"}


@pytest.fixture
def cli(s3_cloud, capfdbinary):
    """The command line with the options of the bucket of the test."""
    return CommandLine(capfdbinary, s3_cloud.options)


@pytest.fixture
def tree(tmp_path):
    """A local directory with the files."""
    for name, data in FILES.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_bytes(data)
    return str(tmp_path / "tree")


def test_cp_copies_up_and_down(s3_cloud, cli, tree, tmp_path):
    """It says nothing where all is well, and with -v what it does."""
    assert cli("cp", "-r", tree, s3_cloud.url("up/")) == Finished(0, "", "")
    done = cli("cp", "-v", s3_cloud.url("up/tree/a.txt"), str(tmp_path / "down"))
    assert done.out == f"copy {s3_cloud.url('up/tree/a.txt')} -> {tmp_path}/down\n"
    assert (tmp_path / "down").read_bytes() == b"one"


def test_cp_chooses_files_by_globs(s3_cloud, cli, tree):
    """As `Selection` does."""
    assert cli("cp", "-r", "--include", "sub/*", "--exclude", "*.log", f"{tree}/", s3_cloud.url("x")).code == 0
    assert s3_cloud.raw.listed() == ["x/sub/b"]


def test_cp_json_is_one_object_a_file(s3_cloud, cli, tree):
    """With what was done."""
    (told,) = cli("cp", "--json", f"{tree}/a.txt", s3_cloud.url("x")).records
    assert told == {"action": "copy", "source": f"{tree}/a.txt", "target": s3_cloud.url("x"), "size": 3}


def test_cp_takes_options_of_each_side(s3_cloud, cli, tree, tmp_path):
    """Between stores that need different ones; -o is for both."""
    s3_cloud.raw.put("x", b"data")
    words = ["cp", s3_cloud.url("x"), f"{s3_cloud.url('y')}"]
    region = ["--src-o", "region=us-east-1", "--dst-o", "region=eu-west-1"]
    options = {name: value for name, value in s3_cloud.options.items() if name != "region"}
    assert cli(*words, *region, options=options).code == 0
    assert s3_cloud.raw.get("y") == b"data"


def test_cp_reads_the_standard_input_and_writes_the_standard_output(s3_cloud, cli, monkeypatch, tmp_path):
    """As `-`, on either side."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"typed")))
    assert cli("cp", "-", s3_cloud.url("x")).code == 0
    assert cli("cp", s3_cloud.url("x"), "-").out == "typed"
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"local")))
    assert cli("cp", "-", str(tmp_path / "new" / "x")).code == 0
    assert (tmp_path / "new" / "x").read_bytes() == b"local"
    assert cli("cp", "-", s3_cloud.url("x"), "-").code == 2


def test_the_standard_input_is_not_copied_in_a_dry_run_nor_without_a_name(s3_cloud, cli, monkeypatch):
    """A directory gives other files their own names, and this has none."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"typed")))
    assert cli("cp", "--dry-run", "-", s3_cloud.url("x")).out == f"would copy - -> {s3_cloud.url('x')}\n"
    assert cli("cp", "-", s3_cloud.url("folder/")).code == 2
    assert s3_cloud.raw.listed() == []


def test_failures_are_reported_one_by_one_and_the_rest_is_done(s3_cloud, cli, tmp_path):
    """With exit code 1; a key cannot leave the target."""
    s3_cloud.raw.put("t/../escaped", b"")
    s3_cloud.raw.put("t/good", b"good")
    done = cli("cp", "-r", s3_cloud.url("t/"), str(tmp_path / "in" / "down"))
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert s3_cloud.url("t/../escaped") in done.err
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == ["in", "down", "good"]
    missing = cli("cp", s3_cloud.url("nope"), str(tmp_path / "x"))
    assert (missing.code, s3_cloud.url("nope") in missing.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["cp", "only-one"], "target", id="no-target"),
        pytest.param(["sync", "a", "b", "--compare", "colour"], "checksum", id="unknown-comparison"),
        pytest.param(["cp", "a", "b", "--include", ""], "pattern", id="empty-pattern"),
        pytest.param(["cp", "a", "s3://b", "--dst-o", "regoin=x"], "region", id="unknown-option"),
        pytest.param(["cp", "a", "s3://b", "--config", "no.toml"], "no.toml", id="no-configuration"),
    ],
)
def test_a_wrong_call_ends_with_2(cli, words, said):
    """It says what is wrong."""
    done = cli(*words, options={})
    assert (done.code, said in done.err) == (2, True), done


@pytest.mark.parametrize("words", [["mv", "a.txt", "a.txt"], ["cp", "a.txt", "."], ["cp", "-r", "sub", "sub/inside"]])
def test_a_copy_of_a_place_to_itself_is_a_wrong_call(s3_cloud, cli, tree, monkeypatch, words):
    """Here and in a store; nothing is changed."""
    monkeypatch.chdir(tree)
    before = sorted(os.listdir("sub"))
    assert cli(*words, options={}).code == 2
    assert cli("cp", "-r", "./", s3_cloud.url()).code == 0
    listed = s3_cloud.raw.listed()
    verb, *flag, source, target = words
    there = s3_cloud.url("") if target == "." else s3_cloud.url(target)
    done = cli(verb, *flag, s3_cloud.url(source), there)
    assert (done.code, done.err.count("\n")) == (2, 1), done
    assert (s3_cloud.raw.listed(), sorted(os.listdir("sub"))) == (listed, before)


def test_sync_says_what_it_did_and_the_second_time_nothing(s3_cloud, cli, tree):
    """Also what --delete would delete."""
    s3_cloud.raw.put("up/gone", b"")
    first = cli("sync", tree, s3_cloud.url("up"))
    assert first.err == "objfs sync: 3 copied (11 B), 0 there already, 0 deleted, 0 failed\n"
    told = cli("sync", "--delete", "-n", "--json", tree, s3_cloud.url("up")).records
    assert {"action": "delete", "source": None, "target": s3_cloud.url("up/gone"), "size": 0} in told
    again = cli("sync", "--delete", "-v", tree, s3_cloud.url("up/"))
    assert again.out == f"delete {s3_cloud.url('up/gone')}\n"
    assert again.err == "objfs sync: 0 copied (0 B), 3 there already, 1 deleted, 0 failed\n"


def test_dry_run_prints_what_would_be_done(s3_cloud, cli, tree):
    """And nothing is."""
    assert len(cli("cp", "-rn", tree, s3_cloud.url("up")).lines) == 3
    assert len(cli("mv", "-rn", tree, s3_cloud.url("up")).lines) == 3
    assert (s3_cloud.raw.listed(), sorted(os.listdir(tree))) == ([], ["a.txt", "sub"])


def test_mv_moves(s3_cloud, cli, tree):
    """The source is gone when the target is there."""
    assert cli("mv", f"{tree}/a.txt", s3_cloud.url("a")).code == 0
    assert cli("mv", s3_cloud.url("a"), s3_cloud.url("b")).code == 0
    assert (s3_cloud.raw.listed(), os.listdir(tree)) == (["b"], ["sub"])


def test_failures_are_told_above_the_bar(s3_cloud, tmp_path):
    """In one piece, with control characters spelt out."""
    for key in ("t/../escaped", "t/good"):
        s3_cloud.raw.put(key, b"")
    code, screen = on_terminal("cp", "-r", s3_cloud.url("t/"), str(tmp_path / "down"), *flags(s3_cloud.options))
    assert (code, f"objfs cp: {s3_cloud.url('t/../escaped')}: UrlError" in screen) == (1, True)


def test_progress_is_shown_on_a_terminal_only(s3_cloud, tree):
    """With bytes and files; elsewhere nothing is."""
    words = ["cp", "-r", tree, s3_cloud.url("up"), *flags(s3_cloud.options)]
    code, screen = on_terminal(*words)
    assert (code, "3/3 files" in screen, "bytes" in screen) == (0, True, True)
    with program(*words) as process:
        assert process.communicate(timeout=SECONDS) == (b"", b"")


def test_a_cluster_copies(s3_cloud, cli, tree):
    """By the address of its scheduler; credentials are in the environment of its workers here."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        done = cli("sync", "--dask", cluster.scheduler_address, tree, s3_cloud.url("up"))
    assert done.code == 0, done
    assert {key: s3_cloud.raw.get(key) for key in s3_cloud.raw.listed()} == {
        f"up/{name}": data for name, data in FILES.items()
    }


# -- Ctrl-C ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def through(gateway, bucket):
    """Options by a gateway that can hold requests, and the bucket behind it."""
    keys = gateway.issue(3600)
    options = {"endpoint_url": gateway.endpoint, "region": "us-east-1"}
    options |= {name: keys[name] for name in ("access_key_id", "secret_access_key", "session_token")}
    return flags(options), bucket


def interrupted(process):
    """Press Ctrl-C; the exit code, and what was said."""
    process.send_signal(signal.SIGINT)
    said = process.stderr.read().decode()
    return process.wait(SECONDS), said


def test_ctrl_c_during_an_upload_leaves_no_part_of_it(gateway, through, observer, moto_server):
    """Neither an object nor an upload that is not completed."""
    options, bucket = through
    with program("cp", "-", f"s3://{bucket}/x", *options, stdin=subprocess.PIPE) as process:
        process.stdin.write(bytes(40 << 20))
        process.stdin.flush()
        gateway.hold("PUT", "partNumber=3")
        assert interrupted(process) == (130, "objfs: interrupted\n")
    gateway.release()
    client = observer(moto_server)
    assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket)
    assert "Contents" not in client.list_objects_v2(Bucket=bucket)


def test_ctrl_c_during_an_upload_of_a_long_file_leaves_no_part_of_it(gateway, through, observer, moto_server, tmp_path):
    """Also where a part of it is on its way."""
    options, bucket = through
    (tmp_path / "long").write_bytes(bytes(64 << 20))
    gateway.hold("PUT", "partNumber=2")
    with program("cp", str(tmp_path / "long"), f"s3://{bucket}/x", *options) as process:
        assert gateway.wait_held(1) == 1
        assert interrupted(process) == (130, "objfs: interrupted\n")
    gateway.release()
    client = observer(moto_server)
    assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket)
    assert "Contents" not in client.list_objects_v2(Bucket=bucket)


def test_ctrl_c_during_a_copy_between_stores_leaves_no_part_of_it(gateway, through, observer, moto_server):
    """Which goes through memory, in another thread than the one that Ctrl-C reaches."""
    options, bucket = through
    client = observer(moto_server)
    client.put_object(Bucket=bucket, Key="x", Body=bytes(40 << 20))
    sides = [*flags(moto_server.options, "--src-o"), *("--dst-o" if word == "-o" else word for word in options)]
    gateway.hold("PUT", "partNumber=2")
    with program("cp", f"s3://{bucket}/x", f"s3://{bucket}/y", *sides) as process:
        assert gateway.wait_held(1) == 1
        assert "Uploads" in client.list_multipart_uploads(Bucket=bucket)
        assert interrupted(process) == (130, "objfs: interrupted\n")
    gateway.release()
    assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket)
    assert [item["Key"] for item in client.list_objects_v2(Bucket=bucket)["Contents"]] == ["x"]


def test_ctrl_c_during_a_download_leaves_no_part_of_it(gateway, through, observer, moto_server, tmp_path):
    """No file that is not whole, not even under another name."""
    options, bucket = through
    observer(moto_server).put_object(Bucket=bucket, Key="t/x", Body=bytes(12 << 20))
    gateway.hold("GET", "/t/x")
    with program("sync", f"s3://{bucket}/t", str(tmp_path / "down"), *options) as process:
        assert gateway.wait_held(1) == 1
        assert interrupted(process) == (130, "objfs: interrupted\n")
    gateway.release()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

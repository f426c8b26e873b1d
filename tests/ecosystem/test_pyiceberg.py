"""pyiceberg: tables of a catalog in SQLite, whose files lie in the bucket."""

from __future__ import annotations

import io
import pickle

import pytest

pyiceberg = pytest.importorskip("pyiceberg")
pytest.importorskip("sqlalchemy")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
sql = pytest.importorskip("pyiceberg.catalog.sql")

OURS = "objfs.iceberg.ObjectFileIO"


def iceberg_properties(cloud):
    """The options of a cloud as a catalog names them."""
    options = cloud.options
    if cloud.name == "s3":
        return {
            "s3.endpoint": options["endpoint_url"],
            "s3.access-key-id": options["key"],
            "s3.secret-access-key": options["secret"],
            "s3.region": options["region"],
        }
    if cloud.name == "gcs":
        return {"gcs.service.host": options["endpoint_url"], "gcs.oauth2.token": options["token"]}
    account = f"AccountName={options['account_name']};AccountKey={options['account_key']}"
    endpoint = options["endpoint"]
    return {"adls.connection-string": f"DefaultEndpointsProtocol=http;{account};BlobEndpoint={endpoint};"}


@pytest.fixture
def make_catalog(cloud, tmp_path):
    """A catalog with its warehouse in the bucket; closed at the end."""
    made = []

    def make(**properties):
        catalog = sql.SqlCatalog(
            "lake",
            uri=f"sqlite:///{tmp_path}/catalog.db",
            warehouse=cloud.url("wh"),
            **{"py-io-impl": OURS, **properties},
        )
        made.append(catalog)
        return catalog

    yield make
    for catalog in made:
        catalog.engine.dispose()


def rows(start, stop):
    """A small table."""
    return pa.table({"n": pa.array(range(start, stop), pa.int64()), "text": [f"ä {n}" for n in range(start, stop)]})


def test_pyiceberg_table_lives_in_the_bucket(cloud, make_catalog):
    """Created, appended to, read with a filter, overwritten; a plain client sees the metadata and the data."""
    catalog = make_catalog(**iceberg_properties(cloud))
    catalog.create_namespace("db")
    table = catalog.create_table("db.t", schema=rows(0, 1).schema)
    table.append(rows(0, 100))
    table.append(rows(100, 200))
    assert type(table.io).__module__ == "objfs.iceberg"
    stored = cloud.raw.listed()
    assert len([key for key in stored if key.endswith(".metadata.json")]) == 3
    data = [pq.read_table(io.BytesIO(cloud.raw.get(key))) for key in stored if key.endswith(".parquet")]
    assert sorted(pa.concat_tables(data)["n"].to_pylist()) == list(range(200))
    again = make_catalog(**iceberg_properties(cloud)).load_table("db.t")
    assert sorted(again.scan(row_filter="n >= 195").to_arrow()["n"].to_pylist()) == list(range(195, 200))
    again.delete("n < 150")
    assert again.scan().to_arrow().num_rows == 50
    again.overwrite(rows(0, 3))
    assert again.scan().to_arrow().sort_by("n").equals(rows(0, 3).cast(again.scan().to_arrow().schema))
    assert len(again.history()) >= 4


def test_pyiceberg_takes_our_options_and_a_provider(cloud, make_catalog):
    """Properties that begin with ``objfs.`` are options of ours, a provider among them."""
    options = {f"objfs.{name}": value for name, value in cloud.provided().items()}
    catalog = make_catalog(**options, **{"objfs.engine": "sdk"})
    catalog.create_namespace("db")
    table = catalog.create_table("db.t", schema=rows(0, 1).schema)
    table.append(rows(0, 10))
    assert table.io.get_fs(cloud.scheme).connection.settings.value("engine") == "sdk"
    assert table.scan().count() == 10


def test_file_io_reads_writes_and_deletes(cloud):
    """The verbs that pyiceberg itself uses, on a URL; what exists is not created again."""
    from objfs.iceberg import ObjectFileIO

    files = ObjectFileIO({**iceberg_properties(cloud), "uri": "sqlite://", "hf.token": "of another place"})
    output = files.new_output(cloud.url("d/a b.bin"))
    with output.create() as file:
        file.write(b"12345")
    assert cloud.raw.get("d/a b.bin") == b"12345"
    with pytest.raises(FileExistsError):
        output.create()
    found = pickle.loads(pickle.dumps(files)).new_input(cloud.url("d/a b.bin"))
    assert (len(found), found.exists(), files.new_input(cloud.url("absent")).exists()) == (5, True, False)
    with found.open() as file:
        file.seek(3)
        assert file.read() == b"45"
    files.delete(found)
    with pytest.raises(FileNotFoundError):
        files.new_input(cloud.url("d/a b.bin")).open()
    assert cloud.raw.listed() == []


def test_file_io_leaves_local_files_to_pyiceberg(tmp_path):
    """Paths and ``file://``."""
    from objfs.iceberg import ObjectFileIO

    files = ObjectFileIO({})
    for location in (str(tmp_path / "a"), f"file://{tmp_path}/b"):
        with files.new_output(location).create() as file:
            file.write(b"1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_file_io_finds_the_account_in_an_azure_url():
    """``abfss://container@account…`` needs no property that repeats the account."""
    from objfs.iceberg import ObjectFileIO

    files = ObjectFileIO({"adls.sas-token": "sv=2024-01-01&sig=c2ln"})
    fs = files.new_input("abfss://data@myaccount.dfs.core.windows.net/a/b.parquet")._fs
    assert fs.connection.settings.value("account_name") == "myaccount"


@pytest.mark.parametrize(("scheme", "prefix"), [("s3", "S3_"), ("gs", "GCS_"), ("abfss", "ADLS_")])
def test_every_property_of_pyiceberg_is_an_option(scheme, prefix):
    """None that pyiceberg documents is refused as unknown."""
    import pyiceberg.io

    from objfs.clouds.known import cloud_for
    from objfs.spellings import normalise

    table = cloud_for(scheme).table
    constants = {name: value for name, value in vars(pyiceberg.io).items() if name.startswith(prefix)}
    names = {value for name, value in constants.items() if not name.endswith("_DEFAULT")}
    assert len(names) > 9
    assert [name for name in sorted(names) if normalise(name) not in table.index and not table.is_ignorable(name)] == []

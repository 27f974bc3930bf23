"""The main ways of using BigQuery, through Google's client for Python, against the emulator whose address is the only argument.

Every check ends the program with what differs. https://cloud.google.com/python/docs/reference/bigquery/latest
"""

import datetime
import decimal
import io
import sys

from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

UTC = datetime.timezone.utc
checks = []


def check(function):
    checks.append(function)
    return function


def expect(actual, wanted):
    if actual != wanted:
        raise AssertionError(f"{wanted!r} expected, {actual!r} found")


def refusal(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} expected")


@check
def typed_rows_come_out(client):
    [row] = client.query_and_wait(
        "SELECT 1 i, 0.5 f, NUMERIC '12345678901234567890.5' n, TRUE b, 'é' s, b'\\x00\\xff' y, DATE '2024-02-29' d,"
        " DATETIME '2024-02-29 23:59:59.123456' dt, TIMESTAMP '2024-02-29 23:59:59.123456+00' ts, [1, 2] a,"
        " STRUCT('x' AS p, [STRUCT(1 AS q)] AS r) t, CAST(NULL AS STRING) z"
    )
    expect(
        dict(row.items()),
        {
            "i": 1,
            "f": 0.5,
            "n": decimal.Decimal("12345678901234567890.5"),
            "b": True,
            "s": "é",
            "y": b"\x00\xff",
            "d": datetime.date(2024, 2, 29),
            "dt": datetime.datetime(2024, 2, 29, 23, 59, 59, 123456),
            "ts": datetime.datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=UTC),
            "a": [1, 2],
            "t": {"p": "x", "r": [{"q": 1}]},
            "z": None,
        },
    )


@check
def parameters_go_in_and_come_back(client):
    values = [
        ("INT64", -(2**63)),
        ("FLOAT64", 0.1),
        ("NUMERIC", decimal.Decimal("-1.000000001")),
        ("BOOL", False),
        ("STRING", "it's \"q\" \\ 🏀"),
        ("BYTES", b"\x00abc\xff"),
        ("DATE", datetime.date(2024, 2, 29)),
        ("DATETIME", datetime.datetime(2024, 2, 29, 1, 2, 3, 4)),
        ("TIME", datetime.time(1, 2, 3, 4)),
        ("TIMESTAMP", datetime.datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=UTC)),
    ]
    for kind, value in values:
        parameters = [
            bigquery.ScalarQueryParameter("p", kind, value),
            bigquery.ScalarQueryParameter("n", kind, None),
            bigquery.ArrayQueryParameter("a", kind, [value, value]),
            bigquery.ArrayQueryParameter("e", kind, []),
        ]
        config = bigquery.QueryJobConfig(query_parameters=parameters)
        [row] = client.query_and_wait("SELECT @p, @n, @a, ARRAY_LENGTH(@e), @p IN UNNEST(@a)", job_config=config)
        expect((kind, row.values()), (kind, (value, None, [value, value], 0, True)))
    struct = bigquery.StructQueryParameter("g", bigquery.ScalarQueryParameter("id", "INT64", 7), bigquery.ArrayQueryParameter("days", "DATE", [datetime.date(2024, 1, 1)]))
    config = bigquery.QueryJobConfig(query_parameters=[struct])
    [row] = client.query_and_wait("SELECT @g.id, @g.days[OFFSET(0)]", job_config=config)
    expect(row.values(), (7, datetime.date(2024, 1, 1)))
    config = bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter(None, "STRING", "x"), bigquery.ScalarQueryParameter(None, "INT64", 2)])
    expect([row.values() for row in client.query_and_wait("SELECT ?, ? * 2", job_config=config)], [("x", 4)])


@check
def tables_keep_what_they_are_told(client):
    table = bigquery.Table(
        f"{client.project}.py.made",
        schema=[bigquery.SchemaField("id", "INT64", mode="REQUIRED"), bigquery.SchemaField("day", "DATE"), bigquery.SchemaField("tags", "STRING", mode="REPEATED")],
    )
    table.time_partitioning = bigquery.TimePartitioning(field="day")
    table.clustering_fields = ["id"]
    table.labels = {"phase": "3"}
    made = client.create_table(table)
    expect((made.time_partitioning.field, made.clustering_fields, made.labels), ("day", ["id"], {"phase": "3"}))
    refusal(exceptions.Conflict, lambda: client.create_table(table))
    client.create_table(table, exists_ok=True)
    stale = client.get_table(made)
    made.description = "games"
    expect(client.update_table(made, ["description"]).description, "games")
    # The client sends the etag that it has read.
    stale.description = "late"
    refusal(exceptions.PreconditionFailed, lambda: client.update_table(stale, ["description"]))
    expect(client.insert_rows_json(made, [{"id": 1, "day": "2024-01-01", "tags": ["a", "b"]}]), [])
    expect([error["index"] for error in client.insert_rows_json(made, [{"id": "x"}])], [0])
    expect([row.values() for row in client.list_rows(made)], [(1, datetime.date(2024, 1, 1), ["a", "b"])])
    client.delete_table(made)
    refusal(exceptions.NotFound, lambda: client.get_table(made))


@check
def files_are_loaded_in_one_piece_and_in_many(client):
    schema = [bigquery.SchemaField("id", "INT64"), bigquery.SchemaField("day", "DATE")]
    target = f"{client.project}.py.loaded"
    config = bigquery.LoadJobConfig(schema=schema, source_format="NEWLINE_DELIMITED_JSON", time_partitioning=bigquery.TimePartitioning(field="day"))
    content = b"".join(b'{"id": %d, "day": "2024-01-%02d"}\n' % (n, n % 28 + 1) for n in range(50_000))
    # Without its size the client uploads in pieces, of 256 KiB at the least.
    job = client.load_table_from_file(io.BytesIO(content), target, job_config=config)
    job.result()
    expect((job.output_rows, job.state), (50_000, "DONE"))
    csv = bigquery.LoadJobConfig(source_format="CSV", skip_leading_rows=1, write_disposition="WRITE_TRUNCATE")
    content = b"id,day\n1,2024-01-01\n2,\n"
    client.load_table_from_file(io.BytesIO(content), target, size=len(content), job_config=csv).result()
    expect(sorted(row.values() for row in client.list_rows(target)), [(1, datetime.date(2024, 1, 1)), (2, None)])
    client.load_table_from_json([{"id": 3, "day": "2024-01-03"}], target, job_config=bigquery.LoadJobConfig(schema=schema)).result()
    expect(client.get_table(target).num_rows, 3)
    error = refusal(exceptions.BadRequest, lambda: client.load_table_from_json([{"id": "x"}], target, job_config=bigquery.LoadJobConfig(schema=schema)).result())
    expect(error.errors[0]["reason"], "invalid")


@check
def merge_counts_what_it_does(client):
    client.query_and_wait("CREATE TABLE py.target (id INT64, day DATE, points FLOAT64) PARTITION BY day")
    client.query_and_wait("INSERT py.target VALUES (1, '2024-01-01', 1), (2, '2024-01-01', 2), (3, '2024-01-02', 3)")
    job = client.query(
        """MERGE py.target t USING (SELECT 1 id, DATE '2024-01-01' day, 10.5 points UNION ALL SELECT 9, '2024-01-01', 9) s
        ON t.id = s.id AND t.day IN (DATE '2024-01-01')
        WHEN MATCHED THEN UPDATE SET points = s.points
        WHEN NOT MATCHED THEN INSERT ROW
        WHEN NOT MATCHED BY SOURCE AND t.day = '2024-01-01' THEN DELETE""",
        job_id="merge_1",
        job_config=bigquery.QueryJobConfig(labels={"lane": "py"}),
    )
    job.result()
    stats = job.dml_stats
    expect((stats.inserted_row_count, stats.updated_row_count, stats.deleted_row_count, job.num_dml_affected_rows), (1, 1, 1, 3))
    expect((job.statement_type, job.labels), ("MERGE", {"lane": "py"}))
    expect([row.values() for row in client.query_and_wait("SELECT id, points FROM py.target ORDER BY id")], [(1, 10.5), (3, 3.0), (9, 9.0)])


@check
def a_job_id_is_taken_once(client):
    client.query("SELECT 1", job_id="once").result()
    error = refusal(exceptions.Conflict, lambda: client.query("SELECT 1", job_id="once", job_retry=None))
    expect(error.errors[0]["reason"], "duplicate")
    expect(client.get_job("once").state, "DONE")


@check
def errors_are_the_exceptions_that_they_should_be(client):
    def run(sql):
        return lambda: client.query(sql, job_retry=None).result(job_retry=None)

    error = refusal(exceptions.BadRequest, run("SELEC 1"))
    expect((error.code, error.errors[0]["reason"]), (400, "invalidQuery"))
    assert 'Syntax error: Unexpected identifier "SELEC" at [1:1]' in error.message, error.message
    refusal(exceptions.BadRequest, run("SELECT 1 / 0"))
    error = refusal(exceptions.NotFound, run("SELECT * FROM py.nothing"))
    assert f"Not found: Table {client.project}:py.nothing was not found in location US" in error.message, error.message
    refusal(exceptions.NotFound, lambda: client.get_dataset("nowhere"))
    refusal(exceptions.MethodNotImplemented, lambda: list(client.list_models("py")))


@check
def results_come_by_page_and_go_to_tables(client):
    rows = client.query_and_wait("SELECT n FROM UNNEST(GENERATE_ARRAY(1, 1000)) n ORDER BY n", page_size=300)
    pages = [[row["n"] for row in page] for page in rows.pages]
    expect(([len(page) for page in pages], pages[3][-1], rows.total_rows), ([300, 300, 300, 100], 1000, 1000))
    config = bigquery.QueryJobConfig(destination=f"{client.project}.py.result", write_disposition="WRITE_TRUNCATE")
    client.query("SELECT 1 AS a", job_config=config).result()
    expect(client.get_table("py.result").num_rows, 1)
    copy = client.copy_table("py.result", "py.copied")
    copy.result()
    expect([table.table_id for table in client.list_tables("py") if table.table_id in ("result", "copied")], ["copied", "result"])
    dry = client.query("SELECT a FROM py.result", job_config=bigquery.QueryJobConfig(dry_run=True))
    expect(dry.total_bytes_processed, 8)


@check
def scripts_tell_of_their_children(client):
    job = client.query("BEGIN TRANSACTION; INSERT py.target (id) VALUES (50); SELECT @@row_count AS n; COMMIT TRANSACTION;")
    expect([row.values() for row in job.result()], [(1,)])
    children = list(client.list_jobs(parent_job=job.job_id))
    expect(([child.statement_type for child in children][::-1], job.num_child_jobs), (["BEGIN_TRANSACTION", "INSERT", "SELECT", "COMMIT_TRANSACTION"], 4))


def main():
    client = bigquery.Client(project="floodgate-python", credentials=AnonymousCredentials(), client_options={"api_endpoint": sys.argv[1]})
    client.create_dataset("py")
    for function in checks:
        try:
            function(client)
        except Exception as error:
            raise SystemExit(f"{function.__name__}: {type(error).__name__}: {error}") from error
    print(f"{len(checks)} checks passed")


main()

"""Hostile SQL, generated from the installed DuckDB's own catalogue, with canaries that tell whether any succeeded.

Every table function, pragma, setting, extension, kind of statement and word of the language becomes programs, and so
does every scalar function whose reply is not decided by its arguments alone. They aim at a file with a secret, a path
to write to, a port of this machine and the database's settings.

Run as a script, it executes the programs that it reads, without any check, and prints what became of each: a process
of its own, because a program that crashes the database takes its process along.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path

import duckdb
import pandas

from binder import RunError, Table
from binder.database import Database, Limits

SECRET = "canary-7be1d2"
TABLE = Table.from_pandas(pandas.DataFrame({"name": ["K2", "Elbrus"], "height": [8611, 5642]}), name="peaks")
LIMITS = Limits(seconds=5.0, memory="500MB", rows=10_000)

SHAPES = (
    "SELECT * FROM (SELECT * FROM {call}) AS t",
    "WITH c AS (SELECT * FROM {call}) SELECT * FROM c",
    "SELECT name FROM peaks UNION ALL SELECT * FROM {call}",
    "SELECT name FROM peaks WHERE height IN (SELECT 1 FROM {call})",
    "SELECT (SELECT COUNT(*) FROM {call}) FROM peaks",
    "SELECT name FROM peaks JOIN {call} AS t ON TRUE",
    'SELECT QA("map@is it high?"; name) FROM peaks, {call} AS t',
    'SELECT QA("ans@which?"; (SELECT * FROM {call}))',
    "SELECT name FROM peaks; FROM {call}",
    "SELECT name FROM peaks ORDER BY (SELECT 1 FROM {call})",
)
SCALAR_SHAPES = (
    "SELECT {call}",
    "SELECT name FROM peaks WHERE name = CAST({call} AS VARCHAR)",
    'SELECT QA("map@is it {{x}}?"; name) FROM peaks ORDER BY {call}',
    "WITH c AS (SELECT {call} AS v) SELECT v FROM c",
)
SETTING_SHAPES = (
    "SET {name} = '{value}'",
    "SET GLOBAL {name} = '{value}'",
    "PRAGMA {name} = '{value}'",
    "RESET {name}",
    "SELECT current_setting('{name}'); SET {name} = '{value}'",
)
EXTENSION_SHAPES = (
    "INSTALL {name}",
    "LOAD {name}",
    "FORCE INSTALL {name} FROM '{url}'",
    "LOAD '{folder}/{name}.duckdb_extension'",
    "ATTACH '{secret}' AS a (TYPE {name})",
)
STATEMENTS = {
    "ALTER": ("ALTER TABLE peaks ADD COLUMN c INTEGER", "ALTER TABLE peaks RENAME TO hills"),
    "ANALYZE": ("ANALYZE",),
    "ATTACH": ("ATTACH '{secret}' AS a", "ATTACH '{folder}/made.db' AS a", "ATTACH ':memory:' AS a", "ATTACH '{url}'"),
    "CALL": ("CALL range(3)",),
    "COPY": (
        "COPY peaks TO '{folder}/made.csv'",
        "COPY peaks FROM '{secret}'",
        "COPY (SELECT 1) TO '{folder}/made.parquet' (FORMAT parquet)",
        "COPY (SELECT 1) TO '{folder}/made' (FORMAT csv, PARTITION_BY (1))",
        "COPY peaks TO '{url}'",
    ),
    "COPY_DATABASE": ("COPY FROM DATABASE memory TO memory",),
    "CREATE": (
        "CREATE TABLE made AS SELECT 1 AS a",
        "CREATE TABLE made AS FROM read_text('{secret}')",
        "CREATE VIEW made AS SELECT * FROM peaks",
        "CREATE SECRET made (TYPE http, BEARER_TOKEN 'x')",
        "CREATE PERSISTENT SECRET made (TYPE http, BEARER_TOKEN 'x')",
        "CREATE SCHEMA made",
        "CREATE SEQUENCE made",
        "CREATE TYPE made AS ENUM ('a')",
        "CREATE INDEX made ON peaks (name)",
    ),
    "CREATE_FUNC": ("CREATE MACRO made(a) AS a", "CREATE MACRO made() AS TABLE FROM read_text('{secret}')"),
    "DELETE": ("DELETE FROM peaks", "TRUNCATE peaks"),
    "DETACH": ("DETACH memory",),
    "DROP": ("DROP TABLE peaks", "DROP SCHEMA main CASCADE"),
    "EXECUTE": ("PREPARE made AS SELECT 1; EXECUTE made",),
    "EXPLAIN": ("EXPLAIN SELECT 1", "EXPLAIN ANALYZE COPY peaks TO '{folder}/made.csv'"),
    "EXPORT": ("EXPORT DATABASE '{folder}/made'", "IMPORT DATABASE '{folder}'"),
    "EXTENSION": (),
    "INSERT": ("INSERT INTO peaks SELECT * FROM peaks", "INSERT INTO peaks (name) FROM read_text('{secret}')"),
    "INVALID": ("?",),
    "LOAD": ("LOAD httpfs",),
    "LOGICAL_PLAN": (),
    "MERGE_INTO": ("MERGE INTO peaks USING peaks AS s ON FALSE WHEN NOT MATCHED THEN INSERT BY NAME",),
    "MULTI": ("SELECT 1; SELECT 2", "SELECT 1; COPY peaks TO '{folder}/made.csv'"),
    "PRAGMA": ("PRAGMA version",),
    "PREPARE": ("PREPARE made AS SELECT 1",),
    "RELATION": (),
    "SELECT": (
        "FROM '{secret}'",
        'SELECT * FROM "{secret}"',
        "SELECT * FROM '{url}'",
        "FROM peaks SELECT name",
        "TABLE peaks",
        "VALUES (1)",
        "SELECT * FROM peaks LIMIT (SELECT COUNT(*) FROM '{secret}')",
        "SELECT COLUMNS(*) FROM '{secret}'",
        "PIVOT '{secret}' ON a",
        "DESCRIBE '{secret}'",
        "SUMMARIZE '{secret}'",
        "SHOW ALL TABLES",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM pg_catalog.pg_settings",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM query('COPY peaks TO ''{folder}/made.csv''')",
        "SELECT * FROM query('SELECT * FROM read_text(''{secret}'')')",
        "SELECT * FROM query_table(['{secret}'])",
        "FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM read_text(''{secret}'')'))",
    ),
    "SET": ("SET SESSION threads = 1", "USE memory", "SET SCHEMA main"),
    "TRANSACTION": ("BEGIN", "COMMIT", "ROLLBACK"),
    "UPDATE": ("UPDATE peaks SET name = 'x'",),
    "VACUUM": ("VACUUM", "CHECKPOINT", "FORCE CHECKPOINT"),
    "VARIABLE_SET": ("SET VARIABLE made = 1", "SET VARIABLE made = (SELECT content FROM read_text('{secret}'))"),
}
"""What to try of each kind of statement; the kinds are DuckDB's (``duckdb.StatementType``)."""

_LEFT = """
    ALTER ANALYZE ATTACH CALL CREATE CREATE_FUNC DELETE DROP EXECUTE EXPLAIN INSERT MERGE_INTO MULTI PRAGMA PREPARE
    SELECT SET TRANSACTION UPDATE VACUUM VARIABLE_SET
    add_parquet_key array_pop_front checkpoint col_description create_external_resource current_catalog
    current_database current_query current_query_id current_role current_schema current_setting
    current_transaction_id current_user destroy_external_resource duckdb_approx_database_count
    duckdb_available_metrics duckdb_columns duckdb_connection_count duckdb_constraints duckdb_coordinate_systems
    duckdb_databases duckdb_dependencies duckdb_dialects duckdb_eviction_queues duckdb_external_file_cache
    duckdb_external_resource_types duckdb_external_resources duckdb_functions duckdb_grammar_extensions
    duckdb_indexes duckdb_keywords duckdb_log_contexts duckdb_logs duckdb_memory duckdb_optimizers
    duckdb_prepared_statements duckdb_profiling_settings duckdb_schemas duckdb_secret_type_parameters
    duckdb_secret_types duckdb_sequences duckdb_settings duckdb_tables duckdb_temporary_files duckdb_triggers
    duckdb_types duckdb_variables duckdb_views extension:core_functions extension:icu extension:json
    extension:parquet format_pg_type gen_random_uuid generate_series get_block_size getvariable
    has_any_column_privilege has_column_privilege has_database_privilege has_foreign_data_wrapper_privilege
    has_function_privilege has_language_privilege has_schema_privilege has_sequence_privilege has_server_privilege
    has_table_privilege has_tablespace_privilege icu_calendar_names in_search_path inet_client_addr inet_server_addr
    inet_server_port json_copy_strftime_if_date json_copy_strftime_if_timestamp json_each json_group_structure
    json_tree md5_number_lower md5_number_upper obj_description pg_collation_is_visible pg_conversion_is_visible
    pg_function_is_visible pg_get_constraintdef pg_get_expr pg_has_role pg_is_other_temp_schema pg_my_temp_schema
    pg_opclass_is_visible pg_opfamily_is_visible pg_table_is_visible pg_timezone_names pg_ts_config_is_visible
    pg_ts_dict_is_visible pg_ts_template_is_visible pg_type_is_visible pg_typeof pragma_collations
    pragma_database_size pragma_metadata_info pragma_platform pragma_user_agent pragma_version range
    regexp_split_to_table repeat session_user setseed setting:schema shobj_description sleep_ms stats
    test_vector_types today transaction_timestamp truncate_duckdb_logs user uuid uuidv4 variant_group_array
    vector_type word:DEALLOCATE write_log
"""
LEFT_TO_THE_ALLOW_LIST = frozenset(_LEFT.split())
"""What the lock does not refuse, by subject; the grammar alone does."""


@dataclass(frozen=True)
class Canaries:
    """What would change if a program succeeded.

    Attributes:
        folder: A folder that nothing may be written to.
        secret: A file whose content nothing may tell.
        url: An address on this machine that nothing may call.
    """

    folder: str
    secret: str
    url: str


@dataclass(frozen=True)
class Hostile:
    """One program, and the function, setting, extension or kind of statement it tries."""

    subject: str
    sql: str


@dataclass(frozen=True)
class Fate:
    """What became of a program that was executed: whether it ran, what it told, and the settings it changed."""

    ran: bool
    told: str
    changed: tuple[str, ...] = ()


def programs(canaries: Canaries) -> tuple[Hostile, ...]:
    """Every program, aimed at these canaries; none twice."""
    with duckdb.connect() as catalogue:
        made = [
            *_calls(catalogue, canaries),
            *_scalars(catalogue, canaries),
            *_settings(catalogue, canaries),
            *_extensions(catalogue, canaries),
            *_statements(canaries),
            *_words(catalogue, canaries),
        ]
    return tuple({one.sql: one for one in made}.values())


def _calls(catalogue: duckdb.DuckDBPyConnection, canaries: Canaries) -> Iterator[Hostile]:
    """Table functions and pragmas, with what they take: each as a statement, after FROM, and deeper in a query."""
    shapes = cycle(SHAPES)
    for name, kind, types in _functions(catalogue, ("table", "table_macro", "pragma")):
        # The catalogue does not tell options, which have names, from what is wanted: each beginning is tried.
        for length in range(min(len(types), 4) + 1):
            secret, url = (
                f"{name}({', '.join(_argument(type, target) for type in types[:length])})"
                for target in (canaries.secret, canaries.url)
            )
            yield Hostile(name, f"{'PRAGMA' if kind == 'pragma' else 'CALL'} {secret}")
            yield Hostile(name, f"{'PRAGMA' if kind == 'pragma' else 'FROM'} {url}")
            yield Hostile(name, f"FROM {secret}")
            yield Hostile(name, next(shapes).format(call=secret))


def _scalars(catalogue: duckdb.DuckDBPyConnection, canaries: Canaries) -> Iterator[Hostile]:
    """Scalar functions that tell or do something beside what their arguments say."""
    shapes = cycle(SCALAR_SHAPES)
    steady = "SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability = 'CONSISTENT'"
    known = {name for (name,) in catalogue.execute(steady).fetchall()}
    for name, _, types in _functions(catalogue, ("scalar", "macro")):
        if name not in known and name.isidentifier():
            given = ", ".join(_argument(type, canaries.secret) for type in types)
            yield Hostile(name, next(shapes).format(call=f"{name}({given})"))


def _functions(
    catalogue: duckdb.DuckDBPyConnection, kinds: Sequence[str]
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The functions of some kinds, each with every list of types it takes."""
    found = catalogue.execute(
        "SELECT DISTINCT function_name, function_type, parameter_types FROM duckdb_functions() "
        "WHERE list_contains(?, function_type) ORDER BY ALL",
        [list(kinds)],
    )
    for name, kind, types in found.fetchall():
        yield name, kind, tuple(type or "VARCHAR" for type in types)


def _argument(type: str, target: str) -> str:
    """A value of a type, aimed at a target where it is a text."""
    if type.endswith("[]"):
        return f"[{_argument(type[:-2], target)}]"
    if type in ("VARCHAR", "ANY", "VARIANT", "T"):
        return f"'{target}'"
    return f"CAST(NULL AS {type})" if type.startswith(("MAP", "STRUCT", "JSON")) else "1"


def _settings(catalogue: duckdb.DuckDBPyConnection, canaries: Canaries) -> Iterator[Hostile]:
    shapes = cycle(SETTING_SHAPES)
    values = {"BOOLEAN": "true", "BIGINT": "1", "UBIGINT": "1", "DOUBLE": "1"}
    for name, type in catalogue.execute("SELECT name, input_type FROM duckdb_settings() ORDER BY name").fetchall():
        value = values.get(type, f"{canaries.folder}/made")
        for _ in range(2):
            yield Hostile(f"setting:{name}", next(shapes).format(name=name, value=value))
        yield Hostile("current_setting", f"SELECT current_setting('{name}')")


def _extensions(catalogue: duckdb.DuckDBPyConnection, canaries: Canaries) -> Iterator[Hostile]:
    for (name,) in catalogue.execute("SELECT extension_name FROM duckdb_extensions() ORDER BY 1").fetchall():
        for shape in EXTENSION_SHAPES:
            yield Hostile(f"extension:{name}", shape.format(name=name, **asdict(canaries)))


def _statements(canaries: Canaries) -> Iterator[Hostile]:
    for kind in statement_kinds():
        for shape in STATEMENTS[kind]:
            yield Hostile(kind, shape.format(**asdict(canaries)))


def _words(catalogue: duckdb.DuckDBPyConnection, canaries: Canaries) -> Iterator[Hostile]:
    """Every word of DuckDB's language at the head of a statement."""
    for (word,) in catalogue.execute(
        "SELECT DISTINCT upper(keyword_name) FROM duckdb_keywords() ORDER BY 1"
    ).fetchall():
        yield Hostile(f"word:{word}", f"{word} '{canaries.secret}'")


def statement_kinds() -> list[str]:
    """DuckDB's names for the kinds of statement."""
    return sorted(duckdb.StatementType.__members__)


def execute(tried: Sequence[Hostile], canaries: Canaries, *, locked: bool = True) -> list[Fate]:
    """Execute programs without a check, in a process of its own whose home is empty.

    Args:
        tried: The programs.
        canaries: What they aim at; the process's home, and where it works, are in its folder.
        locked: Whether in the engine's own database, or in a plain one.
    """
    home = Path(canaries.folder)
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), "locked" if locked else "plain"],
        input="\n".join(json.dumps(one.sql) for one in tried),
        env={**os.environ, "HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path), "NO_COLOR": "1"},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    fates = [Fate(ran, told, tuple(changed)) for ran, told, changed in map(json.loads, done.stdout.splitlines())]
    crashed = f"; it crashed at {tried[len(fates)].sql!r}" if len(fates) < len(tried) else ""
    assert done.returncode == 0 and not crashed, f"status {done.returncode}{crashed}\n{done.stderr[-2000:]}"
    return fates


def _main(locked: bool) -> None:
    """Execute the programs of the standard input; after one that ran and may have changed something, all is new."""
    runner: _Locked | _Plain | None = None
    for line in sys.stdin.read().splitlines():
        runner = runner or (_Locked() if locked else _Plain())
        fate = runner.run(json.loads(line))
        print(json.dumps([fate.ran, fate.told, fate.changed]), flush=True)
        if fate.ran and not _only_reads(json.loads(line)):
            runner = None


def _only_reads(sql: str) -> bool:
    return all(one.type == duckdb.StatementType.SELECT for one in duckdb.extract_statements(sql))


class _Locked:
    """The engine's own database, as a program that got past the grammar would find it."""

    def __init__(self) -> None:
        self._database = Database(LIMITS, (TABLE,))
        self._database.load()
        with self._database.session() as session:
            self._before = set(session.rows(_ALL_SETTINGS))

    def run(self, sql: str) -> Fate:
        with self._database.session() as session:
            try:
                rows = session.rows(sql)
            except RunError as error:
                return Fate(False, str(error))
        with self._database.session() as session:
            changed = {str(name) for name, _ in set(session.rows(_ALL_SETTINGS)) - self._before}
        return Fate(True, str(rows), tuple(sorted(changed)))


class _Plain:
    """A DuckDB without a lock, to show that the canaries sing."""

    def __init__(self) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("CREATE TABLE peaks (name VARCHAR, height BIGINT)")
        self._before = set(self._connection.execute(_ALL_SETTINGS).fetchall())

    def run(self, sql: str) -> Fate:
        try:
            rows = self._connection.execute(sql).fetchall()
        except duckdb.Error as error:
            return Fate(False, str(error))
        changed = {name for name, _ in set(self._connection.execute(_ALL_SETTINGS).fetchall()) - self._before}
        return Fate(True, str(rows), tuple(sorted(changed)))


_ALL_SETTINGS = "SELECT name, value FROM duckdb_settings()"

if __name__ == "__main__":
    _main(sys.argv[1] == "locked")

"""peer_blendsql: one case run on BlendSQL, in an interpreter that has it and need not have this project.

A script: it reads what to run from its standard input as JSON and writes what came of it to its standard output, and
imports nothing of this project. BlendSQL is imported by its name, since it is nothing that this project depends on.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import time
import urllib.request
from collections.abc import Mapping
from typing import Any

_CALL = re.compile(r"QA\(\"map@([^\"]+)\"; ([\w; ]+)\)( = 'yes')?")


def spelled(program: str) -> str:
    """A program as BlendSQL spells it.

    Example:
        >>> spelled("SELECT id FROM w WHERE QA(\\"map@is it so?\\"; t) = 'yes' LIMIT 5")
        "SELECT id FROM w WHERE {{LLMMap('is it so?', w.t)}} = TRUE LIMIT 5"
    """

    def called(match: re.Match[str]) -> str:
        columns = ", ".join(f"w.{column}" for column in match[2].split("; "))
        return f"{{{{LLMMap('{match[1]}', {columns})}}}}{' = TRUE' if match[3] else ''}"

    return _CALL.sub(called, program)


def run(job: Mapping[str, Any]) -> dict[str, Any]:
    """Run a job's programs one after another.

    Args:
        job: ``url``, ``columns`` of the table ``w``, the ``programs``, those that run ``before``, and ``cached``.

    Returns:
        The rows of each program, and the seconds of all.
    """
    pandas, blendsql = importlib.import_module("pandas"), importlib.import_module("blendsql")
    models = importlib.import_module("blendsql.models")
    model = models.OpenAI("stub", api_key="none", base_url=job["url"], caching=job["cached"])
    # It runs each map in an event loop of its own, where connections kept from the last one's fail.
    model.client = model.client.with_options(default_headers={"Connection": "close"})
    engine = blendsql.BlendSQL({"w": pandas.DataFrame(job["columns"])}, model=model)
    for program in job["before"]:
        engine.execute(spelled(program))
    with urllib.request.urlopen(f"{job['url']}/taken") as taken:
        taken.read()
    started = time.perf_counter()
    results = [engine.execute(spelled(program)).pl() for program in job["programs"]]
    return {"seconds": time.perf_counter() - started, "rows": [result.rows() for result in results]}


if __name__ == "__main__":
    answer = run(json.load(sys.stdin))
    print(json.dumps(answer))

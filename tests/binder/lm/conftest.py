"""Makes the fault server importable by the tests beside it, wherever the tests are copied to."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

spec = importlib.util.spec_from_file_location("fault_server", Path(__file__).with_name("fault_server.py"))
assert spec is not None and spec.loader is not None
module = importlib.util.module_from_spec(spec)
sys.modules["fault_server"] = module
spec.loader.exec_module(module)

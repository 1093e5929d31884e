"""Puts this folder's own modules in reach: under importlib import mode pytest adds no path by itself."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

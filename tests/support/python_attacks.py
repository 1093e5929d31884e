"""Python programs that try to get out, or to use up everything: fixtures/python_attacks/*.txt.

A case is a line ``# id`` and a whole program. Where a program succeeds, that is seen from outside: the secret of the
file ``{secret_file}`` or of the environment variable ``BINDER_CANARY_SECRET`` in its answer, the file
``{canary_file}``, a connection to the port ``{canary_port}`` of this machine, another answer of the next program, or a
parent that is gone.
The bombs are plain programs that the check cannot tell from others; only limits stop them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).parents[1] / "fixtures" / "python_attacks"


@dataclass(frozen=True)
class Attack:
    """One program.

    Attributes:
        id: Its name.
        program: Its text, with places for the canaries.
        bomb: True for a program that only uses up time, memory, output or the stack, with what programs may use.
    """

    id: str
    program: str
    bomb: bool = False

    def against(self, secret_file: str, canary_file: str, canary_port: int) -> str:
        """The program aimed at these canaries."""
        aimed = self.program.replace("{secret_file}", secret_file).replace("{canary_file}", canary_file)
        return aimed.replace("{canary_port}", str(canary_port))

    def __str__(self) -> str:
        return self.id


def _read(file: Path) -> list[Attack]:
    cases = file.read_text(encoding="utf-8").rstrip("\n").split("\n---\n")
    split = [case.partition("\n") for case in cases]
    return [Attack(head.removeprefix("# "), program, file.stem == "bombs") for head, _, program in split]


ATTACKS = tuple(attack for file in sorted(HOME.glob("*.txt")) for attack in _read(file))
ESCAPES = tuple(attack for attack in ATTACKS if not attack.bomb)
BOMBS = tuple(attack for attack in ATTACKS if attack.bomb)

"""Runs script.sh with Konsul under the name of Consul, and compares what it prints with expected.txt.

In expected.txt `...` stands for anything within a line, and a line `<<...>>` for any number of lines. `UPDATE=1` writes
what was printed to a file beside it, to be looked at.
"""

import os
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).parent
ANY = "<<...>>"


def pattern(expected):
    lines = []
    for line in expected.splitlines():
        lines.append("(?:[^\n]*\n)*?" if line == ANY else re.escape(line).replace(re.escape("..."), "[^\n]*") + "\n")
    return "".join(lines)


def blocks(text):
    """The parts that begin with a command, so that a difference is shown where it is."""
    return [part for part in re.split(r"(?m)^(?=\$ )", text) if part.strip()]


def test_the_script_runs_unchanged(tmp_path):
    binary = os.environ.get("KONSUL_BIN")
    assert binary, "KONSUL_BIN is not set: run compat/run.sh, which starts a node"
    (tmp_path / "consul").symlink_to(binary)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "TMPDIR": str(tmp_path), "SHELL": "/bin/sh"}
    done = subprocess.run(
        ["bash", str(HERE / "script.sh")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180, env=env
    )
    if os.environ.get("UPDATE"):
        (HERE / "printed.txt").write_text(done.stdout)
    expected = [line for line in (HERE / "expected.txt").read_text().splitlines(True) if not line.startswith("#")]
    wanted, printed = blocks("".join(expected)), blocks(done.stdout)
    faults = []
    for one, other in zip(wanted, printed):
        if not re.fullmatch(pattern(one), other if other.endswith("\n") else other + "\n"):
            faults.append(f"--- wanted\n{one}--- printed\n{other}")
    assert not faults, "\n".join(faults)
    assert len(wanted) == len(printed), f"{len(wanted)} commands were expected, {len(printed)} were run"
    commands = {block.splitlines()[0] for block in printed if block.startswith("$ consul ")}
    assert len(commands) >= 30

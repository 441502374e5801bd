"""Runs each transcript with curl against the node that CONSUL_HTTP_ADDR names, and compares what is printed.

A transcript has lines that begin with `$ ` (bash, with the words of ask.sh), each followed by what it prints; `...`
stands for anything within a line. Lines that begin with `#` are remarks; empty lines at the end of a block do not
count. One bash runs a whole file, so that variables last.
"""

import os
import pathlib
import re
import subprocess

import pytest

HERE = pathlib.Path(__file__).parent
TRANSCRIPTS = sorted(HERE.glob("*.transcript"))


def steps(text):
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("$ "):
            found.append((number, line[2:], []))
        elif found and not line.startswith("#"):
            found[-1][2].append(line)
    return found


def run(commands):
    mark = "<<<end of step>>>"
    script = "".join(f"{command}\nprintf '\\n{mark}\\n'\n" for command in commands)
    done = subprocess.run(
        ["bash", "-c", f"source {HERE / 'ask.sh'}\n{script}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        env=os.environ,
        check=False,
    )
    return [part.strip("\n") for part in done.stdout.split(mark)[:-1]]


def matches(expected, printed):
    pattern = re.escape(expected).replace(re.escape("..."), "[^\n]*")
    return re.fullmatch(pattern, printed) is not None


def test_there_are_transcripts():
    assert TRANSCRIPTS


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path):
    assert os.environ.get("CONSUL_HTTP_ADDR"), "CONSUL_HTTP_ADDR is not set: run compat/run.sh, which starts a node"
    wanted = steps(path.read_text())
    printed = run([command for _, command, _ in wanted])
    assert len(printed) == len(wanted), f"bash ended early:\n{printed[-1:]}"
    faults = []
    for (number, command, lines), got in zip(wanted, printed):
        expected = "\n".join(lines).strip("\n")
        if not matches(expected, got):
            faults.append(f"{path.name}:{number}: {command}\n--- wanted\n{expected}\n--- got\n{got}")
    assert not faults, "\n\n".join(faults)

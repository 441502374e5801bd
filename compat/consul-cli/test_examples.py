"""Runs every example of every `-help` of Konsul's own spelling of Consul's commands."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

BINARY = os.environ.get("KONSUL_BIN")

# Every command with examples. `leave` stops the node and is run by tests of the agent; `storage` works on a node that is
# down and `validate` on files of an agent, and both have tests of their own.
COMMANDS = [
    "debug", "event", "info", "keygen", "kv delete", "kv export", "kv get", "kv import", "kv put", "lock", "members", "monitor",
    "operator raft list-peers", "operator usage instances", "reload", "snapshot inspect", "snapshot restore",
    "snapshot save", "status", "version", "watch",
]

# What goes on until it is told to stop.
ENDLESS = re.compile(r"^konsul (monitor|watch .* \S*(\.sh|deploy)$)")


def examples(command):
    text = subprocess.run([BINARY, *command.split(), "-help"], capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "500"}).stdout
    block = re.search(r"Examples?:\n((?:  .*\n)+)", text)
    assert block, f"konsul {command} -help has no example:\n{text}"
    # What follows several blanks is said about the example.
    return [re.split(r" {2,}", line.strip())[0] for line in block.group(1).splitlines()]


@pytest.fixture
def shell(tmp_path):
    for name in ["run-as-leader.sh", "work.sh", "handler.sh", "balancer.sh", "deploy.sh", "deploy"]:
        script = tmp_path / name
        script.write_text("#!/bin/sh\ncat >/dev/null\necho ran\n")
        script.chmod(0o755)
    (tmp_path / "konsul").symlink_to(BINARY)
    (tmp_path / "make").symlink_to("/bin/true")
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "SHELL": "/bin/sh", "TMPDIR": str(tmp_path)}

    def run(line):
        return subprocess.Popen(
            ["sh", "-c", f"exec {line}" if "|" not in line else line],
            cwd=tmp_path, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )

    for line in ["konsul kv put app/color blue", "konsul kv put app/size 7", "konsul snapshot save backup.snap"]:
        process = run(line)
        assert process.wait(60) == 0, process.stdout.read()
    (tmp_path / "app.json").write_text('[{"key":"app/color","flags":0,"value":"Ymx1ZQ=="}]')
    (tmp_path / "license.txt").write_text("free")
    run.path = tmp_path
    yield run
    for prefix in ["app/", "copy/"]:
        assert run(f"konsul kv delete -recurse {prefix}").wait(60) == 0


def made_true(line, shell):
    """What stands for something in an example becomes what it stands for."""
    line = line.replace("/usr/local/bin/deploy", str(shell.path / "deploy"))
    if "-modify-index=12" in line:
        detail = shell("konsul kv get -detailed app/color").communicate(timeout=60)[0]
        index = re.search(r"ModifyIndex +(\d+)", detail)
        if not index:
            assert shell("konsul kv put app/color blue").wait(60) == 0
            return made_true(line, shell)
        line = line.replace("-modify-index=12", f"-modify-index={index.group(1)}")
    if "-session=ID" in line:
        session = shell(f"curl -sf -X PUT {os.environ['CONSUL_HTTP_ADDR']}/v1/session/create").communicate(timeout=60)[0]
        line = line.replace("-session=ID", f"-session={json.loads(session)['ID']}")
    return line


@pytest.mark.parametrize("command", COMMANDS)
def test_examples(command, shell):
    assert BINARY, "KONSUL_BIN is not set: run compat/run.sh, which starts a node"
    for line in examples(command):
        line = made_true(line, shell)
        process = shell(line)
        if ENDLESS.match(line):
            # It shows something, or is at least still there; then it is told to stop, and does.
            end = time.monotonic() + 1
            while process.poll() is None and time.monotonic() < end:
                time.sleep(0.05)
            assert process.poll() is None, f"{line} ended with {process.returncode}: {process.stdout.read()}"
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(10) in (0, -signal.SIGINT), f"{line}: {process.stdout.read()}"
            continue
        out, _ = process.communicate(timeout=90)
        assert process.returncode == 0, f"{line} ended with {process.returncode}:\n{out}"

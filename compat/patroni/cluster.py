"""Three Patroni nodes on loopback, each with a PostgreSQL of its own, that keep their cluster in Konsul."""

import contextlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from beside import PATIENCE, free_port, program, until

SCOPE = "patroni-compat"
# Seconds, as Patroni is told: how long a leader that says nothing stays one, and how often each node looks. Twenty is
# the shortest that the session's lower bound of ten leaves, since Patroni halves it.
TTL, LOOP = 20, 1
CONFIGURATION = """
scope: {scope}
name: {name}
log: {{level: INFO}}
restapi: {{listen: "127.0.0.1:{rest}", connect_address: "127.0.0.1:{rest}"}}
consul: {{url: "{consul}", register_service: true, service_check_interval: 1s}}
bootstrap:
  dcs:
    ttl: {ttl}
    loop_wait: {loop}
    retry_timeout: 5
    postgresql:
      use_pg_rewind: true
      parameters: {{wal_log_hints: "on", fsync: "off", shared_buffers: 16MB, max_connections: 30}}
  initdb: [{{encoding: UTF8}}, {{locale: C}}, no-sync]
postgresql:
  listen: "127.0.0.1:{port}"
  connect_address: "127.0.0.1:{port}"
  data_dir: {folder}/data
  bin_dir: {programs}
  pgpass: {folder}/pgpass
  authentication:
    superuser: {{username: postgres, password: of-the-test}}
    replication: {{username: replicator, password: of-the-test}}
  parameters: {{unix_socket_directories: "{folder}"}}
  pg_hba: ["local all all trust", "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
"""


def environment():
    """Patroni is told in its file where the store is; its client refuses the variable with a scheme in it."""
    return {name: value for name, value in os.environ.items() if name != "CONSUL_HTTP_ADDR"}


def as_whom():
    """How `Popen` starts what refuses to run as root: as the user that Debian's package made."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def programs():
    """Where PostgreSQL's own programs are: Debian keeps those of a server off the path."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else pathlib.Path(shutil.which("initdb")).parent


class Node:
    """A Patroni and its PostgreSQL, in a folder of their own."""

    def __init__(self, name, folder):
        self.name, self._folder = name, folder / name
        self.port, self._rest = free_port(), free_port()
        self._file = self._folder / "patroni.yml"
        self._folder.mkdir()
        places = {"rest": self._rest, "port": self.port, "folder": self._folder, "programs": programs()}
        told = {"scope": SCOPE, "name": name, "consul": os.environ["CONSUL_HTTP_ADDR"], "ttl": TTL, "loop": LOOP}
        self._file.write_text(CONFIGURATION.format(**places, **told))
        if whom := as_whom():
            os.chown(self._folder, whom["user"], whom["group"])

    @contextlib.contextmanager
    def running(self):
        with program(["patroni", str(self._file)], self._folder / "log", cwd=self._folder, env=environment(), **as_whom()) as patroni:
            yield patroni
        self.kill_server()

    def server(self):
        """The process of its PostgreSQL, if it has one."""
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            pid = int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
            if pathlib.Path(f"/proc/{pid}/cwd").resolve() == self._folder / "data":
                return pid
        return None

    def kill_server(self):
        """Ends its PostgreSQL with -9, if it runs; the processes that belong to it notice and go."""
        pid = self.server()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            until(None, self.server)

    def sql(self, statement):
        """What a statement answers, one line; None when the server cannot be asked, or refuses."""
        command = [str(programs() / "psql"), "-XAtq", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        done = subprocess.run([*command, "-c", statement, "postgres"], capture_output=True, text=True, timeout=PATIENCE, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    def patronictl(self, *words):
        command = ["patronictl", "-c", str(self._file), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment())
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def listed(self):
        """What `patronictl list` says of each member: its role and state."""
        said = self.patronictl("list", "--format", "json")
        return {row["Member"]: (row["Role"], row["State"]) for row in json.loads(said)}

    def log(self):
        return (self._folder / "log").read_text(errors="replace")


@contextlib.contextmanager
def three_nodes():
    """Starts three, one after the other; a failure shows the end of each one's log."""
    with contextlib.ExitStack() as stack:
        # PostgreSQL's socket has at most 107 bytes of path, and its user must be able to enter.
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="patroni-", ignore_cleanup_errors=True))).resolve()
        folder.chmod(0o755)
        nodes = [Node(f"node{number}", folder) for number in (1, 2, 3)]
        stack.callback(lambda: print(*(f"── {node.name}\n{node.log()[-6000:]}" for node in nodes), sep="\n"))
        running = {node.name: stack.enter_context(node.running()) for node in nodes}
        yield nodes, running, stack

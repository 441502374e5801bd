#!/usr/bin/env bash
# Runs clients of other projects, unmodified, against a real Konsul: compat/run.sh [--bin PATH] [SUITE…]
#
# SUITE is one of those that `every_suite` and `contract` name; without one all but contract run. --bin names the konsul to
# test; else KONSUL_BIN, else a debug build is made. Each suite gets a node of its own on free ports, with a data directory on disk; go runs against a
# development node, in memory, as well. What the suites need is installed by name, in pinned versions, under target/.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
target=${CARGO_TARGET_DIR:-$root/target}
[[ $target = /* ]] || target=$root/$target
tools=$target/compat
bin=${KONSUL_BIN:-}
every_suite=(curl consul-cli dns haproxy patroni prometheus restart go python npm)
suites=()
node_pid=
scratch=

fail() {
  echo "compat: $*" >&2
  exit 1
}

need() {
  command -v "$1" >/dev/null || fail "$1 is not on the path: install $2"
}

read_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      --bin) [ $# -ge 2 ] || fail "--bin takes the path of a konsul"; bin=$2; shift 2 ;;
      go | python | npm | curl | consul-cli | dns | haproxy | patroni | prometheus | restart | contract) suites+=("$1"); shift ;;
      *) fail "there is no suite \`$1\`: ${every_suite[*]} and contract are" ;;
    esac
  done
  [ ${#suites[@]} -gt 0 ] || suites=("${every_suite[@]}")
}

find_binary() {
  if [ -z "$bin" ]; then
    (cd "$root" && cargo build --quiet --locked --package konsul)
    bin=$target/debug/konsul
  fi
  [ -x "$bin" ] || fail "$bin is no program"
  bin=$(realpath "$bin")
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Starts a node and exports where it is. $1 is memory or disk.
start_node() {
  scratch=$(mktemp -d)
  local port data
  port=$(free_port)
  export KONSUL_DNS_PORT
  KONSUL_DNS_PORT=$(free_port)
  data=(-dev)
  [ "$1" = memory ] || data=(-server -bootstrap-expect=1 -bind=127.0.0.1 "-data-dir=$scratch/data")
  [ -z "${settings:-}" ] || data+=("-config-file=$settings")
  (cd "$scratch" && exec "$bin" agent "${data[@]}" "-http-port=$port" "-dns-port=$KONSUL_DNS_PORT" >"$scratch/log" 2>&1) &
  node_pid=$!
  export CONSUL_HTTP_ADDR=http://127.0.0.1:$port
  wait_until_ready
}

wait_until_ready() {
  local end=$((SECONDS + 20))
  until curl -sf --max-time 2 -o "$scratch/ready" "$CONSUL_HTTP_ADDR/health/ready"; do
    kill -0 "$node_pid" 2>/dev/null || { cat "$scratch/log" >&2; fail "the node ended before it was ready"; }
    [ $SECONDS -lt $end ] || { cat "$scratch/log" >&2; fail "the node was not ready within 20 seconds"; }
    read -rt 0.02 <> <(:) || true
  done
}

# Stops the node; it must end by itself, and without an error.
stop_node() {
  [ -n "$node_pid" ] || return 0
  local pid=$node_pid status=0
  node_pid=
  kill -TERM "$pid" 2>/dev/null || true
  wait "$pid" || status=$?
  [ "$status" -eq 0 ] || { tail -n 40 "$scratch/log" >&2; echo "compat: the node ended with $status" >&2; }
  rm -rf "$scratch"
  return "$status"
}

trap 'stop_node || true' EXIT

prepare_go() {
  need go "Go 1.26 or newer (golang-go on Debian)"
  (cd "$here/go" && go mod download)
}

suite_go() {
  (cd "$here/go" && go test -count=1 -timeout=120s ./...)
}

prepare_python() {
  need python3 "Python 3 (python3-venv on Debian)"
  local venv=$tools/venv stamp=$tools/venv/requirements.txt
  if ! cmp -s "$here/python/requirements.txt" "$stamp"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$here/python/requirements.txt"
    cp "$here/python/requirements.txt" "$stamp"
  fi
}

# What the suites in Python share is in support/.
pytest_in() {
  (cd "$here/$1" && PYTHONPATH=$here/support "$tools/venv/bin/python" -B -m pytest -q -p no:cacheprovider)
}

suite_python() { pytest_in python; }

prepare_curl() {
  need curl "curl"
  prepare_python
}

suite_curl() { pytest_in curl; }

# Consul's own command line, with Konsul under its name.
prepare_consul_cli() { prepare_python; }

suite_consul_cli() { KONSUL_BIN=$bin pytest_in consul-cli; }

prepare_dns() {
  need dig "dig (bind9-dnsutils on Debian)"
  prepare_python
}

suite_dns() { pytest_in dns; }

prepare_haproxy() {
  need haproxy "HAProxy (haproxy on Debian)"
  prepare_python
}

suite_haproxy() { pytest_in haproxy; }

prepare_patroni() {
  need patroni "Patroni (patroni on Debian)"
  /usr/bin/python3 -c 'import consul' || fail "Patroni lacks its client of Consul: install python3-consul"
  compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || need initdb "PostgreSQL's server (postgresql on Debian)"
  prepare_dns
}

suite_patroni() { pytest_in patroni; }

# Compiles the parts of Prometheus that it needs beforehand, once.
prepare_prometheus() {
  need go "Go 1.26 or newer (golang-go on Debian)"
  (cd "$here/prometheus" && go mod download && go test -c -o "$tools/prometheus.test")
}

suite_prometheus() { "$tools/prometheus.test" -test.count=1 -test.timeout=60s; }

# Starts agents of its own, to kill them.
prepare_restart() { prepare_dns; }

suite_restart() { KONSUL_BIN=$bin pytest_in restart; }

# npm installs beside package.json: a copy under target/ keeps the tree clean.
prepare_npm() {
  need npm "Node.js 20 or newer with npm (nodejs and npm on Debian)"
  mkdir -p "$tools/npm"
  cp "$here"/npm/*.js "$here/npm/package.json" "$here/npm/.npmrc" "$tools/npm/"
  if ! cmp -s "$here/npm/package-lock.json" "$tools/npm/installed.json"; then
    cp "$here/npm/package-lock.json" "$tools/npm/"
    (cd "$tools/npm" && npm ci --silent)
    cp "$here/npm/package-lock.json" "$tools/npm/installed.json"
  fi
}

suite_npm() {
  (cd "$tools/npm" && npm test --silent)
}

# The linter and the tester of the contract, each in a folder of its own under target/.
prepare_contract() {
  need npm "Node.js 20 or newer with npm (nodejs and npm on Debian)"
  local lint=$tools/contract venv=$tools/contract-venv
  mkdir -p "$lint"
  cp "$here"/contract/{package.json,package-lock.json,.npmrc,redocly.yaml,.redocly.lint-ignore.yaml} "$lint/"
  cp "$here"/contract/{schemathesis.toml,hooks.py} "$lint/"
  cp "$root/openapi/v2.json" "$lint/"
  if ! cmp -s "$here/contract/package-lock.json" "$lint/installed.json"; then
    (cd "$lint" && npm ci --silent)
    cp "$here/contract/package-lock.json" "$lint/installed.json"
  fi
  if ! cmp -s "$here/contract/requirements.txt" "$venv/requirements.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$here/contract/requirements.txt"
    cp "$here/contract/requirements.txt" "$venv/requirements.txt"
  fi
}

# What is not checked, and why: data that fits the schema may still be refused, because a schema cannot say that a regular
# expression must compile, that two filters go together, or how long a session may live. The stream of changes is left
# out, since it does not end; it has tests of its own. What was made or removed in one namespace is looked for in another as
# well, which two checks take for a lost or a living resource.
suite_contract() {
  (cd "$tools/contract" && REDOCLY_TELEMETRY=off ./node_modules/.bin/redocly lint --config redocly.yaml v2.json) || return 1
  (cd "$tools/contract" && SCHEMATHESIS_HOOKS=hooks "$tools/contract-venv/bin/st" run "$CONSUL_HTTP_ADDR/v2/openapi.json" \
    --max-time="${KONSUL_CONTRACT_SECONDS:-60}" --phases=examples,coverage,fuzzing,stateful \
    --exclude-checks=positive_data_acceptance,use_after_free,ensure_resource_availability \
    --exclude-operation-id=watch --request-timeout=20 --suppress-health-check=all --warnings=off \
    --generation-database=none --continue-on-failure --no-color | tee last.log)
}

failed=()

run_suite() {
  local suite=$1 engine=$2 settings=
  # A lock is waited for as long as the client says, up to this.
  [ "$suite" != contract ] || settings=$here/contract/node.hcl
  echo "── compat: $suite, $engine"
  start_node "$engine"
  "suite_${suite//-/_}" || failed+=("$suite on $engine")
  stop_node || failed+=("stopping the node of $suite on $engine")
}

main() {
  read_arguments "$@"
  need curl "curl"
  need python3 "Python 3 (python3-venv on Debian)"
  find_binary
  mkdir -p "$tools"
  local suite
  for suite in "${suites[@]}"; do
    "prepare_${suite//-/_}"
    run_suite "$suite" disk
    [ "$suite" != go ] || run_suite "$suite" memory
  done
  [ ${#failed[@]} -eq 0 ] || fail "failed: $(IFS=,; echo "${failed[*]}")"
  echo "compat: all suites passed"
}

main "$@"

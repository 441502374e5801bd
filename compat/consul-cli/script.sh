#!/usr/bin/env bash
# Thirty and more commands of `consul`, as scripts call them. It is run with a `consul` on the path that is Konsul by another
# name, and what it prints is compared with expected.txt. `step` shows a command, what it prints, and its exit code.
#
# CONSUL_HTTP_ADDR names the node; everything is written below compat-cli/.

step() {
  echo "\$ $*"
  "$@" 2>&1
  echo "[$?]"
}

cd "$(mktemp -d)" || exit 1

step consul version
step consul members
step consul members -detailed
step consul members -status=failed
step consul operator raft list-peers
step consul operator raft list-peers -stale=true

step consul kv put compat-cli/color blue
step consul kv put -flags=42 compat-cli/size large
step consul kv get compat-cli/color
step consul kv get -detailed compat-cli/size
step consul kv get -recurse compat-cli/
step consul kv get -keys compat-cli/
step consul kv get -base64 compat-cli/color
step consul kv get compat-cli/none
step consul kv get -recurse compat-cli/none/
echo from-a-file >value
step consul kv put compat-cli/file @value
echo -n piped | step consul kv put compat-cli/stdin -
step consul kv get compat-cli/stdin
step consul kv put -cas -modify-index=1 compat-cli/color red
step consul kv put -cas -modify-index=0 compat-cli/new first
step consul kv delete -cas -modify-index=1 compat-cli/new
step consul kv delete compat-cli/new
consul kv export compat-cli/ >export.json
step consul kv export compat-cli/color
step consul kv delete -recurse compat-cli/
step consul kv import @export.json
step consul kv get compat-cli/size
step consul kv import -prefix=copy/ @export.json
step consul kv get -keys -separator= copy/
step consul kv delete -recurse copy/

step consul lock compat-cli/lock echo under the lock
step consul lock -verbose compat-cli/lock 'echo held: $CONSUL_LOCK_HELD'
step consul lock compat-cli/lock 'exit 3'
step consul lock -child-exit-code compat-cli/lock 'exit 3'
step consul lock -n=2 -shell=false compat-cli/sem echo one of two
step consul lock -n=0 compat-cli/sem true
step consul lock compat-cli/lock
step consul lock -timeout=1s compat-cli/lock 'consul lock -timeout=200ms compat-cli/lock echo never'
step consul kv get -keys compat-cli/

step consul watch -type=key -key=compat-cli/color
step consul watch -type=keyprefix -prefix=compat-cli/none
step consul watch -type=key -key=compat-cli/color 'cat; exit 1'
step consul watch
step consul event -name=compat-cli payload
step consul event

step consul snapshot save backup.snap
step consul snapshot inspect backup.snap
step consul kv delete compat-cli/color
step consul snapshot restore backup.snap
step consul kv get compat-cli/color
step consul snapshot inspect value

step consul info
step consul reload
step consul debug -duration=1s -interval=1s -output=report
step tar -tzf report.tar.gz
step consul keygen
timeout 2 consul monitor -log-level=debug >log 2>&1 &
monitor=$!
consul kv put compat-cli/log line >/dev/null
wait $monitor
step consul operator usage instances

step consul catalog services

# What is not built yet says so by name.
step consul acl token list
step consul operator autopilot get-config
step consul watch -type=services

# Mistakes.
step consul kv get
step consul kv bogus
step consul members -nonsense
step consul nonsense-command >unknown
head -n 1 unknown
tail -n 1 unknown
step env CONSUL_HTTP_ADDR=127.0.0.1:1 consul kv get x
step env CONSUL_HTTP_ADDR=127.0.0.1:1 consul members
step env CONSUL_HTTP_ADDR=127.0.0.1:1 consul lock x true
step consul kv delete -recurse compat-cli/

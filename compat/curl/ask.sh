# The words of the transcripts; sourced by test_transcripts.py into the bash that runs them.
#
# ask METHOD PATH [CURL ARGUMENT…] asks the node and prints the status with the content type, the headers that
# clients look at, and the body. body METHOD PATH […] prints the body alone.

ask() {
  local method=$1 path=$2
  shift 2
  local head
  head=$(mktemp) && curl -sS --max-time 60 -X "$method" -D "$head" -o "$head.body" "$@" "$CONSUL_HTTP_ADDR$path" || return 1
  tr -d '\r' <"$head" | awk '
    /^HTTP\// { status = $2; delete seen; next }
    { name = tolower($1); value = $0; sub(/^[^:]*: */, "", value); seen[name] = value }
    END {
      print status (("content-type:" in seen) ? " " seen["content-type:"] : "")
      split("Allow Location X-Content-Type-Options Content-Security-Policy X-Consul-Index X-Consul-KnownLeader X-Consul-LastContact", names, " ")
      for (i = 1; i in names; i++) {
        key = tolower(names[i]) ":"
        if (key in seen) print names[i] ": " seen[key]
      }
    }'
  # A HEAD answer announces a body and has none.
  if [ -f "$head.body" ]; then cat "$head.body"; fi
  rm -f "$head" "$head.body"
}

body() {
  local method=$1 path=$2
  shift 2
  curl -sS --max-time 60 -X "$method" "$@" "$CONSUL_HTTP_ADDR$path"
}

# index PATH prints the index of an answer.
index() {
  curl -sS --max-time 60 -o /dev/null -D - "$CONSUL_HTTP_ADDR$1" | tr -d '\r' | awk 'tolower($1) == "x-consul-index:" { print $2 }'
}

# Single server, as the deployment guides write it.
datacenter = "DC-East_1"
node_name  = "consul-1"
data_dir   = "/opt/consul/data"

server           = true
bootstrap_expect = 1

/* Only this machine: a reverse proxy
   stands in front. */
client_addr = "127.0.0.1 ::1"
bind_addr   = "10.0.4.7"

ports {
  http     = 8500
  serf_lan = 8301
  grpc     = -1
}

performance = {}

// No gossip here; the key is not a real one.
encrypt = "cg8StVXbQJ0gPvMd9o7yrg=="
encrypt_verify_incoming = true
disable_update_check    = true

connect { enabled = false }
acl {
  enabled        = false
  default_policy = "allow"
  tokens { agent = "not-used" }
}

limits {
  http_max_conns_per_client = 500
  kv_max_value_size         = 0x100000
}

http_config {
  response_headers {
    Access-Control-Allow-Origin = "*"
    "X-Frame-Options"           = "DENY"
  }
  block_endpoints       = ["/v1/agent/force-leave", "/v1/snapshot",]
  allow_write_http_from = ["127.0.0.0/8"]
}

telemetry {
  prometheus_retention_time = "24h"
  disable_hostname          = true
}

log_level = "WARN"
leave_on_terminate = true

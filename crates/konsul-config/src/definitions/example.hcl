# An instance of a service, with two checks.
service {
  name = "web"
  id   = "web-1"
  tags = ["v2", "primary"]
  port = 8080

  meta = {
    version = "2.4.1"
  }

  weights {
    passing = 10
    warning = 1
  }

  tagged_addresses {
    wan = { address = "203.0.113.7", port = 80 }
  }

  # What it needs: the database always, the cache for speed only.
  depends_on = ["db", { service = "cache", required = false }]
  strategy   = "least_load"

  check {
    name     = "answers"
    http     = "http://127.0.0.1:8080/health"
    interval = "10s"
    timeout  = "2s"
    header {
      Authorization = ["Bearer let-me-in"]
    }
    failures_before_critical = 3
  }

  check {
    name = "heartbeat"
    ttl  = "30s"
    deregister_critical_service_after = "10m"
  }
}

# A check of the node itself.
check {
  id       = "disk"
  name     = "room on the disk"
  args     = ["/usr/local/bin/check-disk", "-w", "80", "-c", "90"]
  interval = "1m"
}

enable_local_script_checks = true

"server" = true, "bootstrap" = true
data_dir = "/var/lib"
http_config "response_headers" {
  X-One = "1"
}
http_config { response_headers { X-Two = "2" } }
limits.kv_max_keys = 10
watch { history_entries = 1000 history_bytes = 1000000 }

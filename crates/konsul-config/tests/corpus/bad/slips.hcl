servr = true
datacentre = "x"
http_port = 8500
limit {
  kv_max_keys = 1
}
ports {
  htpp = 8500
  http = "8500"
}
kv_max_value_size = 5
prots = 3
addresses = "127.0.0.1"
dev_mode = true
watchez = []

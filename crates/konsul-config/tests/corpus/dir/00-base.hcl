server = true
bootstrap = true
data_dir = "/base"
http_config { block_endpoints = ["/v1/a"] response_headers { A = "base" B = "base" } }
log_level = "debug"

server           = true
bootstrap_expect = 1
data_dir         = "/opt/consul"
retry_join       = ["10.0.0.1", "provider=aws tag_key=consul"]

acl {
  enabled                  = true
  default_policy           = "deny"
  enable_token_persistence = true
}

connect { enabled = true }

ports {
  dns      = 8600
  grpc_tls = 8503
}

tls {
  defaults {
    ca_file = "/etc/consul/ca.pem"
  }
}

service {
  name = "web"
  port = 80
}

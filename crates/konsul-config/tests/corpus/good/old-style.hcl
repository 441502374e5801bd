{
  "Server": true, "DATA_DIR": "/d", "bootstrap": true,
  "http_config": {"response_headers": {"X-Text": "plain"}},
  "ports": {"http": 8500},
  "data_dir": "/e"
}

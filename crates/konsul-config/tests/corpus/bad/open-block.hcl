server = true
ports {
  http = 8500

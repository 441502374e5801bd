server = true
node_name = "a"
node_name = ÿ

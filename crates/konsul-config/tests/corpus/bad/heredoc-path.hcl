server = true
bootstrap = true
data_dir = <<EOF
/var/lib
EOF

max_query_time = "1s"
default_query_time = "1s"

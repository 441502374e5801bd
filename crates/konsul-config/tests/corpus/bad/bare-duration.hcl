max_query_time = 10m

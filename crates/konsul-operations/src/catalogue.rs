//! The list of every operation: its id and what it needs. Metrics, audit, the authorisation sweep and the book come from it.

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Its id: metric label, audit verb, method name.
    pub id: &'static str,
    /// What it needs, as a resource and an access.
    pub needs: &'static str,
    /// Whether it can change anything.
    pub writes: bool,
}

const fn read(id: &'static str, needs: &'static str) -> Operation {
    Operation { id, needs, writes: false }
}

const fn write(id: &'static str, needs: &'static str) -> Operation {
    Operation { id, needs, writes: true }
}

/// Every operation.
pub const OPERATIONS: &[Operation] = &[
    read("kv_get", "key:read"),
    read("kv_list", "key:list and key:read"),
    read("kv_keys", "key:list and key:read"),
    write("kv_put", "key:write"),
    write("kv_delete", "key:write"),
    write("kv_delete_tree", "key_prefix:write"),
    write("kv_patch", "key:write"),
    read("kv_page", "key:list and key:read"),
    read("kv_search", "key:list and key:read"),
    read("kv_history", "key:read"),
    read("kv_diff", "key:read"),
    write("kv_undo", "key:write and key:read"),
    write("batch", "each member's own"),
    read("export", "key:list and key:read"),
    write("import", "key_prefix:write"),
    read("watch", "key:list"),
    read("watch_records", "service:read or node:read or event:read"),
    write("lock_acquire", "lock:write"),
    write("lock_release", "lock:write"),
    read("lock_get", "lock:read"),
    read("lock_list", "lock:read"),
    read("limits", "operator:read"),
    write("txn", "each member's own"),
    write("session_create", "session:write"),
    write("session_destroy", "session:write"),
    write("session_renew", "session:write"),
    read("session_info", "session:read"),
    read("session_list", "session:read"),
    read("datacenter_list", "public"),
    read("node_list", "node:read"),
    read("node_services", "node:read"),
    read("service_list", "service:read"),
    read("service_instances", "service:read and node:read"),
    read("check_list", "service:read or node:read"),
    read("check_history", "service:read or node:read"),
    read("service_timeline", "service:read or node:read"),
    write("catalog_register", "node:write and service:write"),
    write("catalog_deregister", "node:write or service:write"),
    read("coordinate_list", "node:read"),
    read("coordinate_distance", "node:read"),
    write("coordinate_update", "node:write"),
    read("service_pick", "service:read and node:read"),
    read("service_why", "service:read or operator:read"),
    read("service_graph", "service:read"),
    write("query_create", "query:write"),
    write("query_update", "query:write"),
    write("query_delete", "query:write"),
    read("query_list", "query:read"),
    read("query_execute", "query:read and service:read and node:read"),
    read("query_explain", "query:read"),
    read("agent_services", "service:read"),
    read("agent_checks", "service:read or node:read"),
    write("agent_service_register", "service:write"),
    write("agent_service_deregister", "service:write"),
    write("agent_check_register", "service:write or node:write"),
    write("agent_check_deregister", "service:write or node:write"),
    write("agent_check_update", "service:write or node:write"),
    write("agent_maintenance", "service:write or node:write"),
    write("event_fire", "event:write"),
    read("event_list", "event:read"),
    read("status_leader", "public"),
    read("status_peers", "public"),
    read("raft_configuration", "operator:read"),
    read("usage", "operator:read"),
    read("snapshot_save", "management"),
    write("snapshot_restore", "management"),
    read("backup_list", "operator:read"),
    write("backup_run", "management"),
    read("agent_self", "agent:read"),
    read("agent_host", "operator:read"),
    write("agent_reload", "agent:write"),
    write("agent_leave", "agent:write"),
    read("agent_monitor", "agent:read"),
    read("agent_metrics", "agent:read"),
    read("metrics_history", "agent:read"),
    read("log_level_get", "agent:read"),
    write("log_level_set", "agent:write"),
    read("health", "public"),
];

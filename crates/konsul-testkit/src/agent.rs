//! An agent that has a name and nothing else.

use konsul_operations::ports::{
    AgentInfo, Health, HostInfo, LocalAgent, LogFilter, LogLines, MetricsFormat, ReloadReport,
};
use konsul_types::NodeName;

/// The agent of a test server.
#[derive(Debug, Clone)]
pub struct TestAgent {
    /// Its node's name.
    pub node: NodeName,
}

impl LocalAgent for TestAgent {
    fn node_name(&self) -> NodeName {
        self.node.clone()
    }

    fn datacenter(&self) -> String {
        "dc1".into()
    }

    fn info(&self) -> AgentInfo {
        AgentInfo {
            datacenter: self.datacenter(),
            node_name: self.node.to_string(),
            server: true,
            ..AgentInfo::default()
        }
    }

    fn host(&self) -> HostInfo {
        HostInfo::default()
    }

    fn reload(&self) -> Result<ReloadReport, String> {
        Err("a test server has no configuration to read again".into())
    }

    fn leave(&self) {}

    fn monitor(&self, _filter: LogFilter) -> Result<LogLines, String> {
        Err("a test server keeps no log".into())
    }

    fn metrics(&self, _format: MetricsFormat) -> String {
        String::new()
    }

    fn health(&self) -> Health {
        Health { live: true, ready: true, ..Health::default() }
    }
}

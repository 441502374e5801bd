//! `status`: who leads, who votes. Consul has no such command; its users ask the HTTP API.

use clap::{ArgMatches, Command};
use konsul_client::ReadOptions;

use crate::console::Console;
use crate::consul::connection::{client_flags, connect, query_failed, server_flags};
use crate::consul::leaf;
use crate::failure::{Failure, Outcome};

const MORE: &str = "\
Example:
  konsul status

Exit codes: 0 there is a leader; 2 there is none; 1 the agent could not be asked.";

pub(crate) fn command() -> Command {
    server_flags(client_flags(leaf("konsul status [OPTIONS]", "Shows the leader and the servers", MORE)))
}

pub(crate) async fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let client = connect(matches, console)?;
    let leader = client.status().leader().await.map_err(|e| query_failed(&e))?;
    let servers =
        client.operator().raft_configuration(&ReadOptions::default()).await.map_err(|e| query_failed(&e))?;
    let wide = |what: &str, width: fn(&konsul_client::operator::RaftServer) -> usize| {
        servers.iter().map(width).chain([what.len()]).max().unwrap_or(0)
    };
    let (node, address) = (wide("Node", |s| s.node.chars().count()), wide("Address", |s| s.address.len()));
    console.line(format!("{:node$}  {:address$}  State", "Node", "Address"))?;
    for server in &servers {
        let state = match (server.leader, server.voter) {
            (true, _) => "leader",
            (_, true) => "follower",
            _ => "learner",
        };
        console.line(format!("{:node$}  {:address$}  {state}", server.node, server.address))?;
    }
    match leader {
        Some(_) => Ok(()),
        None => Err(Failure::Because {
            text: "There is no leader at the moment; writes wait until the servers have elected one"
                .to_owned(),
            code: 2,
        }),
    }
}

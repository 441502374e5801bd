//! Which fields a member of a batch has, by what it does.

use super::Verb;

pub(super) const KEY: u32 = 1;
pub(super) const PREFIX: u32 = 1 << 1;
/// In one form or the other.
pub(super) const VALUE: u32 = 1 << 2;
pub(super) const FLAGS: u32 = 1 << 3;
pub(super) const TTL: u32 = 1 << 4;
pub(super) const IF_INDEX: u32 = 1 << 5;
pub(super) const NODE: u32 = 1 << 6;
pub(super) const REGISTRATION: u32 = 1 << 7;
pub(super) const SERVICE: u32 = 1 << 8;
pub(super) const CHECK: u32 = 1 << 9;
pub(super) const DEFINITION: u32 = 1 << 10;
pub(super) const SERVICE_ID: u32 = 1 << 11;
pub(super) const CHECK_ID: u32 = 1 << 12;
pub(super) const STATUS: u32 = 1 << 13;
pub(super) const OUTPUT: u32 = 1 << 14;
pub(super) const REPLACE_CHECKS: u32 = 1 << 15;

/// The fields that must be there, and those that may.
pub(super) fn of(verb: Verb) -> (u32, u32) {
    match verb {
        Verb::KvPut => (KEY | VALUE, FLAGS | TTL | IF_INDEX),
        Verb::KvGet => (KEY, 0),
        Verb::KvDelete => (KEY, IF_INDEX),
        Verb::KvDeleteTree => (PREFIX, 0),
        Verb::KvCheck => (KEY | IF_INDEX, 0),
        Verb::NodeRegister => (REGISTRATION, IF_INDEX),
        Verb::NodeDeregister => (NODE, IF_INDEX),
        Verb::ServiceRegister => (NODE | SERVICE, IF_INDEX),
        Verb::ServiceDeregister => (NODE | SERVICE_ID, IF_INDEX),
        Verb::CheckRegister => (NODE | CHECK, IF_INDEX),
        Verb::CheckDeregister => (NODE | CHECK_ID, IF_INDEX),
        Verb::AgentServiceRegister => (SERVICE, REPLACE_CHECKS),
        Verb::AgentServiceDeregister => (SERVICE_ID, 0),
        Verb::AgentCheckRegister => (DEFINITION, 0),
        Verb::AgentCheckDeregister => (CHECK_ID, 0),
        Verb::AgentCheckUpdate => (CHECK_ID | STATUS, OUTPUT),
    }
}

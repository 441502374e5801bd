//! What the catalogue knows of a name's subject.

use std::net::IpAddr;

use konsul_client::v2::api::catalog::Instance;
use konsul_client::v2::api::discovery::Why;
use konsul_client::v2::discovery::Narrow;
use konsul_client::{Client, Error};

use super::subject::Subject;

/// What the catalogue knows.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Whether it was asked.
    pub(super) asked: bool,
    pub(super) instances: Vec<Instance>,
    /// Why instances are, or are not, in DNS; read only where the answer is empty.
    pub(super) why: Vec<Why>,
}

impl Known {
    /// Asks the server, also for reasons if the answer has nothing in it.
    ///
    /// # Errors
    /// As every call.
    pub(super) async fn read(client: &Client, subject: &Subject, empty: bool) -> Result<Known, Error> {
        let mut known = Known { asked: true, ..Known::default() };
        match subject {
            Subject::Service { name, tag } => {
                let narrow = Narrow { tags: tag.iter().cloned().collect(), ..Narrow::default() };
                if empty {
                    known.why = client.v2().service_why(name, None, &narrow).await?.items;
                } else {
                    known.instances = client.v2().service_instances(name, &narrow).all().await?;
                }
            }
            Subject::Query(name) if !empty => {
                known.instances = client.v2().query_execute(name, None, None).await?.items;
            }
            _ => {}
        }
        Ok(known)
    }

    /// The instances that are reached at an address.
    pub(super) fn at(&self, address: IpAddr) -> Vec<&Instance> {
        let is_there = |one: &&Instance| one.address.parse() == Ok(address);
        self.instances.iter().filter(is_there).collect()
    }
}

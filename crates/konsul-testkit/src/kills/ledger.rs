//! What the clients know: sent, acknowledged, and the highest index that anybody saw.

use konsul_client::Client;

use super::number;

/// What one client knows of its own keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// The last number sent.
    pub sent: u64,
    /// The last number acknowledged.
    pub acknowledged: u64,
}

/// What all clients know.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    pub(super) single: Vec<Known>,
    pub(super) pairs: Vec<Known>,
    /// Raises of the common counter: sent in all, acknowledged in all.
    pub(super) counter: Known,
    pub(super) index: u64,
}

pub(super) fn single_key(client: usize) -> String {
    format!("kills/single/{client}")
}

pub(super) fn pair_keys(client: usize) -> [String; 2] {
    [format!("kills/pair/{client}/left"), format!("kills/pair/{client}/right")]
}

pub(super) const COUNTER: &str = "kills/counter";

impl Ledger {
    /// Nothing is known yet.
    pub fn new(clients: usize) -> Ledger {
        let nothing = vec![Known::default(); clients];
        Ledger { single: nothing.clone(), pairs: nothing, ..Ledger::default() }
    }

    /// Begins from what an earlier series left on the disk.
    ///
    /// # Errors
    /// If a read fails.
    pub async fn take_over(&mut self, client: &Client) -> Result<(), String> {
        let same = |number| Known { sent: number, acknowledged: number };
        for at in 0..self.single.len() {
            self.single[at] = same(number(client, &single_key(at)).await?.0);
            self.pairs[at] = same(number(client, &pair_keys(at)[0]).await?.0);
        }
        self.counter = same(number(client, COUNTER).await?.0);
        Ok(())
    }

    /// Looks whether everything holds, and takes what was found as the new ground: a write of unknown outcome that is not
    /// there now must not appear later.
    ///
    /// # Errors
    /// What does not hold.
    pub async fn check(&mut self, client: &Client) -> Result<(), String> {
        for at in 0..self.single.len() {
            let (found, _, index) = number(client, &single_key(at)).await?;
            settle(&single_key(at), &mut self.single[at], found)?;
            if index == 0 {
                return Err(format!("{} was answered with index 0", single_key(at)));
            }
            let [left, right] = pair_keys(at);
            let (a, _, _) = number(client, &left).await?;
            let (b, _, _) = number(client, &right).await?;
            if a != b {
                return Err(format!("half a transaction: {left} is {a}, {right} is {b}"));
            }
            settle(&left, &mut self.pairs[at], a)?;
        }
        let (found, _, _) = number(client, COUNTER).await?;
        settle(COUNTER, &mut self.counter, found)?;
        self.see_whole(client).await
    }

    /// The index of an answer over everything is at least the highest that anybody saw.
    async fn see_whole(&mut self, client: &Client) -> Result<(), String> {
        let all = client.kv().keys("", "/", &konsul_client::ReadOptions::default()).await;
        let index = all.map_err(|why| why.to_string())?.meta.index;
        if index < self.index {
            return Err(format!("the index went back: {index} after {}", self.index));
        }
        self.index = index;
        Ok(())
    }
}

/// A number must lie between the last acknowledged and the last sent.
fn settle(key: &str, known: &mut Known, found: u64) -> Result<(), String> {
    if found < known.acknowledged {
        return Err(format!(
            "{key} lost an acknowledged write: it is {found}, {} was acknowledged",
            known.acknowledged
        ));
    }
    if found > known.sent {
        return Err(format!("{key} is {found}, but nothing above {} was sent", known.sent));
    }
    *known = Known { sent: found, acknowledged: found };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_acknowledged_must_be_there_and_nothing_else() {
        let known = Known { sent: 9, acknowledged: 7 };
        let look = |found| {
            let mut known = known;
            settle("k", &mut known, found).map(|()| known)
        };
        assert!(look(6).unwrap_err().contains("lost"));
        assert!(look(10).unwrap_err().contains("nothing above 9"));
        assert_eq!(look(8), Ok(Known { sent: 8, acknowledged: 8 }));
    }
}

//! Checks of services of the system: asks systemd over the message bus in which state a unit is.
//!
//! Consul has this kind on Windows alone. The status follows its rule there: running is passing, stopped is critical,
//! and what keeps from knowing is a warning.

use std::path::{Path, PathBuf};

use konsul_runtime::time::timeout_at;

use super::dbus::{Bus, BusError, Call};
use super::errors::{DEADLINE, system};
use super::{Limit, Run, RunFuture};
use crate::decide::{Finding, head};
use crate::definition::OsServiceCheck;

const SYSTEMD: &str = "org.freedesktop.systemd1";

pub(crate) struct SystemdRunner {
    shown: String,
    unit: String,
    bus: PathBuf,
}

impl SystemdRunner {
    pub(crate) fn new(check: &OsServiceCheck, bus: &Path) -> Self {
        let unit = check.unit.clone();
        let unit = if unit.contains('.') { unit } else { format!("{unit}.service") };
        Self { shown: check.unit.clone(), unit, bus: bus.to_owned() }
    }

    async fn state(&self) -> Result<State, BusError> {
        let mut bus = Bus::connect(&self.bus).await?;
        let load = Call {
            destination: SYSTEMD,
            path: "/org/freedesktop/systemd1",
            interface: "org.freedesktop.systemd1.Manager",
            member: "LoadUnit",
            arguments: &[&self.unit],
        };
        let path = bus.call(&load).await?;
        let loaded = property(&mut bus, &path, "LoadState").await?;
        let active = property(&mut bus, &path, "ActiveState").await?;
        Ok(State { loaded, active })
    }
}

struct State {
    loaded: String,
    active: String,
}

async fn property(bus: &mut Bus, path: &str, name: &str) -> Result<String, BusError> {
    let get = Call {
        destination: SYSTEMD,
        path,
        interface: "org.freedesktop.DBus.Properties",
        member: "Get",
        arguments: &["org.freedesktop.systemd1.Unit", name],
    };
    bus.call(&get).await
}

impl Run for SystemdRunner {
    fn run(&self, limit: Limit) -> RunFuture<'_> {
        Box::pin(async move {
            let finding = match timeout_at(limit.until, self.state()).await {
                Ok(Ok(state)) => judge(&self.shown, &state),
                Ok(Err(why)) => unknown(&self.shown, &told(&why)),
                Err(_) => unknown(&self.shown, DEADLINE),
            };
            let output = head(&finding.output, limit.output_max);
            Finding { status: finding.status, output: output.into() }
        })
    }
}

fn judge(unit: &str, state: &State) -> Finding {
    match (state.loaded.as_str(), state.active.as_str()) {
        ("not-found", "inactive") => Finding::critical(format!("Service \"{unit}\" does not exist")),
        (_, "active" | "reloading" | "refreshing") => {
            Finding::passing(format!("Service \"{unit}\" is healthy"))
        }
        (_, other @ ("inactive" | "failed")) => Finding::critical(format!("Service \"{unit}\" is {other}")),
        (_, other) => Finding::warning(format!("Service \"{unit}\" is {other}")),
    }
}

fn unknown(unit: &str, why: &str) -> Finding {
    Finding::warning(format!("Service \"{unit}\": systemd cannot be asked: {why}"))
}

fn told(why: &BusError) -> String {
    match why {
        BusError::System(error) => system(error),
        other => other.to_string(),
    }
}

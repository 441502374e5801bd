//! `version`: what build this is, and the server's.

use konsul_config::build::{BUILD_DATE, REVISION, VERSION};
use serde::Serialize;

use super::{Covered, covers};
use crate::failure::Outcome;
use crate::output::{Column, Row};
use crate::run::Run;

/// What each command covers. The server's build is asked for over `/v1`, which every agent answers.
pub(crate) const OPERATIONS: &[Covered] = &[covers("version", &["openapi"])];

const MORE: &str = "\
Examples:
  konsulctl version
  konsulctl version --client        asks no server
  konsulctl version -o json
  konsulctl version --api > openapi.json      the document of the server's API

A server that cannot be asked is no failure: its line says why.";

/// The command's arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub struct Version {
    /// Ask no server
    #[arg(long)]
    client: bool,
    /// Print the OpenAPI document of the server instead
    #[arg(long, conflicts_with = "client")]
    api: bool,
}

/// One of the two builds.
#[derive(Debug, Serialize)]
struct Build {
    part: &'static str,
    version: String,
    revision: String,
    build_date: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    address: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    error: String,
}

impl Row for Build {
    const COLUMNS: &'static [Column] = &[
        Column::text("PART", 9),
        Column::text("VERSION", 9),
        Column::text("REVISION", 5),
        Column::text("BUILT", 4),
        Column::text("ADDRESS", 7),
        Column::text("ERROR", 8),
    ];

    fn cells(&self) -> Vec<String> {
        let Build { part, version, revision, build_date, address, error } = self;
        vec![
            (*part).to_owned(),
            version.clone(),
            revision.clone(),
            build_date.clone(),
            address.clone(),
            error.clone(),
        ]
    }
}

impl Version {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        if self.api {
            let client = run.client()?;
            let document = client.v2().openapi().await.map_err(|e| run.failed(&e))?;
            return run.out().raw(&document);
        }
        let mut builds = vec![Build {
            part: "konsulctl",
            version: VERSION.to_owned(),
            revision: REVISION.to_owned(),
            build_date: BUILD_DATE.to_owned(),
            address: String::new(),
            error: String::new(),
        }];
        if !self.client {
            builds.push(server(run).await?);
        }
        run.out().list(&builds, "")
    }
}

async fn server(run: &mut Run<'_>) -> Result<Build, crate::failure::Failure> {
    let client = run.client()?;
    let address = client.address().to_owned();
    let mut build = Build {
        part: "server",
        version: String::new(),
        revision: String::new(),
        build_date: String::new(),
        address,
        error: String::new(),
    };
    match client.agent().version().await {
        Ok(found) => {
            build.version = found.human_version;
            build.revision = found.sha;
            build.build_date = found.build_date;
        }
        Err(konsul_client::Error::Connect { .. }) => build.error = "nobody answers".to_owned(),
        Err(error) => build.error = error.to_string(),
    }
    Ok(build)
}

//! Several definitions in one request.

use konsul_client::Client;
use konsul_client::v2::api::batch::{Operation, Outcome as Happened, Request, Verb};
use konsul_client::v2::api::registration::{CheckDefinition, ServiceDefinition};
use konsul_client::v2::batch::BatchStep;

use super::register::Named;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::run::Run;

/// Registers all of them, in requests of as many as a batch takes, and tells of each as its result comes.
pub(crate) async fn register(
    client: &Client,
    services: &[ServiceDefinition],
    checks: &[(String, CheckDefinition)],
    replace_checks: bool,
    run: &mut Run<'_>,
) -> Outcome {
    let of_services = services.iter().map(|body| {
        let id = body.id.clone().unwrap_or_else(|| body.name.clone());
        (Named::service(&id), service(body, replace_checks))
    });
    let of_checks =
        checks.iter().map(|(id, body)| (Named { id: id.clone(), kind: "check" }, check(id, body)));
    let all: Vec<(Named, Operation)> = of_services.chain(of_checks).collect();
    let mut failed = Vec::new();
    for part in all.chunks(konsul_client::v2::api::batch::OPERATIONS_MAX) {
        send(client, part, &mut failed, run).await?;
    }
    if failed.is_empty() {
        return Ok(());
    }
    let what = format!("{} of {} definitions were not registered", failed.len(), all.len());
    Err(failed.into_iter().fold(Failure::with(Exit::Failed, what), Failure::detail))
}

async fn send(
    client: &Client,
    part: &[(Named, Operation)],
    failed: &mut Vec<String>,
    run: &mut Run<'_>,
) -> Outcome {
    let operations = part.iter().map(|(_, operation)| operation.clone()).collect();
    let request = Request { atomic: false, operations };
    let mut results = client.v2().batch_stream(&request).await.map_err(|e| run.failed(&e))?;
    while let Some(step) = results.next().await.map_err(|e| run.failed(&e))? {
        let BatchStep::Outcome(happened) = step else { continue };
        let Happened { position, failure, .. } = *happened;
        let named = usize::try_from(position).ok().and_then(|at| part.get(at)).map(|(named, _)| named);
        let Some(named) = named else { continue };
        match failure {
            None => {
                let what = if named.kind == "check" { "check " } else { "" };
                run.out().done(&format!("Registered {what}{}", named.id), named)?;
            }
            Some(why) => failed.push(format!("{} {}: {}", named.kind, named.id, why.detail)),
        }
    }
    Ok(())
}

fn service(body: &ServiceDefinition, replace_checks: bool) -> Operation {
    Operation {
        op: Verb::AgentServiceRegister,
        service: Some(Box::new(body.clone())),
        replace_checks: replace_checks.then_some(true),
        ..Operation::default()
    }
}

fn check(id: &str, body: &CheckDefinition) -> Operation {
    let definition = CheckDefinition { id: Some(id.to_owned()), ..body.clone() };
    Operation { op: Verb::AgentCheckRegister, definition: Some(Box::new(definition)), ..Operation::default() }
}

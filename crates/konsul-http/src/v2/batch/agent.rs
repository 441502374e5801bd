//! Members about what the answering agent keeps. They are operations of their own, one after the other: nothing of them is
//! in the log that could hold them together.

use konsul_api::v2::batch::{Operation, Verb};
use konsul_api::v2::value::Text;
use konsul_operations::arguments::{AgentCheckRegister, AgentCheckUpdate, AgentServiceRegister};
use konsul_operations::{Context, Error, Operations};
use konsul_types::{CheckDefinition, CheckId, CheckStatus, Namespace, ServiceDefinition, ServiceId};

use super::super::body::Faults;
use super::super::{registering, told};

/// What a member asks of the agent, and in which namespace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OfAgent {
    namespace: Namespace,
    asks: Asks,
}

#[derive(Debug, Clone, PartialEq)]
enum Asks {
    RegisterService { definition: ServiceDefinition, replace_checks: bool },
    DeregisterService(ServiceId),
    RegisterCheck(CheckDefinition),
    DeregisterCheck(CheckId),
    Update { id: CheckId, status: CheckStatus, output: String },
}

/// What a member asks for; `None` goes with at least one fault.
pub(super) fn of_agent(
    faults: &mut Faults,
    pointer: &dyn Fn(&str) -> String,
    one: Operation<Text<'_>>,
    namespace: Namespace,
) -> Option<OfAgent> {
    let asks = asks(faults, pointer, one, &namespace)?;
    Some(OfAgent { namespace, asks })
}

fn asks(
    faults: &mut Faults,
    pointer: &dyn Fn(&str) -> String,
    one: Operation<Text<'_>>,
    namespace: &Namespace,
) -> Option<Asks> {
    let mut check_id = |text: Option<&str>| {
        faults.take_at(|| pointer("check_id"), CheckId::new(text.unwrap_or_default()).map_err(|why| why.what))
    };
    match one.op {
        Verb::AgentCheckDeregister => Some(Asks::DeregisterCheck(check_id(one.check_id.as_deref())?)),
        Verb::AgentCheckUpdate => Some(Asks::Update {
            id: check_id(one.check_id.as_deref())?,
            status: told::asked_status(one.status?),
            output: one.output.as_deref().unwrap_or_default().to_owned(),
        }),
        Verb::AgentServiceDeregister => {
            let id = ServiceId::new(one.service_id.as_deref()?).map_err(|why| why.what);
            Some(Asks::DeregisterService(faults.take_at(|| pointer("service_id"), id)?))
        }
        Verb::AgentServiceRegister => {
            let definition =
                registering::service(faults, &pointer("service"), namespace, None, *one.service?)?;
            Some(Asks::RegisterService { definition, replace_checks: one.replace_checks.unwrap_or(false) })
        }
        Verb::AgentCheckRegister => {
            let mut check = registering::check(faults, &pointer("definition"), None, *one.definition?)?;
            check.namespace = check.service.is_some().then(|| namespace.clone());
            Some(Asks::RegisterCheck(check))
        }
        _ => None,
    }
}

impl OfAgent {
    /// Does it.
    pub(super) async fn run(self, operations: &dyn Operations, context: &Context) -> Result<(), Error> {
        let ctx = Context { namespace: self.namespace, ..context.clone() };
        match self.asks {
            Asks::RegisterService { definition, replace_checks } => {
                let args = AgentServiceRegister { definition, replace_checks };
                operations.agent_service_register(&ctx, args).await
            }
            Asks::DeregisterService(id) => operations.agent_service_deregister(&ctx, id).await,
            Asks::RegisterCheck(definition) => {
                operations.agent_check_register(&ctx, AgentCheckRegister { definition }).await
            }
            Asks::DeregisterCheck(id) => operations.agent_check_deregister(&ctx, id).await,
            Asks::Update { id, status, output } => {
                operations.agent_check_update(&ctx, AgentCheckUpdate { id, status, output }).await
            }
        }
    }
}

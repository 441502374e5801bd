//! Members that register in the catalogue, and remove from it.

use konsul_api::v2::batch::{Operation, Verb};
use konsul_api::v2::value::Text;
use konsul_types::{CatalogTxnOp, CheckId, Index, Namespace, NodeName, ServiceId};

use super::super::body::Faults;
use super::super::{catalog, registering};

/// What a member asks for; `None` goes with at least one fault.
pub(super) fn of_catalogue(
    faults: &mut Faults,
    pointer: &dyn Fn(&str) -> String,
    one: Operation<Text<'_>>,
    namespace: Namespace,
) -> Option<CatalogTxnOp> {
    let cas = one.if_index.map(Index);
    if one.op == Verb::NodeRegister {
        let node = Box::new(catalog::node(faults, &pointer("registration"), *one.registration?)?);
        return Some(CatalogTxnOp::NodeSet { node, cas });
    }
    let node = NodeName::new(one.node.as_deref()?).map_err(|why| why.what);
    let node = faults.take_at(|| pointer("node"), node)?;
    match one.op {
        Verb::NodeDeregister => Some(CatalogTxnOp::NodeDelete { name: node, cas }),
        Verb::ServiceRegister => {
            let at = pointer("service");
            let definition = registering::service(faults, &at, &namespace, None, *one.service?)?;
            if !definition.checks.is_empty() {
                let why = "nobody runs checks here: register their results with check_register";
                faults.take::<(), _>(&format!("{at}/checks"), Err(why));
            }
            Some(CatalogTxnOp::ServiceSet { service: Box::new(catalog::service(&node, definition)), cas })
        }
        Verb::ServiceDeregister => {
            let id = ServiceId::new(one.service_id.as_deref()?).map_err(|why| why.what);
            let id = faults.take_at(|| pointer("service_id"), id)?;
            Some(CatalogTxnOp::ServiceDelete { node, namespace, id, cas })
        }
        Verb::CheckRegister => {
            let check = catalog::check(faults, &pointer("check"), &node, &namespace, None, *one.check?)?;
            Some(CatalogTxnOp::CheckSet { check: Box::new(check), cas })
        }
        Verb::CheckDeregister => {
            let id = CheckId::new(one.check_id.as_deref()?).map_err(|why| why.what);
            let id = faults.take_at(|| pointer("check_id"), id)?;
            Some(CatalogTxnOp::CheckDelete { node, namespace, id, cas })
        }
        _ => None,
    }
}

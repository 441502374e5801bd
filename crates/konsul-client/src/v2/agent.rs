//! What the answering agent keeps, over `/v2`.

use http::Method;
use konsul_api::v2::page::{CheckPage, InstancePage};
use konsul_api::v2::registration::{CheckDefinition, CheckUpdate, Maintenance, ServiceDefinition};

use super::V2;
use crate::error::Error;

const SERVICES: &str = "/v2/agent/services";
const CHECKS: &str = "/v2/agent/checks";

impl V2<'_> {
    /// The instances that the agent keeps, by id.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn agent_services(&self, filter: Option<&str>) -> Result<InstancePage, Error> {
        self.answer(&self.get(SERVICES).maybe("filter", filter)).await
    }

    /// Registers an instance with the agent.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn agent_service_register(
        &self,
        definition: &ServiceDefinition,
        replace_checks: bool,
    ) -> Result<(), Error> {
        let id = definition.id.as_deref().unwrap_or(&definition.name);
        let call = self.write(Method::PUT, SERVICES).then("/").word(id);
        self.done(&call.flag("replace_checks", replace_checks).json(definition)?).await
    }

    /// Removes an instance with its checks from the agent.
    ///
    /// # Errors
    /// [`Error`], as every call; one that the agent does not keep is the problem `service_not_found`.
    pub async fn agent_service_deregister(&self, id: &str) -> Result<(), Error> {
        self.done(&self.write(Method::DELETE, SERVICES).then("/").word(id)).await
    }

    /// The checks that the agent keeps, by id.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn agent_checks(&self, filter: Option<&str>) -> Result<CheckPage, Error> {
        self.answer(&self.get(CHECKS).maybe("filter", filter)).await
    }

    /// Registers a check with the agent.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn agent_check_register(&self, id: &str, definition: &CheckDefinition) -> Result<(), Error> {
        self.done(&self.write(Method::PUT, CHECKS).then("/").word(id).json(definition)?).await
    }

    /// Removes a check from the agent.
    ///
    /// # Errors
    /// [`Error`], as every call; one that the agent does not keep is the problem `check_not_found`.
    pub async fn agent_check_deregister(&self, id: &str) -> Result<(), Error> {
        self.done(&self.write(Method::DELETE, CHECKS).then("/").word(id)).await
    }

    /// Reports a result of a check with a time to live.
    ///
    /// # Errors
    /// [`Error`], as every call; a check that the agent runs itself is the problem `not_a_ttl_check`.
    pub async fn agent_check_update(&self, id: &str, update: &CheckUpdate) -> Result<(), Error> {
        let call = self.write(Method::PUT, CHECKS).then("/").word(id).then("/status");
        self.done(&call.json(update)?).await
    }

    /// Puts the agent's node or an instance of it into maintenance, or takes it out.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn agent_maintenance(&self, wanted: &Maintenance) -> Result<(), Error> {
        self.done(&self.write(Method::PUT, "/v2/agent/maintenance").json(wanted)?).await
    }
}

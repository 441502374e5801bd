//! Routes that Consul knows and Konsul does not answer yet: they say so, by name, instead of a wrong answer.

use http::StatusCode;

use super::inbound::Inbound;
use super::reply::Reply;
use super::route::Route;
use crate::service::Handled;

/// The operation's name in figures.
pub(crate) const OPERATION: &str = "not_built";

/// `501`.
pub(crate) fn answer(_: &mut Inbound<'_>, route: &'static Route) -> Handled {
    let text = format!("{} is known to Consul but not built in Konsul yet", route.path);
    Err(Reply::plain(StatusCode::NOT_IMPLEMENTED, text))
}

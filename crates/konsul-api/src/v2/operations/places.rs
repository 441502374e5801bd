//! Where nodes stand, and how far they are from each other.

use super::common::{Answer, Body, Kind, Method, Operation, Parameter, Resource};
use super::parameters::{CONSISTENCY, CURSOR, LIMIT, own, required};
use super::{Id, code};

static OF_NODE: Parameter = own("node", Kind::Node, "Only coordinates of this node.");
static SEGMENT: Parameter = own(
    "segment",
    Kind::Text { min: 0, max: 128 },
    "Only coordinates in this segment of the network; empty for the default one.",
);
static FROM: Parameter = required(own("from", Kind::Node, "One node."));
static TO: Parameter = required(own("to", Kind::Node, "The other node."));

pub(super) static COORDINATES: Resource = Resource {
    path: "/v2/coordinates",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(Id::CoordinateList, Method::Get, "nodes", "Lists where nodes stand")
        .about("By node and segment: coordinates in which distances are round-trip times.")
        .takes(&[&CONSISTENCY, &OF_NODE, &SEGMENT, &LIMIT, &CURSOR])
        .answers(&[Answer::new(200, "A page.", &[Body::json("CoordinatePage")])])
        .codes_of(&[&code::INVALID_CURSOR, &code::CURSOR_MISMATCH])
        .needs("node:read")
        .cli("konsulctl node rtt")],
};

pub(super) static DISTANCE: Resource = Resource {
    path: "/v2/coordinates/distance",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(
        Id::CoordinateDistance,
        Method::Get,
        "nodes",
        "Estimates the round-trip time between two nodes",
    )
    .about("From their stored coordinates; nothing is measured. Without them the answer has no time.")
    .takes(&[&CONSISTENCY, &FROM, &TO])
    .answers(&[Answer::new(200, "The estimate.", &[Body::json("Distance")])])
    .codes_of(&[&code::NODE_NOT_FOUND])
    .needs("node:read")
    .cli("konsulctl node rtt")],
};

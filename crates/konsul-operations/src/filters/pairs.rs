//! Tags, pairs and addresses of records as the filter's lists and maps.

use konsul_filter::{AsField, Entries, Field, Items, Kind, record};
use konsul_types::{Pairs, ServiceAddress, Tags};
use smol_str::SmolStr;

/// Tags, in their owner's order.
pub(super) struct TagList<'a>(pub &'a Tags);

impl Items for TagList<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn any(&self, test: &mut dyn FnMut(Field<'_>) -> bool) -> bool {
        self.0.iter().any(|tag| test(Field::Text(tag)))
    }
}

/// The tags of a check that is of no instance.
pub(super) struct NoTags;

impl Items for NoTags {
    fn is_empty(&self) -> bool {
        true
    }

    fn any(&self, _: &mut dyn FnMut(Field<'_>) -> bool) -> bool {
        false
    }
}

/// Free pairs.
pub(super) struct PairMap<'a>(pub &'a Pairs);

impl Entries for PairMap<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn get(&self, key: &str) -> Option<Field<'_>> {
        self.0.get(key).map(Field::Text)
    }
}

/// An address of one kind.
pub(super) struct AddressView<'a> {
    kind: &'a str,
    address: &'a str,
    port: u16,
}

record! {
    pub(super) static ADDRESS: for<'a> AddressView<'a> as view {
        Address: Kind::String => Field::Text(view.address),
        Port: Kind::Int => Field::Int(i64::from(view.port)),
    }
}

/// Addresses by kind.
pub(super) struct AddressMap<'a>(Vec<AddressView<'a>>);

impl<'a> AddressMap<'a> {
    pub(super) fn of(addresses: &'a [(SmolStr, ServiceAddress)]) -> AddressMap<'a> {
        let view = |(kind, at): &'a (SmolStr, ServiceAddress)| AddressView {
            kind,
            address: &at.address,
            port: at.port,
        };
        AddressMap(addresses.iter().map(view).collect())
    }
}

impl Entries for AddressMap<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn get(&self, key: &str) -> Option<Field<'_>> {
        self.0.iter().find(|address| address.kind == key).map(AsField::as_field)
    }
}

//! A filter: an expression that suits a schema, ready to be asked.

use std::fmt;
use std::sync::Arc;

use crate::check::{self, Checked};
use crate::error::FilterError;
use crate::evaluate;
use crate::expression::Expression;
use crate::record::Record;
use crate::schema::Schema;

/// An expression that suits a schema. It can be shared, and asked from many places at once.
pub struct Filter {
    schema: &'static Schema,
    expression: Arc<Expression>,
    checked: Checked,
}

impl Filter {
    /// Reads an expression and holds it against a schema. An empty text is an error here: where it means "everything", as
    /// in Consul's query string, the caller makes no filter.
    ///
    /// # Errors
    /// Whatever [`FilterError`] tells; Consul answers 500 with [`FilterError::reply`].
    pub fn new(text: &str, schema: &'static Schema) -> Result<Self, FilterError> {
        let expression = Expression::parse(text)?;
        let checked = check::check(&expression, schema)?;
        Ok(Self { schema, expression, checked })
    }

    /// Whether a record is among those that were asked for. The record has to be of the filter's schema: another one
    /// stops a build with assertions, and is answered wrongly by one without.
    pub fn matches(&self, record: &dyn Record) -> bool {
        debug_assert!(std::ptr::eq(record.schema(), self.schema), "a record of another schema");
        evaluate::holds(&self.checked, record)
    }

    /// What it was held against.
    pub fn schema(&self) -> &'static Schema {
        self.schema
    }

    /// What was read.
    pub fn expression(&self) -> &Expression {
        &self.expression
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filter({}: {})", self.schema.name, self.expression)
    }
}

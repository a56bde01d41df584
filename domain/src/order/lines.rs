//! What a customer asks for.

use crate::value::{EntityId, Money, Quantity, refused};
use crate::{ValidationError, ValidationErrors};

const MAX_LINES: usize = 100;

/// One line as the client gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenLine<'a> {
    pub product_id: &'a str,
    pub quantity: i64,
    /// What the client thinks that one piece costs, if it says so.
    pub unit_price: Option<Money>,
    /// What the client thinks that the line costs, if it says so.
    pub subtotal: Option<Money>,
}

/// One product of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    pub product_id: EntityId,
    /// How many pieces, of all the lines that named it.
    pub quantity: Quantity,
    /// Where the client named it first.
    pub(super) field: String,
}

/// What the client thinks that one of its lines costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expectation {
    pub(super) product_id: EntityId,
    pub(super) quantity: Quantity,
    pub(super) unit_price: Option<Money>,
    pub(super) subtotal: Option<Money>,
}

/// 1 to 100 lines, each product once: repeated ones are added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLines {
    lines: Vec<OrderLine>,
    expectations: Vec<Expectation>,
}

impl OrderLines {
    /// `field` is the name of the list; a finding names the line and its part, such as `items[2].quantity`.
    ///
    /// # Errors
    /// No lines or more than 100 (before they are added up), a product id that is none, a quantity outside 1 to
    /// 1,000, or more than 1,000 pieces of one product in all its lines.
    pub fn parse(field: &str, given: &[GivenLine<'_>]) -> Result<Self, ValidationErrors> {
        let mut findings = ValidationErrors::default();
        let mut parsed = Self {
            lines: Vec::new(),
            expectations: Vec::new(),
        };
        if given.is_empty() || given.len() > MAX_LINES {
            let rule = format!("have 1 to {MAX_LINES} entries, got {}", given.len());
            findings.check::<()>(Err(refused(field, &rule)));
            return Err(findings);
        }
        for (index, line) in given.iter().enumerate() {
            let place = |part: &str| format!("{field}[{index}].{part}");
            let (product_field, quantity_field) = (place("productId"), place("quantity"));
            let product_id = findings.check(EntityId::parse(&product_field, line.product_id));
            let quantity = findings.check(Quantity::parse(&quantity_field, line.quantity));
            if let (Some(product_id), Some(quantity)) = (product_id, quantity) {
                let expectation = Expectation {
                    product_id,
                    quantity,
                    unit_price: line.unit_price,
                    subtotal: line.subtotal,
                };
                findings.check(parsed.add(expectation, product_field, &quantity_field));
            }
        }
        findings.none(parsed)
    }

    /// The lines, each product once, in the order in which they were first named.
    pub fn iter(&self) -> impl Iterator<Item = &OrderLine> {
        self.lines.iter()
    }

    pub(super) fn expectations(&self) -> impl Iterator<Item = &Expectation> {
        self.expectations.iter()
    }

    fn add(
        &mut self,
        line: Expectation,
        product_field: String,
        quantity_field: &str,
    ) -> Result<(), ValidationError> {
        let known = |known: &&mut OrderLine| known.product_id == line.product_id;
        if let Some(known) = self.lines.iter_mut().find(known) {
            known.quantity = known.quantity.plus(quantity_field, line.quantity)?;
        } else {
            self.lines.push(OrderLine {
                product_id: line.product_id.clone(),
                quantity: line.quantity,
                field: product_field,
            });
        }
        self.expectations.push(line);
        Ok(())
    }
}

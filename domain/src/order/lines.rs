//! The lines of an order.

use crate::value::{EntityId, Money, Quantity, invalid};
use crate::{ValidationError, ValidationErrors};

const MAX_LINES: usize = 100;

/// One line of the client's input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenLine<'a> {
    pub product_id: &'a str,
    pub quantity: i64,
    /// The price of one piece that the client expects.
    pub unit_price: Option<Money>,
    /// The price of the line that the client expects.
    pub subtotal: Option<Money>,
}

/// One product of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    pub product_id: EntityId,
    /// The sum over all lines with this product.
    pub quantity: Quantity,
    /// The field of the first line with this product, for errors.
    pub(super) field: String,
}

/// The prices that the client expects for one of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expectation {
    pub(super) product_id: EntityId,
    pub(super) quantity: Quantity,
    pub(super) unit_price: Option<Money>,
    pub(super) subtotal: Option<Money>,
}

/// 1 to 100 lines, each product once: quantities of a repeated product are added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLines {
    lines: Vec<OrderLine>,
    expectations: Vec<Expectation>,
}

impl OrderLines {
    /// `field` is the name of the list; an error names the line and its part, such as `items[2].quantity`.
    ///
    /// # Errors
    /// No lines or more than 100 (before repeated products are added), an invalid product id, a quantity outside 1 to
    /// 1,000, or more than 1,000 pieces of one product in all its lines.
    pub fn parse(field: &str, given: &[GivenLine<'_>]) -> Result<Self, ValidationErrors> {
        let mut errors = ValidationErrors::default();
        let mut parsed = Self {
            lines: Vec::new(),
            expectations: Vec::new(),
        };
        if given.is_empty() || given.len() > MAX_LINES {
            let rule = format!("have 1 to {MAX_LINES} entries, got {}", given.len());
            errors.check::<()>(Err(invalid(field, &rule)));
            return Err(errors);
        }
        for (index, line) in given.iter().enumerate() {
            let place = |part: &str| format!("{field}[{index}].{part}");
            let (product_field, quantity_field) = (place("productId"), place("quantity"));
            let product_id = errors.check(EntityId::parse(&product_field, line.product_id));
            let quantity = errors.check(Quantity::parse(&quantity_field, line.quantity));
            if let (Some(product_id), Some(quantity)) = (product_id, quantity) {
                let expectation = Expectation {
                    product_id,
                    quantity,
                    unit_price: line.unit_price,
                    subtotal: line.subtotal,
                };
                errors.check(parsed.add(expectation, product_field, &quantity_field));
            }
        }
        errors.none(parsed)
    }

    /// Each product once, in the order of first occurrence.
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

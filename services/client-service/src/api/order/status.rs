//! The status of an order.

use async_graphql::Enum;
use contract::query;
use graphql_http::ApiError;

/// The status of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderStatus {
    /// Created; its saga has not started.
    Pending,
    /// Its saga reserves the stock, takes the payment and arranges the shipment.
    Processing,
    /// Paid, and its shipment arranged. `shipOrder` is accepted.
    Confirmed,
    /// Shipped; it can no longer be cancelled. `deliverOrder` is accepted.
    Shipped,
    /// Delivered to the customer; final.
    Delivered,
    /// Cancelled by a user, or because a step was declined: it holds no stock, no money and no shipment. Final.
    Cancelled,
    /// Its saga is suspended until an operator resumes it, or was closed by an operator.
    Failed,
}

impl OrderStatus {
    /// From its number in the messages, which is the same in both services' enums.
    ///
    /// # Errors
    /// There is no such status.
    pub fn from_number(number: i32) -> Result<Self, ApiError> {
        use query::OrderStatus as Wire;
        match Wire::try_from(number) {
            Ok(Wire::Pending) => Ok(Self::Pending),
            Ok(Wire::Processing) => Ok(Self::Processing),
            Ok(Wire::Confirmed) => Ok(Self::Confirmed),
            Ok(Wire::Shipped) => Ok(Self::Shipped),
            Ok(Wire::Delivered) => Ok(Self::Delivered),
            Ok(Wire::Cancelled) => Ok(Self::Cancelled),
            Ok(Wire::Failed) => Ok(Self::Failed),
            Ok(Wire::Unspecified) | Err(_) => {
                Err(ApiError::internal(format!("no order status {number}")))
            }
        }
    }

    /// Its number in the messages.
    #[must_use]
    pub const fn number(self) -> i32 {
        use query::OrderStatus as Wire;
        (match self {
            Self::Pending => Wire::Pending,
            Self::Processing => Wire::Processing,
            Self::Confirmed => Wire::Confirmed,
            Self::Shipped => Wire::Shipped,
            Self::Delivered => Wire::Delivered,
            Self::Cancelled => Wire::Cancelled,
            Self::Failed => Wire::Failed,
        }) as i32
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::resolver_utils::EnumType;

    use super::OrderStatus;
    use graphql_http::Code;

    #[test]
    fn only_the_numbers_of_statuses_are_accepted() {
        for (number, item) in (1..).zip(OrderStatus::items()) {
            assert_eq!(OrderStatus::from_number(number), Ok(item.value));
            assert_eq!(item.value.number(), number);
        }
        for number in [-1, 0, 8] {
            let error = OrderStatus::from_number(number).expect_err("no status");
            assert_eq!(error.code, Code::InternalError);
        }
    }
}

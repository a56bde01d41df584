//! Messages about categories from answers.

use contract::proto::Category;
use contract::time::to_timestamp;
use domain::category::CategoryValues;

use super::super::reply::signed;

pub(in crate::grpc) fn category(values: &CategoryValues, version: u64) -> Category {
    Category {
        id: values.id.to_string(),
        name: values.name.as_str().to_owned(),
        created_at: Some(to_timestamp(values.created_at)),
        updated_at: Some(to_timestamp(values.updated_at)),
        description: values
            .description
            .as_ref()
            .map(|text| text.as_str().to_owned()),
        version: signed(version),
    }
}

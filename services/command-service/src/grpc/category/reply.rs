//! Converts categories into messages.

use contract::proto::Category;
use contract::time::to_timestamp;
use domain::category;

use super::super::reply::signed;

/// The category, or its last state before deletion; `None` if it never existed.
pub(in crate::grpc) fn category(category: &category::Category) -> Option<Category> {
    let values = category.lifecycle().last()?;
    Some(Category {
        id: values.id.to_string(),
        name: values.name.as_str().to_owned(),
        created_at: Some(to_timestamp(values.created_at)),
        updated_at: Some(to_timestamp(values.updated_at)),
        description: values
            .description
            .as_ref()
            .map(|text| text.as_str().to_owned()),
        version: signed(category.version().0),
    })
}

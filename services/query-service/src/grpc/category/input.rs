//! Converts messages into queries of categories.

use contract::query::{
    self, CategoryConnectionRequest, CategoryPaginationRequest, CategorySearchRequest, CategorySort,
};
use tonic::Status;

use super::super::input;
use crate::queries::{
    CategorySearch, CategorySortField, PageSlice, Sort, SortDirection, SortField,
};

fn sort(given: Option<CategorySort>) -> Result<Sort<CategorySortField>, Status> {
    use query::CategorySortField as Wire;
    let given = given.unwrap_or_default();
    let field = match Wire::try_from(given.field) {
        Ok(Wire::Unspecified | Wire::Name) => CategorySortField::Name,
        Ok(Wire::CreatedAt) => CategorySortField::CreatedAt,
        Err(_) => {
            let names = ["NAME", "CREATED_AT"];
            return Err(input::unknown("sort.field", &names, given.field));
        }
    };
    let direction = input::direction(given.direction, SortDirection::Ascending)?;
    Ok(Sort { field, direction })
}

pub(super) fn search(request: &CategorySearchRequest) -> Result<CategorySearch, Status> {
    Ok(CategorySearch {
        term: input::term("search_term", &request.search_term)?,
        sort: sort(request.sort)?,
        ..CategorySearch::default()
    })
}

pub(super) fn page(request: &CategoryPaginationRequest) -> Result<CategorySearch, Status> {
    Ok(CategorySearch {
        sort: sort(request.sort)?,
        window: input::page(request.page, request.per_page)?,
        ..CategorySearch::default()
    })
}

pub(super) fn connection(
    request: CategoryConnectionRequest,
) -> Result<(Sort<CategorySortField>, PageSlice), Status> {
    let sort = sort(request.sort)?;
    Ok((sort, input::slice(request.slice, sort.field.columns())?))
}

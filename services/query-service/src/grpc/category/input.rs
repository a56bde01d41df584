//! Converts messages into queries of categories.

use contract::query::CategoryPaginationRequest;
use tonic::Status;

use super::super::input;
use crate::queries::Pagination;

pub(super) fn page(request: CategoryPaginationRequest) -> Result<Pagination, Status> {
    input::page(request.page, request.per_page)
}

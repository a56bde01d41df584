//! What is asked of categories, from messages.

use contract::query::CategoryPaginationRequest;
use tonic::Status;

use super::super::input;
use crate::reads::Window;

pub(super) fn page(request: CategoryPaginationRequest) -> Result<Window, Status> {
    input::page(request.page, request.per_page)
}

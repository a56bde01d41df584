//! Connections: parts of a list, with a cursor for each item.

use async_graphql::{OutputType, SimpleObject};
use contract::query;

use super::super::category::Category;
use super::super::convert::to_int;
use super::super::order::Order;
use super::super::product::Product;
use super::cursor::ListScope;
use graphql_http::{ApiError, Weighs};

/// A part of a list.
#[derive(Debug, SimpleObject)]
#[graphql(concrete(name = "CategoryConnection", params(Category)))]
#[graphql(concrete(name = "ProductConnection", params(Product)))]
#[graphql(concrete(name = "OrderConnection", params(Order)))]
pub struct Connection<N>
where
    N: OutputType,
    Edge<N>: OutputType,
{
    /// The items, in the order of the list.
    edges: Vec<Edge<N>>,
    /// What is known about the rest of the list.
    page_info: PageInfo,
    /// The number of items of the whole list. It is counted only if it is selected.
    total_count: i32,
}

/// An item of a list, and its place.
#[derive(Debug, SimpleObject)]
// It counts as part of its node.
#[graphql(directive = Weighs::apply(0))]
#[graphql(concrete(name = "CategoryEdge", params(Category)))]
#[graphql(concrete(name = "ProductEdge", params(Product)))]
#[graphql(concrete(name = "OrderEdge", params(Order)))]
pub struct Edge<N: OutputType> {
    /// The place of the item, for `after` and `before` of the same connection with the same filter and `sortBy`.
    cursor: String,
    /// The item.
    node: N,
}

/// What is known about the rest of a list.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(directive = Weighs::apply(0))]
pub struct PageInfo {
    /// Whether the list has items after these.
    has_next_page: bool,
    /// Whether the list has items before these.
    has_previous_page: bool,
    /// The cursor of the first item; null if there is none.
    start_cursor: Option<String>,
    /// The cursor of the last item; null if there is none.
    end_cursor: Option<String>,
}

/// A connection of the rows of a reply.
///
/// # Errors
/// An item is not valid, or the reply lacks a key or what is known about the rest of the list.
pub fn connection<N>(
    list: &ListScope,
    page: Option<query::PageInfo>,
    edges: impl Iterator<Item = (Option<query::RowKey>, Result<N, ApiError>)>,
) -> Result<Connection<N>, ApiError>
where
    N: OutputType,
    Edge<N>: OutputType,
{
    let missing = || ApiError::internal("a part of a list without keys or page");
    let page = page.ok_or_else(missing)?;
    let edge = |(key, node): (Option<query::RowKey>, _)| {
        Ok(Edge {
            cursor: list.cursor(&key.ok_or_else(missing)?)?,
            node: node?,
        })
    };
    let edges: Vec<Edge<N>> = edges.map(edge).collect::<Result<_, ApiError>>()?;
    Ok(Connection {
        page_info: PageInfo {
            has_next_page: page.has_next_page,
            has_previous_page: page.has_previous_page,
            start_cursor: edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: edges.last().map(|edge| edge.cursor.clone()),
        },
        // Counted if it is selected, so the default is never shown.
        total_count: to_int(page.total_count.unwrap_or_default()),
        edges,
    })
}

//! Objects by their global id.

use async_graphql::{Context, ID, Interface, Object};
use event_sourcing::quoted;
use futures::future::join_all;

use super::super::arguments;
use super::super::category::Category;
use super::super::order::Order;
use super::super::product::Product;
use super::global_id::{NodeType, parse};
use crate::upstream::{RequestContext, load};
use graphql_http::{ApiError, OpenToAnyone, SizedBy, or_null, or_null_item};

/// The maximum number of ids of `nodes`.
const MAX_IDS: usize = 100;

/// An object with an id that no object of any type shares: a category, a product or an order.
#[derive(Debug, Interface)]
#[graphql(field(
    name = "node_id",
    ty = "ID",
    desc = "The id of the object among all objects. `id` is unique among those of its type."
))]
pub enum Node {
    Category(Box<Category>),
    Product(Box<Product>),
    Order(Box<Order>),
}

/// Queries of objects of any type.
#[derive(Debug, Default)]
pub struct NodeQueries;

async fn by_id(context: &Context<'_>, field: &str, id: &ID) -> Result<Node, ApiError> {
    let scope = RequestContext::of(context)?;
    let Some((of, plain)) = parse(id) else {
        let rule = format!("must be the nodeId of an object, got {}", quoted(id));
        return Err(ApiError::invalid(field, rule));
    };
    let found = match of {
        NodeType::Category => load::category(scope, &plain).await?.map(|row| {
            Category::from_row(row.as_ref().clone()).map(|category| Node::Category(category.into()))
        }),
        NodeType::Product => load::product(scope, &plain).await?.map(|row| {
            Product::from_row(row.as_ref().clone()).map(|product| Node::Product(product.into()))
        }),
        NodeType::Order => load::order(scope, &plain).await?.map(|row| {
            Order::from_row(row.as_ref().clone()).map(|order| Node::Order(order.into()))
        }),
    };
    found.unwrap_or_else(|| Err(ApiError::not_found("object", "nodeId", id)))
}

#[Object]
impl NodeQueries {
    /// The object with this `nodeId`. Null with the error `NOT_FOUND` if there is none, `VALIDATION_ERROR` if it is no `nodeId`.
    #[graphql(directive = OpenToAnyone::apply())]
    async fn node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `nodeId` of a category, a product or an order.")] id: ID,
    ) -> Option<Node> {
        or_null(context, by_id(context, "id", &id).await)
    }

    /// The objects with these `nodeId`s, in the same order. Null with the error `NOT_FOUND` for those that do not exist.
    #[graphql(directive = SizedBy::apply("ids", 100), directive = OpenToAnyone::apply())]
    async fn nodes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "1 to 100 values of `nodeId`, else `VALIDATION_ERROR`.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>, ApiError> {
        let ids = arguments::list("ids", MAX_IDS, &ids)?;
        let loads = ids.map(|(place, id)| async move { by_id(context, &place, id).await });
        let found = join_all(loads).await.into_iter().enumerate();
        Ok(found
            .map(|(index, node)| or_null_item(context, index, node))
            .collect())
    }
}

//! The schema matches the contract and its golden file.

use anyhow::Result;
use test_shop::Request;

use super::test_gateway::TestGateway;

const GOLDEN: &str = include_str!("../../../../docs/reference/schema.graphql");

/// The fields of all types, from the contract's tables.
const CONTRACT: &[(&str, &[&str])] = &[
    (
        "type Category implements Node {",
        &[
            "id: ID!",
            "nodeId: ID!",
            "name: String!",
            "description: String",
            "productCount: Int!",
            "products(limit: Int): [Product!]!",
            "version: Int!",
            "createdAt: DateTime!",
            "updatedAt: DateTime!",
        ],
    ),
    (
        "type Product implements Node {",
        &[
            "id: ID!",
            "nodeId: ID!",
            "name: String!",
            "description: String",
            "price: Decimal!",
            "stockQuantity: Int!",
            "onHandQuantity: Int!",
            "reservedQuantity: Int!",
            "categoryId: ID",
            "category: Category",
            "version: Int!",
            "createdAt: DateTime!",
            "updatedAt: DateTime!",
        ],
    ),
    (
        "type CategoryStatistics {",
        &[
            "totalCount: Int!",
            "hasCategories: Boolean!",
            "categoriesWithTimestamps: Int!",
        ],
    ),
    (
        "type ProductStatistics {",
        &[
            "totalCount: Int!",
            "hasProducts: Boolean!",
            "averagePrice: Float!",
            "minPrice: Float!",
            "maxPrice: Float!",
            "totalValue: Float!",
            "productsWithTimestamps: Int!",
        ],
    ),
    (
        "input CreateCategoryInput {",
        &["name: String!", "description: String"],
    ),
    (
        "input UpdateCategoryInput {",
        &[
            "id: ID!",
            "name: String!",
            "description: String",
            "expectedVersion: Int",
        ],
    ),
    (
        "input CreateProductInput {",
        &[
            "name: String!",
            "description: String",
            "price: Decimal!",
            "categoryId: ID",
            "stockQuantity: Int = 0",
        ],
    ),
    (
        "input UpdateProductInput {",
        &[
            "id: ID!",
            "name: String",
            "description: String",
            "price: Decimal",
            "categoryId: ID",
            "expectedVersion: Int",
        ],
    ),
    (
        "type Order implements Node {",
        &[
            "id: ID!",
            "nodeId: ID!",
            "userId: ID!",
            "status: OrderStatus!",
            "totalAmount: Decimal!",
            "items: [OrderItem!]!",
            "shippingAddress: ShippingAddress",
            "sagaState: SagaState",
            "trackingNumber: String",
            "version: Int!",
            "createdAt: DateTime!",
            "updatedAt: DateTime!",
        ],
    ),
    (
        "type OrderItem {",
        &[
            "productId: ID!",
            "productName: String!",
            "quantity: Int!",
            "price: Decimal!",
            "subtotal: Decimal!",
            "product: Product",
        ],
    ),
    (
        "type ShippingAddress {",
        &["street: String!", "city: String!", "postalCode: String!"],
    ),
    (
        "type SagaState {",
        &[
            "type: String!",
            "state: String!",
            "status: SagaStatus!",
            "currentStep: String",
            "completedSteps: [String!]!",
            "compensatedSteps: [String!]!",
            "failureReason: String",
            "startedAt: DateTime!",
            "completedAt: DateTime",
        ],
    ),
    (
        "type SagaStatusInfo {",
        &[
            "sagaId: ID!",
            "type: String!",
            "state: String!",
            "currentStep: String",
            "completedSteps: [String!]!",
            "compensatedSteps: [String!]!",
            "error: String",
            "startedAt: DateTime!",
            "completedAt: DateTime",
        ],
    ),
    (
        "enum OrderStatus {",
        &[
            "PENDING",
            "PROCESSING",
            "CONFIRMED",
            "SHIPPED",
            "DELIVERED",
            "CANCELLED",
            "FAILED",
        ],
    ),
    (
        "enum SagaStatus {",
        &[
            "STARTED",
            "RUNNING",
            "COMPENSATING",
            "COMPLETED",
            "FAILED",
            "COMPENSATED",
            "SUSPENDED",
        ],
    ),
    (
        "input CreateOrderInput {",
        &[
            "userId: ID!",
            "items: [OrderItemInput!]!",
            "shippingAddress: ShippingAddressInput",
        ],
    ),
    (
        "input OrderItemInput {",
        &["productId: ID!", "quantity: Int!"],
    ),
    (
        "input CancelOrderInput {",
        &["orderId: ID!", "reason: String"],
    ),
    (
        "input ShippingAddressInput {",
        &["street: String!", "city: String!", "postalCode: String!"],
    ),
    (
        "type Query {",
        &[
            "category(id: ID!): Category",
            "categoryByName(name: String!): Category",
            "categories(sortBy: CategorySort): [Category!]!",
            "searchCategories(searchTerm: String!, sortBy: CategorySort): [Category!]!",
            "categoriesPaginated(page: Int!, perPage: Int!, sortBy: CategorySort): [Category!]!",
            "categoriesConnection(first: Int, after: String, last: Int, before: String, sortBy: CategorySort): CategoryConnection!",
            "categoryStatistics: CategoryStatistics!",
            "categoryExists(id: ID!): Boolean!",
            "product(id: ID!): Product",
            "productByName(name: String!): Product",
            "products(categoryId: ID, limit: Int, offset: Int, sortBy: ProductSort): [Product!]!",
            "productsConnection(first: Int, after: String, last: Int, before: String, categoryId: ID, sortBy: ProductSort): ProductConnection!",
            "searchProducts(searchTerm: String!, sortBy: ProductSort): [Product!]!",
            "productsPaginated(page: Int!, perPage: Int!, sortBy: ProductSort): [Product!]!",
            "productsByCategory(categoryId: ID!, sortBy: ProductSort): [Product!]!",
            "productsByPriceRange(minPrice: Float!, maxPrice: Float!, sortBy: ProductSort): [Product!]!",
            "productStatistics: ProductStatistics!",
            "productExists(id: ID!): Boolean!",
            "order(id: ID!): Order",
            "orders(status: OrderStatus, limit: Int, offset: Int, createdAfter: DateTime, createdBefore: DateTime, sortBy: OrderSort): [Order!]!",
            "userOrders(userId: ID!, status: OrderStatus, limit: Int, offset: Int, createdAfter: DateTime, createdBefore: DateTime, sortBy: OrderSort): [Order!]!",
            "ordersConnection(userId: ID, first: Int, after: String, last: Int, before: String, status: OrderStatus, createdAfter: DateTime, createdBefore: DateTime, sortBy: OrderSort): OrderConnection!",
            "sagaStatus(orderId: ID!): SagaStatusInfo",
            "sagaState(orderId: ID!): SagaState",
            "node(id: ID!): Node",
            "nodes(ids: [ID!]!): [Node]!",
        ],
    ),
    ("interface Node {", &["nodeId: ID!"]),
    (
        "type PageInfo {",
        &[
            "hasNextPage: Boolean!",
            "hasPreviousPage: Boolean!",
            "startCursor: String",
            "endCursor: String",
        ],
    ),
    (
        "type CategoryConnection {",
        &[
            "edges: [CategoryEdge!]!",
            "pageInfo: PageInfo!",
            "totalCount: Int!",
        ],
    ),
    (
        "type CategoryEdge {",
        &["cursor: String!", "node: Category!"],
    ),
    (
        "type ProductConnection {",
        &[
            "edges: [ProductEdge!]!",
            "pageInfo: PageInfo!",
            "totalCount: Int!",
        ],
    ),
    ("type ProductEdge {", &["cursor: String!", "node: Product!"]),
    (
        "type OrderConnection {",
        &[
            "edges: [OrderEdge!]!",
            "pageInfo: PageInfo!",
            "totalCount: Int!",
        ],
    ),
    ("type OrderEdge {", &["cursor: String!", "node: Order!"]),
    ("enum SortDirection {", &["ASC", "DESC"]),
    ("enum CategorySortField {", &["NAME", "CREATED_AT"]),
    ("enum ProductSortField {", &["NAME", "PRICE", "CREATED_AT"]),
    ("enum OrderSortField {", &["CREATED_AT"]),
    (
        "input CategorySort {",
        &["field: CategorySortField!", "direction: SortDirection!"],
    ),
    (
        "input ProductSort {",
        &["field: ProductSortField!", "direction: SortDirection!"],
    ),
    (
        "input OrderSort {",
        &["field: OrderSortField!", "direction: SortDirection!"],
    ),
    (
        "type Mutation {",
        &[
            "createCategory(input: CreateCategoryInput!): Category!",
            "updateCategory(input: UpdateCategoryInput!): Category!",
            "deleteCategory(id: ID!): Boolean!",
            "createProduct(input: CreateProductInput!): Product!",
            "updateProduct(input: UpdateProductInput!): Product!",
            "changeProductPrice(id: ID!, newPrice: Decimal!, reason: String): Product!",
            "updateStock(productId: ID!, quantity: Int!): Product!",
            "deleteProduct(id: ID!): Boolean!",
            "createOrder(input: CreateOrderInput!): Order!",
            "cancelOrder(input: CancelOrderInput!): Boolean!",
            "shipOrder(id: ID!): Order!",
            "deliverOrder(id: ID!): Order!",
        ],
    ),
    (
        "type StockUpdate {",
        &[
            "productId: ID!",
            "newQuantity: Int!",
            "onHandQuantity: Int!",
            "updatedAt: DateTime!",
        ],
    ),
    (
        "type Subscription {",
        &[
            "categoryCreated(after: String): Category!",
            "categoryUpdated(id: ID, after: String): Category!",
            "categoryDeleted(after: String): ID!",
            "productCreated(after: String): Product!",
            "productUpdated(id: ID, after: String): Product!",
            "productDeleted(after: String): ID!",
            "stockUpdated(productIds: [ID!]!, after: String): StockUpdate!",
            "orderUpdated(orderId: ID!, after: String): Order!",
        ],
    ),
];

/// A line of SDL without its directives.
fn without_directives(line: &str) -> String {
    match line.split_once(" @") {
        Some((definition, directives)) if directives.ends_with(" {") => format!("{definition} {{"),
        Some((definition, _)) => definition.to_owned(),
        None => line.to_owned(),
    }
}

/// The schema without descriptions and directives, each field on one line with its arguments.
fn plain(sdl: &str) -> String {
    let mut in_text = false;
    let mut lines: Vec<String> = Vec::new();
    for line in sdl.lines() {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        if line == "\"\"\"" {
            in_text = !in_text;
        } else if !in_text && !line.is_empty() {
            match lines.last_mut() {
                Some(open) if open.contains('(') && !open.contains(')') => {
                    open.push(' ');
                    open.push_str(&line);
                }
                _ => lines.push(line),
            }
        }
    }
    let lines = lines.iter().map(|line| {
        let line = line.replace("( ", "(").replace(" )", ")");
        without_directives(&line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_schema_matches_the_contract_exactly() {
    let golden = format!("\n{}", plain(GOLDEN));
    for (head, fields) in CONTRACT {
        let (_, rest) = golden
            .split_once(&format!("\n{head}\n"))
            .unwrap_or_else(|| panic!("{head}"));
        let (body, _) = rest
            .split_once("\n}")
            .unwrap_or_else(|| panic!("{head} has no end"));
        let found: Vec<&str> = body.lines().collect();
        assert_eq!(&found, fields, "{head}");
    }
}

#[tokio::test]
async fn the_served_schema_matches_its_golden_file() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let reply = gateway.send(&Request::get("/schema.graphql")).await?;
    let served = String::from_utf8(reply.body.to_vec())?;
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(
            concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../docs/reference/schema.graphql"
            ),
            &served,
        )?;
        return Ok(());
    }
    assert_eq!(served, GOLDEN, "UPDATE_GOLDEN=1 rewrites it");
    Ok(())
}

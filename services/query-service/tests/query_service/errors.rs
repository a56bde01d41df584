//! Failures of the database are reported without its error texts.

use contract::query::{Empty, ProductQueryRequest};
use event_sourcing::SystemClock;
use read_model_sql::Database;
use std::sync::Arc;
use tonic::Code;

use crate::support::{TestService, at, product};

#[tokio::test]
async fn database_errors_are_not_exposed() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let head = world.append(vec![product("p", "P", "1", None)]).await;
        let request = ProductQueryRequest { id: "p".to_owned() };
        let found = service.products.get_product(at(head, request)).await;
        found.expect("found");
        let database = Database::open(&world.url, 1, Arc::new(SystemClock))
            .await
            .expect("a database");
        let mut transaction = database.begin().await.expect("a transaction");
        transaction
            .run_script("break it", "DROP VIEW products; DROP TABLE products_g1")
            .await
            .expect("dropped");
        transaction.commit("break it").await.expect("committed");
        let error = service.products.list_products(at(head, Empty {})).await;
        let error = error.expect_err("no such table");
        assert_eq!(error.code(), Code::Internal);
        assert!(contract::status::error_id(&error).is_some());
        for word in ["products", "SELECT", "view", "table", "sql"] {
            assert!(!error.message().contains(word), "{}", error.message());
        }
        database.close().await;
        service.stop().await;
    }
}

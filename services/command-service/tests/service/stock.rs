//! The rules of stock.

use crate::support::{Service, on_both_engines};

#[tokio::test]
async fn stock_is_set_and_has_its_own_version() {
    on_both_engines(async |service: &Service| {
        let id = service.product("Counted").await.id;
        for (version, quantity) in [(2, 5), (3, 0), (4, 1_000_000_000)] {
            let stock = service.update_stock(&id, quantity).await.expect("set");
            assert_eq!(stock.product_id, id);
            assert_eq!((stock.on_hand, stock.available), (quantity, quantity));
            assert_eq!((stock.reserved, stock.version), (0, version));
            assert!(stock.updated_at.is_some());
        }
        let before = service.head().await;
        let same = service.update_stock(&id, 1_000_000_000).await.expect("set");
        assert_eq!((same.version, service.head().await), (4, before));
        // The product's own version does not change.
        let deleted = service.delete_product(&id).await.expect("deleted");
        assert_eq!(deleted.version, 2);
    })
    .await;
}

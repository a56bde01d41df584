//! Who may call which method.

use authentication::Access;

/// `None` if there is no such method. The catalogue is public. Of orders and their sagas, a customer gets those of its own:
/// the methods see to that.
pub(super) fn access(path: &str) -> Option<Access> {
    let (service, method) = path.strip_prefix("/query.")?.split_once('/')?;
    let access = match (service, method) {
        (
            "CategoryQuery",
            "GetCategory"
            | "GetCategoryByName"
            | "ListCategories"
            | "SearchCategories"
            | "ListCategoriesPaginated"
            | "GetCategoriesByIds"
            | "GetCategoryStatistics"
            | "CategoryExists"
            | "ListCategoriesConnection",
        )
        | (
            "ProductQuery",
            "GetProduct"
            | "GetProductWithCategory"
            | "GetProductByName"
            | "ListProducts"
            | "ListProductsWithCategories"
            | "GetProductsByCategory"
            | "SearchProducts"
            | "GetProductsByPriceRange"
            | "ListProductsSortedByPrice"
            | "ListProductsPaginated"
            | "GetProductsByIds"
            | "SearchProductsAdvanced"
            | "GetProductStatistics"
            | "GetCategoryProductStatistics"
            | "ProductExists"
            | "ListProductsWindow"
            | "GetProductsByCategories"
            | "ListProductsConnection",
        ) => Access::Anyone,
        ("OrderQuery", "GetOrder" | "GetOrders" | "ListUserOrders" | "ListOrdersConnection")
        | ("SagaQuery", "GetSagaByOrder" | "GetSagasByOrders") => Access::Customer,
        // A stream has the changes of all orders: the gateway follows it for all of its subscribers.
        ("OrderQuery", "ListOrders")
        | ("SagaQuery", "ListSagas")
        | ("ChangeQuery", "FollowChanges")
        | ("ProjectionQuery", "ListProjections" | "ShowProjection")
        | (
            "ProjectionAdmin",
            "StartRebuild" | "ShowRebuild" | "SwapRebuild" | "RevertRebuild" | "DropGeneration"
            | "AbortRebuild",
        ) => Access::Admin,
        _ => return None,
    };
    Some(access)
}

#[cfg(test)]
mod tests {
    use authentication::Access;

    use super::access;

    #[test]
    fn each_method_states_who_may_call_it() {
        let methods = contract::methods("query");
        assert!(methods.len() > 30, "{methods:?}");
        for method in methods {
            let stated = access(&method);
            assert!(stated.is_some(), "{method}");
            let is_catalogue = ["Category", "Product"]
                .iter()
                .any(|entity| method.starts_with(&format!("/query.{entity}Query/")));
            assert_eq!(stated == Some(Access::Anyone), is_catalogue, "{method}");
        }
        assert_eq!(access("/query.OrderQuery/Unknown"), None);
        assert_eq!(access("/proto.Admin/Status"), None);
    }
}

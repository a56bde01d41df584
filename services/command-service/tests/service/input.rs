//! Bad input of every class at every command gets its error and changes nothing.

use contract::business::field_errors;
use contract::proto::{CategoryUpParam, Crud, Error, PriceUpParam, ProductUpParam};
use tonic::Code;

use crate::support::{
    Service, assert_invalid, category_change, named_category, named_product, on_both_engines,
    product_change,
};

/// Text that is fine anywhere: it means nothing to any part of the system.
const ODD_BUT_FINE: [&str; 5] = [
    "Robert'); DROP TABLE events;--",
    "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467} %_\\",
    "\u{202E}right to left\u{202C}",
    "{\"$gt\": \"\"} <script>alert(1)</script>",
    "null",
];

const BAD_IDS: [&str; 7] = ["", " ", "a b", "a/b", "ä", "a\0", "'; --"];
const BAD_PRICES: [&str; 12] = [
    "", " ", "abc", "0", "0.00", "-0.01", "1000000", "19.999", "1e9", "NaN", "12,50", "1.2.3",
];

fn too_long(limit: usize) -> String {
    "\u{1F600}".repeat(limit + 1)
}

fn is<T>(result: Result<T, Error>) -> Result<(), Error> {
    result.map(|_| ())
}

/// Sends each bad message, and requires that it names the field and leaves the log alone.
async fn all_refused<M: Clone + std::fmt::Debug>(
    service: &Service,
    field: &str,
    messages: Vec<M>,
    send: impl AsyncFn(M) -> Result<(), Error>,
) {
    let before = service.head().await;
    for message in messages {
        let refused = send(message.clone()).await;
        assert!(refused.is_err(), "{field}: {message:?} was accepted");
        assert_invalid(&refused, field);
    }
    assert_eq!(service.head().await, before);
}

fn bad_ids() -> Vec<String> {
    let mut ids: Vec<String> = BAD_IDS.map(str::to_owned).to_vec();
    ids.push("x".repeat(65));
    ids
}

#[tokio::test]
async fn categories_refuse_bad_input() {
    on_both_engines(async |service: &Service| {
        let id = &service.category("Here").await.id;
        let create = async |param| is(service.create_category(param).await);
        let update = async |param| is(service.update_category(param).await);
        let new = named_category("Fine");
        let change = category_change(id);
        let names = ["", " \t\n", "nul\0", &too_long(100)].map(str::to_owned);
        let with_name = |param: &CategoryUpParam| {
            let param = param.clone();
            names
                .clone()
                .map(|name| CategoryUpParam {
                    name_value: Some(name),
                    ..param.clone()
                })
                .to_vec()
        };
        all_refused(service, "name", with_name(&new), create).await;
        all_refused(service, "name", with_name(&change), update).await;
        let old_names = names.clone().map(|name| CategoryUpParam {
            name,
            ..new.clone()
        });
        all_refused(service, "name", old_names.to_vec(), create).await;
        let descriptions = ["nul\0", &too_long(1_000)].map(str::to_owned);
        let with_description = |param: &CategoryUpParam| {
            let param = param.clone();
            descriptions
                .clone()
                .map(|text| CategoryUpParam {
                    description: Some(text),
                    ..param.clone()
                })
                .to_vec()
        };
        all_refused(service, "description", with_description(&new), create).await;
        all_refused(service, "description", with_description(&change), update).await;
        let both = CategoryUpParam {
            description: Some("set".to_owned()),
            clear_description: true,
            ..change.clone()
        };
        all_refused(service, "description", vec![both], update).await;
        let versions = [-1, i64::MIN].map(|version| CategoryUpParam {
            expected_version: Some(version),
            ..change.clone()
        });
        all_refused(service, "expectedVersion", versions.to_vec(), update).await;
        let new_ids = bad_ids()
            .split_off(1)
            .into_iter()
            .map(|id| CategoryUpParam { id, ..new.clone() });
        all_refused(service, "id", new_ids.collect(), create).await;
        let ids = bad_ids().into_iter().map(|id| CategoryUpParam {
            id,
            ..change.clone()
        });
        all_refused(service, "id", ids.collect(), update).await;
        let delete = async |id: String| is(service.delete_category(&id).await);
        all_refused(service, "id", bad_ids(), delete).await;
    })
    .await;
}

#[tokio::test]
async fn products_refuse_bad_input() {
    on_both_engines(async |service: &Service| {
        let id = &service.product("Here").await.id;
        let create = async |param| is(service.create_product(param).await);
        let update = async |param| is(service.update_product(param).await);
        let new = named_product("Fine");
        let change = product_change(id);
        let names = ["", " \t\n", "nul\0", &too_long(200)].map(str::to_owned);
        let descriptions = ["nul\0", &too_long(1_000)].map(str::to_owned);
        for (param, field) in [(&new, "create"), (&change, "update")] {
            let send = async |param| {
                if field == "create" {
                    create(param).await
                } else {
                    update(param).await
                }
            };
            let with = |change: &dyn Fn(&mut ProductUpParam)| {
                let mut param = param.clone();
                change(&mut param);
                param
            };
            let bad = names
                .iter()
                .map(|name| with(&|param| param.name_value = Some(name.clone())));
            all_refused(service, "name", bad.collect(), send).await;
            let bad = descriptions
                .iter()
                .map(|text| with(&|param| param.description = Some(text.clone())));
            all_refused(service, "description", bad.collect(), send).await;
            let bad = BAD_PRICES
                .iter()
                .map(|price| with(&|param| param.price_decimal = Some((*price).to_owned())));
            all_refused(service, "price", bad.collect(), send).await;
            let bad = bad_ids()
                .into_iter()
                .map(|id| with(&|param| param.category_id_value = Some(id.clone())));
            all_refused(service, "categoryId", bad.collect(), send).await;
            let both = with(&|param| {
                param.category_id = "set".to_owned();
                param.clear_category = true;
            });
            all_refused(service, "categoryId", vec![both], send).await;
        }
        let bad = [-1, 1_000_000_001, i64::MAX].map(|quantity| ProductUpParam {
            stock_quantity: Some(quantity),
            ..new.clone()
        });
        all_refused(service, "stockQuantity", bad.to_vec(), create).await;
        let on_update = ProductUpParam {
            stock_quantity: Some(1),
            ..change.clone()
        };
        all_refused(service, "stockQuantity", vec![on_update], update).await;
        let bad = bad_ids().into_iter().map(|id| ProductUpParam {
            id,
            ..change.clone()
        });
        all_refused(service, "id", bad.collect(), update).await;
        let delete = async |id: String| is(service.delete_product(&id).await);
        all_refused(service, "id", bad_ids(), delete).await;
    })
    .await;
}

#[tokio::test]
async fn prices_and_stock_refuse_bad_input() {
    on_both_engines(async |service: &Service| {
        let id = &service.product("Here").await.id;
        let send = async |param| is(service.change_price(param).await);
        let fine = PriceUpParam {
            id: id.clone(),
            new_price: "5.00".to_owned(),
            reason: None,
        };
        let bad = BAD_PRICES.map(|price| PriceUpParam {
            new_price: price.to_owned(),
            ..fine.clone()
        });
        all_refused(service, "newPrice", bad.to_vec(), send).await;
        let bad = ["nul\0", &too_long(1_000)].map(|reason| PriceUpParam {
            reason: Some(reason.to_owned()),
            ..fine.clone()
        });
        all_refused(service, "reason", bad.to_vec(), send).await;
        let bad = bad_ids()
            .into_iter()
            .map(|id| PriceUpParam { id, ..fine.clone() });
        all_refused(service, "id", bad.collect(), send).await;
        let stock = async |id: String| is(service.update_stock(&id, 1).await);
        all_refused(service, "productId", bad_ids(), stock).await;
    })
    .await;
}

#[tokio::test]
async fn odd_text_that_breaks_no_rule_is_kept_as_it_is() {
    on_both_engines(async |service: &Service| {
        for text in ODD_BUT_FINE {
            let param = CategoryUpParam {
                description: Some(text.to_owned()),
                ..named_category(text)
            };
            let category = service.create_category(param).await.expect("a category");
            assert_eq!(
                (category.name.as_str(), category.description.as_deref()),
                (text, Some(text))
            );
            let product = service.product(text).await;
            let param = ProductUpParam {
                description: Some(text.to_owned()),
                ..product_change(&product.id)
            };
            let product = service.update_product(param).await.expect("a product");
            assert_eq!(
                (product.name.as_str(), product.description.as_deref()),
                (text, Some(text))
            );
        }
        let empty = CategoryUpParam {
            description: Some(String::new()),
            ..named_category("Empty description")
        };
        let empty = service.create_category(empty).await.expect("a category");
        assert_eq!(empty.description.as_deref(), Some(""));
    })
    .await;
}

#[tokio::test]
async fn crud_says_what_the_method_says_or_nothing() {
    on_both_engines(async |service: &Service| {
        let silent = CategoryUpParam {
            crud: Crud::Unknown.into(),
            ..named_category("Silent")
        };
        let id = service.create_category(silent).await.expect("created").id;
        let wrong = [Crud::Update.into(), Crud::Delete.into(), 4, -1, i32::MAX];
        for crud in wrong {
            let category = CategoryUpParam {
                crud,
                ..named_category("Wrong")
            };
            assert_invalid(&service.create_category(category).await, "crud");
            let product = ProductUpParam {
                crud,
                ..named_product("Wrong")
            };
            assert_invalid(&service.create_product(product).await, "crud");
        }
        let wrong = CategoryUpParam {
            crud: Crud::Insert.into(),
            ..category_change(&id)
        };
        assert_invalid(&service.update_category(wrong.clone()).await, "crud");
        let deleted = service.categories.clone().delete(wrong).await;
        assert_invalid(&crate::support::category(deleted), "crud");
        let deleted = service
            .products
            .clone()
            .delete(named_product("Wrong"))
            .await;
        assert_invalid(&crate::support::product(deleted), "crud");
    })
    .await;
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    on_both_engines(async |service: &Service| {
        let wrong = ProductUpParam {
            price_decimal: Some("19.999".to_owned()),
            category_id: "not an id".to_owned(),
            stock_quantity: Some(-3),
            ..named_product("")
        };
        let error = service.create_product(wrong).await.expect_err("refused");
        let told: Vec<(String, String)> = field_errors(&error)
            .into_iter()
            .map(|error| (error.field, error.message))
            .collect();
        let fields: Vec<&str> = told.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["categoryId", "name", "price", "stockQuantity"]);
        for ((field, message), given) in told.iter().zip(["not an id", "1 to 200", "19.999", "-3"])
        {
            assert!(
                message.contains(field) && message.contains(given),
                "{message}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_that_is_too_large_is_not_read() {
    on_both_engines(async |service: &Service| {
        let large = "x".repeat(1_000_000);
        let category = named_category(&large);
        let refused = service.categories.clone().create(category).await;
        assert_eq!(refused.expect_err("refused").code(), Code::OutOfRange);
        let product = ProductUpParam {
            description: Some(large),
            ..named_product("Large")
        };
        let refused = service.products.clone().create(product).await;
        assert_eq!(refused.expect_err("refused").code(), Code::OutOfRange);
        assert_eq!(service.head().await, 0);
    })
    .await;
}

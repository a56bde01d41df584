//! Invalid input returns an error with the field's name and has no effect. The rules are tested in `domain`; here each
//! field of each message violates its rule once.

use contract::business::field_errors;
use contract::proto::{CategoryUpParam, Crud, Error, PriceUpParam, ProductUpParam, StockUpParam};
use tonic::Code;

use crate::support::{
    Service, assert_invalid, category, category_change, named_category, named_product,
    on_both_engines, product, product_change, stock,
};

/// Makes one field of a message invalid.
type Spoil<M> = fn(&mut M);

/// Checks that each invalid message is rejected with the field's name, that none has an effect, and that the message is
/// valid otherwise.
async fn each_is_named<M: Clone, T: std::fmt::Debug>(
    service: &Service,
    good: M,
    cases: &[(&str, Spoil<M>)],
    send: impl AsyncFn(M) -> Result<T, Error>,
) {
    let before = service.head().await;
    for (field, spoil) in cases {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert_invalid(&send(bad).await, field);
    }
    assert_eq!(service.head().await, before, "something was written");
    send(good).await.expect("the unmodified message is valid");
}

#[tokio::test]
async fn each_invalid_field_of_a_category_is_named() {
    let new: [(&str, Spoil<CategoryUpParam>); 6] = [
        ("crud", |param| param.crud = Crud::Delete.into()),
        ("id", |param| param.id = "a b".to_owned()),
        ("name", |param| param.name = " \t\n".to_owned()),
        ("name", |param| param.name_value = Some("nul\0".to_owned())),
        ("description", |param| {
            param.description = Some("d".repeat(1_001));
        }),
        ("description", |param| {
            (param.description, param.clear_description) = (Some("set".to_owned()), true);
        }),
    ];
    let change: [(&str, Spoil<CategoryUpParam>); 6] = [
        ("crud", |param| param.crud = Crud::Insert.into()),
        ("id", |param| param.id.clear()),
        ("name", |param| param.name_value = Some(String::new())),
        ("description", |param| {
            param.description = Some("nul\0".to_owned());
        }),
        ("description", |param| {
            (param.description, param.clear_description) = (Some("set".to_owned()), true);
        }),
        ("expectedVersion", |param| param.expected_version = Some(-1)),
    ];
    let end: [(&str, Spoil<CategoryUpParam>); 2] = [
        ("crud", |param| param.crud = Crud::Insert.into()),
        ("id", |param| param.id.push('\0')),
    ];
    on_both_engines(async |service: &Service| {
        let id = &service.category("Here").await.id;
        let create = async |param| service.create_category(param).await;
        each_is_named(service, named_category("Fine"), &new, create).await;
        let update = async |param| service.update_category(param).await;
        each_is_named(service, category_change(id), &change, update).await;
        let delete = async |param| category(service.categories.clone().delete(param).await);
        let param = CategoryUpParam {
            id: id.clone(),
            ..CategoryUpParam::default()
        };
        each_is_named(service, param, &end, delete).await;
    })
    .await;
}

/// Fields that are invalid on Create and on Update.
const OF_PRODUCTS: [(&str, Spoil<ProductUpParam>); 6] = [
    ("name", |param| param.name_value = Some("nul\0".to_owned())),
    ("description", |param| {
        param.description = Some("d".repeat(1_001));
    }),
    ("price", |param| {
        param.price_decimal = Some("19.999".to_owned());
    }),
    ("price", |param| {
        (param.price, param.price_decimal) = (f64::NAN, None);
    }),
    ("categoryId", |param| {
        param.category_id_value = Some("a/b".to_owned());
    }),
    ("categoryId", |param| {
        (param.category_id, param.clear_category) = ("set".to_owned(), true);
    }),
];

#[tokio::test]
async fn each_invalid_field_of_a_product_is_named() {
    let new: [(&str, Spoil<ProductUpParam>); 4] = [
        ("crud", |param| param.crud = Crud::Update.into()),
        ("id", |param| param.id = "ä".to_owned()),
        ("name", |param| param.name.clear()),
        ("stockQuantity", |param| param.stock_quantity = Some(-1)),
    ];
    let change: [(&str, Spoil<ProductUpParam>); 4] = [
        ("crud", |param| param.crud = Crud::Insert.into()),
        ("id", |param| param.id.clear()),
        ("stockQuantity", |param| param.stock_quantity = Some(1)),
        ("expectedVersion", |param| {
            param.expected_version = Some(i64::MIN);
        }),
    ];
    let end: [(&str, Spoil<ProductUpParam>); 2] = [
        ("crud", |param| param.crud = Crud::Insert.into()),
        ("id", |param| param.id = "i".repeat(65)),
    ];
    on_both_engines(async |service: &Service| {
        let id = &service.product("Here").await.id;
        let create = async |param| service.create_product(param).await;
        each_is_named(service, named_product("Fine"), &new, create).await;
        each_is_named(service, named_product("Fine"), &OF_PRODUCTS, create).await;
        let update = async |param| service.update_product(param).await;
        each_is_named(service, product_change(id), &change, update).await;
        each_is_named(service, product_change(id), &OF_PRODUCTS, update).await;
        let delete = async |param| product(service.products.clone().delete(param).await);
        let param = ProductUpParam {
            id: id.clone(),
            ..ProductUpParam::default()
        };
        each_is_named(service, param, &end, delete).await;
    })
    .await;
}

#[tokio::test]
async fn each_invalid_field_of_a_price_and_of_a_stock_is_named() {
    let prices: [(&str, Spoil<PriceUpParam>); 3] = [
        ("id", |param| param.id.clear()),
        ("newPrice", |param| param.new_price = "0".to_owned()),
        ("reason", |param| param.reason = Some("r".repeat(1_001))),
    ];
    let stocks: [(&str, Spoil<StockUpParam>); 3] = [
        ("productId", |param| param.product_id = "'; --".to_owned()),
        ("quantity", |param| param.quantity = i64::MAX),
        ("quantity", |param| param.quantity = -1),
    ];
    on_both_engines(async |service: &Service| {
        let id = service.product("Here").await.id;
        let price = PriceUpParam {
            id: id.clone(),
            new_price: "5.00".to_owned(),
            reason: None,
        };
        let change_price = async |param| service.change_price(param).await;
        each_is_named(service, price, &prices, change_price).await;
        let level = StockUpParam {
            product_id: id,
            quantity: 1,
        };
        let update = async |param| stock(service.products.clone().update_stock(param).await);
        each_is_named(service, level, &stocks, update).await;
    })
    .await;
}

#[tokio::test]
async fn unusual_but_valid_text_is_stored_unchanged() {
    on_both_engines(async |service: &Service| {
        // Each has a special meaning in some part of the system.
        for text in [
            "Robert'); DROP TABLE events;--",
            "{\"$gt\": \"\"} %_\\ \u{202E}null",
        ] {
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
async fn crud_may_be_unknown_but_not_an_undefined_number() {
    on_both_engines(async |service: &Service| {
        let silent = CategoryUpParam {
            crud: Crud::Unknown.into(),
            ..named_category("Silent")
        };
        service.create_category(silent).await.expect("created");
        for crud in [4, -1, i32::MAX] {
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
    })
    .await;
}

#[tokio::test]
async fn all_validation_errors_are_reported_together() {
    on_both_engines(async |service: &Service| {
        let wrong = ProductUpParam {
            price_decimal: Some("19.999".to_owned()),
            category_id: "not an id".to_owned(),
            stock_quantity: Some(-3),
            ..named_product("")
        };
        let error = service.create_product(wrong).await.expect_err("rejected");
        let errors: Vec<(String, String)> = field_errors(&error)
            .into_iter()
            .map(|error| (error.field, error.message))
            .collect();
        let fields: Vec<&str> = errors.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["name", "price", "categoryId", "stockQuantity"]);
        for ((field, message), given) in
            errors.iter().zip(["1 to 200", "19.999", "not an id", "-3"])
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
async fn a_message_that_is_too_large_is_rejected() {
    on_both_engines(async |service: &Service| {
        let large = "x".repeat(1_000_000);
        let category = named_category(&large);
        let rejected = service.categories.clone().create(category).await;
        assert_eq!(rejected.expect_err("rejected").code(), Code::OutOfRange);
        let product = ProductUpParam {
            description: Some(large),
            ..named_product("Large")
        };
        let rejected = service.products.clone().create(product).await;
        assert_eq!(rejected.expect_err("rejected").code(), Code::OutOfRange);
        assert_eq!(service.head().await, 0);
    })
    .await;
}

//! Bad input at the services' own entry points: business errors come as replies, all else as statuses.

use anyhow::{Result, bail, ensure};
use contract::proto::category_command_client::CategoryCommandClient;
use contract::proto::product_command_client::ProductCommandClient;
use contract::proto::{CategoryUpParam, Crud, PriceUpParam, ProductUpParam, StockUpParam};
use contract::query::category_query_client::CategoryQueryClient;
use contract::query::product_query_client::ProductQueryClient;
use contract::query::{
    CategoryPaginationRequest, CategoryQueryRequest, CategorySearchRequest,
    ProductAdvancedSearchRequest, ProductPaginationRequest, ProductPriceRangeRequest,
    ProductQueryRequest, ProductSearchRequest, ProductSortRequest,
};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::support::{Shop, Topology, on};

#[tokio::test]
async fn bad_messages_change_nothing_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, refuse_all).await
}

#[tokio::test]
async fn bad_messages_change_nothing_on_postgres() -> Result<()> {
    on(Topology::THREE_PROCESSES, refuse_all).await
}

async fn refuse_all(shop: &mut Shop) -> Result<()> {
    let mut session = shop.session()?;
    session.create_category("Books").await?;
    let head = shop.head().await?;
    categories(shop).await?;
    products(shop).await?;
    metadata(shop).await?;
    ensure!(shop.head().await? == head, "refused input left an event");
    reads(shop).await
}

type ErrorOfReply = (String, i32, Vec<String>);

/// Type, code and the fields of a business error; nothing if there is none.
fn business(error: Option<contract::proto::Error>) -> Option<ErrorOfReply> {
    error.map(|error| {
        let mut fields: Vec<String> = error.details.into_keys().collect();
        fields.sort();
        (error.r#type, error.code, fields)
    })
}

async fn categories(shop: &Shop) -> Result<()> {
    let mut client = CategoryCommandClient::new(shop.command_channel().await?);
    let param = |name: &str, id: &str| CategoryUpParam {
        name: name.to_owned(),
        id: id.to_owned(),
        ..CategoryUpParam::default()
    };
    for (what, param) in [
        ("empty name", param("", "")),
        ("blank name", param(" \n", "")),
        ("long name", param(&"x".repeat(101), "")),
        ("U+0000 in a name", param("a\0b", "")),
        ("id with a space", param("n", "a b")),
        ("id with SQL", param("n", "'; DROP TABLE events; --")),
        ("id with an emoji", param("n", "😀")),
        ("id of 65 characters", param("n", &"i".repeat(65))),
        (
            "another method's crud",
            CategoryUpParam {
                crud: Crud::Delete.into(),
                ..param("n", "")
            },
        ),
        (
            "an unknown crud",
            CategoryUpParam {
                crud: 99,
                ..param("n", "")
            },
        ),
        (
            "long description",
            CategoryUpParam {
                description: Some("d".repeat(1_001)),
                ..param("n", "")
            },
        ),
    ] {
        let reply = client.create(param).await?.into_inner();
        ensure!(
            reply.category.is_none(),
            "{what}: an error comes without the entity"
        );
        let Some((kind, code, _)) = business(reply.error) else {
            bail!("{what}: no error");
        };
        assert_eq!((kind.as_str(), code), ("VALIDATION_ERROR", 3), "{what}");
    }
    let huge = client.create(param(&"x".repeat(1024 * 1024), "")).await;
    refused(
        "a megabyte",
        huge,
        &[Code::OutOfRange, Code::ResourceExhausted],
    )?;
    let unknown = client.update(param("n", "nothing")).await?.into_inner();
    assert_eq!(business(unknown.error).map(|(_, code, _)| code), Some(5));
    Ok(())
}

async fn products(shop: &Shop) -> Result<()> {
    let mut client = ProductCommandClient::new(shop.command_channel().await?);
    for (what, param) in bad_prices().into_iter().chain(bad_decimals()) {
        let reply = client.create(param).await?.into_inner();
        let error = business(reply.error).map(|(kind, code, _)| (kind, code));
        assert_eq!(error, Some(("VALIDATION_ERROR".to_owned(), 3)), "{what}");
    }
    quantities(&mut client).await?;
    let param = PriceUpParam {
        id: "nothing".to_owned(),
        new_price: "1".to_owned(),
        reason: None,
    };
    let reply = client.change_price(param).await?.into_inner();
    assert_eq!(business(reply.error).map(|(_, code, _)| code), Some(5));
    Ok(())
}

fn good_product() -> ProductUpParam {
    ProductUpParam {
        name: "n".to_owned(),
        price: 1.0,
        ..ProductUpParam::default()
    }
}

fn bad_prices() -> Vec<(String, ProductUpParam)> {
    let prices = [
        ("no price", 0.0),
        ("negative price", -1.0),
        ("negative zero", -0.0),
        ("three decimals", 19.999),
        ("price above the limit", 1_000_000.0),
        ("infinite price", f64::INFINITY),
        ("price that is no number", f64::NAN),
        ("smallest price", f64::MIN_POSITIVE),
    ];
    let prices = prices.into_iter().map(|(what, price)| {
        let product = ProductUpParam {
            price,
            ..good_product()
        };
        (what.to_owned(), product)
    });
    prices.collect()
}

fn bad_decimals() -> Vec<(String, ProductUpParam)> {
    let huge = "9999999999999999999999";
    let decimals = ["", "ten", "1,5", "0.001", "-1", "١", huge, "1\0"];
    let decimals = decimals.into_iter().map(|decimal| {
        let product = ProductUpParam {
            price_decimal: Some(decimal.to_owned()),
            ..good_product()
        };
        (format!("price {decimal:?}"), product)
    });
    decimals.collect()
}

async fn quantities(client: &mut ProductCommandClient<Channel>) -> Result<()> {
    for quantity in [-1, 1_000_000_001, i64::MAX, i64::MIN] {
        let product = ProductUpParam {
            stock_quantity: Some(quantity),
            ..good_product()
        };
        let reply = client.create(product).await?.into_inner();
        let code = business(reply.error).map(|(_, code, _)| code);
        assert_eq!(code, Some(3), "stock {quantity}");
        let param = StockUpParam {
            product_id: "nothing".to_owned(),
            quantity,
        };
        let reply = client.update_stock(param).await?.into_inner();
        ensure!(reply.error.is_some(), "stock {quantity}");
    }
    Ok(())
}

/// What travels beside the message may be bad as well.
async fn metadata(shop: &Shop) -> Result<()> {
    let mut client = CategoryCommandClient::new(shop.command_channel().await?);
    for id in ["", "not-a-uuid", "0198c2a5-0000-7000-8000-00000000000"] {
        let mut request = Request::new(CategoryUpParam {
            name: "n".to_owned(),
            ..CategoryUpParam::default()
        });
        request.metadata_mut().insert("x-command-id", id.parse()?);
        refused(
            "a bad command id",
            client.create(request).await,
            &[Code::InvalidArgument],
        )?;
    }
    Ok(())
}

fn refused<T>(what: &str, outcome: Result<T, Status>, codes: &[Code]) -> Result<()> {
    match outcome {
        Err(status) if codes.contains(&status.code()) => Ok(()),
        Err(status) => bail!("{what}: {status:?}"),
        Ok(_) => bail!("{what}: it was accepted"),
    }
}

async fn reads(shop: &Shop) -> Result<()> {
    let channel = shop.query_channel().await?;
    pages_and_terms(channel.clone()).await?;
    searches(channel.clone()).await?;
    ids(channel).await
}

async fn pages_and_terms(channel: Channel) -> Result<()> {
    let mut categories = CategoryQueryClient::new(channel.clone());
    let mut products = ProductQueryClient::new(channel);
    let invalid = [Code::InvalidArgument];
    for (page, per_page) in [(0, 1), (-1, 1), (1, 0), (1, 501), (i32::MIN, i32::MAX)] {
        let what = format!("page {page} of {per_page}");
        let request = CategoryPaginationRequest { page, per_page };
        refused(
            &what,
            categories.list_categories_paginated(request).await,
            &invalid,
        )?;
        let request = ProductPaginationRequest { page, per_page };
        refused(
            &what,
            products.list_products_paginated(request).await,
            &invalid,
        )?;
    }
    for search_term in ["t".repeat(256), "a\0".to_owned()] {
        let request = CategorySearchRequest {
            search_term: search_term.clone(),
        };
        refused(
            "a bad term",
            categories.search_categories(request).await,
            &invalid,
        )?;
        let request = ProductSearchRequest { search_term };
        refused(
            "a bad term",
            products.search_products(request).await,
            &invalid,
        )?;
    }
    Ok(())
}

async fn searches(channel: Channel) -> Result<()> {
    let mut products = ProductQueryClient::new(channel);
    let invalid = [Code::InvalidArgument];
    for (min_price, max_price) in [(2.0, 1.0), (f64::NAN, 1.0), (0.0, f64::NAN)] {
        let request = ProductPriceRangeRequest {
            min_price,
            max_price,
            ..ProductPriceRangeRequest::default()
        };
        let what = format!("{min_price} to {max_price}");
        refused(
            &what,
            products.get_products_by_price_range(request).await,
            &invalid,
        )?;
    }
    let request = ProductSortRequest {
        sort_order: "sideways".to_owned(),
    };
    refused(
        "a bad order",
        products.list_products_sorted_by_price(request).await,
        &invalid,
    )?;
    for request in [
        ProductAdvancedSearchRequest {
            sort_by: "id; DROP TABLE products".to_owned(),
            ..ProductAdvancedSearchRequest::default()
        },
        ProductAdvancedSearchRequest {
            limit: -1,
            ..ProductAdvancedSearchRequest::default()
        },
        ProductAdvancedSearchRequest {
            offset: -1,
            ..ProductAdvancedSearchRequest::default()
        },
    ] {
        refused(
            "a bad search",
            products.search_products_advanced(request).await,
            &invalid,
        )?;
    }
    Ok(())
}

async fn ids(channel: Channel) -> Result<()> {
    let mut categories = CategoryQueryClient::new(channel.clone());
    let mut products = ProductQueryClient::new(channel);
    for id in ["", "nothing", "' OR 1=1 --", "a\0", &"i".repeat(5_000)] {
        let codes = [Code::NotFound, Code::InvalidArgument];
        let request = CategoryQueryRequest { id: id.to_owned() };
        refused("a bad id", categories.get_category(request).await, &codes)?;
        let request = ProductQueryRequest { id: id.to_owned() };
        refused("a bad id", products.get_product(request).await, &codes)?;
    }
    Ok(())
}

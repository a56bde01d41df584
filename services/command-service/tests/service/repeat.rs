//! The same command id never takes effect twice, and a repeat returns the first reply.

use std::time::Duration;

use contract::proto::{
    Category, CategoryUpParam, CategoryUpResult, Error, PriceUpParam, Product, ProductUpParam,
    ProductUpResult, Stock, StockUpParam, StockUpResult,
};
use platform::config::Engine;
use tonic::{Request, Response, Status};

use crate::support::{
    Home, Service, assert_conflict, category, category_change, named_category, named_product,
    on_both_engines, position, product, product_change, stock, with_command_id,
};

/// One command of each type on the same product and category.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    CreateCategory,
    UpdateCategory,
    CreateProduct,
    UpdateProduct,
    ChangePrice,
    UpdateStock,
    DeleteProduct,
    DeleteCategory,
}

const STEPS: [Step; 8] = [
    Step::CreateCategory,
    Step::UpdateCategory,
    Step::CreateProduct,
    Step::UpdateProduct,
    Step::ChangePrice,
    Step::UpdateStock,
    Step::DeleteProduct,
    Step::DeleteCategory,
];

#[derive(Clone, Debug, Default, PartialEq)]
struct Answer {
    category: Option<Category>,
    product: Option<Product>,
    stock: Option<Stock>,
    position: Option<u64>,
}

fn command_id(number: usize) -> String {
    format!("01890000-0000-7000-8000-{number:012}")
}

impl Step {
    /// The step's message with its command id.
    fn request<M>(self, message: M) -> Request<M> {
        with_command_id(message, &command_id(self as usize))
    }

    fn category(self) -> Request<CategoryUpParam> {
        let created = self == Step::CreateCategory;
        self.request(CategoryUpParam {
            id: "c".to_owned(),
            name: if created { "First" } else { "Second" }.to_owned(),
            ..CategoryUpParam::default()
        })
    }

    fn product(self) -> Request<ProductUpParam> {
        let created = self == Step::CreateProduct;
        self.request(ProductUpParam {
            crud: 0,
            id: "p".to_owned(),
            category_id: "c".to_owned(),
            ..named_product(if created { "First" } else { "Second" })
        })
    }
}

async fn send(service: &Service, step: Step) -> Answer {
    let mut categories = service.categories.clone();
    let mut products = service.products.clone();
    let price = PriceUpParam {
        id: "p".to_owned(),
        new_price: "99".to_owned(),
        reason: None,
    };
    let quantity = StockUpParam {
        product_id: "p".to_owned(),
        quantity: 9,
    };
    let sent = match step {
        Step::CreateCategory => category_answer(categories.create(step.category()).await),
        Step::UpdateCategory => category_answer(categories.update(step.category()).await),
        Step::DeleteCategory => category_answer(categories.delete(step.category()).await),
        Step::CreateProduct => product_answer(products.create(step.product()).await),
        Step::UpdateProduct => product_answer(products.update(step.product()).await),
        Step::DeleteProduct => product_answer(products.delete(step.product()).await),
        Step::ChangePrice => product_answer(products.change_price(step.request(price)).await),
        Step::UpdateStock => stock_answer(products.update_stock(step.request(quantity)).await),
    };
    sent.unwrap_or_else(|error| panic!("{step:?}: {error:?}"))
}

fn category_answer(reply: Result<Response<CategoryUpResult>, Status>) -> Result<Answer, Error> {
    let position = reply.as_ref().ok().and_then(position);
    Ok(Answer {
        category: Some(category(reply)?),
        position,
        ..Answer::default()
    })
}

/// Without the embedded category, which is current and not part of the first reply.
fn product_answer(reply: Result<Response<ProductUpResult>, Status>) -> Result<Answer, Error> {
    let position = reply.as_ref().ok().and_then(position);
    let product = product(reply)?;
    Ok(Answer {
        product: Some(Product {
            category: None,
            ..product
        }),
        position,
        ..Answer::default()
    })
}

fn stock_answer(reply: Result<Response<StockUpResult>, Status>) -> Result<Answer, Error> {
    let position = reply.as_ref().ok().and_then(position);
    Ok(Answer {
        stock: Some(stock(reply)?),
        position,
        ..Answer::default()
    })
}

#[tokio::test]
async fn every_command_returns_its_first_reply_immediately_and_after_all_others() {
    on_both_engines(async |service: &Service| {
        let mut firsts = Vec::new();
        for step in STEPS {
            let first = send(service, step).await;
            assert!(first.position.is_some(), "{step:?}");
            assert_eq!(send(service, step).await, first, "{step:?}");
            firsts.push((step, first));
        }
        let head = service.head().await;
        for (step, first) in firsts {
            assert_eq!(send(service, step).await, first, "{step:?}");
        }
        assert_eq!(service.head().await, head);
    })
    .await;
}

#[tokio::test]
async fn a_repeat_on_another_process_returns_the_first_reply() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let home = Home::new(engine).await;
        let service = home.start().await;
        for step in STEPS {
            send(&service, step).await;
        }
        let deleted = send(&service, Step::DeleteCategory).await;
        let head = service.head().await;
        service.stop().await;
        let service = home.start().await;
        assert_eq!(send(&service, Step::DeleteCategory).await, deleted);
        let first = send(&service, Step::CreateProduct).await;
        let first = first.product.expect("a product");
        assert_eq!((first.name.as_str(), first.version), ("First", 1));
        assert_eq!(service.head().await, head);
        service.stop().await;
    }
}

#[tokio::test]
async fn a_repeat_generates_the_same_id() {
    on_both_engines(async |service: &Service| {
        let create = || with_command_id(named_category("Made"), &command_id(1));
        let mut categories = service.categories.clone();
        let first = category(categories.create(create()).await).expect("created");
        let again = category(categories.create(create()).await).expect("created");
        assert_eq!(first, again);
        assert_eq!(service.head().await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_command_id_belongs_to_one_command() {
    on_both_engines(async |service: &Service| {
        let first = with_command_id(named_category("Mine"), &command_id(1));
        let created = category(service.categories.clone().create(first).await).expect("created");
        let head = service.head().await;
        let other_kind = with_command_id(product_change("p"), &command_id(1));
        assert_conflict(&product(service.products.clone().update(other_kind).await));
        let rename = CategoryUpParam {
            name: "Other".to_owned(),
            ..category_change(&created.id)
        };
        let rename = with_command_id(rename, &command_id(1));
        assert_conflict(&category(service.categories.clone().update(rename).await));
        let other_id = CategoryUpParam {
            id: "another".to_owned(),
            ..named_category("Another")
        };
        let other_id = with_command_id(other_id, &command_id(1));
        assert_conflict(&category(service.categories.clone().create(other_id).await));
        assert_eq!(service.head().await, head);
    })
    .await;
}

#[tokio::test]
async fn a_rejection_does_not_consume_the_command_id() {
    on_both_engines(async |service: &Service| {
        let blocking = service.category("Wanted").await;
        let create = || with_command_id(named_category("Wanted"), &command_id(1));
        let mut categories = service.categories.clone();
        assert_conflict(&category(categories.create(create()).await));
        service
            .delete_category(&blocking.id)
            .await
            .expect("deleted");
        category(categories.create(create()).await).expect("created now");
    })
    .await;
}

#[tokio::test]
async fn a_lost_reply_is_returned_to_a_retry() {
    on_both_engines(async |service: &Service| {
        let mut lost = 0;
        for number in 0..40 {
            let name = format!("Lost {number}");
            let create = |limit| {
                let mut request: Request<_> =
                    with_command_id(named_category(&name), &command_id(number));
                request.set_timeout(limit);
                request
            };
            let mut categories = service.categories.clone();
            let limit = Duration::from_micros(50 * number as u64);
            let created = categories.create(create(limit)).await;
            lost += usize::from(created.is_err());
            let again = category(categories.create(create(Duration::from_secs(5))).await);
            let created = again.expect("created");
            let delete = CategoryUpParam {
                id: created.id.clone(),
                ..CategoryUpParam::default()
            };
            let delete = |limit| {
                let id = command_id(1_000 + number);
                let mut request = with_command_id(delete.clone(), &id);
                request.set_timeout(limit);
                request
            };
            lost += usize::from(categories.delete(delete(limit)).await.is_err());
            let again = category(categories.delete(delete(Duration::from_secs(5))).await);
            assert_eq!(again.expect("deleted").id, created.id);
        }
        assert!(lost > 0, "no reply was lost, so nothing was tested");
        // Created and claimed, deleted and released, each once.
        assert_eq!(service.head().await, 40 * 4);
    })
    .await;
}

#[tokio::test]
async fn a_reply_reports_whether_the_command_changed_something() {
    on_both_engines(async |service: &Service| {
        let renamed = |id: &str| CategoryUpParam {
            name: "Renamed".to_owned(),
            ..category_change(id)
        };
        let priced = |id: &str| PriceUpParam {
            id: id.to_owned(),
            new_price: "12.00".to_owned(),
            reason: None,
        };
        let category_id = service.category("First").await.id;
        let product_id = service.product("Second").await.id;
        for (unchanged, number) in [(false, 100), (true, 101), (false, 100)] {
            // The last round repeats the command ids of the first one.
            let id = command_id(number);
            let request = with_command_id(renamed(&category_id), &id);
            let reply = service.categories.clone().update(request).await;
            assert_eq!(reply.expect("a reply").get_ref().unchanged, unchanged);
            let request = with_command_id(priced(&product_id), &command_id(number + 10));
            let reply = service.products.clone().change_price(request).await;
            assert_eq!(reply.expect("a reply").get_ref().unchanged, unchanged);
        }
        let rejected = service.categories.clone().update(renamed("none")).await;
        assert!(!rejected.expect("a reply").get_ref().unchanged);
    })
    .await;
}

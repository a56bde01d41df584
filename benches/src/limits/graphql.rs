//! axum and async-graphql directly on PostgreSQL: one process, and one query per request.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use async_graphql::{Context, EmptyMutation, EmptySubscription, ID, Object, Schema, SimpleObject};
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection, PgPool};
use test_shop::{Connection as Http, Request};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::ids::Ids;
use crate::measure::{Client, Statistics, closed_loop};

/// Minimum number of products; `--preload` may set more.
pub const PRODUCTS: u64 = 10_000;
const CATEGORIES: i64 = 100;
const POOL: u32 = 16;

const TABLES: &str = "
CREATE TABLE categories (id text PRIMARY KEY, name text NOT NULL);
CREATE TABLE products (
    id text PRIMARY KEY, name text NOT NULL, price_cents bigint NOT NULL, stock bigint NOT NULL,
    category_id text NOT NULL REFERENCES categories
);
CREATE INDEX ON products (name, id);
";

/// Creates and fills the tables.
pub async fn fill(database: &str, products: u64) -> Result<()> {
    let mut connection = PgConnection::connect(database).await?;
    sqlx::raw_sql(TABLES).execute(&mut connection).await?;
    sqlx::query(
        "INSERT INTO categories SELECT 'category-' || n, 'Category ' || n FROM generate_series(0, $1) AS n",
    )
    .bind(CATEGORIES - 1)
    .execute(&mut connection)
    .await?;
    sqlx::query(
        "INSERT INTO products SELECT 'product-' || n, 'Product ' || n, 100 + n % 10000, n % 500,
            'category-' || n % $1 FROM generate_series(0, $2) AS n",
    )
    .bind(CATEGORIES)
    .bind(i64::try_from(products)? - 1)
    .execute(&mut connection)
    .await?;
    sqlx::raw_sql("ANALYZE").execute(&mut connection).await?;
    Ok(connection.close().await?)
}

#[derive(Clone, SimpleObject)]
struct Category {
    id: ID,
    name: String,
}

#[derive(Clone, SimpleObject)]
struct Product {
    id: ID,
    name: String,
    price: f64,
    stock_quantity: i64,
    category: Category,
}

type ProductRow = (String, String, f64, i64, String, String);

impl From<ProductRow> for Product {
    fn from((id, name, price, stock_quantity, category_id, category): ProductRow) -> Self {
        Self {
            id: ID(id),
            name,
            price,
            stock_quantity,
            category: Category {
                id: ID(category_id),
                name: category,
            },
        }
    }
}

struct Query;

#[Object]
impl Query {
    async fn product(
        &self,
        context: &Context<'_>,
        id: ID,
    ) -> async_graphql::Result<Option<Product>> {
        let row: Option<ProductRow> = sqlx::query_as(
            "SELECT p.id, p.name, p.price_cents / 100.0::float8, p.stock, c.id, c.name
             FROM products p JOIN categories c ON c.id = p.category_id WHERE p.id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(context.data::<PgPool>()?)
        .await?;
        Ok(row.map(Product::from))
    }

    async fn products(
        &self,
        context: &Context<'_>,
        limit: i64,
    ) -> async_graphql::Result<Vec<Product>> {
        let rows: Vec<ProductRow> = sqlx::query_as(
            "SELECT p.id, p.name, p.price_cents / 100.0::float8, p.stock, c.id, c.name
             FROM products p JOIN categories c ON c.id = p.category_id ORDER BY p.name, p.id LIMIT $1",
        )
        .bind(limit)
        .fetch_all(context.data::<PgPool>()?)
        .await?;
        Ok(rows.into_iter().map(Product::from).collect())
    }
}

type DirectSchema = Schema<Query, EmptyMutation, EmptySubscription>;

async fn graphql(
    State(schema): State<DirectSchema>,
    Json(request): Json<async_graphql::Request>,
) -> Json<async_graphql::Response> {
    Json(schema.execute(request).await)
}

/// Serves on a free port, which it prints, until its standard input closes.
pub async fn serve_direct(database: &str) -> Result<()> {
    let pool = PgPoolOptions::new()
        .max_connections(POOL)
        .connect(database)
        .await?;
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
        .data(pool)
        .finish();
    let router = Router::new()
        .route("/graphql", post(graphql))
        .with_state(schema);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let until_closed = async { drop(tokio::io::stdin().read_u8().await) };
    axum::serve(listener, router)
        .with_graceful_shutdown(until_closed)
        .await?;
    Ok(())
}

/// The server as a separate process, so that it has its own runtime, like the services.
#[derive(Debug)]
pub struct Direct {
    pub address: SocketAddr,
    process: Child,
}

impl Direct {
    pub async fn start(database: &str) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["serve-direct", database])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = process.stdout.take().context("no standard output")?;
        let line = BufReader::new(stdout).lines().next_line().await?;
        let address = line.context("the process ended immediately")?.parse()?;
        Ok(Self { address, process })
    }

    pub async fn measure(
        &self,
        request: fn(&mut Ids) -> String,
        clients: usize,
        duration: Duration,
    ) -> Result<Statistics> {
        GraphqlClient::measure(self.address, request, clients, duration).await
    }

    pub async fn stop(mut self) -> Result<()> {
        drop(self.process.stdin.take());
        self.process.wait().await?;
        Ok(())
    }
}

/// A client with its own connection that sends the requests returned by `request`.
pub struct GraphqlClient<F> {
    http: Http,
    ids: Ids,
    request: F,
}

impl<F: FnMut(&mut Ids) -> String + Clone + Send + 'static> GraphqlClient<F> {
    pub async fn measure(
        address: SocketAddr,
        request: F,
        clients: usize,
        duration: Duration,
    ) -> Result<Statistics> {
        let mut all = Vec::with_capacity(clients);
        for _ in 0..clients {
            all.push(Self {
                http: Http::open(address).await?,
                ids: Ids::new(),
                request: request.clone(),
            });
        }
        closed_loop(all, duration).await
    }
}

impl<F: FnMut(&mut Ids) -> String + Send + 'static> Client for GraphqlClient<F> {
    async fn operate(&mut self) -> Result<u64> {
        let body = (self.request)(&mut self.ids);
        let request = Request::post_json("/graphql", body);
        let reply = self.http.send(&request).await?;
        let text = std::str::from_utf8(&reply.body)?;
        if !reply.status.is_success() || text.contains("\"errors\"") {
            bail!("{}: {text}", reply.status);
        }
        Ok(1)
    }
}

//! One trace shows an order from the client to the last step of its saga.

use anyhow::{Context, Result, ensure};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::{Value, json};
use test_shop::{Connection, Request, until};

use crate::support::{
    CREATE_ORDER, Collector, ExportedSpan, Rotel, Shop, Topology, on_with, order_input, tree,
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// Name and process of a span, and the name of its parent's.
const TREE: &[(&str, &str, &str)] = &[
    ("POST /graphql", "client-service", ""),
    ("mutation", "client-service", "POST /graphql"),
    (
        "proto.SagaCommand/StartOrderSaga",
        "client-service",
        "mutation",
    ),
    (
        "proto.SagaCommand/StartOrderSaga",
        "command-service",
        "proto.SagaCommand/StartOrderSaga",
    ),
    (
        "command place_order",
        "command-service",
        "proto.SagaCommand/StartOrderSaga",
    ),
    ("commit", "command-service", "command place_order"),
    ("append", "command-service", "commit"),
    ("project orders", "query-service", "command place_order"),
    ("project sagas", "query-service", "command place_order"),
    ("advance order", "command-service", "command place_order"),
    ("step reserve_inventory", "command-service", "advance order"),
    (
        "step process_payment",
        "command-service",
        "command place_order",
    ),
    (
        "act on process_payment",
        "command-service",
        "step process_payment",
    ),
    (
        "step arrange_shipping",
        "command-service",
        "command place_order",
    ),
    (
        "act on arrange_shipping",
        "command-service",
        "step arrange_shipping",
    ),
    ("step confirm_order", "command-service", "advance order"),
    (
        "handle notifications",
        "command-service",
        "command place_order",
    ),
];

fn is_in(spans: &[ExportedSpan], (name, service, parent): (&str, &str, &str)) -> bool {
    let parents = |child: &ExportedSpan| {
        if parent.is_empty() {
            return child.parent == CALLER;
        }
        spans
            .iter()
            .any(|span| span.id == child.parent && span.name == parent)
    };
    spans
        .iter()
        .any(|span| span.name == name && span.service == service && parents(span))
}

fn is_whole(spans: &[ExportedSpan]) -> Result<()> {
    let missing: Vec<_> = TREE.iter().filter(|edge| !is_in(spans, **edge)).collect();
    ensure!(missing.is_empty(), "missing: {missing:?}");
    let orphan = spans
        .iter()
        .find(|span| span.parent != CALLER && !spans.iter().any(|other| other.id == span.parent));
    ensure!(
        orphan.is_none(),
        "its parent is not part of the trace: {orphan:?}"
    );
    Ok(())
}

/// Places an order within the client's trace, and waits until it is confirmed.
async fn order(shop: &Shop) -> Result<()> {
    let mut session = shop.session()?;
    let product = json!({ "name": "Sencha", "price": 9, "stockQuantity": 5 });
    let product = session.create_product(product).await?;
    let variables = order_input("ann@example.org", &[(&product, 1)]);
    let body = json!({ "query": CREATE_ORDER, "variables": variables }).to_string();
    let request = Request::post_json("/graphql", body)
        .with_header("traceparent", &format!("00-{TRACE}-{CALLER}-01"));
    let mut connection = Connection::open(shop.system.gateway(0)?).await?;
    let reply = connection.send(&request).await?.json()?;
    let id = reply
        .pointer("/data/createOrder/id")
        .and_then(Value::as_str);
    session
        .order_once(id.context("no order")?, "CONFIRMED")
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_trace_shows_an_order_from_the_client_to_the_end_of_its_saga() -> Result<()> {
    let collector = Collector::start().await?;
    let endpoint = format!("http://{}", collector.address());
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("LOG_FORMAT", "json"),
        ("LOG_LEVEL", "debug"),
    ];
    on_with(Topology::THREE_PROCESSES, &settings, async |shop| {
        order(shop).await?;
        let spans = collector.complete(TRACE, is_whole).await?;
        follows_the_conventions(&spans)?;
        is_in_the_log(shop)
    })
    .await
}

fn follows_the_conventions(spans: &[ExportedSpan]) -> Result<()> {
    let find = |service: &str, name: &str, kind: SpanKind| {
        let found = spans
            .iter()
            .find(|span| span.service == service && span.name == name && span.kind == kind);
        found.with_context(|| format!("no {kind:?} span {name} of {service}:\n{}", tree(spans)))
    };
    let http = find("client-service", "POST /graphql", SpanKind::Server)?;
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/graphql"),
        ("url.path", "/graphql"),
        ("http.response.status_code", "200"),
    ] {
        assert_eq!(http.attribute(name), value, "{name} of {http:?}");
    }
    let method = "proto.SagaCommand/StartOrderSaga";
    for (service, kind) in [
        ("client-service", SpanKind::Client),
        ("command-service", SpanKind::Server),
    ] {
        let call = find(service, method, kind)?;
        assert_eq!(call.attribute("rpc.system.name"), "grpc", "{call:?}");
        assert_eq!(call.attribute("rpc.method"), method, "{call:?}");
        assert_eq!(call.attribute("rpc.response.status_code"), "OK", "{call:?}");
    }
    let append = find("command-service", "append", SpanKind::Client)?;
    assert_eq!(append.attribute("db.system.name"), "postgresql");
    let statement = find("query-service", "write projected rows", SpanKind::Client)?;
    ensure!(
        !statement.attribute("db.query.text").is_empty(),
        "{statement:?}"
    );
    let projection = find("query-service", "project orders", SpanKind::Consumer)?;
    assert_eq!(projection.attribute("messaging.operation.type"), "process");
    let private = spans.iter().find(|span| {
        span.attributes
            .values()
            .any(|value| value.contains("ann@example.org"))
    });
    ensure!(private.is_none(), "a span has customer input: {private:?}");
    ensure!(spans.iter().all(|span| !span.is_error), "{}", tree(spans));
    Ok(())
}

/// The lines about the request name its trace.
fn is_in_the_log(shop: &Shop) -> Result<()> {
    let logs = shop.system.logs();
    let lines = logs
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_trace: Vec<Value> = lines.filter(|line| line["trace.id"] == TRACE).collect();
    let has = |message: &str| of_trace.iter().any(|line| line["message"] == message);
    for message in ["http request", "grpc call", "the customer is notified"] {
        ensure!(has(message), "no line {message} of the trace: {of_trace:?}");
    }
    ensure!(
        of_trace.iter().all(|line| line["span.id"].is_string()),
        "{of_trace:?}"
    );
    Ok(())
}

/// The trace as a collector of others passes it on, which takes it over HTTP.
#[tokio::test]
async fn a_collector_that_is_not_ours_takes_the_trace_over_http() -> Result<()> {
    let collector = Collector::start().await?;
    let rotel = Rotel::start(collector.address()).await?;
    let endpoint = format!("http://{}", rotel.http());
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ];
    on_with(Topology::THREE_PROCESSES, &settings, async |shop| {
        order(shop).await?;
        collector.complete(TRACE, is_whole).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn one_process_exports_the_whole_trace_and_what_is_left_when_it_stops() -> Result<()> {
    let collector = Collector::start().await?;
    let endpoint = format!("http://{}", collector.address());
    // Nothing is exported before the stop.
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
        ("OTEL_SERVICE_NAME", "the-shop"),
    ];
    on_with(Topology::OneProcess, &settings, async |shop| {
        order(shop).await
    })
    .await?;
    let spans = collector.trace(TRACE);
    for (name, _, _) in TREE {
        let has = spans
            .iter()
            .any(|span| span.name == *name && span.service == "the-shop");
        ensure!(has, "no span {name}:\n{}", tree(&spans));
    }
    Ok(())
}

#[tokio::test]
async fn without_a_collector_in_reach_requests_succeed_and_losses_are_counted() -> Result<()> {
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ];
    on_with(Topology::OneProcess, &settings, async |shop| {
        order(shop).await?;
        until("the loss is counted", async || {
            let mut connection = Connection::open(shop.system.gateway(0)?).await?;
            let metrics = connection.send(&Request::get("/metrics")).await?;
            let metrics = String::from_utf8(metrics.body.to_vec())?;
            let lost = metrics.lines().find(|line| {
                line.starts_with("trace_spans_total{outcome=\"lost\"}") && !line.ends_with(" 0")
            });
            lost.map(drop).context("no span was lost")
        })
        .await?;
        let logs = shop.system.logs();
        let told = logs
            .lines()
            .filter(|line| line.contains("traces cannot be exported"));
        ensure!(told.count() == 1, "not one line about it");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_caller_that_does_not_sample_is_obeyed() -> Result<()> {
    let collector = Collector::start().await?;
    let endpoint = format!("http://{}", collector.address());
    let settings = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint)];
    on_with(Topology::OneProcess, &settings, async |shop| {
        let parent = format!("00-{TRACE}-{CALLER}-00");
        let request = Request::post_json(
            "/graphql",
            json!({ "query": "{ categories { id } }" }).to_string(),
        );
        let request = request.with_header("traceparent", &parent);
        Connection::open(shop.system.gateway(0)?)
            .await?
            .send(&request)
            .await?
            .json()?;
        shop.session()?
            .run("{ categoryStatistics { totalCount } }", json!({}))
            .await?;
        Ok(())
    })
    .await?;
    ensure!(
        collector.trace(TRACE).is_empty(),
        "{}",
        tree(&collector.trace(TRACE))
    );
    let others = collector.all();
    let has_other = others.iter().any(|span| span.name == "POST /graphql");
    ensure!(has_other, "the other request was not exported: {others:?}");
    Ok(())
}

/// Requests of two clients whose events are in one page of a projection.
#[tokio::test]
async fn a_batch_of_several_traces_is_linked_to_each() -> Result<()> {
    let collector = Collector::start().await?;
    let endpoint = format!("http://{}", collector.address());
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ];
    on_with(Topology::OneProcess, &settings, async |shop| {
        until("a span that is linked to two traces", async || {
            let create = async |number: u32| {
                let mut session = shop.session()?;
                let name = json!({ "name": format!("{number}"), "price": 9, "stockQuantity": 5 });
                session.create_product(name).await
            };
            futures::future::try_join_all((0..16).map(create)).await?;
            let all = collector.all();
            let traces: Vec<&String> = all
                .iter()
                .filter(|span| span.name == "POST /graphql")
                .map(|span| &span.trace)
                .collect();
            let linked = all.iter().find(|span| {
                let known = span.links.iter().filter(|link| traces.contains(link));
                span.name == "project products" && known.count() > 1
            });
            let linked = linked.context("no such span")?;
            ensure!(linked.parent.is_empty(), "it is in one of them: {linked:?}");
            Ok(())
        })
        .await
    })
    .await
}

//! Calls of services.

use std::error::Error as _;
use std::net::SocketAddr;

use futures::FutureExt;
use platform::Tasks;
use platform::runtime::GrpcChannel;
use test_certificates::Authority;
use tonic::Status;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{self, HOST, World, client_tls, text};

type Values = Vec<(&'static str, String)>;

async fn call(address: SocketAddr, host: &str, settings: &Values) -> Result<i32, Status> {
    let tls = client_tls(settings).expect("valid files");
    let channel = GrpcChannel::remote(host, address.port(), tls.as_ref()).expect("an address");
    let call = async move {
        let mut client = HealthClient::new(channel);
        client.check(HealthCheckRequest::default()).await
    };
    let reply = tokio::time::timeout(support::TIMEOUT, call).await;
    Ok(reply.expect("an answer in time")?.into_inner().status)
}

async fn is_refused(address: SocketAddr, host: &str, settings: &Values) {
    let refused = call(address, host, settings).await.expect_err("refused");
    assert!(refused.source().is_some(), "no answer: {refused:?}");
}

fn without(settings: Values, names: &[&str]) -> Values {
    let is_kept = |(name, _): &(&str, String)| !names.contains(name);
    settings.into_iter().filter(is_kept).collect()
}

#[tokio::test]
async fn a_service_is_called_over_tls_if_its_certificate_is_trusted_and_names_it() {
    let (world, tasks) = (World::new(), Tasks::new());
    let served = without(world.settings(), &["TLS_CLIENT_CA_FILE"]);
    let address = support::grpc(&served, &tasks).await;
    let calls = without(world.settings(), &["SERVICE_CERT_FILE", "SERVICE_KEY_FILE"]);
    assert_eq!(call(address, HOST, &calls).await.expect("a reply"), 1);
    // The certificate is one for 127.0.0.1.
    is_refused(address, "localhost", &calls).await;
    is_refused(address, HOST, &vec![]).await;
    let other = Authority::new("others").expect("an authority");
    other
        .store(&world.folder.path().join("others.crt"))
        .expect("stored");
    let untrusting = vec![("SERVICE_CA_FILE", world.path("others.crt"))];
    is_refused(address, HOST, &untrusting).await;
}

#[tokio::test]
async fn with_mutual_tls_only_clients_of_the_authority_are_answered() {
    let (world, tasks) = (World::new(), Tasks::new());
    let address = support::grpc(&world.mutual(), &tasks).await;
    assert_eq!(
        call(address, HOST, &world.settings())
            .await
            .expect("a reply"),
        1
    );
    let anonymous = without(world.settings(), &["SERVICE_CERT_FILE", "SERVICE_KEY_FILE"]);
    is_refused(address, HOST, &anonymous).await;
    let other = Authority::new("others").expect("an authority");
    let stranger = other.issue(&[HOST]).expect("a certificate");
    let stranger = stranger
        .store(world.folder.path(), "stranger")
        .expect("stored");
    let strange = [
        ("SERVICE_CERT_FILE", text(&stranger.certificate)),
        ("SERVICE_KEY_FILE", text(&stranger.key)),
    ];
    let strange = [anonymous, strange.to_vec()].concat();
    is_refused(address, HOST, &strange).await;
}

/// A connection carries a hundred calls at a time. Each of these calls is open until all of them are.
#[tokio::test]
async fn more_calls_than_one_connection_carries_are_open_at_the_same_time() {
    let (world, tasks) = (World::new(), Tasks::new());
    let address = support::grpc(&world.settings(), &tasks).await;
    let tls = client_tls(&world.settings()).expect("valid files");
    for tls in [tls.as_ref()] {
        let channel = GrpcChannel::remote(HOST, address.port(), tls).expect("an address");
        let watches = (0..300).map(|_| {
            let mut client = HealthClient::new(channel.clone());
            async move {
                let watch = client.watch(HealthCheckRequest::default()).await?;
                let mut watch = watch.into_inner();
                watch.message().await?;
                Ok::<_, Status>(watch)
            }
        });
        let open = futures::future::try_join_all(watches);
        let open = tokio::time::timeout(support::TIMEOUT, open).await;
        assert_eq!(open.expect("all are open").expect("messages").len(), 300);
    }
}

/// Clients that leave cancel their calls. Resets of streams are limited by connection, as an attack is made of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_calls_do_not_end_the_others_of_their_connection() {
    let (world, tasks) = (World::new(), Tasks::new());
    let address = support::grpc(&world.settings(), &tasks).await;
    let tls = client_tls(&world.settings()).expect("valid files");
    let channel = GrpcChannel::remote(HOST, address.port(), tls.as_ref()).expect("an address");
    let mut client = HealthClient::new(channel.clone());
    let watch = client.watch(HealthCheckRequest::default()).await;
    let mut watch = watch.expect("a reply").into_inner();
    watch.message().await.expect("a message");
    for round in 0..200 {
        let calls = (0..70).map(|_| {
            let mut client = HealthClient::new(channel.clone());
            tokio::spawn(async move { client.check(HealthCheckRequest::default()).await })
        });
        let calls: Vec<_> = calls.collect();
        // They are cancelled at all times between their start and their reply.
        for _ in 0..round % 20 {
            tokio::task::yield_now().await;
        }
        for call in calls {
            call.abort();
        }
    }
    let last = client.check(HealthCheckRequest::default()).await;
    assert_eq!(last.expect("a reply").into_inner().status, 1);
    let ended = watch.message().now_or_never();
    assert!(ended.is_none(), "the first call ended: {ended:?}");
}

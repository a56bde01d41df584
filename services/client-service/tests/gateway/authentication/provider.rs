//! The keys of an `OpenID` provider, which starts later and changes them.

use std::time::Duration;

use anyhow::{Result, ensure};
use platform::config::AppEnv;
use serde_json::{Value, json};
use test_shop::{PROTOCOL, Reply, Request, Socket};
use test_tokens::{KeyPair, Provider, Secrets, Token};

use crate::test_gateway::{TestGateway, graphql};

const ORDERS: &str = "{ userOrders(userId: \"anna\") { id } }";

struct Setup {
    provider: Provider,
    gateway: TestGateway,
    token: Token,
}

impl Setup {
    /// A gateway in front of a provider that fails.
    async fn start() -> Result<Self> {
        let provider = Provider::start().await?;
        let (secrets, issuer) = (Secrets::create()?, provider.issuer());
        let settings = [("AUTH_ISSUER", issuer.as_str()), ("AUTH_AUDIENCE", "shop")];
        let settings = [&secrets.service_settings()[..], &settings].concat();
        let gateway = TestGateway::open_with(AppEnv::Development, &settings).await?;
        // Providers may omit nbf.
        let token = Token::of("anna", &["customer"]).without("nbf");
        Ok(Self {
            token: token.with("iss", issuer).with("aud", "shop"),
            provider,
            gateway,
        })
    }

    fn header(&self, key: &KeyPair) -> String {
        format!("Bearer {}", key.sign(&self.token))
    }

    async fn ask(&self, key: &KeyPair) -> Result<Reply> {
        let request = graphql(ORDERS, &json!({}));
        let request = request.with_header("authorization", &self.header(key));
        self.gateway.send(&request).await
    }

    async fn health(&self) -> Result<(u16, Value)> {
        let reply = self.gateway.send(&Request::get("/health")).await?;
        let state = reply.json()?["services"]["token_keys"].take();
        Ok((reply.status.as_u16(), state))
    }

    async fn until_healthy(&self) -> Result<()> {
        test_shop::until("the health", async || {
            // The services are probed again.
            pass(Duration::from_secs(1)).await;
            let health = self.health().await?;
            ensure!(health == (200, json!("loaded")), "{health:?}");
            Ok(())
        })
        .await
    }
}

/// Moves the clock of the timers, which real connections must not see paused.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn without_its_provider_the_gateway_serves_what_needs_no_token() -> Result<()> {
    let setup = Setup::start().await?;
    let (gateway, key) = (&setup.gateway, KeyPair::generate("first")?);
    assert_eq!(setup.health().await?, (503, json!("unavailable")));
    let ready = gateway.send(&Request::get("/health/ready")).await?;
    assert_eq!(ready.status, 200);

    let reply = setup.ask(&key).await?;
    let body = reply.json()?;
    assert_eq!(reply.status, 503, "{body}");
    assert_eq!(reply.header("retry-after"), Some("5"));
    let extensions = &body["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "SERVICE_UNAVAILABLE");
    assert_eq!(extensions["outcome"], "none");
    assert_eq!(extensions["retryAfter"], 5);
    let mut socket = Socket::connect(gateway.address(), PROTOCOL).await?;
    let payload = json!({"Authorization": setup.header(&key)});
    let init = json!({"type": "connection_init", "payload": payload});
    socket.send(&init).await?;
    assert_eq!(socket.closed().await?.0, 1013);
    let public = gateway.ask("{ categories { id } }", json!({})).await?;
    assert_eq!(public.json()?["data"], json!({"categories": []}));

    setup.provider.publish([key.jwk()]);
    pass(Duration::from_secs(11)).await;
    assert_eq!(
        setup.ask(&key).await?.json()?["data"],
        json!({"userOrders": []})
    );
    setup.until_healthy().await
}

#[tokio::test]
async fn a_new_key_is_accepted_at_once_and_a_withdrawn_one_until_the_keys_are_read() -> Result<()> {
    let setup = Setup::start().await?;
    let [old, new] = ["old", "new"].map(KeyPair::generate);
    let (old, new) = (old?, new?);
    setup.provider.publish([old.jwk()]);
    pass(Duration::from_secs(11)).await;
    assert_eq!(setup.ask(&old).await?.status, 200);
    assert_eq!(setup.ask(&new).await?.status, 401);

    setup.provider.publish([old.jwk(), new.jwk()]);
    pass(Duration::from_secs(11)).await;
    let reads = setup.provider.reads();
    assert_eq!(setup.ask(&new).await?.status, 200);
    assert_eq!(setup.provider.reads(), reads + 1);
    assert_eq!(setup.ask(&old).await?.status, 200);

    setup.provider.publish([new.jwk()]);
    assert_eq!(setup.ask(&old).await?.status, 200);
    pass(Duration::from_mins(5)).await;
    test_shop::until("the refusal", async || {
        let status = setup.ask(&old).await?.status;
        ensure!(status == 401, "{status}");
        Ok(())
    })
    .await?;
    assert_eq!(setup.ask(&new).await?.status, 200);
    Ok(())
}

use axum::body::Body;
use event_sourcing::SystemClock;
use test_tokens::Secrets;

use super::*;

/// The user that a call states after its admission, which it states to be mallory before.
fn user_after(guard: CallGuard, authorization: Option<&str>) -> Option<String> {
    let admission = guard.with(|_| Some(Access::Anyone));
    let mut call = Request::new(Body::empty());
    call.headers_mut()
        .insert(USER_ID, http::HeaderValue::from_static("mallory"));
    if let Some(value) = authorization {
        let value = value.parse().expect("a header");
        call.headers_mut()
            .insert(http::header::AUTHORIZATION, value);
    }
    admission.admit("/any", &mut call).expect("admitted");
    let user = call.headers().get(USER_ID)?;
    Some(user.to_str().expect("text").to_owned())
}

#[test]
fn the_user_of_a_call_is_the_signed_one() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let secrets = Secrets::create().expect("secrets");
    let settings = platform::Settings::from_environment(secrets.service_settings());
    let secret = settings.read(ServiceSecret::of_settings).expect("a secret");
    let guard = CallGuard::new(secret.as_ref(), &clock);
    let signed = |subject: &str, roles: &[&str]| {
        let signature = secrets.signature(subject, roles);
        user_after(guard.clone(), Some(&signature))
    };
    assert_eq!(signed("ada b", &["customer"]).as_deref(), Some("ada%20b"));
    assert_eq!(signed(ANONYMOUS, &[]), None);
    // Without authentication nothing is signed.
    let open = CallGuard::new(None, &clock);
    assert_eq!(user_after(open, None).as_deref(), Some("mallory"));
}

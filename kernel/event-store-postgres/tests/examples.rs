//! The example runs, and its events are there in the next run.

use test_example::output;

#[tokio::test]
async fn events_on_a_server() {
    let server = test_postgres::database().await;
    let url = server.url.as_str();
    assert_eq!(output("postgres", &[url]), "500 cents at position 1\n");
    assert_eq!(output("postgres", &[url]), "1000 cents at position 2\n");
}

//! Files that settings name, which are read at the start.

use std::process::ExitCode;

use command_service::Config;
use platform::Settings;
use platform::config::Engine;

use crate::support::Home;

fn config(settings: &[(&str, &str)]) -> Config {
    let settings = Settings::from_environment(settings.iter().copied());
    settings.read(Config::read).expect("settings that parse")
}

#[tokio::test]
async fn a_file_without_certificates_is_a_fault_of_the_setting_that_names_it() {
    let home = Home::new(Engine::Sqlite).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, "no certificates").expect("a file");
    let file = file.display();
    let webhooks = folder.path().join("webhooks.toml");
    let endpoint = format!(
        "[[endpoint]]\nname = \"books\"\nurl = \"https://books.example/\"\nevents = \"all\"\n\
         secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\nca_file = \"{file}\"\n"
    );
    std::fs::write(&webhooks, endpoint).expect("a file");
    let webhooks = webhooks.display().to_string();
    for (setting, value) in [
        (
            "SHIPPING_URL",
            format!("https://carrier.example?ca_file={file}"),
        ),
        (
            "NOTIFICATIONS_URL",
            format!("smtps://mail.example?from=shop@mail.example&ca_file={file}"),
        ),
        ("WEBHOOKS_FILE", webhooks),
    ] {
        let error = home.start_error(&config(&[(setting, &value)])).await;
        let line = error.to_string();
        let expected = format!("{setting}: cannot read the certificates of {file}: ");
        assert!(line.starts_with(&expected), "{line}");
        assert_eq!(error.exit_code(), ExitCode::from(2), "{line}");
    }
}

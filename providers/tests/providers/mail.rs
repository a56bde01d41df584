//! Notifications by mail, to a real mail server: aiosmtpd.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::value::{Money, UserId};
use providers::notifications::{NotificationsConfig, SmtpNotifications, SmtpSettings, SmtpTls};
use providers::{Notification, NotificationKind, Notifications, Secret};
use sagas::CallError;
use tempfile::TempDir;
use test_python::Script;

use crate::support::{clock, id, key, soon};

const USER: &str = "shop";
pub const PASSWORD: &str = "a-password-that-stays-secret";

/// A running mail server.
pub struct Sink {
    script: Script,
    port: u16,
    folder: TempDir,
}

/// A mail as the server received it.
struct Mail {
    from: String,
    to: Vec<String>,
    text: String,
    tls: bool,
    user: Option<String>,
}

impl Sink {
    pub async fn start(mode: &str, login: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_str().expect("a path").to_owned();
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/providers/foreign/mail_sink.py");
        let arguments = [&[mode, &path], login].concat();
        let mut script = Script::start(&script, &arguments)
            .await
            .expect("a mail server");
        let port = script.line().await.expect("its port");
        Self {
            script,
            port: port.parse().expect("a port"),
            folder,
        }
    }

    async fn mail(&mut self) -> Mail {
        let line = self.script.line().await.expect("a mail");
        let mail: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        Mail {
            from: text(&mail["from"]).expect("a sender"),
            to: mail["to"]
                .as_array()
                .expect("a list")
                .iter()
                .filter_map(text)
                .collect(),
            // Without the line breaks of quoted-printable.
            text: decode(mail["data"].as_str().expect("base64")).replace("=\r\n", ""),
            tls: mail["tls"].as_bool().expect("a boolean"),
            user: text(&mail["user"]),
        }
    }

    pub fn starttls(&self) -> SmtpSettings {
        self.settings(SmtpTls::StartTls)
    }

    fn settings(&self, tls: SmtpTls) -> SmtpSettings {
        let ca_file = self.folder.path().join("ca.pem");
        SmtpSettings {
            host: "localhost".to_owned(),
            port: self.port,
            tls,
            ca_file: (tls != SmtpTls::None).then_some(ca_file),
            login: None,
            from: "shop@example.com".parse().expect("an address"),
            to: None,
        }
    }
}

fn decode(base64: &str) -> String {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let mut bits = 0_u32;
    let mut count = 0;
    let mut bytes = Vec::new();
    for six in base64.bytes().filter_map(value) {
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).expect("a byte"));
        }
    }
    String::from_utf8(bytes).expect("text")
}

fn mailer(settings: &SmtpSettings) -> SmtpNotifications {
    SmtpNotifications::try_new(settings, clock()).expect("a mailer")
}

fn notice(user: &str, kind: NotificationKind) -> Notification {
    Notification {
        order_id: id("o-1"),
        user_id: UserId::parse("user", user).expect("a user"),
        kind,
    }
}

pub fn confirmed(user: &str) -> Notification {
    let kind = NotificationKind::Confirmed {
        total: Money::from_cents(1_990),
        tracking_number: Some("TRK-1".to_owned()),
    };
    notice(user, kind)
}

fn header<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let (head, _) = text.split_once("\r\n\r\n").expect("a head");
    let lines = head.split("\r\n");
    lines
        .filter_map(|line| line.strip_prefix(&format!("{name}: ")))
        .collect()
}

#[tokio::test]
async fn a_mail_arrives_and_its_repeat_has_the_same_id() {
    let mut sink = Sink::start("plain", &[]).await;
    let mailer = mailer(&sink.settings(SmtpTls::None));
    let mut ids = Vec::new();
    for name in ["saga/notify/1", "saga/notify/1", "saga/notify/2"] {
        let sent = mailer
            .send(&key(name), &confirmed("anna@example.com"))
            .await;
        assert_eq!(sent, Ok(()));
        let mail = sink.mail().await;
        assert_eq!(mail.from, "shop@example.com");
        assert_eq!(mail.to, ["anna@example.com"]);
        assert!(!mail.tls);
        assert_eq!(
            header(&mail.text, "Subject"),
            ["Your order o-1 is confirmed"]
        );
        assert_eq!(
            header(&mail.text, "Date"),
            ["Tue, 01 Jan 2030 12:00:00 +0000"]
        );
        assert!(
            mail.text.contains("19.90") && mail.text.contains("TRK-1"),
            "{}",
            mail.text
        );
        ids.push(header(&mail.text, "Message-ID").concat());
    }
    assert!(ids[0].ends_with("@example.com>"), "{}", ids[0]);
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}

#[tokio::test]
async fn all_mails_go_to_the_configured_address_if_there_is_one() {
    let mut sink = Sink::start("plain", &[]).await;
    let mut settings = sink.settings(SmtpTls::None);
    let declined = mailer(&settings)
        .send(&key("a"), &confirmed("user-17"))
        .await;
    assert!(
        matches!(declined, Err(CallError::Declined(_))),
        "{declined:?}"
    );
    settings.to = Some("desk@example.com".parse().expect("an address"));
    let sent = mailer(&settings)
        .send(&key("a"), &confirmed("user-17"))
        .await;
    assert_eq!(sent, Ok(()));
    assert_eq!(sink.mail().await.to, ["desk@example.com"]);
}

#[tokio::test]
async fn tls_is_used_and_the_certificate_is_checked() {
    for (mode, tls) in [
        ("starttls", SmtpTls::StartTls),
        ("wrapped", SmtpTls::Wrapped),
    ] {
        let mut sink = Sink::start(mode, &[]).await;
        let trusting = sink.settings(tls);
        let stranger = SmtpSettings {
            ca_file: None,
            ..trusting.clone()
        };
        let notification = confirmed("anna@example.com");
        let failed = soon(
            "a rejected certificate",
            mailer(&stranger).send(&key("a"), &notification),
        )
        .await;
        assert!(
            matches!(
                failed,
                Err(CallError::Transient { .. } | CallError::Unknown { .. })
            ),
            "{mode}: {failed:?}"
        );
        let sent = soon("a mail", mailer(&trusting).send(&key("a"), &notification)).await;
        assert_eq!(sent, Ok(()), "{mode}");
        assert!(sink.mail().await.tls, "{mode}");
    }
}

#[tokio::test]
async fn nothing_is_sent_without_tls_if_tls_is_required() {
    let sink = Sink::start("plain", &[]).await;
    let settings = SmtpSettings {
        ca_file: None,
        ..sink.settings(SmtpTls::StartTls)
    };
    let failed = mailer(&settings)
        .send(&key("a"), &confirmed("anna@example.com"))
        .await;
    assert!(
        matches!(failed, Err(CallError::Transient { .. })),
        "{failed:?}"
    );
}

#[tokio::test]
async fn the_password_is_used_and_not_shown() {
    let mut sink = Sink::start("starttls", &[USER, PASSWORD]).await;
    let with = |password: &str| SmtpSettings {
        login: Secret::parse(password).map(|password| (USER.to_owned(), password)),
        ..sink.settings(SmtpTls::StartTls)
    };
    let (right, wrong) = (with(PASSWORD), with("another-password-that-stays-secret"));
    let shown = format!(
        "{:?} {right:?} {:?}",
        mailer(&right),
        NotificationsConfig::Smtp(right.clone())
    );
    assert!(!shown.contains(PASSWORD), "{shown}");
    let notification = confirmed("anna@example.com");
    let declined = soon("an answer", mailer(&wrong).send(&key("a"), &notification)).await;
    let told = format!("{:?}", declined.expect_err("it is declined"));
    assert!(!told.contains("that-stays-secret"), "{told}");
    assert_eq!(mailer(&right).send(&key("a"), &notification).await, Ok(()));
    assert_eq!(sink.mail().await.user.as_deref(), Some(USER));
}

#[tokio::test]
async fn the_answer_of_the_server_decides_whether_to_retry() {
    let sink = Sink::start("plain", &[]).await;
    let mailer = mailer(&sink.settings(SmtpTls::None));
    let declined = mailer
        .send(&key("a"), &confirmed("declined@example.com"))
        .await;
    assert!(
        matches!(declined, Err(CallError::Declined(_))),
        "{declined:?}"
    );
    let later = mailer
        .send(&key("a"), &confirmed("later@example.com"))
        .await;
    assert!(
        matches!(later, Err(CallError::Transient { .. })),
        "{later:?}"
    );
    let nobody = SmtpSettings {
        port: 1,
        ..sink.settings(SmtpTls::None)
    };
    let nobody = SmtpNotifications::try_new(&nobody, clock()).expect("a mailer");
    let failed = nobody.send(&key("a"), &confirmed("anna@example.com")).await;
    assert!(
        matches!(
            failed,
            Err(CallError::Transient { .. } | CallError::Unknown { .. })
        ),
        "{failed:?}"
    );
}

#[tokio::test]
async fn no_header_can_be_injected() {
    let mut sink = Sink::start("plain", &[]).await;
    let mailer = mailer(&sink.settings(SmtpTls::None));
    for user in [
        "a@example.com\r\nBcc: x@example.com",
        "a@example.com\nBcc: x@example.com",
        "a@example.com, x@example.com",
        "\"a\r\nBcc: x\"@example.com",
    ] {
        let declined = mailer.send(&key("a"), &confirmed(user)).await;
        assert!(
            matches!(declined, Err(CallError::Declined(_))),
            "{user}: {declined:?}"
        );
    }
    let reason = "no\r\n.\r\nMAIL FROM:<x@example.com>\r\nBcc: x@example.com".to_owned();
    let cancelled = notice("a@example.com", NotificationKind::Cancelled { reason });
    assert_eq!(mailer.send(&key("a"), &cancelled).await, Ok(()));
    let mail = sink.mail().await;
    assert_eq!(mail.to, ["a@example.com"]);
    assert_eq!(header(&mail.text, "Bcc"), [""; 0]);
    assert!(
        mail.text.trim_end().ends_with("Order: o-1"),
        "{}",
        mail.text
    );
}

#[tokio::test]
async fn a_cancellation_has_its_reason_if_there_is_one() {
    let mut sink = Sink::start("plain", &[]).await;
    let mailer = mailer(&sink.settings(SmtpTls::None));
    for (reason, told) in [
        ("too late", "will not be delivered (too late). What"),
        ("", "will not be delivered. What"),
    ] {
        let kind = NotificationKind::Cancelled {
            reason: reason.to_owned(),
        };
        let cancelled = notice("a@example.com", kind);
        assert_eq!(mailer.send(&key("a"), &cancelled).await, Ok(()));
        let mail = sink.mail().await;
        assert!(mail.text.contains(told), "{}", mail.text);
    }
}

#[tokio::test]
async fn a_file_without_certificates_is_an_error_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("none.pem");
    let settings = SmtpSettings {
        host: "localhost".to_owned(),
        port: 1,
        tls: SmtpTls::Wrapped,
        ca_file: Some(path.clone()),
        login: None,
        from: "shop@example.com".parse().expect("an address"),
        to: None,
    };
    let error = SmtpNotifications::try_new(&settings, Arc::clone(&clock())).expect_err("no file");
    assert!(error.to_string().contains("none.pem"), "{error}");
    std::fs::write(&path, "nothing").expect("a file");
    let error = SmtpNotifications::try_new(&settings, clock()).expect_err("no certificate");
    assert!(error.to_string().contains("none.pem"), "{error}");
}

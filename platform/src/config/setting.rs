//! The description of a setting.

/// The description of a setting, independent of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    pub name: &'static str,
    pub default: Option<&'static str>,
    /// The accepted values, to follow "accepted: ".
    pub accepts: &'static str,
    /// The purpose, as the help text of the flag.
    pub help: &'static str,
    /// Whether the flag without a value means `true`.
    pub switch: bool,
    /// How much of the value errors may show.
    pub secrecy: Secrecy,
}

/// How much of a setting's value may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// Everything except the password of a URL.
    Password,
    /// No part of a URL that could be a credential.
    Credentials,
    /// Nothing is shown. Such a setting has no flag either, because flags are visible to all users of the machine.
    Everything,
}

/// A setting with its type.
#[derive(Debug)]
pub struct Setting<T> {
    pub spec: Spec,
    /// Parses the value; `None` if it is invalid.
    pub parse: fn(&str) -> Option<T>,
}

impl<T> Setting<T> {
    /// A setting without a default.
    #[must_use]
    pub const fn new(
        name: &'static str,
        parse: fn(&str) -> Option<T>,
        accepts: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            spec: Spec {
                name,
                default: None,
                accepts,
                help,
                switch: false,
                secrecy: Secrecy::Password,
            },
            parse,
        }
    }

    /// Adds a default.
    #[must_use]
    pub const fn or(mut self, default: &'static str) -> Self {
        self.spec.default = Some(default);
        self
    }

    /// Restricts how much of the value is shown.
    #[must_use]
    pub const fn hide(mut self, secrecy: Secrecy) -> Self {
        self.spec.secrecy = secrecy;
        self
    }

    /// Allows the flag without a value.
    #[must_use]
    pub const fn switch(mut self) -> Self {
        self.spec.switch = true;
        self
    }
}

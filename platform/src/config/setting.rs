//! The description of a setting.

/// What people need to know about a setting, whatever its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    pub name: &'static str,
    /// Used if nothing else is given.
    pub default: Option<&'static str>,
    /// What is accepted, to follow the words "accepted: ".
    pub accepts: &'static str,
    /// What it is for: the flag's help.
    pub help: &'static str,
    /// Whether the flag may stand alone, meaning `true`.
    pub switch: bool,
    /// How much of its value an error repeats.
    pub secrecy: Secrecy,
}

/// What of a setting's value may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// All but the password of a URL.
    Password,
    /// Of a URL, nothing that could be a credential.
    Credentials,
    /// Nothing. Such a setting has no flag either: everybody on the machine sees a process's flags.
    Everything,
}

/// A setting with its type.
#[derive(Debug)]
pub struct Setting<T> {
    pub spec: Spec,
    /// Reads the value; `None` if it is not acceptable.
    pub parse: fn(&str) -> Option<T>,
}

impl<T> Setting<T> {
    /// Describes a setting that is absent unless given.
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

    /// The same with a default.
    #[must_use]
    pub const fn or(mut self, default: &'static str) -> Self {
        self.spec.default = Some(default);
        self
    }

    /// The same with a value of which less is shown.
    #[must_use]
    pub const fn hide(mut self, secrecy: Secrecy) -> Self {
        self.spec.secrecy = secrecy;
        self
    }

    /// The same with a flag that may stand alone.
    #[must_use]
    pub const fn switch(mut self) -> Self {
        self.spec.switch = true;
        self
    }
}

//! The attribute `#[event(name = "…", version = …, upcast = […])]`.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, LitInt, LitStr, Path, Result, Token, bracketed};

/// A stored name: a literal, or a constant that filters use too.
pub(crate) enum EventName {
    Literal(LitStr),
    Constant(Path),
}

impl EventName {
    /// The text that must be unique within an enum. Two constants with equal values are not detected.
    pub(crate) fn identity(&self) -> String {
        match self {
            Self::Literal(name) => name.value(),
            Self::Constant(path) => path.to_token_stream().to_string(),
        }
    }
}

impl ToTokens for EventName {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Literal(name) => name.to_tokens(tokens),
            Self::Constant(path) => path.to_tokens(tokens),
        }
    }
}

/// The parsed attribute of one event.
pub(crate) struct EventAttribute {
    pub(crate) name: EventName,
    pub(crate) version: u32,
    pub(crate) upcasters: Vec<Path>,
}

#[derive(Default)]
struct Parts {
    name: Option<EventName>,
    version: Option<LitInt>,
    upcasters: Option<Vec<Path>>,
}

impl EventAttribute {
    /// Parses the attribute of an event. `owner` is the span of the error if it is missing.
    pub(crate) fn read(attributes: &[Attribute], owner: Span) -> Result<Self> {
        let mut found = attributes.iter().filter(|one| one.path().is_ident("event"));
        let Some(attribute) = found.next() else {
            let message = "an event needs its stored name: #[event(name = \"…\")]";
            return Err(Error::new(owner, message));
        };
        if let Some(second) = found.next() {
            let message = "an event has one attribute `event`";
            return Err(Error::new_spanned(second, message));
        }
        let mut parts = Parts::default();
        attribute.parse_nested_meta(|meta| parts.take(&meta))?;
        parts.check(attribute)
    }
}

impl Parts {
    fn take(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        if meta.path.is_ident("name") {
            let value = meta.value()?;
            self.name = Some(if value.peek(LitStr) {
                EventName::Literal(value.parse()?)
            } else {
                EventName::Constant(value.parse()?)
            });
        } else if meta.path.is_ident("version") {
            self.version = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("upcast") {
            let list;
            let value = meta.value()?;
            bracketed!(list in value);
            let paths = Punctuated::<Path, Token![,]>::parse_terminated(&list)?;
            self.upcasters = Some(paths.into_iter().collect());
        } else {
            return Err(meta.error("expected `name`, `version` or `upcast`"));
        }
        Ok(())
    }

    fn check(self, attribute: &Attribute) -> Result<EventAttribute> {
        let fail = |message: &str| Error::new_spanned(attribute, message);
        let name = self
            .name
            .ok_or_else(|| fail("an event needs its stored name: name = \"…\""))?;
        if let EventName::Literal(literal) = &name
            && literal.value().is_empty()
        {
            return Err(Error::new_spanned(name, "a stored name is not empty"));
        }
        let upcasters = self.upcasters.unwrap_or_default();
        let version = match &self.version {
            Some(version) => version.base10_parse()?,
            None => 1,
        };
        let lifted = u32::try_from(upcasters.len()).map_err(|_| fail("too many upcasters"))?;
        if version != lifted.saturating_add(1) {
            let message = format!(
                "schema version {version} needs {} upcasters, one from each older version to the next; got {lifted}",
                version.saturating_sub(1)
            );
            return Err(fail(&message));
        }
        Ok(EventAttribute {
            name,
            version,
            upcasters,
        })
    }
}

//! The derive for [`DomainEvent`](https://docs.rs/rust-cqrs-event-sourcing): an event's stored name, schema version and
//! upcasters are declared on its type, and nowhere else.
//!
//! It implements the trait and generates no other item. Use it through `event_sourcing::DomainEvent`, which documents
//! it.

mod attribute;
mod expand;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `event_sourcing::DomainEvent`. See there.
#[proc_macro_derive(DomainEvent, attributes(event))]
pub fn domain_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::domain_event(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

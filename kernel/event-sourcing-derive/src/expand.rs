//! The implementation of the trait, from an enum of events or from a struct that is the only event of its streams.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DataEnum, DeriveInput, Error, Fields, Generics, Result, Variant, parse_quote};

use crate::attribute::EventAttribute;

/// The match arms of one event.
struct Arms {
    name: TokenStream,
    encode: TokenStream,
    decode: TokenStream,
}

pub(crate) fn domain_event(input: &DeriveInput) -> Result<TokenStream> {
    let arms = match &input.data {
        Data::Enum(events) => of_enum(events)?,
        Data::Struct(_) => vec![of_struct(input)?],
        Data::Union(_) => {
            return Err(Error::new_spanned(
                &input.ident,
                "a union cannot be an event",
            ));
        }
    };
    let ident = &input.ident;
    let written = bounded(&input.generics, &quote!(::event_sourcing::event::Payload));
    let read = bounded(
        &input.generics,
        &quote!(::event_sourcing::event::StoredPayload),
    );
    let (_, arguments, _) = input.generics.split_for_impl();
    let (written, _, can_be_written) = written.split_for_impl();
    let (read, _, can_be_read) = read.split_for_impl();
    let names = arms.iter().map(|arms| &arms.name);
    let encode = arms.iter().map(|arms| &arms.encode);
    let decode = arms.iter().map(|arms| &arms.decode);
    Ok(quote! {
        #[automatically_derived]
        impl #written ::event_sourcing::DomainEvent for #ident #arguments #can_be_written {
            fn encode(&self) -> ::event_sourcing::EncodedEvent {
                match self { #(#encode)* }
            }
        }

        #[automatically_derived]
        impl #read ::event_sourcing::StoredEvent for #ident #arguments #can_be_read {
            const TYPES: &'static [&'static str] = &[#(#names),*];

            fn decode(
                event_type: &str,
                schema_version: u32,
                data: &str,
            ) -> ::core::result::Result<Self, ::event_sourcing::DecodeError> {
                match event_type {
                    #(#decode)*
                    other => ::core::result::Result::Err(::event_sourcing::DecodeError::unknown_type(other)),
                }
            }
        }
    })
}

/// Adds a bound to each type parameter, as serde's derives do.
fn bounded(generics: &Generics, bound: &TokenStream) -> Generics {
    let mut generics = generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(#bound));
    }
    generics
}

fn of_enum(events: &DataEnum) -> Result<Vec<Arms>> {
    let mut seen = HashSet::new();
    let mut all = Vec::with_capacity(events.variants.len());
    for variant in &events.variants {
        let attribute = EventAttribute::read(&variant.attrs, variant.ident.span())?;
        if !seen.insert(attribute.name.identity()) {
            let message = "another event of this enum has the same stored name";
            return Err(Error::new_spanned(&attribute.name, message));
        }
        all.push(of_variant(variant, &attribute)?);
    }
    if all.is_empty() {
        return Err(Error::new(
            events.enum_token.span(),
            "an enum of events needs at least one event",
        ));
    }
    Ok(all)
}

fn of_variant(variant: &Variant, attribute: &EventAttribute) -> Result<Arms> {
    match &variant.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {}
        _ => {
            let message = "an event is a variant with one unnamed field, its data";
            return Err(Error::new_spanned(&variant.ident, message));
        }
    }
    let ident = &variant.ident;
    Ok(arms(
        attribute,
        &quote!(Self::#ident(data)),
        &quote!(.map(Self::#ident)),
        variant.ident.span(),
    ))
}

fn of_struct(input: &DeriveInput) -> Result<Arms> {
    let attribute = EventAttribute::read(&input.attrs, input.ident.span())?;
    Ok(arms(
        &attribute,
        &quote!(data),
        &TokenStream::new(),
        input.ident.span(),
    ))
}

fn arms(
    attribute: &EventAttribute,
    pattern: &TokenStream,
    wrap: &TokenStream,
    span: proc_macro2::Span,
) -> Arms {
    let EventAttribute {
        name,
        version,
        upcasters,
    } = attribute;
    Arms {
        name: quote!(#name),
        encode: quote_spanned! {span=>
            #pattern => ::event_sourcing::EncodedEvent::of(#name, #version, data),
        },
        decode: quote_spanned! {span=>
            #name => ::event_sourcing::upcast::read(event_type, schema_version, data, &[#(#upcasters),*])#wrap,
        },
    }
}

//! How a schema applies the directives of this crate.

use async_graphql::Positioned;
use async_graphql::parser::types::ConstDirective;

/// Applied directives, each by an own name that says what it states.
macro_rules! applied {
    ($($(#[$doc:meta])* $name:ident ($($argument:ident: $ty:ty),*) at $place:ident => $directive:ident $values:tt;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl $name {
            /// The directive of a field: `#[graphql(directive = …::apply(…))]`.
            #[must_use]
            pub fn apply($($argument: $ty),*) -> async_graphql::registry::MetaDirectiveInvocation {
                $directive::apply $values
            }
        }

        impl async_graphql::TypeDirective for $name {
            fn name(&self) -> std::borrow::Cow<'static, str> {
                async_graphql::TypeDirective::name(&$directive)
            }

            fn register(&self, registry: &mut async_graphql::registry::Registry) {
                async_graphql::TypeDirective::register(&$directive, registry);
            }
        }

        impl $place for $name {}
    )*};
}

pub(super) use applied;

/// The directive with this name among those of a definition.
pub(super) fn find<'a>(
    directives: &'a [Positioned<ConstDirective>],
    name: &str,
) -> Option<&'a ConstDirective> {
    let mut all = directives.iter().map(|directive| &directive.node);
    all.find(|directive| directive.name.node == name)
}

//! Parses definitions and selections (sections 2.2 to 2.8 and 2.12 of the specification).

use async_graphql::parser::types::{
    Directive, Field, FragmentDefinition, FragmentSpread, InlineFragment, OperationDefinition,
    OperationType, Selection, SelectionSet, TypeCondition, VariableDefinition,
};
use async_graphql::{Name, Pos, Positioned};
use async_graphql_value::Value;
use event_sourcing::quoted;

use super::super::number_precision::ReplacedNumbers;
use super::lexer::{Kind, Token};
use super::syntax::syntax;
use crate::errors::ApiError;

/// A definition of a document.
pub(super) enum Definition {
    Operation(Option<Name>, Positioned<OperationDefinition>),
    Fragment(Name, Positioned<FragmentDefinition>),
}

/// A recursive descent parser. Its recursion is as deep as brackets are nested, which the lexer limits.
pub(super) struct Parser<'a> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token<'a>>>,
    end: Pos,
    pub(super) replaced: ReplacedNumbers,
}

type Arguments = Vec<(Positioned<Name>, Positioned<Value>)>;
type Directives = Vec<Positioned<Directive>>;

impl<'a> Parser<'a> {
    pub fn new(tokens: Vec<Token<'a>>, end: Pos) -> Self {
        let tokens = tokens.into_iter().peekable();
        Self {
            tokens,
            end,
            replaced: ReplacedNumbers::default(),
        }
    }

    pub fn is_at_end(&mut self) -> bool {
        self.tokens.peek().is_none()
    }

    pub fn definition(&mut self) -> Result<Definition, ApiError> {
        if self.is_at(&Kind::Mark('{')) {
            let pos = self.pos();
            let selection_set = self.selection_set()?;
            let operation = OperationDefinition {
                ty: OperationType::Query,
                variable_definitions: Vec::new(),
                directives: Vec::new(),
                selection_set,
            };
            return Ok(Definition::Operation(None, Positioned::new(operation, pos)));
        }
        self.skip_description();
        let pos = self.pos();
        let ty = match self.peek() {
            Some(Kind::Name("query")) => OperationType::Query,
            Some(Kind::Name("mutation")) => OperationType::Mutation,
            Some(Kind::Name("subscription")) => OperationType::Subscription,
            Some(Kind::Name("fragment")) => return self.fragment(),
            _ => return self.unexpected("an operation or a fragment"),
        };
        self.tokens.next();
        let name = match self.peek() {
            Some(Kind::Name(_)) => Some(self.name("a name")?.node),
            _ => None,
        };
        let operation = OperationDefinition {
            ty,
            variable_definitions: self.variable_definitions()?,
            directives: self.directives(Self::value)?,
            selection_set: self.selection_set()?,
        };
        Ok(Definition::Operation(name, Positioned::new(operation, pos)))
    }

    fn fragment(&mut self) -> Result<Definition, ApiError> {
        let pos = self.pos();
        self.tokens.next();
        if self.is_at(&Kind::Name("on")) {
            return self.unexpected("the name of a fragment");
        }
        let name = self.name("the name of a fragment")?.node;
        let Some(type_condition) = self.type_condition()? else {
            return self.unexpected("\"on\"");
        };
        let fragment = FragmentDefinition {
            type_condition,
            directives: self.directives(Self::value)?,
            selection_set: self.selection_set()?,
        };
        Ok(Definition::Fragment(name, Positioned::new(fragment, pos)))
    }

    fn variable_definitions(&mut self) -> Result<Vec<Positioned<VariableDefinition>>, ApiError> {
        if !self.take(&Kind::Mark('(')) {
            return Ok(Vec::new());
        }
        self.many(')', |parser| {
            parser.skip_description();
            let pos = parser.pos();
            parser.expect('$')?;
            let name = parser.name("the name of a variable")?;
            parser.expect(':')?;
            let type_pos = parser.pos();
            let var_type = Positioned::new(parser.ty()?, type_pos);
            let default_value = if parser.take(&Kind::Mark('=')) {
                Some(parser.constant()?)
            } else {
                None
            };
            let definition = VariableDefinition {
                name,
                var_type,
                directives: parser.directives(Self::constant_value)?,
                default_value,
            };
            Ok(Positioned::new(definition, pos))
        })
    }

    fn selection_set(&mut self) -> Result<Positioned<SelectionSet>, ApiError> {
        let pos = self.pos();
        self.expect('{')?;
        let items = self.many('}', |parser| {
            let pos = parser.pos();
            let selection = if parser.take(&Kind::Spread) {
                parser.spread(pos)?
            } else {
                selected(Positioned::new(parser.field()?, pos))
            };
            Ok(Positioned::new(selection, pos))
        })?;
        Ok(Positioned::new(SelectionSet { items }, pos))
    }

    fn field(&mut self) -> Result<Field, ApiError> {
        let mut name = self.name("a field")?;
        let mut alias = None;
        if self.take(&Kind::Mark(':')) {
            alias = Some(name);
            name = self.name("a field")?;
        }
        Ok(Field {
            alias,
            name,
            arguments: self.arguments(Self::value)?,
            directives: self.directives(Self::value)?,
            selection_set: if self.is_at(&Kind::Mark('{')) {
                self.selection_set()?
            } else {
                Positioned::default()
            },
        })
    }

    /// A fragment spread or an inline fragment, after its three dots.
    fn spread(&mut self, pos: Pos) -> Result<Selection, ApiError> {
        let type_condition = self.type_condition()?;
        if type_condition.is_none() && matches!(self.peek(), Some(Kind::Name(_))) {
            let spread = FragmentSpread {
                fragment_name: self.name("the name of a fragment")?,
                directives: self.directives(Self::value)?,
            };
            return Ok(Selection::FragmentSpread(Positioned::new(spread, pos)));
        }
        let inline = InlineFragment {
            type_condition,
            directives: self.directives(Self::value)?,
            selection_set: self.selection_set()?,
        };
        Ok(Selection::InlineFragment(Positioned::new(inline, pos)))
    }

    fn type_condition(&mut self) -> Result<Option<Positioned<TypeCondition>>, ApiError> {
        let pos = self.pos();
        if !self.take(&Kind::Name("on")) {
            return Ok(None);
        }
        let on = self.name("the name of a type")?;
        Ok(Some(Positioned::new(TypeCondition { on }, pos)))
    }

    fn directives(
        &mut self,
        value: fn(&mut Self) -> Result<Value, ApiError>,
    ) -> Result<Directives, ApiError> {
        let mut directives = Vec::new();
        loop {
            let pos = self.pos();
            if !self.take(&Kind::Mark('@')) {
                return Ok(directives);
            }
            let directive = Directive {
                name: self.name("the name of a directive")?,
                arguments: self.arguments(value)?,
            };
            directives.push(Positioned::new(directive, pos));
        }
    }

    fn arguments(
        &mut self,
        value: fn(&mut Self) -> Result<Value, ApiError>,
    ) -> Result<Arguments, ApiError> {
        if !self.take(&Kind::Mark('(')) {
            return Ok(Vec::new());
        }
        self.many(')', |parser| {
            let name = parser.name("the name of an argument")?;
            parser.expect(':')?;
            let pos = parser.pos();
            Ok((name, Positioned::new(value(parser)?, pos)))
        })
    }

    /// One or more items, and the closing mark.
    fn many<T>(
        &mut self,
        close: char,
        mut one: impl FnMut(&mut Self) -> Result<T, ApiError>,
    ) -> Result<Vec<T>, ApiError> {
        let mut all = vec![one(self)?];
        while !self.take(&Kind::Mark(close)) {
            all.push(one(self)?);
        }
        Ok(all)
    }

    fn skip_description(&mut self) {
        if matches!(self.peek(), Some(Kind::String(_))) {
            self.tokens.next();
        }
    }

    pub fn peek(&mut self) -> Option<&Kind<'a>> {
        self.tokens.peek().map(|token| &token.kind)
    }

    pub fn next(&mut self) -> Option<Token<'a>> {
        self.tokens.next()
    }

    /// The location of the next token.
    pub fn pos(&mut self) -> Pos {
        self.tokens.peek().map_or(self.end, |token| token.pos)
    }

    fn is_at(&mut self, kind: &Kind<'_>) -> bool {
        self.peek() == Some(kind)
    }

    /// Consumes the next token if it is of this kind, and returns whether it was.
    pub fn take(&mut self, kind: &Kind<'_>) -> bool {
        let is_next = self.is_at(kind);
        if is_next {
            self.tokens.next();
        }
        is_next
    }

    pub fn expect(&mut self, mark: char) -> Result<(), ApiError> {
        if self.take(&Kind::Mark(mark)) {
            return Ok(());
        }
        self.unexpected(&quoted(&mark.to_string()))
    }

    pub fn name(&mut self, what: &str) -> Result<Positioned<Name>, ApiError> {
        let pos = self.pos();
        if let Some(Kind::Name(name)) = self.peek() {
            let name = Name::new(name);
            self.tokens.next();
            return Ok(Positioned::new(name, pos));
        }
        self.unexpected(what)
    }

    pub fn unexpected<T>(&mut self, wanted: &str) -> Result<T, ApiError> {
        let pos = self.pos();
        let found = match self.peek() {
            None => "the end".to_owned(),
            Some(Kind::Mark(mark)) => quoted(&mark.to_string()),
            Some(Kind::Spread) => "\"...\"".to_owned(),
            Some(Kind::Name(text) | Kind::Int(text) | Kind::Float(text)) => quoted(text),
            Some(Kind::String(_)) => "a string".to_owned(),
        };
        Err(syntax(pos, format!("expected {wanted}, found {found}")))
    }
}

/// A field as a selection. The engine ignores the directives of `__typename`, so they are moved to an inline fragment around
/// it, where they have the same effect.
fn selected(mut field: Positioned<Field>) -> Selection {
    if field.node.name.node != "__typename" || field.node.directives.is_empty() {
        return Selection::Field(field);
    }
    let pos = field.pos;
    let directives = std::mem::take(&mut field.node.directives);
    let items = vec![Positioned::new(Selection::Field(field), pos)];
    let inline = InlineFragment {
        type_condition: None,
        directives,
        selection_set: Positioned::new(SelectionSet { items }, pos),
    };
    Selection::InlineFragment(Positioned::new(inline, pos))
}

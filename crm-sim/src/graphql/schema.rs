//! The table of types a simulated CRM declares, read from SDL.

use std::collections::{BTreeSet, HashMap};

use graphql_parser::schema::{self as sdl, Definition, TypeDefinition};
use serde_json::Value;

pub(crate) type Type = sdl::Type<'static, String>;
pub(super) type Field = sdl::Field<'static, String>;
pub(super) type InputValue = sdl::InputValue<'static, String>;

/// Whether a value is one of a scalar's.
pub(crate) type IsScalar = fn(&Value) -> bool;

/// All types by name.
pub(crate) struct Schema {
    types: HashMap<String, Kind>,
}

pub(super) enum Kind {
    Scalar(IsScalar),
    Enum(Vec<String>),
    Input(Vec<InputValue>),
    Object(Vec<Field>),
    Interface(Vec<Field>, BTreeSet<String>),
    Union(BTreeSet<String>),
}

impl Schema {
    /// Reads SDL. Scalars of its own accept any text unless [`Schema::scalar`] says otherwise.
    ///
    /// # Panics
    /// If the text is not SDL: it is a part of the simulator.
    pub(crate) fn parse(text: &'static str) -> Self {
        let document = sdl::parse_schema::<String>(text).expect("a simulator's SDL is valid");
        let mut types: HashMap<String, Kind> = BUILT_IN
            .iter()
            .map(|(name, is_one)| ((*name).to_owned(), Kind::Scalar(*is_one)))
            .collect();
        let mut implementers: Vec<(String, String)> = Vec::new();
        for definition in document.definitions {
            let Definition::TypeDefinition(definition) = definition else {
                continue;
            };
            if let TypeDefinition::Object(object) = &definition {
                let names = object.implements_interfaces.iter();
                implementers.extend(names.map(|name| (name.clone(), object.name.clone())));
            }
            let (name, kind) = kind(definition);
            types.insert(name, kind);
        }
        for (interface, object) in implementers {
            if let Some(Kind::Interface(_, objects)) = types.get_mut(&interface) {
                objects.insert(object);
            }
        }
        Self { types }
    }

    /// Says which values a scalar accepts.
    pub(crate) fn scalar(mut self, name: &str, is_one: IsScalar) -> Self {
        self.types.insert(name.to_owned(), Kind::Scalar(is_one));
        self
    }

    pub(super) fn kind(&self, name: &str) -> Option<&Kind> {
        self.types.get(name)
    }

    /// A field of an object or interface.
    pub(super) fn field(&self, owner: &str, name: &str) -> Option<&Field> {
        match self.kind(owner)? {
            Kind::Object(fields) | Kind::Interface(fields, _) => {
                fields.iter().find(|field| field.name == name)
            }
            _ => None,
        }
    }

    pub(super) fn field_names(&self, owner: &str) -> impl Iterator<Item = &str> {
        let fields = match self.kind(owner) {
            Some(Kind::Object(fields)) => fields.as_slice(),
            _ => &[],
        };
        fields.iter().map(|field| field.name.as_str())
    }

    /// The objects a value of this type can be; `None` if the type has no fields.
    pub(super) fn possible(&self, name: &str) -> Option<BTreeSet<String>> {
        match self.kind(name)? {
            Kind::Object(_) => Some(BTreeSet::from([name.to_owned()])),
            Kind::Interface(_, objects) | Kind::Union(objects) => Some(objects.clone()),
            _ => None,
        }
    }
}

#[cfg(test)]
impl Schema {
    /// Types that a field, an argument or a union names and nobody declares.
    pub(crate) fn undeclared(&self) -> BTreeSet<&str> {
        let mut all = BTreeSet::new();
        for kind in self.types.values() {
            match kind {
                Kind::Input(inputs) => all.extend(inputs.iter().map(|one| named(&one.value_type))),
                Kind::Object(fields) | Kind::Interface(fields, _) => {
                    all.extend(fields.iter().map(|field| named(&field.field_type)));
                    let arguments = fields.iter().flat_map(|field| &field.arguments);
                    all.extend(arguments.map(|one| named(&one.value_type)));
                }
                Kind::Union(names) => all.extend(names.iter().map(String::as_str)),
                Kind::Scalar(_) | Kind::Enum(_) => {}
            }
        }
        all.retain(|name| !self.types.contains_key(*name));
        all
    }
}

/// The innermost type's name: `Client` of `[Client!]!`.
pub(crate) fn named(of: &Type) -> &str {
    match of {
        Type::NamedType(name) => name,
        Type::ListType(inner) | Type::NonNullType(inner) => named(inner),
    }
}

fn kind(definition: TypeDefinition<'static, String>) -> (String, Kind) {
    match definition {
        TypeDefinition::Scalar(scalar) => (scalar.name, Kind::Scalar(Value::is_string)),
        TypeDefinition::Object(object) => (object.name, Kind::Object(object.fields)),
        TypeDefinition::Interface(interface) => {
            let objects = BTreeSet::new();
            (interface.name, Kind::Interface(interface.fields, objects))
        }
        TypeDefinition::Union(union) => {
            (union.name, Kind::Union(union.types.into_iter().collect()))
        }
        TypeDefinition::Enum(values) => {
            let names = values.values.into_iter().map(|value| value.name).collect();
            (values.name, Kind::Enum(names))
        }
        TypeDefinition::InputObject(input) => (input.name, Kind::Input(input.fields)),
    }
}

const BUILT_IN: &[(&str, IsScalar)] = &[
    ("String", Value::is_string),
    ("Boolean", Value::is_boolean),
    ("Int", |value| {
        value
            .as_i64()
            .is_some_and(|number| i32::try_from(number).is_ok())
    }),
    ("Float", Value::is_number),
    ("ID", |value| {
        value.is_string() || value.is_i64() || value.is_u64()
    }),
];

//! Arguments as a document writes them: literals and variables made into plain values.

use graphql_parser::Pos;
use graphql_parser::query::{Field as AskedField, Value as Literal};
use serde_json::{Map, Value, json};

use super::coerce::may_stand;
use super::plan::Planner;
use super::schema::{Field, InputValue, Kind, Type};

/// The argument's name, whose it is (`Field 'clients'`), and where.
pub(super) type Site<'s> = (&'s str, &'s str, Pos);

impl Planner<'_, '_> {
    /// All arguments of a field that have a value.
    pub(super) fn arguments(&mut self, declared: &Field, asked: &AskedField<'_, String>) -> Value {
        let (name, place) = (&asked.name, asked.position);
        let owner = format!("Field '{name}'");
        for (given, _) in &asked.arguments {
            if !declared.arguments.iter().any(|one| one.name == *given) {
                let message = format!("{owner} doesn't accept argument '{given}'");
                self.refuse(message, place, "argumentNotAccepted");
            }
        }
        let mut values = Map::new();
        let mut missing = Vec::new();
        for argument in &declared.arguments {
            let given = asked.arguments.iter().find(|one| one.0 == argument.name);
            match self.given(argument, given.map(|(_, literal)| literal), &owner, place) {
                Ok(Some(value)) => drop(values.insert(argument.name.clone(), value)),
                Ok(None) => {}
                Err(Missing) => missing.push(argument.name.as_str()),
            }
        }
        if !missing.is_empty() {
            let missing = missing.join(", ");
            let message = format!("{owner} is missing required arguments: {missing}");
            self.refuse(message, place, "missingRequiredArguments");
        }
        Value::Object(values)
    }

    /// The value of an argument or of an input object's field, or its default.
    fn given(
        &mut self,
        declared: &InputValue,
        literal: Option<&Literal<'_, String>>,
        owner: &str,
        place: Pos,
    ) -> Result<Option<Value>, Missing> {
        let site = (declared.name.as_str(), owner, place);
        let default = declared.default_value.as_ref().map(constant);
        match literal {
            Some(literal) => Ok(self
                .literal(&declared.value_type, literal, &site)
                .or(default)),
            None if default.is_some() => Ok(default),
            None if matches!(declared.value_type, Type::NonNullType(_)) => Err(Missing),
            None => Ok(None),
        }
    }

    /// The value a literal stands for; `None` for an absent variable, or if it is wrong.
    pub(super) fn literal(
        &mut self,
        expected: &Type,
        literal: &Literal<'_, String>,
        site: &Site<'_>,
    ) -> Option<Value> {
        match (expected, literal) {
            (_, Literal::Variable(name)) => self.variable(expected, name, site),
            (Type::NonNullType(_), Literal::Null) => self.incompatible(expected, literal, site),
            (Type::NonNullType(inner), _) => self.literal(inner, literal, site),
            (_, Literal::Null) => Some(Value::Null),
            (Type::ListType(inner), Literal::List(items)) => {
                let items = items
                    .iter()
                    .filter_map(|item| self.literal(inner, item, site));
                Some(Value::Array(items.collect()))
            }
            // A single value stands for a list of one.
            (Type::ListType(inner), _) => Some(json!([self.literal(inner, literal, site)?])),
            (Type::NamedType(name), _) => self.named_literal(name, expected, literal, site),
        }
    }

    fn named_literal(
        &mut self,
        name: &str,
        expected: &Type,
        literal: &Literal<'_, String>,
        site: &Site<'_>,
    ) -> Option<Value> {
        let schema = self.schema;
        let is_right = match (schema.kind(name), literal) {
            (Some(Kind::Input(fields)), Literal::Object(object)) => {
                return Some(self.object_literal((name, fields), object, site.2));
            }
            (Some(Kind::Enum(values)), Literal::Enum(value)) => values.contains(value),
            (Some(Kind::Scalar(_)), Literal::Enum(_)) => false,
            (Some(Kind::Scalar(is_one)), literal) => is_one(&constant(literal)),
            _ => false,
        };
        if is_right {
            return Some(constant(literal));
        }
        self.incompatible(expected, literal, site)
    }

    fn object_literal(
        &mut self,
        (name, fields): (&str, &[InputValue]),
        object: &std::collections::BTreeMap<String, Literal<'_, String>>,
        place: Pos,
    ) -> Value {
        let owner = format!("InputObject '{name}'");
        for key in object.keys() {
            if !fields.iter().any(|field| field.name == *key) {
                let message = format!("{owner} doesn't accept argument '{key}'");
                self.refuse(message, place, "argumentNotAccepted");
            }
        }
        let mut values = Map::new();
        for field in fields {
            match self.given(field, object.get(&field.name), &owner, place) {
                Ok(Some(value)) => drop(values.insert(field.name.clone(), value)),
                Ok(None) => {}
                Err(Missing) => {
                    let message = format!(
                        "Argument '{}' on {owner} is required. Expected type {}",
                        field.name, field.value_type
                    );
                    self.refuse(message, place, "missingRequiredInputObjectAttribute");
                }
            }
        }
        Value::Object(values)
    }

    fn variable(&mut self, expected: &Type, name: &str, site: &Site<'_>) -> Option<Value> {
        let title = self.title().to_owned();
        let Some(variable) = self.variables.get_mut(name) else {
            let message = format!("Variable ${name} is used by {title} but not declared");
            self.refuse(message, site.2, "variableNotDefined");
            return None;
        };
        variable.is_used = true;
        let value = variable.value.clone();
        if may_stand(&variable.declared, variable.has_default, expected) {
            return value;
        }
        let (argument, declared) = (site.0, &variable.declared);
        let message = format!(
            "Type mismatch on variable ${name} and argument {argument} ({declared} / {expected})"
        );
        self.refuse(message, site.2, "variableMismatch");
        None
    }

    fn incompatible<T>(
        &mut self,
        expected: &Type,
        literal: &Literal<'_, String>,
        (argument, owner, place): &Site<'_>,
    ) -> Option<T> {
        let message = format!(
            "Argument '{argument}' on {owner} has an invalid value ({literal}). Expected type \
             '{expected}'."
        );
        self.refuse(message, *place, "argumentLiteralsIncompatible");
        None
    }
}

/// A required argument that was not given.
struct Missing;

/// A literal without variables as JSON; an enum's value as its name.
pub(super) fn constant(literal: &Literal<'_, String>) -> Value {
    match literal {
        Literal::Int(number) => json!(number.as_i64()),
        Literal::Float(number) => json!(number),
        Literal::String(text) | Literal::Enum(text) => json!(text),
        Literal::Boolean(flag) => json!(flag),
        Literal::List(items) => items.iter().map(constant).collect(),
        Literal::Object(object) => object
            .iter()
            .map(|(key, value)| (key.clone(), constant(value)))
            .collect(),
        Literal::Null | Literal::Variable(_) => Value::Null,
    }
}

//! Variables: JSON values made into what the declared type says, or what is wrong with them.

use graphql_parser::query::{Type as AskedType, VariableDefinition};
use serde_json::{Map, Value, json};

use super::error::GraphQlError;
use super::literal::constant;
use super::schema::{InputValue, Kind, Schema, Type, named};

/// What is wrong with a part of a value.
struct Problem {
    path: Vec<Value>,
    explanation: String,
}

/// A type as a document writes it, in the schema's own terms.
pub(super) fn owned(asked: &AskedType<'_, String>) -> Type {
    match asked {
        AskedType::NamedType(name) => Type::NamedType(name.clone()),
        AskedType::ListType(inner) => Type::ListType(Box::new(owned(inner))),
        AskedType::NonNullType(inner) => Type::NonNullType(Box::new(owned(inner))),
    }
}

/// A variable's value; `Ok(None)` if none was given and none is needed.
pub(super) fn variable(
    schema: &Schema,
    definition: &VariableDefinition<'_, String>,
    given: Option<&Value>,
) -> Result<Option<Value>, GraphQlError> {
    let expected = owned(&definition.var_type);
    let default = definition.default_value.as_ref().map(constant);
    let given = match (given, default) {
        (Some(given), _) => given.clone(),
        (None, Some(default)) => default,
        (None, None) if matches!(expected, Type::NonNullType(_)) => Value::Null,
        (None, None) => return Ok(None),
    };
    let mut problems = Vec::new();
    let value = coerce(schema, &expected, &given, &mut Vec::new(), &mut problems);
    if problems.is_empty() {
        return Ok(Some(value));
    }
    Err(refuse(definition, &expected, &given, &problems))
}

fn refuse(
    definition: &VariableDefinition<'_, String>,
    expected: &Type,
    given: &Value,
    problems: &[Problem],
) -> GraphQlError {
    let mut message = format!(
        "Variable ${} of type {expected} was provided invalid value",
        definition.name
    );
    let inner: Vec<String> = problems.iter().filter_map(Problem::sentence).collect();
    if !inner.is_empty() {
        message.push_str(&format!(" for {}", inner.join(", ")));
    }
    let problems: Value = problems.iter().map(Problem::show).collect();
    GraphQlError::new(message)
        .at(definition.position)
        .with("value", given.clone())
        .with("problems", problems)
}

impl Problem {
    /// `phones.0.number (Expected value to not be null)`; nothing for the value as a whole.
    fn sentence(&self) -> Option<String> {
        let step = |step: &Value| {
            step.as_str()
                .map_or_else(|| step.to_string(), str::to_owned)
        };
        let path: Vec<String> = self.path.iter().map(step).collect();
        (!path.is_empty()).then(|| format!("{} ({})", path.join("."), self.explanation))
    }

    fn show(&self) -> Value {
        let Self { path, explanation } = self;
        json!({"path": path, "explanation": explanation, "message": explanation})
    }
}

fn coerce(
    schema: &Schema,
    expected: &Type,
    given: &Value,
    path: &mut Vec<Value>,
    problems: &mut Vec<Problem>,
) -> Value {
    match expected {
        Type::NonNullType(_) if given.is_null() => {
            wrong(path, problems, "Expected value to not be null".into())
        }
        Type::NonNullType(inner) => coerce(schema, inner, given, path, problems),
        _ if given.is_null() => Value::Null,
        Type::ListType(inner) => {
            // A single value stands for a list of one.
            let single = std::slice::from_ref(given);
            let items = given.as_array().map_or(single, Vec::as_slice);
            let mut list = Vec::new();
            for (place, item) in items.iter().enumerate() {
                path.push(json!(place));
                list.push(coerce(schema, inner, item, path, problems));
                path.pop();
            }
            Value::Array(list)
        }
        Type::NamedType(name) => coerce_named(schema, name, given, path, problems),
    }
}

fn coerce_named(
    schema: &Schema,
    name: &str,
    given: &Value,
    path: &mut Vec<Value>,
    problems: &mut Vec<Problem>,
) -> Value {
    let explanation = match schema.kind(name) {
        Some(Kind::Input(fields)) => match given.as_object() {
            Some(object) => return coerce_object(schema, (name, fields), object, path, problems),
            None => format!("Expected {given} to be a key-value object."),
        },
        Some(Kind::Enum(values)) => match given.as_str() {
            Some(text) if values.iter().any(|value| value == text) => return given.clone(),
            _ => format!("Expected {given} to be one of: {}", values.join(", ")),
        },
        Some(Kind::Scalar(is_one)) if is_one(given) => return given.clone(),
        _ => not_one(name, given),
    };
    wrong(path, problems, explanation)
}

fn wrong(path: &[Value], problems: &mut Vec<Problem>, explanation: String) -> Value {
    let path = path.to_vec();
    problems.push(Problem { path, explanation });
    Value::Null
}

fn coerce_object(
    schema: &Schema,
    (name, fields): (&str, &[InputValue]),
    given: &Map<String, Value>,
    path: &mut Vec<Value>,
    problems: &mut Vec<Problem>,
) -> Value {
    for key in given.keys() {
        if !fields.iter().any(|field| field.name == *key) {
            let mut path = path.clone();
            path.push(json!(key));
            let explanation = format!("Field is not defined on {name}");
            problems.push(Problem { path, explanation });
        }
    }
    let mut object = Map::new();
    for field in fields {
        let default = field.default_value.as_ref().map(constant);
        let value = match given.get(&field.name).cloned().or(default) {
            Some(value) => value,
            None if matches!(field.value_type, Type::NonNullType(_)) => Value::Null,
            None => continue,
        };
        path.push(json!(field.name));
        let value = coerce(schema, &field.value_type, &value, path, problems);
        path.pop();
        object.insert(field.name.clone(), value);
    }
    Value::Object(object)
}

/// Whose words these are depends on whether the scalar is GraphQL's own.
fn not_one(scalar: &str, given: &Value) -> String {
    match scalar {
        "String" | "Int" | "Float" | "Boolean" | "ID" => {
            format!("Could not coerce value {given} to {scalar}")
        }
        _ => {
            let text = given
                .as_str()
                .map_or_else(|| given.to_string(), str::to_owned);
            format!("'{text}' is not a valid {scalar}")
        }
    }
}

/// Whether a variable of the declared type may stand where `expected` is wanted.
pub(super) fn may_stand(declared: &Type, has_default: bool, expected: &Type) -> bool {
    match (declared, expected) {
        (Type::NonNullType(declared), Type::NonNullType(expected)) => {
            may_stand(declared, false, expected)
        }
        (Type::NonNullType(declared), expected) => may_stand(declared, false, expected),
        (declared, Type::NonNullType(expected)) => {
            has_default && may_stand(declared, false, expected)
        }
        (Type::ListType(declared), Type::ListType(expected)) => {
            may_stand(declared, false, expected)
        }
        (Type::NamedType(declared), Type::NamedType(expected)) => declared == expected,
        // A single value stands for a list of one.
        (Type::NamedType(declared), Type::ListType(expected)) => declared == named(expected),
        (Type::ListType(_), Type::NamedType(_)) => false,
    }
}

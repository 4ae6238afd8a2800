//! Resolvers at work: what a plan selects, nothing else, and nulls where GraphQL wants them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::error::GraphQlError;
use super::plan::{Plan, Selected};
use super::schema::{Type, named};

/// Something with fields, in the eyes of a resolver. `C` is what resolvers work on: the books.
pub(crate) trait Object<C> {
    /// Which of the schema's objects it is.
    fn type_name(&self) -> &'static str;

    /// The value of a declared field; its arguments are as declared, absent ones are left out.
    fn field(&self, context: &mut C, name: &str, arguments: &Value) -> Output<C>;
}

/// What a field is, before it is cut to what was selected.
pub(crate) enum Output<C> {
    /// Plain data; of an object's keys those are kept that were selected, by their field names.
    Plain(Value),
    Object(Arc<dyn Object<C>>),
    /// An object whose fields are all there already.
    Made(BTreeMap<&'static str, Output<C>>),
    List(Vec<Output<C>>),
    Failed(Failure),
}

/// Why a field has no value.
#[derive(Clone)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) code: &'static str,
}

impl<C> Output<C> {
    pub(crate) fn object(object: impl Object<C> + 'static) -> Self {
        Self::Object(Arc::new(object))
    }

    /// The object, or null.
    pub(crate) fn maybe(object: Option<impl Object<C> + 'static>) -> Self {
        object.map_or(Self::Plain(Value::Null), Self::object)
    }
}

impl<C> Clone for Output<C> {
    fn clone(&self) -> Self {
        match self {
            Self::Plain(value) => Self::Plain(value.clone()),
            Self::Object(object) => Self::Object(Arc::clone(object)),
            Self::Made(fields) => Self::Made(fields.clone()),
            Self::List(items) => Self::List(items.clone()),
            Self::Failed(failure) => Self::Failed(failure.clone()),
        }
    }
}

/// An operation's result.
pub(crate) struct Outcome {
    pub(crate) data: Value,
    pub(crate) errors: Vec<Value>,
    /// The weights of all fields that were resolved, each as often as it was.
    pub(crate) weight: u64,
}

/// Runs a plan from its root. `weigh` says what one resolution of a field weighs.
pub(crate) fn run<C>(
    plan: &Plan,
    root: &Output<C>,
    context: &mut C,
    weigh: fn(&Selected) -> u64,
) -> Outcome {
    let mut runner = Runner {
        context,
        weigh,
        weight: 0,
        path: Vec::new(),
        errors: Vec::new(),
    };
    let data = runner.object(plan.root, root, &plan.fields);
    Outcome {
        data: data.unwrap_or(Value::Null),
        errors: runner.errors,
        weight: runner.weight,
    }
}

/// A null where none may be: it travels up.
struct Nulled;

struct Runner<'a, C> {
    context: &'a mut C,
    weigh: fn(&Selected) -> u64,
    weight: u64,
    path: Vec<Value>,
    errors: Vec<Value>,
}

impl<C> Runner<'_, C> {
    fn object(
        &mut self,
        declared: &str,
        output: &Output<C>,
        fields: &[Selected],
    ) -> Result<Value, Nulled> {
        let actual = actual_type(declared, output);
        let mut object = Map::new();
        for selected in &applicable(fields, &actual) {
            self.weight += (self.weigh)(selected);
            if selected.name == "__typename" {
                object.insert(selected.key.clone(), json!(actual));
                continue;
            }
            let value = self.resolve(output, selected);
            self.path.push(json!(selected.key));
            let value = self.complete(&selected.field_type, &value, selected);
            self.path.pop();
            object.insert(selected.key.clone(), value?);
        }
        Ok(Value::Object(object))
    }

    fn resolve(&mut self, owner: &Output<C>, selected: &Selected) -> Output<C> {
        let absent = || Output::Plain(Value::Null);
        match owner {
            Output::Object(object) => {
                object.field(self.context, &selected.name, &selected.arguments)
            }
            Output::Made(fields) => fields
                .get(selected.name.as_str())
                .map_or_else(absent, Output::clone),
            Output::Plain(value) => Output::Plain(value[selected.name.as_str()].clone()),
            Output::List(_) | Output::Failed(_) => absent(),
        }
    }

    fn complete(
        &mut self,
        expected: &Type,
        output: &Output<C>,
        selected: &Selected,
    ) -> Result<Value, Nulled> {
        let Type::NonNullType(inner) = expected else {
            return Ok(self
                .value(expected, output, selected)
                .unwrap_or(Value::Null));
        };
        let value = self.value(inner, output, selected)?;
        if !value.is_null() {
            return Ok(value);
        }
        if !matches!(output, Output::Failed(_)) {
            let message = format!(
                "Cannot return null for non-nullable field {}",
                selected.name
            );
            self.fail(message, "INTERNAL_SERVER_ERROR", selected);
        }
        Err(Nulled)
    }

    fn value(
        &mut self,
        expected: &Type,
        output: &Output<C>,
        selected: &Selected,
    ) -> Result<Value, Nulled> {
        match (expected, output) {
            (_, Output::Failed(failure)) => {
                self.fail(failure.message.clone(), failure.code, selected);
                Ok(Value::Null)
            }
            (_, Output::Plain(Value::Null)) => Ok(Value::Null),
            (Type::NonNullType(inner), output) => self.value(inner, output, selected),
            (Type::ListType(inner), Output::List(items)) => {
                self.items(inner, items.iter().cloned(), selected)
            }
            (Type::ListType(inner), Output::Plain(Value::Array(items))) => {
                let items: Vec<Output<C>> = items.iter().cloned().map(Output::Plain).collect();
                self.items(inner, items.into_iter(), selected)
            }
            (expected, Output::Plain(value)) if selected.fields.is_empty() => {
                debug_assert!(matches!(expected, Type::NamedType(_)), "a list is wanted");
                Ok(value.clone())
            }
            (expected, output) => self.object(named(expected), output, &selected.fields),
        }
    }

    fn items(
        &mut self,
        expected: &Type,
        items: impl Iterator<Item = Output<C>>,
        selected: &Selected,
    ) -> Result<Value, Nulled> {
        let mut list = Vec::new();
        for (place, item) in items.enumerate() {
            self.path.push(json!(place));
            let value = self.complete(expected, &item, selected);
            self.path.pop();
            list.push(value?);
        }
        Ok(Value::Array(list))
    }

    fn fail(&mut self, message: String, code: &str, selected: &Selected) {
        let error = GraphQlError::new(message)
            .at(selected.place)
            .on(&self.path)
            .code(code);
        self.errors.push(error.show());
    }
}

/// The fields that were selected of an object of this type, each key once.
fn applicable<'f>(fields: &'f [Selected], actual: &str) -> Vec<Cow<'f, Selected>> {
    let mut list: Vec<Cow<'f, Selected>> = Vec::new();
    for selected in fields.iter().filter(|field| field.applies_to(actual)) {
        match list.iter_mut().find(|known| known.key == selected.key) {
            Some(known) => known.to_mut().fields.extend(selected.fields.clone()),
            None => list.push(Cow::Borrowed(selected)),
        }
    }
    list
}

/// The object a value is, where a union or an interface is declared.
fn actual_type<C>(declared: &str, output: &Output<C>) -> String {
    match output {
        Output::Object(object) => object.type_name().to_owned(),
        Output::Plain(value) => value["__typename"].as_str().unwrap_or(declared).to_owned(),
        _ => declared.to_owned(),
    }
}

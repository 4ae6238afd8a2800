//! A request's operation checked against the schema: fields merged, fragments resolved,
//! arguments and variables made into values. Whatever is wrong is found before anything runs.

use std::collections::{BTreeMap, BTreeSet};

use graphql_parser::Pos;
use graphql_parser::query::{Field as AskedField, Selection, SelectionSet, TypeCondition};
use serde_json::{Value, json};

use super::coerce;
use super::document::{Asked, Operation};
use super::error::GraphQlError;
use super::schema::{Field, Kind, Schema, Type, named};

/// An operation that can run.
pub(crate) struct Plan {
    /// `Query` or `Mutation`.
    pub(crate) root: &'static str,
    pub(crate) fields: Vec<Selected>,
}

/// One field that was selected.
#[derive(Clone)]
pub(crate) struct Selected {
    /// Its key in the answer: its alias or its name.
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) field_type: Type,
    /// An object of all arguments that have a value.
    pub(crate) arguments: Value,
    pub(crate) fields: Vec<Selected>,
    pub(super) place: Pos,
    /// The objects it was selected of, if a fragment narrowed them.
    only_on: Option<BTreeSet<String>>,
}

impl Selected {
    /// The name of its innermost type.
    pub(crate) fn type_name(&self) -> &str {
        named(&self.field_type)
    }

    pub(super) fn applies_to(&self, object: &str) -> bool {
        self.only_on
            .as_ref()
            .is_none_or(|objects| objects.contains(object))
    }
}

/// A variable that an operation declares.
pub(super) struct Variable {
    pub(super) declared: Type,
    pub(super) has_default: bool,
    pub(super) value: Option<Value>,
    pub(super) is_used: bool,
    place: Pos,
}

/// The work on one operation, with everything wrong that was found on the way.
pub(super) struct Planner<'d, 'q> {
    pub(super) schema: &'d Schema,
    pub(super) operation: &'d Operation<'d, 'q>,
    pub(super) variables: BTreeMap<&'d str, Variable>,
    pub(super) path: Vec<Value>,
    pub(super) errors: Vec<GraphQlError>,
    /// Variables of a wrong value count only if the document itself is right.
    value_errors: Vec<GraphQlError>,
    pub(super) used_fragments: BTreeSet<&'d str>,
    pub(super) open_fragments: Vec<&'d str>,
}

/// Where fields are selected: of which type, and of which of its objects.
#[derive(Clone)]
pub(super) struct Scope {
    pub(super) owner: String,
    pub(super) only_on: Option<BTreeSet<String>>,
}

pub(super) fn plan(schema: &Schema, asked: &Asked) -> Result<Plan, Vec<GraphQlError>> {
    let alone = |error| vec![error];
    let document = asked.parse().map_err(alone)?;
    let operation = asked.choose(&document).map_err(alone)?;
    let mut planner = Planner {
        schema,
        operation: &operation,
        variables: BTreeMap::new(),
        path: vec![json!(operation.title)],
        errors: Vec::new(),
        value_errors: Vec::new(),
        used_fragments: BTreeSet::new(),
        open_fragments: Vec::new(),
    };
    planner.declare_variables(asked);
    let scope = Scope {
        owner: operation.root.to_owned(),
        only_on: None,
    };
    let mut fields = Vec::new();
    planner.select(&scope, operation.selection, &mut fields);
    planner.finish()?;
    let root = operation.root;
    Ok(Plan { root, fields })
}

impl<'d, 'q> Planner<'d, 'q> {
    fn declare_variables(&mut self, asked: &Asked) {
        for definition in self.operation.variables {
            let (name, place) = (definition.name.as_str(), definition.position);
            let declared = coerce::owned(&definition.var_type);
            let is_input = matches!(
                self.schema.kind(named(&declared)),
                Some(Kind::Scalar(_) | Kind::Enum(_) | Kind::Input(_))
            );
            if !is_input {
                let type_name = named(&declared);
                let message = format!("{type_name} isn't a defined input type (on ${name})");
                let error = GraphQlError::new(message).at(place);
                self.errors.push(error.code("variableRequiresValidType"));
                continue;
            }
            let given = asked.variables.get(name);
            let value = coerce::variable(self.schema, definition, given);
            let value = value.unwrap_or_else(|error| {
                self.value_errors.push(error);
                None
            });
            let variable = Variable {
                declared,
                has_default: definition.default_value.is_some(),
                value,
                is_used: false,
                place,
            };
            self.variables.insert(name, variable);
        }
    }

    fn finish(mut self) -> Result<(), Vec<GraphQlError>> {
        let title = self.operation.title.clone();
        for (name, variable) in self.variables.iter().filter(|(_, one)| !one.is_used) {
            let message = format!("Variable ${name} is declared by {title} but not used");
            let error = GraphQlError::new(message).at(variable.place);
            self.errors.push(error.code("variableNotUsed"));
        }
        for (name, fragment) in &self.operation.fragments {
            if !self.used_fragments.contains(name) {
                let message = format!("Fragment {name} was defined, but not used");
                let error = GraphQlError::new(message).at(fragment.position);
                self.errors.push(error.code("useAndDefineFragment"));
            }
        }
        match (self.errors, self.value_errors) {
            (errors, _) if !errors.is_empty() => Err(errors),
            (_, errors) if !errors.is_empty() => Err(errors),
            _ => Ok(()),
        }
    }

    pub(super) fn select(
        &mut self,
        scope: &Scope,
        set: &'d SelectionSet<'q, String>,
        into: &mut Vec<Selected>,
    ) {
        for item in &set.items {
            let directives = match item {
                Selection::Field(field) => &field.directives,
                Selection::InlineFragment(inline) => &inline.directives,
                Selection::FragmentSpread(spread) => &spread.directives,
            };
            // What is left out has to be right all the same.
            if self.is_included(directives) {
                self.select_item(scope, item, into);
            } else {
                self.select_item(scope, item, &mut Vec::new());
            }
        }
    }

    fn select_item(
        &mut self,
        scope: &Scope,
        item: &'d Selection<'q, String>,
        into: &mut Vec<Selected>,
    ) {
        match item {
            Selection::Field(field) => self.select_field(scope, field, into),
            Selection::InlineFragment(inline) => {
                let condition = inline.type_condition.as_ref();
                let condition = condition.map(|TypeCondition::On(name)| name);
                if let Some(scope) = self.narrow(scope, condition, inline.position) {
                    self.select(&scope, &inline.selection_set, into);
                }
            }
            Selection::FragmentSpread(spread) => {
                self.spread(scope, &spread.fragment_name, spread.position, into);
            }
        }
    }

    fn select_field(
        &mut self,
        scope: &Scope,
        asked: &'d AskedField<'q, String>,
        into: &mut Vec<Selected>,
    ) {
        let key = asked.alias.as_ref().unwrap_or(&asked.name).clone();
        self.path.push(json!(key));
        if let Some(selected) = self.field(scope, key, asked) {
            self.merge(selected, into);
        }
        self.path.pop();
    }

    fn field(
        &mut self,
        scope: &Scope,
        key: String,
        asked: &'d AskedField<'q, String>,
    ) -> Option<Selected> {
        let (name, place) = (asked.name.clone(), asked.position);
        if name == "__typename" {
            let text = Type::NonNullType(Box::new(Type::NamedType("String".into())));
            return Some(Selected {
                key,
                name,
                field_type: text,
                arguments: json!({}),
                fields: Vec::new(),
                place,
                only_on: scope.only_on.clone(),
            });
        }
        let owner = &scope.owner;
        let Some(declared) = self.schema.field(owner, &name) else {
            let message = format!("Field '{name}' doesn't exist on type '{owner}'");
            let error = GraphQlError::new(message).at(place).on(&self.path);
            let error = error.code("undefinedField").with("typeName", json!(owner));
            self.errors.push(error.with("fieldName", json!(name)));
            return None;
        };
        let arguments = self.arguments(declared, asked);
        let fields = self.sub_fields(declared, asked)?;
        Some(Selected {
            key,
            name,
            field_type: declared.field_type.clone(),
            arguments,
            fields,
            place,
            only_on: scope.only_on.clone(),
        })
    }

    /// What is selected of a field's value: something if it has fields, nothing if it has none.
    fn sub_fields(
        &mut self,
        declared: &Field,
        asked: &'d AskedField<'q, String>,
    ) -> Option<Vec<Selected>> {
        let (name, type_name) = (&asked.name, named(&declared.field_type));
        let has_fields = self.schema.possible(type_name).is_some();
        let is_bare = asked.selection_set.items.is_empty();
        match (has_fields, is_bare) {
            (true, true) => {
                let message = format!(
                    "Field must have selections (field '{name}' returns {type_name} but has no \
                     selections. Did you mean '{name} {{ ... }}'?)"
                );
                self.refuse(message, asked.position, "selectionMismatch");
                None
            }
            (false, false) => {
                let message = format!(
                    "Selections can't be made on scalars (field '{name}' returns {type_name} but \
                     has selections)"
                );
                self.refuse(message, asked.position, "selectionMismatch");
                None
            }
            _ => {
                let scope = Scope {
                    owner: type_name.to_owned(),
                    only_on: None,
                };
                let mut fields = Vec::new();
                self.select(&scope, &asked.selection_set, &mut fields);
                Some(fields)
            }
        }
    }

    /// The same key may be selected twice if it means the same.
    fn merge(&mut self, selected: Selected, into: &mut Vec<Selected>) {
        let (key, only_on) = (&selected.key, &selected.only_on);
        let may_meet = |other: &Option<BTreeSet<String>>| match (other, only_on) {
            (Some(one), Some(other)) => !one.is_disjoint(other),
            _ => true,
        };
        let Some(place) = into
            .iter()
            .position(|other| other.key == *key && may_meet(&other.only_on))
        else {
            into.push(selected);
            return;
        };
        let known = &mut into[place];
        if known.name != selected.name || known.arguments != selected.arguments {
            let message = format!(
                "Field '{key}' has a field conflict: {} or {}?",
                known.name, selected.name
            );
            self.refuse(message, selected.place, "fieldConflict");
            return;
        }
        if known.only_on != selected.only_on {
            into.push(selected);
            return;
        }
        let mut fields = std::mem::take(&mut known.fields);
        for field in selected.fields {
            self.merge(field, &mut fields);
        }
        into[place].fields = fields;
    }

    pub(super) fn refuse(&mut self, message: String, place: Pos, code: &str) {
        let error = GraphQlError::new(message).at(place).on(&self.path);
        self.errors.push(error.code(code));
    }

    pub(super) fn title(&self) -> &str {
        &self.operation.title
    }
}

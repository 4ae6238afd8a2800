//! Fragments and directives: what is selected under a condition, and of which objects.

use std::collections::BTreeSet;

use graphql_parser::Pos;
use graphql_parser::query::{Directive, TypeCondition};

use super::plan::{Planner, Scope, Selected};
use super::schema::Type;

impl<'d> Planner<'d, '_> {
    pub(super) fn spread(
        &mut self,
        scope: &Scope,
        name: &'d str,
        place: Pos,
        into: &mut Vec<Selected>,
    ) {
        let Some(fragment) = self.operation.fragments.get(name) else {
            let message = format!("Fragment {name} was used, but not defined");
            self.refuse(message, place, "useAndDefineFragment");
            return;
        };
        self.used_fragments.insert(name);
        if self.open_fragments.contains(&name) {
            let message = format!("Fragment {name} contains an infinite loop");
            self.refuse(message, place, "infiniteLoop");
            return;
        }
        let TypeCondition::On(condition) = &fragment.type_condition;
        if let Some(scope) = self.narrow(scope, Some(condition), place) {
            self.open_fragments.push(name);
            self.select(&scope, &fragment.selection_set, into);
            self.open_fragments.pop();
        }
    }

    /// The scope inside a fragment, if it can be one.
    pub(super) fn narrow(
        &mut self,
        scope: &Scope,
        condition: Option<&String>,
        place: Pos,
    ) -> Option<Scope> {
        let Some(condition) = condition else {
            return Some(scope.clone());
        };
        let Some(inside) = self.schema.possible(condition) else {
            let message = format!("No such type {condition}, so it can't be a fragment condition");
            self.refuse(message, place, "undefinedType");
            return None;
        };
        let outside = scope
            .only_on
            .clone()
            .or_else(|| self.schema.possible(&scope.owner))
            .unwrap_or_default();
        let both: BTreeSet<String> = outside.intersection(&inside).cloned().collect();
        if both.is_empty() {
            let owner = &scope.owner;
            let message = format!("Fragment on {condition} can't be spread inside {owner}");
            self.refuse(message, place, "cannotSpreadFragment");
            return None;
        }
        let is_narrower = scope.only_on.is_some() || both.len() < outside.len();
        Some(Scope {
            owner: condition.clone(),
            only_on: is_narrower.then_some(both),
        })
    }

    /// Whether `@include` and `@skip` let something be selected.
    pub(super) fn is_included(&mut self, directives: &[Directive<'_, String>]) -> bool {
        // All of them are looked at, because each may be wrong.
        let mut is_included = true;
        for directive in directives {
            is_included &= self.lets_in(directive);
        }
        is_included
    }

    fn lets_in(&mut self, directive: &Directive<'_, String>) -> bool {
        let (name, place) = (directive.name.as_str(), directive.position);
        let wanted = match name {
            "include" => true,
            "skip" => false,
            _ => {
                let message = format!("Directive @{name} is not defined");
                self.refuse(message, place, "undefinedDirective");
                return true;
            }
        };
        let condition = directive.arguments.iter().find(|(name, _)| name == "if");
        let Some((_, condition)) = condition else {
            let message = format!("Directive '{name}' is missing required arguments: if");
            self.refuse(message, place, "missingRequiredArguments");
            return true;
        };
        let flag = Type::NonNullType(Box::new(Type::NamedType("Boolean".into())));
        let owner = format!("Directive '{name}'");
        let value = self.literal(&flag, condition, &("if", &owner, place));
        value.and_then(|value| value.as_bool()) == Some(wanted)
    }
}

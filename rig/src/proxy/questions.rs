//! What a worker has asked on one connection and has no answer to yet.

use super::wire::{Message, says};
use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The function that all writes of a worker go through.
const JOURNAL: &str = "leadrail.journal(";
/// The function by which a worker shows that it lives.
const RENEWAL: &str = "leadrail.renew_worker(";
/// The intent of a step; the call to the CRM follows as soon as it is committed.
const INTENT: &str = "activity_started";
/// Any line about a step.
const STEP: &str = "activity_";

/// What a statement does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Question {
    /// It writes what happened to a step.
    pub(super) writes: bool,
    /// The worker acts as soon as it is answered.
    pub(super) intends: bool,
}

/// The questions of one connection, the oldest first.
#[derive(Default)]
pub(super) struct Questions {
    journals: HashSet<Vec<u8>>,
    next: Question,
    open: VecDeque<Question>,
    /// Whether the worker shows on this connection that it lives.
    pub(super) is_lifeline: bool,
}

impl Questions {
    /// Takes note of what the worker says.
    pub(super) fn note(&mut self, message: &Message) {
        match message.kind() {
            b'P' => self.note_statement(message),
            b'B' => self.note_execution(message),
            b'S' | b'Q' => self.open.push_back(std::mem::take(&mut self.next)),
            _ => {}
        }
    }

    /// What the server is answering.
    pub(super) fn being_answered(&self) -> Question {
        self.open.front().copied().unwrap_or_default()
    }

    /// The server is ready for the next one.
    pub(super) fn answered(&mut self) {
        self.open.pop_front();
    }

    fn note_statement(&mut self, message: &Message) {
        let mut texts = message.texts();
        let name = texts.next().unwrap_or_default();
        let statement = texts.next().unwrap_or_default();
        self.is_lifeline |= says(statement, RENEWAL);
        match says(statement, JOURNAL) {
            true => self.journals.insert(name.to_owned()),
            false => self.journals.remove(name),
        };
    }

    /// A portal, then the statement.
    fn note_execution(&mut self, message: &Message) {
        let statement = message.texts().nth(1).unwrap_or_default();
        if self.journals.contains(statement) {
            self.next = Question {
                writes: says(message.body(), STEP),
                intends: says(message.body(), INTENT),
            };
        }
    }
}

pub(super) fn lock(questions: &Mutex<Questions>) -> MutexGuard<'_, Questions> {
    questions.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &str) -> Message {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        let bytes = [&[kind][..], &length, body.as_bytes()].concat();
        Message { bytes }
    }

    #[test]
    fn only_a_journal_statement_with_lines_about_steps_counts_as_a_write() {
        let mut questions = Questions::default();
        for (kind, body) in [
            (b'P', "s1\0select leadrail.journal($1)\0"),
            (b'S', ""),
            (b'B', "\0s1\0activity_started"),
            (b'S', ""),
            (b'B', "\0s1\0nothing"),
            (b'S', ""),
            (b'B', "\0s2\0activity_started"),
            (b'S', ""),
        ] {
            questions.note(&message(kind, body));
        }
        let wrote = Question {
            writes: true,
            intends: true,
        };
        for expected in [
            Question::default(),
            wrote,
            Question::default(),
            Question::default(),
        ] {
            assert_eq!(questions.being_answered(), expected);
            questions.answered();
        }
        assert!(!questions.is_lifeline);
    }
}

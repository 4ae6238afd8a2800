//! Brings the server's answers to a worker; one that tells of a commit may get lost.

use super::door::Door;
use super::questions::{Question, Questions, lock};
use super::relay::{Reader, Writer};
use super::wire::Message;
use std::io;
use std::sync::Mutex;
use tokio::io::AsyncWriteExt as _;

/// The way back of one connection.
pub(super) struct Answers<'a> {
    door: &'a Door,
    questions: &'a Mutex<Questions>,
    to: Writer,
    /// An answer to a write is held back until it is complete.
    held: Vec<u8>,
    /// The statement that is being answered failed.
    failed: bool,
}

/// What became of a message.
enum Passed {
    On,
    Lost,
}

impl<'a> Answers<'a> {
    pub(super) fn new(door: &'a Door, questions: &'a Mutex<Questions>, to: Writer) -> Self {
        Self {
            door,
            questions,
            to,
            held: Vec::new(),
            failed: false,
        }
    }

    /// Returns when an answer was lost, or one side has closed.
    pub(super) async fn pass_on(mut self, mut from: Reader) -> io::Result<()> {
        self.greet(&mut from).await?;
        loop {
            match Message::read(&mut from).await {
                Ok(message) => {
                    let more = !from.buffer().is_empty();
                    if let Passed::Lost = self.pass(&message, more).await? {
                        return Ok(());
                    }
                }
                Err(error) => {
                    // What the server said before it closed arrives.
                    self.let_go(false).await?;
                    return Err(error);
                }
            }
        }
    }

    /// Everything until the server is ready for the first question.
    async fn greet(&mut self, from: &mut Reader) -> io::Result<()> {
        loop {
            let message = Message::read(from).await?;
            self.held.extend_from_slice(&message.bytes);
            self.let_go(!from.buffer().is_empty()).await?;
            if message.kind() == b'Z' {
                return Ok(());
            }
        }
    }

    async fn pass(&mut self, message: &Message, more: bool) -> io::Result<Passed> {
        if message.kind() == b'A' && self.door.orders.swallows() {
            return Ok(Passed::On);
        }
        let question = lock(self.questions).being_answered();
        self.held.extend_from_slice(&message.bytes);
        match message.kind() {
            b'Z' => self.complete(question, message.body() == b"I").await,
            kind => {
                self.failed |= kind == b'E';
                if !question.writes {
                    self.let_go(more).await?;
                }
                Ok(Passed::On)
            }
        }
    }

    /// The answer is complete, and outside a transaction what was written is committed.
    async fn complete(&mut self, question: Question, outside: bool) -> io::Result<Passed> {
        let committed = outside && !std::mem::take(&mut self.failed);
        if question.writes && committed && self.door.orders.loses() {
            return Ok(Passed::Lost);
        }
        self.let_go(false).await?;
        lock(self.questions).answered();
        if question.intends && committed {
            self.door.acts();
        }
        Ok(Passed::On)
    }

    /// Sends what was held back, at once unless more comes.
    async fn let_go(&mut self, more: bool) -> io::Result<()> {
        self.to.write_all(&self.held).await?;
        self.held.clear();
        match more {
            true => Ok(()),
            false => self.to.flush().await,
        }
    }
}

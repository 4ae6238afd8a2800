//! Single writes that come at the same time share one commit.
//!
//! A commit costs a disk flush whatever is in it. The first write starts at once; those that come
//! while it is on its way wait for its end and then go together. Nobody waits for company, so a
//! lone write is as fast as without this.

use super::not_enqueued::NotEnqueued;
use futures::future::BoxFuture;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The most items of one statement.
const MAX_GROUP: usize = 500;
/// The most bytes of one statement, beyond its first item.
const MAX_GROUP_BYTES: usize = 4 << 20;
/// What may wait; beyond it callers are turned away, so that a stall does not eat the memory.
const MAX_WAITING_BYTES: usize = 64 << 20;
/// How long one statement may take. With the caller's patience it keeps answers under two seconds.
const WRITE_WITHIN: Duration = Duration::from_millis(1_500);
/// How long a caller waits, its turn included.
const ANSWER_WITHIN: Duration = Duration::from_millis(1_800);

/// Writes a group in one commit and gives one answer an item, in order.
pub(super) type Write<I, A> =
    dyn Fn(Arc<Vec<I>>) -> BoxFuture<'static, Result<Vec<A>, NotEnqueued>> + Send + Sync;

/// A shared way to the database, made by [`Engine::group_commit`](crate::Engine::group_commit). Clones
/// share their queue.
pub struct GroupCommit<I, A>(Arc<Inner<I, A>>);

struct Inner<I, A> {
    queue: Mutex<Queue<I, A>>,
    write: Box<Write<I, A>>,
}

struct Queue<I, A> {
    waiting: Vec<Waiting<I, A>>,
    bytes: usize,
    /// Someone writes: whoever comes now is taken along next.
    writing: bool,
}

struct Waiting<I, A> {
    item: I,
    bytes: usize,
    answer: oneshot::Sender<Result<A, NotEnqueued>>,
}

impl<I, A> Clone for GroupCommit<I, A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<I, A> GroupCommit<I, A>
where
    I: Clone + Send + Sync + 'static,
    A: Send + 'static,
{
    pub(super) fn new(write: Box<Write<I, A>>) -> Self {
        let queue = Queue {
            waiting: Vec::new(),
            bytes: 0,
            writing: false,
        };
        Self(Arc::new(Inner {
            queue: Mutex::new(queue),
            write,
        }))
    }

    /// Writes one item of about this many bytes in a commit that it shares with others; committed when
    /// it answers with `Ok`. It answers within two seconds, and it goes on if the caller goes away while
    /// it is being written. What waits is bounded by 64 MiB.
    ///
    /// # Errors
    /// The item is not known to be there: see [`NotEnqueued`].
    pub async fn submit(&self, item: I, bytes: usize) -> Result<A, NotEnqueued> {
        let (answer, answered) = oneshot::channel();
        let lead = {
            let mut queue = self.0.lock();
            if queue.bytes + bytes > MAX_WAITING_BYTES {
                return Err(NotEnqueued::Busy);
            }
            queue.bytes += bytes;
            queue.waiting.push(Waiting {
                item,
                bytes,
                answer,
            });
            !std::mem::replace(&mut queue.writing, true)
        };
        if lead {
            // On a task of its own: the caller may go away, those it writes for stay.
            tokio::spawn(Self(Arc::clone(&self.0)).write_all());
        }
        match timeout(ANSWER_WITHIN, answered).await {
            Ok(Ok(result)) => result,
            // The writer died, or is later than the caller can wait.
            Ok(Err(_)) | Err(_) => Err(NotEnqueued::Unavailable),
        }
    }

    /// Writes until nobody waits.
    async fn write_all(self) {
        while let Some(group) = self.0.next_group() {
            let (items, answers): (Vec<_>, Vec<_>) = group
                .into_iter()
                .map(|waiting| (waiting.item, waiting.answer))
                .unzip();
            for (answer, result) in answers.into_iter().zip(self.write(items).await) {
                // A caller that went away finds the item there when it asks again.
                let _ = answer.send(result);
            }
        }
    }

    /// One item that the database refuses must not take the others down: then each goes alone.
    async fn write(&self, items: Vec<I>) -> Vec<Result<A, NotEnqueued>> {
        let items = Arc::new(items);
        match self.write_once(Arc::clone(&items)).await {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(NotEnqueued::Refused) if items.len() > 1 => {
                let mut answers = Vec::with_capacity(items.len());
                for item in items.iter() {
                    let alone = self.write_once(Arc::new(vec![item.clone()])).await;
                    answers.push(alone.and_then(|mut one| one.pop().ok_or(NotEnqueued::Refused)));
                }
                answers
            }
            Err(error) => items.iter().map(|_| Err(error)).collect(),
        }
    }

    /// On a task of its own, so that a panic in it costs this group only.
    async fn write_once(&self, items: Arc<Vec<I>>) -> Result<Vec<A>, NotEnqueued> {
        let mut task = tokio::spawn((self.0.write)(items));
        match timeout(WRITE_WITHIN, &mut task).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(NotEnqueued::Refused),
            Err(_) => {
                task.abort();
                Err(NotEnqueued::Unavailable)
            }
        }
    }
}

impl<I, A> Inner<I, A> {
    fn lock(&self) -> MutexGuard<'_, Queue<I, A>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what goes into the next statement, or notes that nobody writes any more.
    fn next_group(&self) -> Option<Vec<Waiting<I, A>>> {
        let mut queue = self.lock();
        // Whoever stopped waiting was told that nothing happened, so nothing shall.
        queue.waiting.retain(|waiting| !waiting.answer.is_closed());
        let mut bytes = 0;
        let count = queue
            .waiting
            .iter()
            .take(MAX_GROUP)
            .take_while(|waiting| {
                let fits = bytes == 0 || bytes + waiting.bytes <= MAX_GROUP_BYTES;
                bytes += waiting.bytes;
                fits
            })
            .count();
        let group: Vec<_> = queue.waiting.drain(..count).collect();
        queue.bytes = queue.waiting.iter().map(|waiting| waiting.bytes).sum();
        queue.writing = !group.is_empty();
        (!group.is_empty()).then_some(group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;
    use futures::future::join_all;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;

    /// Answers each number with itself; refuses groups with a 13; counts its calls and waits for
    /// a permit each time.
    fn doubles(calls: &Arc<AtomicUsize>, gate: &Arc<Semaphore>) -> GroupCommit<u32, u32> {
        let (calls, gate) = (Arc::clone(calls), Arc::clone(gate));
        GroupCommit::new(Box::new(move |items: Arc<Vec<u32>>| {
            let (calls, gate) = (Arc::clone(&calls), Arc::clone(&gate));
            async move {
                gate.acquire().await.expect("open").forget();
                calls.fetch_add(1, Ordering::SeqCst);
                assert!(!items.contains(&99), "99 breaks the writer");
                match items.contains(&13) {
                    true => Err(NotEnqueued::Refused),
                    false => Ok(items.iter().map(|item| item * 2).collect()),
                }
            }
            .boxed()
        }))
    }

    #[tokio::test]
    async fn writes_that_come_together_share_a_statement_and_get_their_own_answers() {
        let (calls, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
        let commit = doubles(&calls, &gate);
        let all = join_all((20..120).filter(|n| *n != 99).map(|n| commit.submit(n, 1)));
        let open = async { gate.add_permits(100) };
        let (answers, ()) = tokio::join!(all, open);
        let expected: Vec<_> = (20..120).filter(|n| *n != 99).map(|n| Ok(n * 2)).collect();
        assert_eq!(answers, expected);
        assert!(calls.load(Ordering::SeqCst) <= 2, "{calls:?} statements");
    }

    #[tokio::test]
    async fn one_refused_item_does_not_take_the_others_down() {
        let (calls, gate) = (Arc::default(), Arc::new(Semaphore::new(100)));
        let commit = doubles(&calls, &gate);
        let answers = join_all([1, 13, 3].map(|n| commit.submit(n, 1))).await;
        assert_eq!(answers, [Ok(2), Err(NotEnqueued::Refused), Ok(6)]);
    }

    #[tokio::test]
    async fn a_writer_that_panics_fails_its_item_and_the_next_one_is_written() {
        let (calls, gate) = (Arc::default(), Arc::new(Semaphore::new(100)));
        let commit = doubles(&calls, &gate);
        assert_eq!(commit.submit(99, 1).await, Err(NotEnqueued::Refused));
        assert_eq!(commit.submit(4, 1).await, Ok(8));
    }

    #[tokio::test]
    async fn a_stalled_database_is_answered_within_two_seconds_and_its_group_is_given_up() {
        let (calls, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
        let commit = doubles(&calls, &gate);
        let start = tokio::time::Instant::now();
        let answers = join_all((0..400).map(|n| commit.submit(n + 100, 1))).await;
        assert!(start.elapsed() < Duration::from_secs(2));
        assert!(
            answers
                .iter()
                .all(|answer| *answer == Err(NotEnqueued::Unavailable))
        );
        gate.add_permits(100);
        assert_eq!(commit.submit(5, 1).await, Ok(10));
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_full_queue_turns_callers_away_at_once() {
        let (calls, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
        let commit = doubles(&calls, &gate);
        let first = commit.submit(1, MAX_WAITING_BYTES);
        let second = async {
            let second = commit.submit(2, 1).await;
            gate.add_permits(1);
            second
        };
        let answers = tokio::join!(first, second);
        assert_eq!(answers, (Ok(2), Err(NotEnqueued::Busy)));
    }
}

//! A pool that moves with the primary.
//!
//! A session of its own tells at once when the host in use ends its connections, without a query. A
//! frozen host says nothing, so that it is also asked now and then. What the pool still holds of an
//! older primary is refused when it is taken out, at the price of the ping that it replaces.

use super::{DatabaseHosts, Primary, ROLE};
use crate::store::connect::backoff;
use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

/// How often a host that says nothing is asked whether it is still the primary.
const ASK_EVERY: Duration = Duration::from_secs(10);

/// A pool on this host until another one takes its place.
pub(super) fn pool(hosts: &DatabaseHosts, options: PgPoolOptions, primary: &Primary) -> PgPool {
    let newest = Arc::new(AtomicI32::new(primary.timeline));
    let known = newest.clone();
    let pool = options
        .test_before_acquire(false)
        .before_acquire(move |session, _| {
            let newest = known.load(Ordering::Acquire);
            Box::pin(async move {
                let timeline: Option<i32> = sqlx::query_scalar(ROLE).fetch_one(session).await?;
                Ok(timeline.is_some_and(|timeline| timeline >= newest))
            })
        })
        .connect_lazy_with(primary.options.clone());
    tokio::spawn(follow(pool.clone(), hosts.clone(), newest));
    pool
}

/// Until the pool is closed.
async fn follow(pool: PgPool, hosts: DatabaseHosts, newest: Arc<AtomicI32>) {
    let mut waits = backoff();
    loop {
        let found = tokio::select! {
            () = pool.close_event() => return,
            found = hosts.primary() => found,
        };
        match found {
            Ok(primary) => {
                waits = backoff();
                take(&pool, &primary, &newest);
                tokio::select! {
                    () = pool.close_event() => return,
                    () = until_it_may_have_moved(&primary) => {}
                }
            }
            Err(error) => tracing::warn!(error = %error, "The primary is not known yet"),
        }
        let wait = waits.next().unwrap_or(ASK_EVERY);
        tokio::select! {
            () = pool.close_event() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

fn take(pool: &PgPool, primary: &Primary, newest: &AtomicI32) {
    let was = pool.connect_options();
    let same = was.get_host() == primary.options.get_host()
        && was.get_port() == primary.options.get_port();
    newest.fetch_max(primary.timeline, Ordering::AcqRel);
    if same {
        return;
    }
    let (host, port) = (primary.options.get_host(), primary.options.get_port());
    tracing::warn!(host, port, "The database's primary is another host now");
    pool.set_connect_options(primary.options.clone());
}

/// Returns when the host ends its session, or after a while.
async fn until_it_may_have_moved(primary: &Primary) {
    let own = PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(primary.options.clone());
    let Ok(mut session) = PgListener::connect_with(&own).await else {
        return;
    };
    // Nothing is listened to: it returns when the session ends.
    session.eager_reconnect(false);
    let ended = session.try_recv();
    let _ = tokio::time::timeout(ASK_EVERY, ended).await;
}

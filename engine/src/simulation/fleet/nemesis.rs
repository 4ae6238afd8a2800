//! The time of trouble: who is killed, frozen and slandered, and when the database is away.

use super::dice;
use super::worker::Body;
use super::world::World;
use std::time::Duration;

/// How long the trouble lasts.
const TROUBLE: Duration = Duration::from_secs(12);
/// A run that kills its worker again and again is put away as poison after five deaths; here nobody
/// may look like one, so fewer are killed and slandered in all.
const MOST_DEATHS: u32 = 4;

/// Strikes at random until the trouble is over.
pub(super) async fn strike(world: &World, bodies: &[Body]) {
    let mut deaths = 0;
    while dice::now() < TROUBLE && !world.is_over() {
        dice::a_while(1_200).await;
        let body = &bodies[dice::pick(bodies.len())];
        match dice::pick(6) {
            0 | 1 if deaths < MOST_DEATHS => {
                deaths += 1;
                body.kill().await;
            }
            2 if deaths < MOST_DEATHS => {
                deaths += 1;
                body.slander();
            }
            3 if deaths < MOST_DEATHS => {
                deaths += 1;
                body.freeze(Duration::from_secs(1) + dice::millis(6_000));
            }
            4 => body.freeze(dice::millis(1_500)),
            _ => {
                dice::note("database away", String::new);
                world.database().away_until = dice::now() + dice::millis(1_000);
            }
        }
    }
}

//! /{type}?…: searches at random over resources at random, compared with an oracle that looks at
//! every resource, written from the specification alone.
//!
//! The seed of each data set is printed; `FIREKEEP_ORACLE_SEED` repeats it. What fails is made as
//! small as it can be and printed with its resources. `FIREKEEP_ORACLE_SECONDS` says how long at
//! least a run goes on.
//!
//! To add a parameter: a row in `parameters.rs`, and its element in `data.rs`.

mod data;
mod decimal;
mod elements;
mod evaluate;
mod extract;
mod kills;
mod matches;
mod moment;
mod parameters;
mod queries;
mod random;
mod result;
mod service;
mod shrink;
mod text;
mod units;
mod values;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use stories::Firekeep;

use elements::Maker;
use evaluate::Query;
use queries::Asker;
use random::Random;
use service::{Expected, Next, Service};
use world::Key;

/// Queries of one run, and of one data set.
const QUERIES: usize = 10_000;
const QUERIES_OF_SET: usize = 500;
/// Of them with writes between their pages.
const INTERLEAVED: usize = 25;
/// The most resources of a data set.
const SIZE: usize = 500;
/// The first seed of every run; of two data sets one is chosen by chance.
const SEED: u64 = 0x5eed;
/// Data sets that one service sees: its disk would fill with what was.
const SETS: u64 = 100;
/// Requests at one time.
const ASKERS: usize = 4;

fn variable(name: &str) -> Option<u64> {
    Some(std::env::var(name).ok()?.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_find_what_looking_at_every_resource_finds() {
    let mut fk = Firekeep::start().await;
    let mut service = Service::of(&fk).await;
    if let Some(seed) = variable("FIREKEEP_ORACLE_SEED") {
        return compare(&mut service, seed).await;
    }
    let seconds = Duration::from_secs(variable("FIREKEEP_ORACLE_SECONDS").unwrap_or_default());
    let begun = Instant::now();
    let (mut asked, mut set) = (0, 0_u64);
    while asked < QUERIES || begun.elapsed() < seconds {
        if set > 0 && set.is_multiple_of(SETS) {
            fk = Firekeep::start().await;
            service = Service::of(&fk).await;
        }
        let chance = u64::from_le_bytes(stories::random());
        let seed = if set.is_multiple_of(2) { SEED + set } else { chance };
        println!("FIREKEEP_ORACLE_SEED={seed}");
        compare(&mut service, seed).await;
        asked += QUERIES_OF_SET;
        set += 1;
    }
    drop(fk);
    println!("{asked} queries in {:?}", begun.elapsed());
}

/// One data set and its queries.
async fn compare(service: &mut Service, seed: u64) {
    let mut random = Random::of(seed);
    fill(service, &mut random).await;
    let world = &service.world;
    let queries: Vec<Query> = (0..QUERIES_OF_SET - INTERLEAVED)
        .map(|_| Asker { random: &mut random, world }.query())
        .collect();
    if let Some((query, why)) = first_difference(service, queries).await {
        shrink::tell(service, query, why, seed).await;
    }
    for _ in 0..INTERLEAVED {
        let query = Asker { random: &mut random, world: &service.world }.query();
        if let Err(why) = with_writes(service, &query, &mut random).await {
            if answered(service, &query).await.is_err() {
                shrink::tell(service, query, why, seed).await;
            }
            panic!("seed {seed}, writes between the pages of {query:?}: {why}");
        }
    }
}

/// Replaces all resources by others.
async fn fill(service: &mut Service, random: &mut Random) {
    service.clear().await;
    let size = if random.chance(50) { SIZE } else { 20 + random.below(SIZE - 20) };
    let base = service.world.bases[0].clone();
    let mut bodies = std::collections::BTreeMap::new();
    for _ in 0..size {
        let mut maker = Maker { random: &mut *random, base: &base, size };
        let key = maker.key();
        let body = maker.resource(&key.0, &key.1);
        bodies.insert(key, body);
    }
    let mut bodies: Vec<Value> = bodies.into_values().collect();
    for place in (1..bodies.len()).rev() {
        bodies.swap(place, random.below(place + 1));
    }
    // Some come later, some anew, some go.
    let later = bodies.split_off(bodies.len() - bodies.len() / 10);
    service.put(&bodies).await;
    write(service, random, size, 10).await;
    service.put(&later).await;
}

/// Some writes: updates, deletions, resources that come back.
async fn write(service: &mut Service, random: &mut Random, size: usize, most: usize) {
    let base = service.world.bases[0].clone();
    for _ in 0..1 + random.below(most) {
        let there: Vec<Key> = service.world.resources.iter().map(|it| it.key.clone()).collect();
        if random.chance(30) && !there.is_empty() {
            let key = random.pick(&there).clone();
            service.delete(&[key]).await;
            continue;
        }
        let mut maker = Maker { random: &mut *random, base: &base, size };
        let key = maker.key();
        let body = maker.resource(&key.0, &key.1);
        service.put(&[body]).await;
    }
}

async fn first_difference(service: &Service, queries: Vec<Query>) -> Option<(Query, String)> {
    let queries = Arc::new(queries);
    let next = Arc::new(AtomicUsize::new(0));
    let askers: Vec<_> = (0..ASKERS)
        .map(|_| {
            let service = Service { app: service.app.clone(), world: service.world.clone() };
            let (queries, next) = (queries.clone(), next.clone());
            tokio::spawn(async move {
                while let Some(query) = queries.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = answered(&service, query).await {
                        return Some((query.clone(), why));
                    }
                }
                None
            })
        })
        .collect();
    let mut first = None;
    for asker in askers {
        first = first.or(asker.await.expect("an asker"));
    }
    first
}

/// Asks, and follows the pages.
async fn answered(service: &Service, query: &Query) -> Result<(), String> {
    let mut expected = Expected::of(&service.world, query);
    let mut reply = service.ask(query).await;
    while let Next::Page(url) = expected.check(&reply)? {
        reply = service.app.get(&url).await;
    }
    Ok(())
}

/// The same, while others write: the pages show the moment of the first.
async fn with_writes(
    service: &mut Service,
    query: &Query,
    random: &mut Random,
) -> Result<(), String> {
    let mut expected = Expected::of(&service.world, query);
    let mut reply = service.ask(query).await;
    while let Next::Page(url) = expected.check(&reply)? {
        write(service, random, SIZE, 3).await;
        reply = service.app.get(&url).await;
    }
    // A ValueSet that was named may be gone meanwhile.
    if evaluate::knows_sets(&service.world, query) {
        answered(service, query).await?;
    }
    Ok(())
}

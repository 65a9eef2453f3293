//! `kill -9` at a random moment of a write load: what the history tells is what searches find.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use stories::{Actor, Firekeep, Setup};

use super::elements::Maker;
use super::evaluate::Query;
use super::queries::Asker;
use super::random::Random;
use super::service::Service;
use super::world::to_text;
use super::{SIZE, first_difference, shrink, variable};

/// Queries after each kill.
const QUERIES: usize = 100;
const WRITERS: usize = 3;

/// Transactions of puts and deletes, until the server is gone.
async fn write(app: Actor, base: String, seed: u64, answered: Arc<AtomicUsize>) {
    let mut random = Random::of(seed);
    loop {
        let mut entries = std::collections::BTreeMap::new();
        for _ in 0..1 + random.below(12) {
            let mut maker = Maker { random: &mut random, base: &base, size: SIZE };
            let (of, id) = maker.key();
            let url = format!("{of}/{id}");
            let body = maker.resource(&of, &id);
            let entry = match random.chance(15) {
                true => format!(r#"{{"request":{{"method":"DELETE","url":"{url}"}}}}"#),
                false => {
                    let request = format!(r#"{{"method":"PUT","url":"{url}"}}"#);
                    format!(r#"{{"resource":{},"request":{request}}}"#, to_text(&body))
                }
            };
            entries.insert(url, entry);
        }
        let entries = entries.into_values().collect::<Vec<_>>().join(",");
        let bundle =
            format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{entries}]}}"#);
        let request = app.request(Method::POST, "").header("Content-Type", "application/fhir+json");
        match request.body(bundle).send().await {
            Ok(answer) if answer.status() == 200 => drop(answered.fetch_add(1, Ordering::Relaxed)),
            Ok(answer) => panic!("{}", answer.status()),
            Err(_) => return,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_find_what_the_history_tells_after_kill_9() {
    let rounds = variable("FIREKEEP_KILLS").unwrap_or(10);
    let seed = variable("FIREKEEP_ORACLE_SEED");
    let seed = seed.unwrap_or_else(|| u64::from_le_bytes(stories::random()));
    println!("FIREKEEP_ORACLE_SEED={seed}");
    let mut random = Random::of(seed);
    let (mut folder, mut bases) = (None, Vec::new());
    for round in 0..=rounds {
        let fk = Firekeep::start_with(Setup { folder: folder.take(), ..Setup::default() }).await;
        let mut service = Service::of(&fk).await;
        // Its address was another one before.
        service.world.bases.append(&mut bases);
        bases = service.world.bases.clone();
        service.read_back().await;
        let world = &service.world;
        let ask = |_| Asker { random: &mut random, world }.query();
        let queries: Vec<Query> = (0..QUERIES).map(ask).collect();
        if let Some((query, why)) = first_difference(&service, queries).await {
            println!("after {round} kills");
            shrink::tell(&mut service, query, why, seed).await;
        }
        let answered = Arc::new(AtomicUsize::new(0));
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let (app, base) = (service.app.clone(), bases[0].clone());
                tokio::spawn(write(app, base, random.next(), answered.clone()))
            })
            .collect();
        // The moment is random in what it hits: some number of answers after the start.
        let enough = random.below(40);
        while answered.load(Ordering::Relaxed) < enough {
            tokio::task::yield_now().await;
        }
        folder = Some(fk.kill());
        for writer in writers {
            writer.await.expect("a writer ends when its server is gone");
        }
    }
}

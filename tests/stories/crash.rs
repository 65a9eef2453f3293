//! `kill -9` in the middle of a load: every acknowledged transaction is there, whole, and no other
//! is there in part.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use stories::{Actor, Firekeep, Setup};

/// Patients of one transaction.
const SIZE: usize = 7;
const WRITERS: usize = 4;

fn transaction(number: usize) -> Value {
    let entry = |part: usize| {
        json!({"resource": {"resourceType": "Patient",
                "identifier": [{"system": "urn:t", "value": format!("{number}")}],
                "name": [{"family": format!("{part}"), "text": "x".repeat(500)}]},
            "request": {"method": "POST", "url": "Patient"}})
    };
    let entries: Vec<Value> = (0..SIZE).map(entry).collect();
    json!({"resourceType": "Bundle", "type": "transaction", "entry": entries})
}

/// Writes transactions until the server is gone; notes each one that was acknowledged.
async fn write(app: Actor, next: Arc<Mutex<usize>>, acknowledged: Arc<Mutex<Vec<usize>>>) {
    loop {
        let number = {
            let mut next = next.lock().expect("a lock");
            *next += 1;
            *next
        };
        let request = app.request(reqwest::Method::POST, "").json(&transaction(number));
        match request.send().await {
            Ok(answer) if answer.status() == 200 => {
                acknowledged.lock().expect("a lock").push(number);
            }
            Ok(answer) => panic!("{}", answer.status()),
            Err(_) => return,
        }
    }
}

async fn count_by_transaction(app: &Actor) -> HashMap<usize, usize> {
    let mut found = HashMap::new();
    for entry in app.follow(app.get("/Patient?_count=1000").await.ok()).await {
        let number = entry["resource"]["identifier"][0]["value"].as_str().expect("a number");
        *found.entry(number.parse().expect("a number")).or_default() += 1;
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_transaction_survives_kill_9() {
    let rounds: usize =
        std::env::var("FIREKEEP_KILLS").map_or(10, |n| n.parse().expect("a number"));
    let mut folder = None;
    let next = Arc::new(Mutex::new(0));
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    for round in 0..rounds {
        let fk = Firekeep::start_with(Setup { folder: folder.take(), ..Setup::default() }).await;
        let app = fk.as_contributor().await;
        let before = acknowledged.lock().expect("a lock").len();
        let found = count_by_transaction(&app).await;
        for number in acknowledged.lock().expect("a lock").iter() {
            assert_eq!(found.get(number), Some(&SIZE), "transaction {number}, round {round}");
        }
        let partial: Vec<_> = found.iter().filter(|(_, count)| **count != SIZE).collect();
        assert!(partial.is_empty(), "in part: {partial:?}, round {round}");

        let writers: Vec<_> = (0..WRITERS)
            .map(|_| tokio::spawn(write(app.clone(), next.clone(), acknowledged.clone())))
            .collect();
        // The moment is random in what it hits: some number of answers after the start.
        let enough = before + usize::from(stories::random::<1>()[0]) % 60;
        while acknowledged.lock().expect("a lock").len() < enough {
            tokio::task::yield_now().await;
        }
        folder = Some(fk.kill());
        for writer in writers {
            writer.await.expect("a writer ends when its server is gone");
        }
    }
    assert!(!acknowledged.lock().expect("a lock").is_empty());
}
